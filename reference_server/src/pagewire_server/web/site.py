"""What a plain request gets: a file, the server's health, or a clear refusal."""

from __future__ import annotations

import json
from collections.abc import Collection
from http import HTTPStatus
from typing import Final

from pagewire_server.options import Options
from pagewire_server.web.requests import Request, accepts_host
from pagewire_server.web.static_files import Mount, Response, StaticFiles, client_folder

SOCKET_PATH: Final = "/ws"
"""Where the WebSocket is."""

HEALTH_PATH: Final = "/health"
"""Where a load balancer asks whether new sessions are accepted; all other paths are files."""


class Site:
    """Answers the plain HTTP requests of a server."""

    def __init__(self, options: Options, allowed_hosts: Collection[str]) -> None:
        folder = client_folder()
        mounts = [Mount("/pagewire/", folder), Mount("/", folder / "page")]
        if options.static:
            mounts.insert(1, Mount("/", options.static))
        self._allowed_hosts = allowed_hosts
        self._files = StaticFiles(tuple(mounts), options.content_security_policy, strict_csp=options.strict_csp)

    async def respond(self, request: Request, *, sessions: int, is_stopping: bool) -> Response:
        """Return the response to `request`.

        `sessions` is how many there are, `is_stopping` whether the server drains or stops.
        """
        path = request.path
        if path == HEALTH_PATH:
            return _health(sessions, is_stopping=is_stopping)
        # A request without `Host` comes from no browser.
        if request.header("Host") is not None and not accepts_host(request, self._allowed_hosts):
            return self._files.misdirected(request)
        if path == SOCKET_PATH:
            return self._files.upgrade_required(request)
        # A page that waits for the next server must not load itself from one that goes (END-3).
        return self._files.unavailable(request) if is_stopping else await self._files.respond(request)


def _health(sessions: int, *, is_stopping: bool) -> Response:
    body = json.dumps({"status": "draining" if is_stopping else "ok", "sessions": sessions}).encode()
    status = HTTPStatus.SERVICE_UNAVAILABLE if is_stopping else HTTPStatus.OK
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Connection": "close",
    }
    return Response(status, headers, body)
