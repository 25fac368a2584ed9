"""What the server answers with: a status, headers, and a body in memory or in pieces; and its own short pages."""

from __future__ import annotations

import html
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol

from pagewire_server.web.requests import Request

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


class Source(Protocol):
    """A body in pieces, such as an asynchronous generator. Whoever has one must close it, read or not."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Return the pieces."""

    async def aclose(self) -> object:
        """Release what it reads from."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response to one request.

    With a body in pieces, `Content-Length` says how long they are together; without that header the response is
    chunked. A response to HEAD has the headers and the body of the one to GET: whoever sends it omits the body.
    """

    status: HTTPStatus
    headers: dict[str, str]
    body: bytes | Source = b""


class Refusal(Exception):  # noqa: N818 - what is answered, not a mistake of ours
    """A request that is not served: what its client is told."""

    def __init__(self, status: HTTPStatus, text: str, **headers: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = headers
        """Beside those of every page; `_` in a name is `-`."""


class Pages:
    """The short pages that say why a request is not served, and the headers of all files."""

    def __init__(self, content_security_policy: str) -> None:
        self._policy = content_security_policy

    def headers(self, media_type: str, policy: str | None = None) -> dict[str, str]:
        """Return the headers of a file, or of a page."""
        return {
            "Content-Type": media_type,
            "Content-Security-Policy": self._policy if policy is None else policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
        }

    def refuse(self, request: Request | None, refusal: Refusal) -> Response:
        """Return a page for a browser, and plain text for others. `request` is None if its head could not be read."""
        if request and "text/html" in (request.header("Accept") or "").lower():
            headers = self.headers(MEDIA_TYPES[".html"])
            title = f"{refusal.status.value} {refusal.status.phrase}"
            body = _PAGE.format(title=title, text=html.escape(refusal.text))
        else:
            headers, body = self.headers(MEDIA_TYPES[".txt"]), f"{refusal.text}\n"
        headers["Vary"] = "Accept"
        headers |= {name.replace("_", "-"): value for name, value in refusal.headers.items()}
        content = body.encode(errors="replace")
        return Response(refusal.status, headers | {"Content-Length": str(len(content))}, content)
