"""Serves the reference page, from this package or from the checkout that it stands in."""

from __future__ import annotations

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MOUNT = "/pagewire/"


def client_folder() -> Path:
    """Return the folder of the reference client's modules."""
    installed = Path(__file__).parents[1] / "_client"
    return installed if installed.is_dir() else Path(__file__).parents[4] / "js_client" / "src"


class _Requests(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together
    extensions_map = {  # noqa: RUF012 - as in the base class
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
    }

    def translate_path(self, path: str) -> str:
        rest = path.split("?", 1)[0]
        inner = rest.removeprefix(MOUNT) if rest.startswith(MOUNT) else "page/index.html"
        return super().translate_path(f"/{inner}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Log nothing."""


class BuiltinPage:
    """A little HTTP server for as long as the run lasts."""

    def __init__(self) -> None:
        requests = partial(_Requests, directory=str(client_folder()))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), requests)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="builtin-page", daemon=True).start()

    @property
    def template(self) -> str:
        """The URL of the page, with `{url}` for the server that it is to connect to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/?server={{url}}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
