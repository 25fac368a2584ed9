"""The server: apps by name, sessions, connections, and the files of the page, on one port."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Self, cast

from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from pagewire_protocol.byes import make_bye
from pagewire_protocol.codes import ByeCode
from pagewire_protocol.control_messages import ByeParams
from pagewire_protocol.handshake_messages import Heartbeat, HelloParams, ServerLimits, Software, WelcomeParams
from pagewire_protocol.versions import SUBPROTOCOL
from pagewire_protocol.violations import PeerViolation
from pagewire_server.options import KIB, Options
from pagewire_server.runtime.apps import App, start_app
from pagewire_server.runtime.info import first_header, make_info
from pagewire_server.runtime.live_session import LiveSession
from pagewire_server.runtime.winding_up import wind_up
from pagewire_server.sessions.directory import SessionDirectory
from pagewire_server.sessions.handshake import Admitted, Refused
from pagewire_server.sessions.session_core import SessionCore
from pagewire_server.version import VERSION
from pagewire_server.websocket.connection import LEAVE_SECONDS, Connection, send_bye
from pagewire_server.websocket.greeting import Greeter, request_of, shutdown
from pagewire_server.websocket.prompt_connection import PromptConnection
from pagewire_server.websocket.static_files import Mount, StaticFiles, client_folder, path_of
from pagewire_server.websocket.waiting_room import WaitingRoom, peer_of

logger = logging.getLogger("pagewire.server")
library_logger = logging.getLogger("pagewire.websockets")
# Below that the library logs whole frames, and with them the clients' secrets (SEC-2).
library_logger.setLevel(logging.INFO)

SOCKET_PATH: Final = "/ws"
"""Where the WebSocket is; all other paths are files."""

_ALL_INTERFACES: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to be named, not bound
"""Hosts to listen on that are no addresses to go to, and one that is."""

_CLOSE_SLACK_BYTES: Final = 64 * KIB
"""How much more than a message the library takes, so that ours is the error that a client sees (WIRE-23)."""


class Server:
    """A running server of apps. Use it as an async context manager, or by `start` and `close`."""

    def __init__(self, apps: Mapping[str, App], options: Options, host: str, port: int) -> None:
        self._apps = dict(apps)
        self._options = options
        self._host = host
        self._port = port
        self._directory: SessionDirectory[LiveSession] = SessionDirectory(options.resume_window)
        self._endings: set[asyncio.Task[None]] = set()
        self._greeter = Greeter(options, self._apps.keys(), self._directory)
        self._door = WaitingRoom(options.max_waiting_connections, options.max_waiting_connections_per_address)
        """Connections whose request has not come yet."""
        self._is_stopping = False
        self._websockets: WebSocketServer | None = None
        folder = client_folder()
        mounts = [Mount("/pagewire/", folder), Mount("/", folder / "page")]
        if options.static:
            mounts.insert(1, Mount("/", options.static))
        self._files = StaticFiles(tuple(mounts), options.content_security_policy, strict_csp=options.strict_csp)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def port(self) -> int:
        """The port it listens on: the one that was found, where 0 was asked for."""
        return self._port

    @property
    def url(self) -> str:
        """Where the page is."""
        host = _ALL_INTERFACES.get(self._host, self._host)
        return f"http://[{host}]:{self.port}/" if ":" in host else f"http://{host}:{self.port}/"

    @property
    def session_count(self) -> int:
        """How many sessions there are."""
        return len(self._directory)

    async def start(self) -> None:
        """Begin to listen, once; OSError if the port is taken."""
        if self._websockets:
            raise RuntimeError("a server is started only once: make another")
        options = self._options
        self._websockets = await serve_websocket(
            self._serve_client,
            self._host,
            self._port,
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
                "type[PromptConnection]", PromptConnection.behind(self._door, options.trusted_proxies)
            ),
        )
        self._port = next(iter(self._websockets.sockets)).getsockname()[1]

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

    # -- HTTP --------------------------------------------------------------------------------

    async def _process_request(self, _socket: ServerConnection, request: Request) -> Response | None:
        is_upgrade = "websocket" in (first_header(request.headers, "Upgrade") or "").lower()
        if path_of(request) == SOCKET_PATH:
            return None if is_upgrade else self._files.upgrade_required()
        # A page that waits for the next server must not load itself from one that stops (END-3).
        return self._files.unavailable() if self._is_stopping else await self._files.respond(request)

    # -- WebSocket ---------------------------------------------------------------------------

    async def _serve_client(self, connection: ServerConnection) -> None:
        socket = cast("PromptConnection", connection)
        try:
            hello, admitted = await self._greeter.greet(socket)
            session = admitted.session or self._open_session(socket, hello, admitted)
        except Refused as refused:
            await send_bye(socket, refused.bye)
        except PeerViolation as violation:
            await send_bye(socket, make_bye(violation.code, str(violation)))
        except ConnectionClosed:
            logger.debug("a connection closed before its hello")
        except Exception:
            logger.exception("a handshake failed")
            await send_bye(socket, make_bye(ByeCode.INTERNAL_ERROR, "The server failed."))
        else:
            welcome = self._welcome(session, admitted.version, resumed=admitted.session is not None)
            await Connection(socket, session, self._options.heartbeat_interval).run(hello, welcome)

    def _open_session(
        self, socket: ServerConnection, hello: HelloParams, admitted: Admitted[LiveSession]
    ) -> LiveSession:
        options = self._options
        session_id = f"s-{secrets.token_hex(6)}"
        info = make_info(hello, request_of(socket), peer_of(socket), session_id, options.trusted_proxies)

        def bury(session: LiveSession, bye: ByeParams) -> None:
            self._directory.bury(admitted.key, bye, session.loop.time())
            task = session.loop.create_task(wind_up(session))
            self._endings.add(task)
            task.add_done_callback(self._endings.discard)

        session = LiveSession(SessionCore(hello, options), info, apps=self._apps.keys(), options=options, on_end=bury)
        self._directory.add(admitted.key, session, admitted.address)
        logger.info("session %s began: app %s for %s", info.session_id, info.app, info.user_ip)
        try:
            start_app(session, self._apps[hello.app])
        except Exception:
            session.end(make_bye(ByeCode.INTERNAL_ERROR, "The app could not be started."))
            raise
        return session

    def _welcome(self, session: LiveSession, version: str, *, resumed: bool) -> WelcomeParams:
        options = self._options
        return WelcomeParams(
            version=version,
            session=session.info.session_id,
            resumed=resumed,
            last_seq=0,
            server=Software(name="pagewire-server", version=VERSION),
            capabilities={},
            heartbeat=Heartbeat(
                interval_ms=_milliseconds(options.heartbeat_interval),
                timeout_ms=_milliseconds(options.heartbeat_timeout),
            ),
            limits=ServerLimits(
                max_message_bytes=options.max_message_bytes, stream_window_bytes=options.stream_window_bytes
            ),
            resume_window_ms=_milliseconds(options.resume_window),
        )


def _select_subprotocol(_socket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Take ours, else the first offer, so that the client learns by a bye why it is refused (WIRE-3)."""
    if SUBPROTOCOL in offered:
        return Subprotocol(SUBPROTOCOL)
    return offered[0] if offered else None


def _milliseconds(seconds: float) -> int:
    return max(round(seconds * 1000), 1)
