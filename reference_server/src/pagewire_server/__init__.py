"""A server that drives the pages its users have open: `serve` apps that call `pagewire_server.session`."""

from pagewire_server.backends.default.server import Server
from pagewire_server.options import Options
from pagewire_server.serving import create_server, serve
from pagewire_server.version import VERSION

__all__ = ["VERSION", "Options", "Server", "create_server", "serve"]
