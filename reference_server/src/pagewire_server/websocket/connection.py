"""One WebSocket of a session: a reader, one writer, timers for pings and acks."""

from __future__ import annotations

import asyncio
import logging
import socket as socket_module
from socket import IPPROTO_TCP
from typing import Final

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State
from websockets.typing import Data

from pagewire_protocol.byes import close_code, make_bye
from pagewire_protocol.codec import control_frame
from pagewire_protocol.codes import SESSION_ENDING_CLOSE_CODES
from pagewire_protocol.control_messages import ByeParams, PingParams
from pagewire_protocol.handshake_messages import HelloParams, WelcomeParams
from pagewire_protocol.stream_frames import ChunkParts
from pagewire_protocol.violations import PeerViolation
from pagewire_server.logs import SessionLog
from pagewire_server.runtime.live_session import LiveSession
from pagewire_server.websocket.binary_frames import write_binary
from pagewire_server.websocket.prompt_connection import PromptConnection

logger = logging.getLogger("pagewire.connection")

LEAVE_SECONDS: Final = 1.0
"""How long a client has to take a bye before its connection is aborted (RESUME-8)."""

WRITES_AT_ONCE: Final = 64
"""How many frames are written before others have a turn."""

NOT_SENT: Final[int | None] = getattr(socket_module, "TCP_NOTSENT_LOWAT", None)
"""The socket option that bounds what the kernel holds and has not sent; not on every platform."""

NOT_SENT_BYTES: Final = 262_144
"""How much that is."""

_PING: Final = control_frame("ping", PingParams())
_REASON_BYTES: Final = 120


