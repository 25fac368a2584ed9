"""A server that drives the pages its users have open: `serve` apps that call `pagewire_server.session`."""

from pagewire_server.options import Options
from pagewire_server.serving import create_server, serve
from pagewire_server.version import VERSION
from pagewire_server.websocket.server import Server

__all__ = ["VERSION", "Options", "Server", "create_server", "serve"]
