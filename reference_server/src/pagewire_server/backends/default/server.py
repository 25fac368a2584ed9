"""The server on `websockets`: apps, sessions, connections, and the files of the page, on one port."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final, Self, cast

from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.datastructures import Headers
from websockets.http11 import Request as NativeRequest
from websockets.http11 import Response as NativeResponse
from websockets.typing import Subprotocol

from pagewire_protocol.byes import make_bye
from pagewire_protocol.control_messages import ByeParams
from pagewire_protocol.versions import SUBPROTOCOL
from pagewire_protocol.violations import PeerViolation
from pagewire_server.apps.runner import SHUTDOWN, AppRunner
from pagewire_server.apps.running import App
from pagewire_server.apps.session import FAILED
from pagewire_server.backends.default.websocket import DefaultWebSocket
from pagewire_server.core.handshake import Refused
from pagewire_server.core.limits import ConnectionLimiter
from pagewire_server.ops.logs import library_logger, limited
from pagewire_server.options import KIB, Options
from pagewire_server.transports.handshake import Handshake, log_refusal
from pagewire_server.transports.websocket import LEAVE_SECONDS, SocketClosed, WebSocketConnection, send_bye
from pagewire_server.version import VERSION
from pagewire_server.web.requests import page_url
from pagewire_server.web.site import SOCKET_PATH, Site

logger = logging.getLogger("pagewire.server")

_CLOSE_SLACK_BYTES: Final = 64 * KIB
"""How much more than a message the library accepts, so that ours is the error that a client sees (WIRE-23)."""

_CLOSE_SECONDS: Final = 3 * LEAVE_SECONDS
"""How long connections have to end when the server closes."""


class Server:
    """A running server of apps. Use it as an async context manager, or by `start` and `close`."""

    def __init__(self, apps: Mapping[str, App], options: Options, host: str, port: int) -> None:
        self._options = options
        self._host = host
        self._port = port
        self._runner = AppRunner(apps, options, backend="websockets")
        allowed_hosts = options.allowed_hosts | {host}
        self._handshake = Handshake(options, self._runner, allowed_hosts)
        self._site = Site(options, allowed_hosts)
        self._limiter = ConnectionLimiter(options.max_waiting_connections, options.max_waiting_connections_per_address)
        """Counts connections whose request has not come yet."""
        self._websockets: WebSocketServer | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    @property
    def port(self) -> int:
        """The port it listens on: the one that was found, where 0 was asked for."""
        return self._port

    @property
    def url(self) -> str:
        """Where the page is."""
        return page_url("https" if self._options.tls else "http", self._host, self._port)

    @property
    def session_count(self) -> int:
        """How many sessions there are."""
        return len(self._runner.directory)

    def running_apps(self) -> list[str]:
        """Return the app of each session, those included that have ended while their code still runs."""
        return self._runner.running_apps()

    async def start(self) -> None:
        """Begin to listen, once; OSError if the port is taken."""
        if self._websockets:
            raise RuntimeError("a server is started only once: make another")
        self._runner.start()
        try:
            self._websockets = await self._listen()
        except BaseException:
            await self._runner.stop_metrics()
            raise
        self._port = next(iter(self._websockets.sockets)).getsockname()[1]

    async def drain(self) -> None:
        """Let no new session begin, and `close` once the last one has ended, or after `drain_window`.

        Sessions go on, through resumes too; cancel the task that awaits this, and call `close`, to stop at once.
        """
        await self._runner.drain()
        await self.close()

    async def close(self) -> None:
        """Say bye to every session, call what they deferred, and stop listening."""
        self._runner.stop()
        await self._handshake.close(SHUTDOWN)
        await self._runner.clean_up()
        if self._websockets:
            self._websockets.close()
            # What holds up a connection is code of the program's, such as `authenticate`.
            await asyncio.wait({asyncio.ensure_future(self._websockets.wait_closed())}, timeout=_CLOSE_SECONDS)
        await self._runner.stop_metrics()

    async def _listen(self) -> WebSocketServer:
        options = self._options
        return await serve_websocket(
            self._serve_connection,
            self._host,
            self._port,
            ssl=options.tls,
            # Clients that open a connection and then stop are given no longer than one without TLS.
            ssl_handshake_timeout=options.hello_timeout if options.tls else None,
            ssl_shutdown_timeout=LEAVE_SECONDS if options.tls else None,
            select_subprotocol=_select_subprotocol,
            process_request=self._process_request,
            server_header=f"pagewire/{VERSION}",
            compression=None,
            max_size=options.max_message_bytes + _CLOSE_SLACK_BYTES,
            open_timeout=options.hello_timeout,
            ping_interval=options.heartbeat_interval,
            ping_timeout=options.heartbeat_timeout,
            close_timeout=LEAVE_SECONDS,
            logger=library_logger,
            # A function is as good as the class that the library asks for.
            create_connection=cast(
                "type[DefaultWebSocket]", DefaultWebSocket.limited_by(self._limiter, options.trusted_proxies)
            ),
        )

    # -- plain requests ------------------------------------------------------------------------

    async def _process_request(self, connection: ServerConnection, _native: NativeRequest) -> NativeResponse | None:
        """Answer a plain request; None lets the library open a WebSocket."""
        request = cast("DefaultWebSocket", connection).head
        if request.path == SOCKET_PATH and request.is_for_websocket:
            return None
        response = await self._site.respond(request, sessions=self.session_count, is_stopping=self._runner.is_stopping)
        return NativeResponse(response.status, response.status.phrase, Headers(response.headers), response.body)

    # -- WebSockets ----------------------------------------------------------------------------

    async def _serve_connection(self, connection: ServerConnection) -> None:
        metrics = self._runner.metrics
        if metrics:
            metrics.connection_opened()
        try:
            await self._serve_socket(cast("DefaultWebSocket", connection))
        finally:
            if metrics:
                metrics.connection_closed()

    async def _serve_socket(self, socket: DefaultWebSocket) -> None:
        session = None
        try:
            admitted = await self._handshake.admit(socket)
            session = admitted.session or self._runner.open_session(admitted, socket.head)
            metrics, resumed = self._runner.metrics, admitted.session is not None
            if resumed and metrics:
                metrics.session_resumed()
            welcome = self._handshake.welcome(session, admitted.version, resumed=resumed)
            connection = WebSocketConnection(socket, session, self._options.heartbeat_interval, metrics)
        except Refused as refused:
            await self._refuse(socket, refused.bye)
        except PeerViolation as violation:
            await self._refuse(socket, make_bye(violation.code, str(violation)))
        except SocketClosed:
            logger.debug("a connection closed before its hello")
        except Exception:
            logger.exception("a handshake failed", extra=limited("a handshake failed"))
            if session:
                session.end(FAILED)
            await self._refuse(socket, FAILED)
        else:
            await connection.run(admitted.hello, welcome)

    async def _refuse(self, socket: DefaultWebSocket, bye: ByeParams) -> None:
        if self._runner.metrics:
            self._runner.metrics.handshake_refused(bye.code)
        log_refusal(bye, socket.head, self._options.trusted_proxies)
        await send_bye(socket, bye)


def _select_subprotocol(_connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Accept ours, else the first offer, so that the client learns by a bye why it is refused (WIRE-3)."""
    if SUBPROTOCOL in offered:
        return Subprotocol(SUBPROTOCOL)
    return offered[0] if offered else None
