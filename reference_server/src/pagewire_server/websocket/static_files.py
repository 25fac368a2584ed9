"""The page and the client's modules over HTTP: a file or a clear no, never a path outside the folders."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
}

_INDEX: Final = "index.html"


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder whose files are served below a path, which ends in a slash."""

    prefix: str
    folder: Path


def client_folder() -> Path:
    """Return the folder of the browser client's modules: in the package, or beside it in a checkout."""
    installed = Path(__file__).parents[1] / "_client"
    return installed if installed.is_dir() else Path(__file__).parents[4] / "js_client" / "src"


def path_of(request: Request) -> str:
    """Return the path of a request, as it stands there; empty if it has none that can be read."""
    try:
        return urlsplit(request.path).path
    except ValueError:
        return ""


class StaticFiles:
    """What is served over HTTP. Mounts are tried in their order."""

    def __init__(self, mounts: tuple[Mount, ...], content_security_policy: str) -> None:
        self._mounts = mounts
        self._policy = content_security_policy

    def respond(self, request: Request) -> Response:
        """Return the response to a GET."""
        path = unquote(path_of(request))
        file = self._find(path)
        if file is None:
            return self._text(HTTPStatus.NOT_FOUND, f"There is no {path} here.\n")
        body = file.read_bytes()
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = self._headers(MEDIA_TYPES.get(file.suffix.lower(), "application/octet-stream"))
        # Checked again at each load, so that a new version of the server is never met with old modules.
        headers["Cache-Control"] = "no-cache"
        headers["ETag"] = tag
        if tag in request.headers.get("If-None-Match", ""):
            return Response(HTTPStatus.NOT_MODIFIED, HTTPStatus.NOT_MODIFIED.phrase, headers, b"")
        return self._finish(HTTPStatus.OK, headers, body)

    def upgrade_required(self) -> Response:
        """Return the response to a plain request for the socket's path."""
        response = self._text(HTTPStatus.UPGRADE_REQUIRED, "This is a WebSocket endpoint of Pagewire.\n")
        response.headers["Upgrade"] = "websocket"
        return response

    def unavailable(self) -> Response:
        """Return the response to any request while the server stops."""
        return self._text(HTTPStatus.SERVICE_UNAVAILABLE, "The server stops.\n")

    def _find(self, path: str) -> Path | None:
        if "\0" in path or "\\" in path:
            return None
        for mount in self._mounts:
            if not path.startswith(mount.prefix):
                continue
            root = mount.folder.resolve()
            try:
                file = (root / path.removeprefix(mount.prefix).lstrip("/")).resolve()
                if file.is_dir():
                    file = (file / _INDEX).resolve()
                if file.is_relative_to(root) and file.is_file():
                    return file
            except OSError:
                # A name that the file system doesn't take is the name of no file.
                return None
        return None

    def _text(self, status: HTTPStatus, text: str) -> Response:
        return self._finish(status, self._headers("text/plain; charset=utf-8"), text.encode())

    def _headers(self, media_type: str) -> Headers:
        headers = Headers()
        headers["Content-Type"] = media_type
        headers["Content-Security-Policy"] = self._policy
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        return headers

    @staticmethod
    def _finish(status: HTTPStatus, headers: Headers, body: bytes) -> Response:
        headers["Content-Length"] = str(len(body))
        headers["Connection"] = "close"
        return Response(status, status.phrase, headers, body)
