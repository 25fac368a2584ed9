"""The page and the client's modules over HTTP: a file or a clear no, never a path outside the folders."""

from __future__ import annotations

import asyncio
import hashlib
import html
import logging
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from pagewire_server.web.requests import Request, refused_host

logger = logging.getLogger("pagewire.server")

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

NONCE_PLACEHOLDER: Final = b'nonce="{{nonce}}"'
"""What an HTML file has where the nonce of a strict policy is to stand; only its author writes that."""

_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<h1>{title}</h1>
<p>{text}</p>
</html>
"""

_WELL_KNOWN: Final = "/.well-known/"
"""The one folder with a dot that is meant to be served (RFC 8615)."""
_MAX_PATH_CHARACTERS: Final = 200
_INDEX: Final = "index.html"
_SCRIPT_DIRECTIVES: Final = frozenset(("script-src", "script-src-elem", "script-src-attr"))
_MAX_TAGS: Final = 4096


@dataclass(frozen=True, slots=True)
class Response:
    """A response with its whole body."""

    status: HTTPStatus
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder whose files are served below a path, which ends in a slash."""

    prefix: str
    folder: Path


def client_folder() -> Path:
    """Return the folder of the browser client's modules: in the package, or beside it in a checkout."""
    installed = Path(__file__).parents[1] / "_client"
    return installed if installed.is_dir() else Path(__file__).parents[4] / "js_client" / "src"


def _is_hidden(path: str) -> bool:
    """Whether a path contains the name of a dot file or folder, such as `/.env` or `/.git/config`.

    What counts is the name that is asked for. Where a link without a dot points inside the folder is its author's
    choice: volumes of Kubernetes consist of links into such folders.
    """
    return any(name.startswith(".") for name in path.removeprefix(_WELL_KNOWN).split("/"))


def _file_in(mount: Mount, path: str) -> Path | None:
    try:
        root = mount.folder.resolve()
        file = (root / path.removeprefix(mount.prefix).lstrip("/")).resolve()
        if file.is_dir():
            file = (file / _INDEX).resolve()
        return file if file.is_relative_to(root) and file.is_file() else None
    except (OSError, RuntimeError):
        # The file system does not accept the name, or a symbolic link points to itself (before Python 3.13 a
        # RuntimeError): it is the name of no file.
        return None


def strict_policy(policy: str, *sources: str) -> str:
    """Return `policy` with other directives for scripts: none run but the server's files, and what `sources` names."""
    directives = [directive.strip() for directive in policy.split(";")]
    others = [text for text in directives if text and text.split()[0].lower() not in _SCRIPT_DIRECTIVES]
    return "; ".join([*others, " ".join(["script-src", *sources, "'self'"])])


class FileTags:
    """The ETags of files, as long as their time and size stay what they were."""

    def __init__(self) -> None:
        self._tags: OrderedDict[Path, tuple[int, int, str]] = OrderedDict()

    def known(self, file: Path) -> str | None:
        """Return the tag of a file that was read and has not changed since."""
        found = self._tags.get(file)
        if found is None:
            return None
        state = file.stat()
        return found[2] if found[:2] == (state.st_mtime_ns, state.st_size) else None

    def read(self, file: Path) -> tuple[str, bytes]:
        """Return the tag of a file, and what is in it."""
        known = self.known(file)
        state = file.stat()
        body = file.read_bytes()
        if known is not None and len(body) == state.st_size:
            return known, body
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        self._tags[file] = (state.st_mtime_ns, state.st_size, tag)
        if len(self._tags) > _MAX_TAGS:
            self._tags.popitem(last=False)
        return tag, body


