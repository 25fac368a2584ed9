"""What a plain request gets: a file, the server's health, or a clear refusal."""

from __future__ import annotations

import json
from collections.abc import Collection
from http import HTTPStatus
from typing import Final

from pagewire_server.options import Options
from pagewire_server.web.requests import Request, accepts_host, refused_host
from pagewire_server.web.responses import Pages, Refusal, Response
from pagewire_server.web.static_files import Mount, StaticFiles, client_folder

SOCKET_PATH: Final = "/ws"
"""Where the WebSocket is."""

HEALTH_PATH: Final = "/health"
"""Where a load balancer asks whether new sessions are accepted; all other paths are files."""


MAX_BODY_BYTES: Final = 65_536
"""Of a request whose body nobody reads."""

_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"))
"""Those that RFC 9110 and RFC 5789 define: any other is not implemented."""


class Site:
    """Answers the plain HTTP requests of a server."""

    def __init__(self, options: Options, allowed_hosts: Collection[str]) -> None:
        folder = client_folder()
        mounts = [Mount("/pagewire/", folder), Mount("/", folder / "page")]
        if options.static:
            mounts.insert(1, Mount("/", options.static))
        self._allowed_hosts = allowed_hosts
        self._files = StaticFiles(tuple(mounts), options.content_security_policy, strict_csp=options.strict_csp)

    @property
    def pages(self) -> Pages:
        """The pages that say why a request is not served."""
        return self._files.pages

    async def respond(self, request: Request, *, sessions: int, is_stopping: bool) -> Response:
        """Return the response to `request`.

        `sessions` is how many there are, `is_stopping` whether the server drains or stops. Refusal if it is not served.
        """
        path = request.path
        if path != HEALTH_PATH:
            self.check_host(request)
        check_method(request)
        if path == HEALTH_PATH:
            return _health(sessions, is_stopping=is_stopping)
        if path == SOCKET_PATH:
            text = "This is a WebSocket endpoint of Pagewire."
            raise Refusal(HTTPStatus.UPGRADE_REQUIRED, text, Upgrade="websocket", Connection="Upgrade")
        # A page that waits for the next server must not load itself from one that goes (END-3).
        if is_stopping:
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "The server stops.", Connection="close")
        return await self._files.respond(request)

    def check_host(self, request: Request) -> None:
        """Check that the server answers for the request's host (SEC-6); Refusal otherwise."""
        # A request without `Host` comes from no browser.
        if request.header("Host") is not None and not accepts_host(request, self._allowed_hosts):
            raise Refusal(HTTPStatus.MISDIRECTED_REQUEST, refused_host(request))


def check_method(request: Request) -> None:
    """Check that a request only asks for something, and does not send much; Refusal otherwise."""
    if request.body and (request.body.length or 0) > MAX_BODY_BYTES:
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body may have {MAX_BODY_BYTES} bytes here.")
    if request.method not in _METHODS:
        raise Refusal(HTTPStatus.NOT_IMPLEMENTED, "This server does not know this method.")
    if request.method not in {"GET", "HEAD"}:
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.method} is not allowed here.", Allow="GET, HEAD")


def _health(sessions: int, *, is_stopping: bool) -> Response:
    body = json.dumps({"status": "draining" if is_stopping else "ok", "sessions": sessions}).encode()
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    if is_stopping:
        headers["Connection"] = "close"
    return Response(HTTPStatus.SERVICE_UNAVAILABLE if is_stopping else HTTPStatus.OK, headers, body)
