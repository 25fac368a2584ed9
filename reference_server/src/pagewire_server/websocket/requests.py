"""What a request gets: its file, the server's health, a clear no, or a WebSocket."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from pagewire_protocol.versions import SUBPROTOCOL
from pagewire_server.options import Options
from pagewire_server.runtime.info import first_header
from pagewire_server.websocket.static_files import Mount, StaticFiles, client_folder, path_of

SOCKET_PATH: Final = "/ws"
"""Where the WebSocket is."""

HEALTH_PATH: Final = "/health"
"""Where a load balancer asks whether new sessions are taken; all other paths are files."""


class Requests:
    """Answers the HTTP requests of a server."""

    def __init__(self, options: Options) -> None:
        folder = client_folder()
        mounts = [Mount("/pagewire/", folder), Mount("/", folder / "page")]
        if options.static:
            mounts.insert(1, Mount("/", options.static))
        self._files = StaticFiles(tuple(mounts), options.content_security_policy, strict_csp=options.strict_csp)

    async def respond(self, request: Request, *, sessions: int, is_going: bool) -> Response | None:
        """Return the response to `request`, or None where a WebSocket is to be opened.

        `sessions` is how many there are, `is_going` whether the server drains or stops.
        """
        path = path_of(request)
        if path == SOCKET_PATH:
            is_upgrade = "websocket" in (first_header(request.headers, "Upgrade") or "").lower()
            return None if is_upgrade else self._files.upgrade_required()
        if path == HEALTH_PATH:
            return _health(sessions, is_going=is_going)
        # A page that waits for the next server must not load itself from one that goes (END-3).
        return self._files.unavailable() if is_going else await self._files.respond(request)


def select_subprotocol(_socket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Take ours, else the first offer, so that the client learns by a bye why it is refused (WIRE-3)."""
    if SUBPROTOCOL in offered:
        return Subprotocol(SUBPROTOCOL)
    return offered[0] if offered else None


def _health(sessions: int, *, is_going: bool) -> Response:
    body = json.dumps({"status": "draining" if is_going else "ok", "sessions": sessions}).encode()
    status = HTTPStatus.SERVICE_UNAVAILABLE if is_going else HTTPStatus.OK
    headers = Headers(
        {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Connection": "close",
        }
    )
    return Response(status, status.phrase, headers, body)