class Connection:
    """A session's connection of the moment."""

    def __init__(self, socket: PromptConnection, session: LiveSession, heartbeat_interval: float) -> None:
        self._socket = socket
        self._session = session
        self._log = SessionLog(logger, session.info.session_id)
        self._observer = session.observer
        self._interval = heartbeat_interval
        self._loop = asyncio.get_running_loop()
        self._bye: ByeParams | None = None
        self._sleep: asyncio.Future[None] | None = None
        self._is_dropped = False
        self._frames = 0
        self._progress = (0, 0)
        """What waited in the transport, and how many frames had been written, at the last ping."""
        self._ping_is_due = False
        self._ping_timer: asyncio.TimerHandle | None = None
        self._ack_timer: asyncio.TimerHandle | None = None

    # -- what the session calls ----------------------------------------------------------------

    def wake(self) -> None:
        """Look again for frames to write: at once while the socket takes them, else in the writer's task."""
        if not self._sleep or self._sleep.done():
            return
        if self._is_over or not self._write_now():
            self._sleep.set_result(None)

    def leave(self, bye: ByeParams) -> None:
        """Send `bye`, close, and deliver nothing more; abort the connection if the client doesn't take it."""
        if self._is_over:
            return
        self._bye = bye
        self._socket.release()
        self._loop.call_later(LEAVE_SECONDS, self._socket.transport.abort)
        self.wake()

    def drop(self) -> None:
        """Send and deliver nothing more; abort the connection if the client doesn't close it."""
        self._is_dropped = True
        self._socket.release()
        self._loop.call_later(LEAVE_SECONDS, self._socket.transport.abort)
        self.wake()

    # -- the connection's life -----------------------------------------------------------------

    async def run(self, hello: HelloParams, welcome: WelcomeParams) -> None:
        """Serve the client until the connection ends. `welcome.last_seq` is filled in by the session."""
        session = self._session
        try:
            last_seq = session.attach(self, hello)
        except PeerViolation as violation:
            bye = make_bye(violation.code, f"hello: resume: {violation}")
            session.end(bye)
            await send_bye(self._socket, bye, self._log)
            return
        _hold_little_back(self._socket)
        first = control_frame("welcome", welcome.model_copy(update={"last_seq": last_seq}))
        # SEC-2: the hello holds the client's secret; and both take kilobytes, for as long as the connection lives.
        del hello, welcome
        writer = self._loop.create_task(self._write(first))
        del first
        try:
            await self._read()
        finally:
            self._stop_timers()
            self._tell_session()
            await self._finish(writer)

    async def _read(self) -> None:
        self._socket.rate = self._session.core.rate
        self._socket.take_text = self._take
        try:
            while True:
                self._take(await self._socket.receive())
        except ConnectionClosed:
            self._log.debug("the connection is closed")

    def _take(self, message: Data) -> None:
        # END-2, RESUME-8: after a bye nothing that comes is acted on.
        if self._is_over:
            return
        session = self._session
        self._observer.received(message)
        try:
            if isinstance(message, str):
                session.receive_text(message)
            else:
                session.receive_binary(bytes(message))
        except PeerViolation as violation:
            session.end(make_bye(violation.code, str(violation)))
        self._arm_ack_timer()

    def _write_now(self) -> bool:
        """Write what there is, as long as the socket takes it; False if more may be left.

        A frame is chosen only once all before it has left: then a command never waits behind chunks that could have
        waited for it. Without the locks that a send from several tasks takes, a round trip takes a third less.
        """
        socket, transport = self._socket, self._socket.transport
        for _ in range(WRITES_AT_ONCE):
            if transport.get_write_buffer_size() or socket.state is not State.OPEN:
                return False
            frame = self._next_frame()
            if frame is None:
                return True
            if isinstance(frame, bytes):
                socket.protocol.send_text(frame)
                for output in socket.protocol.data_to_send():
                    transport.write(output)
            else:
                write_binary(transport, frame)
            if not self._session.core.has_frames:
                return True
        return False

    async def _write(self, welcome: bytes) -> None:
        socket = self._socket
        try:
            await socket.send(welcome, text=True)
            self._observer.sent(welcome)
            del welcome
            self._arm_ping_timer()
            while not self._is_over:
                if not self._write_now():
                    await self._until_writable()
                elif not self._is_over:
                    self._arm_ack_timer()
                    self._sleep = self._loop.create_future()
                    await self._sleep
            if self._bye:
                await send_bye(socket, self._bye, self._log)
        except ConnectionClosed:
            self._log.debug("the connection broke")

    async def _until_writable(self) -> None:
        if self._socket.state is not State.OPEN:
            await self._socket.wait_closed()
            # It ends now; nobody is there to be told anything.
            self._is_dropped = True
            return
        await self._socket.drain()
        await asyncio.sleep(0)

    @property
    def _is_over(self) -> bool:
        return self._is_dropped or self._bye is not None

    def _next_frame(self) -> bytes | ChunkParts | None:
        frame: bytes | ChunkParts | None = _PING
        if self._ping_is_due:
            self._ping_is_due = False
        else:
            self._frames += 1
            frame = self._session.next_frame()
        if frame is not None:
            self._observer.sent(frame)
        return frame

    async def _finish(self, writer: asyncio.Task[None]) -> None:
        if not self._bye:
            writer.cancel()
        try:
            await writer
        except asyncio.CancelledError:
            if not writer.cancelled():
                raise

    def _tell_session(self) -> None:
        protocol = self._socket.protocol
        received = protocol.close_rcvd.code if protocol.close_rcvd else None
        # What the library closed with by itself: 1007 and 1009 end the session (END-9).
        sent = protocol.close_sent.code if protocol.close_sent else None
        self._session.detach(self, sent if sent in SESSION_ENDING_CLOSE_CODES else received)

    # -- timers --------------------------------------------------------------------------------

    def _arm_ping_timer(self) -> None:
        self._ping_timer = self._loop.call_later(self._interval, self._ping)

    def _ping(self) -> None:
        waiting = self._socket.transport.get_write_buffer_size()
        if waiting and (waiting, self._frames) == self._progress:
            # BEAT-1: nothing left for a whole interval; a Ping would be stuck behind it.
            self._socket.transport.abort()
            return
        self._progress = (waiting, self._frames)
        self._ping_is_due = True
        self._arm_ping_timer()
        self.wake()

    def _arm_ack_timer(self) -> None:
        if self._ack_timer is None:
            deadline = self._session.core.delivery.inbox.ack_deadline
            # One that has passed waits for the writer, who looks for it before each frame.
            if deadline is not None and deadline > self._loop.time():
                self._ack_timer = self._loop.call_at(deadline, self._ack)

    def _ack(self) -> None:
        self._ack_timer = None
        self.wake()
        # What was acknowledged since by another ack may have been followed by more.
        self._arm_ack_timer()

    def _stop_timers(self) -> None:
        for timer in (self._ping_timer, self._ack_timer):
            if timer:
                timer.cancel()


def _hold_little_back(socket: PromptConnection) -> None:
    """Have the transport and the kernel hold as little as keeps the line busy: what they hold can't be overtaken."""
    # Not 0: under TLS that is "full" for a transport that is empty.
    socket.transport.set_write_buffer_limits(high=1, low=0)
    if NOT_SENT is not None:
        raw = socket.transport.get_extra_info("socket")
        raw.setsockopt(IPPROTO_TCP, NOT_SENT, NOT_SENT_BYTES)


async def send_bye(socket: ServerConnection, bye: ByeParams, log: logging.Logger | SessionLog = logger) -> None:
    """Say why, and close (END-1); gives up where nobody listens."""
    reason = bye.message.encode()[:_REASON_BYTES].decode(errors="ignore")
    try:
        async with asyncio.timeout(LEAVE_SECONDS):
            await socket.send(control_frame("bye", bye), text=True)
        await socket.close(close_code(bye), reason)
    except ConnectionClosed:
        log.debug("the client was gone before its bye: %s", bye.code)
    except TimeoutError:
        socket.transport.abort()