class StaticFiles:
    """What is served over HTTP. Mounts are tried in their order."""

    def __init__(self, mounts: tuple[Mount, ...], content_security_policy: str, *, strict_csp: bool = False) -> None:
        self._mounts = mounts
        self._policy = strict_policy(content_security_policy) if strict_csp else content_security_policy
        self._is_strict = strict_csp
        self._tags = FileTags()

    async def respond(self, request: Request) -> Response:
        """Return the response to a GET. Files are read in a thread: nobody waits for a large one."""
        return await asyncio.to_thread(self._respond, request)

    def _respond(self, request: Request) -> Response:
        path = unquote(request.path)
        file = self._find(path)
        try:
            if file:
                return self._file(file, request)
        except OSError as error:
            logger.info("can't read %s: %s", file, error, extra={"kind": "can't read a file"})
        return self._answer(request, HTTPStatus.NOT_FOUND, f"There is no {path[:_MAX_PATH_CHARACTERS]} here.")

    def _file(self, file: Path, request: Request) -> Response:
        media_type = MEDIA_TYPES.get(file.suffix.lower(), "application/octet-stream")
        if self._is_strict and media_type.startswith("text/html"):
            return self._page_with_nonce(file, media_type)
        headers = self._headers(media_type)
        # Checked again at each load, so that a new version of the server is never met with old modules.
        headers["Cache-Control"] = "no-cache"
        asked = request.header_values("If-None-Match")
        tag = self._tags.known(file)
        body = b""
        if tag is None or not any(tag in tags for tags in asked):
            tag, body = self._tags.read(file)
        headers["ETag"] = tag
        if any(tag in tags for tags in asked):
            return Response(HTTPStatus.NOT_MODIFIED, headers, b"")
        return self._finish(HTTPStatus.OK, headers, body)

    def _page_with_nonce(self, file: Path, media_type: str) -> Response:
        """Return an HTML file with a nonce of its own, which nobody may keep: a nonce is good once."""
        nonce = secrets.token_urlsafe(18)
        headers = self._headers(media_type, strict_policy(self._policy, f"'nonce-{nonce}'"))
        headers["Cache-Control"] = "no-store"
        body = file.read_bytes().replace(NONCE_PLACEHOLDER, b'nonce="%b"' % nonce.encode())
        return self._finish(HTTPStatus.OK, headers, body)

    def upgrade_required(self, request: Request) -> Response:
        """Return the response to a plain request for the socket's path."""
        response = self._answer(request, HTTPStatus.UPGRADE_REQUIRED, "This is a WebSocket endpoint of Pagewire.")
        response.headers["Upgrade"] = "websocket"
        return response

    def misdirected(self, request: Request) -> Response:
        """Return the response to a request for a host that is not accepted."""
        return self._answer(request, HTTPStatus.MISDIRECTED_REQUEST, refused_host(request))

    def unavailable(self, request: Request) -> Response:
        """Return the response to any request while the server stops."""
        return self._answer(request, HTTPStatus.SERVICE_UNAVAILABLE, "The server stops.")

    def _find(self, path: str) -> Path | None:
        if "\0" in path or "\\" in path or _is_hidden(path):
            return None
        found = (_file_in(mount, path) for mount in self._mounts if path.startswith(mount.prefix))
        return next((file for file in found if file), None)

    def _answer(self, request: Request, status: HTTPStatus, text: str) -> Response:
        """Return a page for a browser, and plain text for others."""
        if "text/html" in (request.header("Accept") or "").lower():
            headers = self._headers(MEDIA_TYPES[".html"])
            body = _PAGE.format(title=f"{status.value} {status.phrase}", text=html.escape(text))
        else:
            headers, body = self._headers(MEDIA_TYPES[".txt"]), f"{text}\n"
        headers["Vary"] = "Accept"
        return self._finish(status, headers, body.encode(errors="replace"))

    def _headers(self, media_type: str, policy: str | None = None) -> dict[str, str]:
        return {
            "Content-Type": media_type,
            "Content-Security-Policy": self._policy if policy is None else policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
        }

    @staticmethod
    def _finish(status: HTTPStatus, headers: dict[str, str], body: bytes) -> Response:
        headers["Content-Length"] = str(len(body))
        headers["Connection"] = "close"
        return Response(status, headers, body)
