"""The server on `websockets`: apps, sessions, connections, and the files of the page, on one port."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Self

from pagewire_protocol.byes import make_bye
from pagewire_protocol.control_messages import ByeParams
from pagewire_protocol.violations import PeerViolation
from pagewire_server.apps.runner import SHUTDOWN, AppRunner
from pagewire_server.apps.running import App
from pagewire_server.apps.session import FAILED
from pagewire_server.backends.default.door import Door
from pagewire_server.backends.default.upgrade import WebSocketHost
from pagewire_server.backends.default.websocket import DefaultWebSocket
from pagewire_server.core.handshake import Refused
from pagewire_server.ops.logs import limited
from pagewire_server.options import Options
from pagewire_server.transports.handshake import Handshake, log_refusal
from pagewire_server.transports.websocket import LEAVE_SECONDS, SocketClosed, WebSocketConnection, send_bye
from pagewire_server.web.requests import Request, page_url
from pagewire_server.web.responses import Pages, Response
from pagewire_server.web.site import SOCKET_PATH, Site

if TYPE_CHECKING:
    from pagewire_server.ops.metrics import Metrics  # its library is an extra

logger = logging.getLogger("pagewire.server")

_CLOSE_SECONDS: Final = 3 * LEAVE_SECONDS
"""How long connections have to end when the server closes."""


class Server:
    """A running server of apps. Use it as an async context manager, or by `start` and `close`."""

    def __init__(self, apps: Mapping[str, App], options: Options, host: str, port: int) -> None:
        self._options = options
        self._host = host
        self._runner = AppRunner(apps, options, backend="websockets")
        allowed_hosts = options.allowed_hosts | {host}
        self._handshake = Handshake(options, self._runner, allowed_hosts)
        self._site = Site(options, allowed_hosts)
        self.pages = self._site.pages
        self.check_host = self._site.check_host
        self._door = Door(self, options, host, port, options.tls)
        self._has_started = False
        self._metrics_door: Door | None = None
        if self._runner.metrics:
            service = MetricsService(self._runner.metrics, self._site.pages)
            self._metrics_door = Door(service, options, options.metrics_host, options.metrics_port or 0)
        self._websockets = WebSocketHost(self._serve_connection, options)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    @property
    def port(self) -> int:
        """The port it listens on: the one that was found, where 0 was asked for."""
        return self._door.port

    @property
    def url(self) -> str:
        """Where the page is."""
        return page_url("https" if self._options.tls else "http", self._host, self.port)

    @property
    def session_count(self) -> int:
        """How many sessions there are."""
        return len(self._runner.directory)

    def running_apps(self) -> list[str]:
        """Return the app of each session, those included that have ended while their code still runs."""
        return self._runner.running_apps()

    async def start(self) -> None:
        """Begin to listen, once; OSError if the port is taken."""
        if self._has_started:
            raise RuntimeError("a server is started only once: make another")
        self._has_started = True
        if self._metrics_door and self._runner.metrics:
            await self._metrics_door.open()
            port = self._runner.metrics.port = self._metrics_door.port
            logger.info("metrics are at %smetrics", page_url("http", self._options.metrics_host, port))
        try:
            await self._door.open()
        except BaseException:
            if self._metrics_door:
                await self._metrics_door.close()
            raise
        self._runner.start()

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
        await self._door.close()
        # What holds up a connection is code of the program's, such as `authenticate`.
        await asyncio.wait({asyncio.ensure_future(self._websockets.close())}, timeout=_CLOSE_SECONDS)
        self._runner.stop_metrics()
        if self._metrics_door:
            await self._metrics_door.close()

    # -- requests, as the door has them ----------------------------------------------------------

    def websockets(self, request: Request) -> WebSocketHost | None:
        """Return what opens a WebSocket for a request; None if it does not ask for one."""
        return self._websockets if request.path == SOCKET_PATH and request.is_for_websocket else None

    async def respond(self, request: Request) -> Response:
        """Return the response to a plain request; Refusal if it is not served."""
        return await self._site.respond(request, sessions=self.session_count, is_stopping=self._runner.is_stopping)

    # -- WebSockets ----------------------------------------------------------------------------

    async def _serve_connection(self, socket: DefaultWebSocket) -> None:
        metrics = self._runner.metrics
        if metrics:
            metrics.connection_opened()
        try:
            await self._serve_socket(socket)
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


class MetricsService:
    """Answers the requests of the port of the metrics."""

    def __init__(self, metrics: Metrics, pages: Pages) -> None:
        self.pages = pages
        self.respond = metrics.respond

    def websockets(self, _request: Request) -> WebSocketHost | None:
        """Return None: there is none."""

    def check_host(self, request: Request) -> None:
        """Accept any."""
