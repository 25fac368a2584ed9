"""The server: apps by name, sessions, connections, and the files of the page, on one port."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from typing import Self, cast

from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from pagewire_protocol.byes import make_bye
from pagewire_protocol.codes import ByeCode
from pagewire_protocol.control_messages import ByeParams
from pagewire_protocol.handshake_messages import HelloParams
from pagewire_protocol.violations import PeerViolation
from pagewire_server.observer import Observer, load_metrics
from pagewire_server.options import Options
from pagewire_server.runtime.apps import App, start_app
from pagewire_server.runtime.info import make_info
from pagewire_server.runtime.live_session import LiveSession
from pagewire_server.runtime.winding_up import wind_up
from pagewire_server.sessions.directory import SessionDirectory
from pagewire_server.sessions.handshake import Admitted, Refused
from pagewire_server.sessions.session_core import SessionCore
from pagewire_server.websocket.addresses import page_url
from pagewire_server.websocket.connection import Connection, send_bye
from pagewire_server.websocket.draining import Draining
from pagewire_server.websocket.greeting import Greeter, request_of, shutdown
from pagewire_server.websocket.listening import listen
from pagewire_server.websocket.prompt_connection import PromptConnection
from pagewire_server.websocket.requests import Requests
from pagewire_server.websocket.waiting_room import WaitingRoom, peer_of
from pagewire_server.websocket.welcome import make_welcome

logger = logging.getLogger("pagewire.server")


class Server:
    """A running server of apps. Use it as an async context manager, or by `start` and `close`."""

    def __init__(self, apps: Mapping[str, App], options: Options, host: str, port: int) -> None:
        self._apps = dict(apps)
        self._options = options
        self._host = host
        self._port = port
        self._directory: SessionDirectory[LiveSession] = SessionDirectory(options.resume_window)
        self._observer = (
            Observer() if options.metrics_port is None else load_metrics(self._directory.__len__, self._outbox_bytes)
        )
        self._endings: set[asyncio.Task[None]] = set()
        self._greeter = Greeter(options, self._apps.keys(), self._directory)
        self._door = WaitingRoom(options.max_waiting_connections, options.max_waiting_connections_per_address)
        """Connections whose request has not come yet."""
        self._draining = Draining()
        self._is_stopping = False
        self._websockets: WebSocketServer | None = None
        self._requests = Requests(options)

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
        return len(self._directory)

    def _outbox_bytes(self) -> int:
        return sum(session.core.delivery.outbox.queued_bytes for session in self._directory.sessions())

    @property
    def _is_going(self) -> bool:
        return self._draining.has_begun or self._is_stopping

    async def start(self) -> None:
        """Begin to listen, once; OSError if the port is taken."""
        if self._websockets:
            raise RuntimeError("a server is started only once: make another")
        options = self._options
        if options.metrics_port is not None:
            self._observer.start(options.metrics_host, options.metrics_port)
        try:
            self._websockets = await listen(
                options,
                self._host,
                self._port,
                door=self._door,
                serve_client=self._take_client,
                process_request=self._process_request,
            )
        except BaseException:
            await self._observer.stop()
            raise
        self._port = next(iter(self._websockets.sockets)).getsockname()[1]

    async def drain(self) -> None:
        """Let no new session begin, and `close` once the last one has ended, or after `drain_window`.

        Sessions go on, through resumes too; cancel the task that awaits this, and call `close`, to stop at once.
        """
        await self._draining.run(self._directory.__len__, self._options.drain_window)
        await self.close()

    async def close(self) -> None:
        """Say bye to every session, call what they deferred, and stop listening."""
        self._is_stopping = True
        self._greeter.stop()
        for session in self._directory.sessions():
            session.end(shutdown())
        await asyncio.gather(*(send_bye(socket, shutdown()) for socket in self._greeter.sockets))
        if self._endings:
            _, late = await asyncio.wait(self._endings, timeout=self._options.deferred_window)
            for task in late:
                task.cancel()
            if late:
                logger.warning("%d sessions were not done with their deferred functions", len(late))
        if self._websockets:
            self._websockets.close()
            await self._websockets.wait_closed()
        await self._observer.stop()

    # -- HTTP --------------------------------------------------------------------------------

    async def _process_request(self, _socket: ServerConnection, request: Request) -> Response | None:
        return await self._requests.respond(request, sessions=self.session_count, is_going=self._is_going)

    # -- WebSocket ---------------------------------------------------------------------------

    async def _take_client(self, connection: ServerConnection) -> None:
        self._observer.connection_opened()
        try:
            await self._serve_client(cast("PromptConnection", connection))
        finally:
            self._observer.connection_closed()

    async def _serve_client(self, socket: PromptConnection) -> None:
        try:
            hello, admitted = await self._greeter.greet(socket)
            session = admitted.session or self._open_session(socket, hello, admitted)
        except Refused as refused:
            await self._refuse(socket, refused.bye)
        except PeerViolation as violation:
            await self._refuse(socket, make_bye(violation.code, str(violation)))
        except ConnectionClosed:
            logger.debug("a connection closed before its hello")
        except Exception:
            logger.exception("a handshake failed")
            await self._refuse(socket, make_bye(ByeCode.INTERNAL_ERROR, "The server failed."))
        else:
            resumed = admitted.session is not None
            if resumed:
                self._observer.session_resumed()
            welcome = make_welcome(self._options, session.info.session_id, admitted.version, resumed=resumed)
            running = Connection(socket, session, self._options.heartbeat_interval).run(hello, welcome)
            # SEC-2: while the connection lives nothing keeps the hello, which holds the client's secret.
            del hello, welcome, admitted
            await running

    async def _refuse(self, socket: PromptConnection, bye: ByeParams) -> None:
        self._observer.handshake_refused(bye.code)
        await send_bye(socket, bye)

    def _open_session(
        self, socket: ServerConnection, hello: HelloParams, admitted: Admitted[LiveSession]
    ) -> LiveSession:
        if self._is_going:
            raise Refused(shutdown())
        options = self._options
        session_id = f"s-{secrets.token_hex(6)}"
        info = make_info(hello, request_of(socket), peer_of(socket), session_id, options.trusted_proxies)

        def bury(session: LiveSession, bye: ByeParams) -> None:
            self._directory.bury(admitted.key, bye, session.loop.time())
            self._draining.session_ended()
            self._observer.session_ended(bye.code)
            task = session.loop.create_task(wind_up(session))
            self._endings.add(task)
            task.add_done_callback(self._endings.discard)

        session = LiveSession(
            SessionCore(hello, options),
            info,
            apps=self._apps.keys(),
            options=options,
            observer=self._observer,
            on_end=bury,
        )
        self._directory.add(admitted.key, session, admitted.address)
        self._observer.session_began()
        session.log.info("began: app %s for %s", info.app, info.user_ip)
        try:
            start_app(session, self._apps[hello.app])
        except Exception:
            session.end(make_bye(ByeCode.INTERNAL_ERROR, "The app could not be started."))
            raise
        return session
