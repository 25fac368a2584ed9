"""Serves the reference page, from this package or from the checkout that it stands in."""

from __future__ import annotations

import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

MOUNT: Final = "/pagewire/"

_OUTPUT: Final = "document.getElementById('pagewire-output')"
_PANEL: Final = "document.getElementById('pagewire-input')"
_APPENDED: Final = (
    "async (parent, tag, style) => {{ const element = Object.assign(document.createElement(tag), {{ style }});"
    " parent.append(element); await new Promise((done) => setTimeout(done)); return {value}; }}"
)

SETTING_PROBES: Final = {
    "output_max_width": f"() => getComputedStyle({_OUTPUT}).maxWidth",
    "output_animation": f"() => ({_APPENDED.format(value='element.getAnimations().length > 0')})({_OUTPUT}, 'p', '')",
    "auto_scroll_bottom": f"() => ({_APPENDED.format(value='scrollY > 0')})({_OUTPUT}, 'p', 'block-size: 3000px')",
    "input_panel_fixed": f"() => getComputedStyle({_PANEL}).position === 'fixed'",
    "input_panel_min_height": f"() => Number.parseInt(getComputedStyle({_PANEL}).minBlockSize)",
    "input_panel_init_height": f"() => Number.parseInt(getComputedStyle({_PANEL}).blockSize)",
    "input_auto_focus": (
        f"() => ({_APPENDED.format(value='document.activeElement === element')})({_PANEL}, 'input', '')"
    ),
}
"""For each setting of `set_env` an expression that tells which value is in effect in the reference page."""


def client_folder() -> Path:
    """Return the folder of the reference client's modules: in the distribution, or in the checkout."""
    installed = Path(__file__).parents[2] / "pagewire_server" / "_client"
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away in the middle of a request."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class BuiltinPage:
    """A little HTTP server for as long as the run lasts."""

    def __init__(self) -> None:
        requests = partial(_Requests, directory=str(client_folder()))
        self._server = _Server(("127.0.0.1", 0), requests)
        threading.Thread(target=self._server.serve_forever, name="builtin-page", daemon=True).start()

    @property
    def template(self) -> str:
        """The URL of the page, with `{url}` for the server that it is to connect to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/?server={{url}}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
