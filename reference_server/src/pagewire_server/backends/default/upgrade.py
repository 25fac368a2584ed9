"""From a request to a WebSocket of the library: all that is known here of how the library opens and runs one.

Used of it are the sans-IO `ServerProtocol`, which checks a handshake and computes the response, and `ServerConnection`,
an asyncio protocol that is given a transport on which the response was written. In the place of its `Server` it has a
`WebSocketHost`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from websockets.datastructures import Headers
from websockets.http11 import Request as NativeRequest
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from pagewire_protocol.handshake_messages import MAX_HELLO_BYTES
from pagewire_protocol.versions import SUBPROTOCOL
from pagewire_server.backends.default.exchange import SERVER
from pagewire_server.backends.default.turns import Turns
from pagewire_server.backends.default.websocket import CLOSE_SLACK_BYTES, UNREAD_FRAMES, DefaultWebSocket
from pagewire_server.ops.logs import library_logger, limited
from pagewire_server.options import Options
from pagewire_server.transports.websocket import LEAVE_SECONDS
from pagewire_server.web.requests import Request
from pagewire_server.web.responses import Refusal

if TYPE_CHECKING:
    from websockets.asyncio.server import Server

logger = logging.getLogger("pagewire.server")


def native_request(method: str, target: str, version: str, headers: Sequence[tuple[str, str]]) -> NativeRequest:
    """Return a request as the library has it, which is what `authenticate` is given."""
    return NativeRequest(target, Headers(headers), method, f"HTTP/{version}")


class WebSocketHost:
    """Opens WebSockets on connections that somebody else has accepted, runs `serve` for each, and closes them."""

    def __init__(self, serve: Callable[[DefaultWebSocket], Awaitable[None]], options: Options) -> None:
        self._serve = serve
        self._options = options
        self._turns = Turns()
        self._sockets: set[DefaultWebSocket] = set()
        self.handler_tasks: set[asyncio.Task[None]] = set()
        """Where the library puts the tasks of `handler`."""

    def open(
        self, request: Request, transport: asyncio.Transport, opened_at: float, received: bytes, *, has_ended: bool
    ) -> None:
        """Open a WebSocket where a request came; Refusal if it is not a valid handshake.

        `opened_at` is when its `hello_timeout` began, `received` what came after the request, and `has_ended` whether
        nothing more comes.
        """
        protocol = ServerProtocol(
            select_subprotocol=_select_subprotocol,
            state=State.OPEN,  # its request was read already
            # HELLO-25: until the connection carries a session.
            max_size=MAX_HELLO_BYTES + CLOSE_SLACK_BYTES,
            logger=library_logger,
        )
        response = protocol.accept(request.native)
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            raise _refusal(HTTPStatus(response.status_code), protocol.handshake_exc)
        response.headers["Server"] = SERVER
        socket = DefaultWebSocket(
            protocol,
            cast("Server", self),
            ping_interval=self._options.heartbeat_interval,
            ping_timeout=self._options.heartbeat_timeout,
            close_timeout=LEAVE_SECONDS,
            max_queue=UNREAD_FRAMES,
        )
        socket.request, socket.response = request.native, response
        socket.head, socket.opened_at, socket.turns = request, opened_at, self._turns
        transport.write(response.serialize())
        transport.set_protocol(socket)
        socket.connection_made(transport)
        if received:
            socket.data_received(received)
        if has_ended:
            # As asyncio would, had this come later.
            socket.eof_received()
            transport.close()

    async def handler(self, socket: DefaultWebSocket) -> None:
        """Run a WebSocket until its end. The library makes this a task."""
        self._sockets.add(socket)
        socket.start_keepalive()
        try:
            async with socket:
                await self._serve(socket)
        except Exception:
            logger.exception("a connection failed", extra=limited("a connection failed"))
            socket.abort()
        finally:
            self._sockets.discard(socket)
            self.handler_tasks.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def close(self) -> None:
        """Close all WebSockets, and wait until nothing of them is left."""
        await asyncio.gather(*(socket.close(1001, "") for socket in self._sockets if socket.is_open))
        if self.handler_tasks:
            await asyncio.wait(self.handler_tasks)


def _select_subprotocol(_protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Accept ours, else the first offer, so that the client learns by a bye why it is refused (WIRE-3)."""
    if SUBPROTOCOL in offered:
        return Subprotocol(SUBPROTOCOL)
    return offered[0] if offered else None


def _refusal(status: HTTPStatus, error: Exception | None) -> Refusal:
    text = f"This is no valid WebSocket handshake: {error}."
    if status is HTTPStatus.UPGRADE_REQUIRED:
        return Refusal(status, text, Upgrade="websocket", Connection="Upgrade")
    if status is HTTPStatus.BAD_REQUEST:
        return Refusal(status, text, Sec_WebSocket_Version="13")
    return Refusal(status, text)
