"""A session's connection over one WebSocket: a reader, one writer, timers for pings and acks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from pagewire_protocol.byes import close_code, make_bye
from pagewire_protocol.codec import control_frame, size_of
from pagewire_protocol.codes import SESSION_ENDING_CLOSE_CODES, NoticeCode
from pagewire_protocol.control_messages import ByeParams, NoticeParams, PingParams
from pagewire_protocol.handshake_messages import WelcomeParams
from pagewire_protocol.stream_frames import ChunkParts
from pagewire_protocol.violations import PeerViolation
from pagewire_server.apps.session import FAILED, Session
from pagewire_server.core.handshake import ClientHello
from pagewire_server.core.limits import MessageRate
from pagewire_server.web.requests import Request

if TYPE_CHECKING:
    from pagewire_server.ops.metrics import Metrics  # its library is an extra

logger = logging.getLogger("pagewire.connection")

LEAVE_SECONDS: Final = 1.0
"""How long a client has to receive a bye before its connection is aborted (RESUME-8)."""

_PING: Final = control_frame("ping", PingParams())
_REASON_BYTES: Final = 120


class SocketClosed(Exception):  # noqa: N818 - what happened to the socket, not a mistake
    """The WebSocket is closed, or broke."""


class FrameSource(Protocol):
    """Where a WebSocket gets frames to write."""

    has_frames: bool
    """Whether `next_frame` may give one more, as of the last call."""

    def next_frame(self) -> bytes | ChunkParts | None:
        """Return the next frame, a text as bytes or a binary one in parts; None if there is none now."""


class WebSocket(Protocol):
    """An open WebSocket, as a backend gives it. All on the event loop."""

    rate: MessageRate | None
    """How fast the client may send; past it nothing is read for a while. None means no limit."""
    take_text: Callable[[str], bool] | None
    """Once it is set, it is given text messages as they arrive. It returns whether the message answers what the server
    sent; all others count for `rate`, and so does everything that `receive` returns."""
    unread: int
    """How many messages wait for `receive`."""
    frames_written: int
    head: Request
    """The request that opened it."""
    opened_at: float
    """When `hello_timeout` began, on the loop's clock: at the accept."""

    @property
    def subprotocol(self) -> str | None:
        """What was agreed on."""

    @property
    def is_open(self) -> bool:
        """Whether neither side has begun to close."""

    @property
    def closed_with(self) -> tuple[int | None, int | None]:
        """The close codes that this side has sent and received; None where there was none."""

    @property
    def unwritten_bytes(self) -> int:
        """How much of what was written waits in this process."""

    async def receive(self) -> str | bytes:
        """Return the next message that `take_text` was not given; SocketClosed at the end."""

    async def send_text(self, text: bytes) -> None:
        """Send a text message, once there is room; SocketClosed if it is closed."""

    def write_text(self, text: bytes) -> bool:
        """Write a text message now; False if the socket does not accept it at once."""

    def write_frames(self, source: FrameSource) -> bool:
        """Write what `source` gives, as long as the socket accepts it at once; False if more may be left.

        A frame is asked for only once all before it has left: then a command never waits behind chunks that could have
        waited for it.
        """

    async def until_writable(self) -> None:
        """Wait until what was written has left, or until the end."""

    async def until_closed(self) -> None:
        """Wait for the end of the connection; while nothing is read, the other side's end may go unnoticed."""

    def carry(self, rate: MessageRate, take_text: Callable[[str], bool], max_message_bytes: int) -> None:
        """Begin to carry a session: keep to its rate, and buffer little, since what is buffered cannot be overtaken.

        Until then the socket accepts messages of `MAX_HELLO_BYTES` and a little more, then of `max_message_bytes`.
        """

    async def close(self, code: int, reason: str) -> None:
        """Close it, and wait for the other side."""

    def pause_reading(self) -> None:
        """Read nothing until `resume_reading`; who does not read waits for no Pong either."""

    def resume_reading(self) -> None:
        """Read on, as fast as the rate allows."""

    def release(self) -> None:
        """Read on from now on, whatever the rate."""

    def abort(self) -> None:
        """Break the connection now."""


class WebSocketConnection:
    """A session's connection of the moment."""

    def __init__(self, socket: WebSocket, session: Session, heartbeat_interval: float, metrics: Metrics | None) -> None:
        self._socket = socket
        self._session = session
        self._log = session.log
        self._metrics = metrics
        self._interval = heartbeat_interval
        self._loop = session.loop
        self._bye: ByeParams | None = None
        self._sleep: asyncio.Future[None] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._is_dropped = False
        self._progress = (0, 0)
        """What was unwritten, and how many frames had been written, at the last ping."""
        self._ping_is_due = False
        self._announced_end: float | None = None
        """When the session ends at the latest, as long as the client is yet to be told."""
        self._ping_timer: asyncio.TimerHandle | None = None
        self._ack_timer: asyncio.TimerHandle | None = None

    # -- what the session calls ----------------------------------------------------------------

    def wake(self) -> None:
        """Look again for frames to write: at once while the socket accepts them, else in the writer's task."""
        if not self._sleep or self._sleep.done():
            return
        try:
            is_done = not (self._is_dropped or self._bye) and self._write_now()
        except Exception as error:  # noqa: BLE001 - logged by the session, which ends
            self._session.fail(error)
            return
        if not is_done and not self._sleep.done():
            self._sleep.set_result(None)

    def leave(self, bye: ByeParams) -> None:
        """Send `bye`, close, and deliver nothing more; abort the connection if the client doesn't receive it."""
        if not (self._is_dropped or self._bye):
            self._bye = bye
            self._stop()

    def announce_end(self, ends_at: float) -> None:
        """Send a notice that the session ends at `ends_at` at the latest, once there is room."""
        self._announced_end = ends_at
        self.wake()

    def pause_reading(self) -> None:
        """Read no more, until `resume_reading`."""
        self._socket.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._socket.resume_reading()

    def drop(self) -> None:
        """Send and deliver nothing more; abort the connection if the client doesn't close it."""
        self._is_dropped = True
        self._stop()

    def _stop(self) -> None:
        # First: it ends whatever becomes of the rest.
        self._loop.call_later(LEAVE_SECONDS, self._socket.abort)
        self._socket.release()
        self.wake()

    # -- the connection's life -----------------------------------------------------------------

    async def run(self, hello: ClientHello, welcome: WelcomeParams) -> None:
        """Serve the client until the connection ends. `welcome.last_seq` is filled in by the session."""
        session = self._session
        try:
            last_seq = session.attach(self, hello)
        except PeerViolation as violation:
            bye = make_bye(violation.code, f"hello: resume: {violation}")
            session.end(bye)
            await send_bye(self._socket, bye, self._log)
            return
        except Exception as error:  # noqa: BLE001 - logged by the session, which ends
            session.fail(error)
            await send_bye(self._socket, FAILED, self._log)
            return
        try:
            first = control_frame("welcome", welcome.model_copy(update={"last_seq": last_seq}))
            self._writer = self._loop.create_task(self._write(first))
            await self._read(welcome.limits.max_message_bytes)
        finally:
            self._stop_timers()
            session.detach(self, self._close_code())
            await self._finish()

    async def _read(self, max_message_bytes: int) -> None:
        socket = self._socket
        socket.carry(self._session.rate, self._receive, max_message_bytes)
        try:
            while True:
                message = await socket.receive()
                # Its frames were counted as they came.
                if self._receive(message) and socket.rate and isinstance(message, str):
                    socket.rate.give_back(size_of(message))
        except SocketClosed:
            self._log.debug("the connection is closed")

    def _receive(self, message: str | bytes) -> bool:
        """Hand a message over to the session; return whether it answers what the server sent."""
        # END-2, RESUME-8: after a bye nothing that comes is acted on.
        if self._is_dropped or self._bye:
            return False
        session = self._session
        if self._metrics:
            self._metrics.received(message)
        try:
            if isinstance(message, str):
                is_answer = session.receive_text(message)
                if self._ack_timer is None and session.ack_deadline is not None:
                    self._arm_ack_timer()
                return is_answer
            session.receive_binary(message)
        except PeerViolation as violation:
            session.end(make_bye(violation.code, str(violation)))
        except Exception as error:  # noqa: BLE001 - logged by the session, which ends
            session.fail(error)
        return False

    def _write_now(self) -> bool:
        """Write what there is, as long as the socket accepts it; False if more may be left."""
        # First: after a welcome nothing else may come before it (NOTICE-2).
        if self._announced_end is not None:
            if not self._write_control(_draining_notice(self._announced_end - self._loop.time())):
                return False
            self._announced_end = None
        if self._ping_is_due:
            if not self._write_control(_PING):
                return False
            self._ping_is_due = False
        return self._socket.write_frames(self._session)

    def _write_control(self, frame: bytes) -> bool:
        is_written = self._socket.write_text(frame)
        if is_written and self._metrics:
            self._metrics.sent(frame)
        return is_written

    async def _write(self, welcome: bytes) -> None:
        """Run the writer's task. What fails here would leave the page silent: the session ends, and says so."""
        try:
            await self._write_frames(welcome)
        except SocketClosed:
            self._log.debug("the connection broke")
            return
        except Exception as error:  # noqa: BLE001 - logged by the session, which ends
            self._session.fail(error)
        if self._bye:
            await send_bye(self._socket, self._bye, self._log)

    async def _write_frames(self, welcome: bytes) -> None:
        self._arm_ping_timer()
        if not self._socket.write_text(welcome):
            await self._socket.send_text(welcome)
        if self._metrics:
            self._metrics.sent(welcome)
        del welcome
        while not (self._is_dropped or self._bye):
            if not self._write_now():
                await self._until_writable()
            else:
                if self._ack_timer is None and self._session.ack_deadline is not None:
                    self._arm_ack_timer()
                self._sleep = self._loop.create_future()
                await self._sleep

    async def _until_writable(self) -> None:
        # A connection that is reset is a break, like any other end without a bye (END-8).
        with contextlib.suppress(OSError):
            await self._socket.until_writable()
        if self._socket.is_open:
            await asyncio.sleep(0)
        else:
            # It ends now; nobody is there to be told anything.
            self._is_dropped = True

    def _close_code(self) -> int | None:
        sent, received = self._socket.closed_with
        # What the library closed with by itself: 1007 and 1009 end the session (END-9).
        return sent if sent in SESSION_ENDING_CLOSE_CODES else received

    async def _finish(self) -> None:
        writer = self._writer
        if writer is None:
            return
        if not self._bye:
            writer.cancel()
        try:
            await writer
        except asyncio.CancelledError:
            if not writer.cancelled():
                raise

    # -- timers --------------------------------------------------------------------------------

    def _arm_ping_timer(self) -> None:
        self._ping_timer = self._loop.call_later(self._interval, self._session.guard, self._ping)

    def _ping(self) -> None:
        unwritten = self._socket.unwritten_bytes
        progress = (unwritten, self._socket.frames_written)
        if unwritten and progress == self._progress:
            # BEAT-1: nothing left for a whole interval; a Ping would be stuck behind it.
            self._socket.abort()
            return
        self._progress = progress
        self._ping_is_due = True
        self._arm_ping_timer()
        self.wake()

    def _arm_ack_timer(self) -> None:
        deadline = self._session.ack_deadline
        # One that has passed waits for the writer, who looks for it before each frame.
        if self._ack_timer is None and deadline is not None and deadline > self._loop.time():
            self._ack_timer = self._loop.call_at(deadline, self._session.guard, self._ack)

    def _ack(self) -> None:
        self._ack_timer = None
        self.wake()
        # What was acknowledged since by another ack may have been followed by more.
        self._arm_ack_timer()

    def _stop_timers(self) -> None:
        for timer in (self._ping_timer, self._ack_timer):
            if timer:
                timer.cancel()


def _draining_notice(seconds: float) -> bytes:
    # Rounded up: the session ends no later (NOTICE-3).
    ends_in_ms = max(math.ceil(seconds * 1000), 0)
    return control_frame("notice", NoticeParams(code=NoticeCode.DRAINING, ends_in_ms=ends_in_ms))


async def send_bye(
    socket: WebSocket, bye: ByeParams, log: logging.Logger | logging.LoggerAdapter[logging.Logger] = logger
) -> None:
    """Say why, and close (END-1); gives up where nobody listens."""
    reason = bye.message.encode()[:_REASON_BYTES].decode(errors="ignore")
    try:
        async with asyncio.timeout(LEAVE_SECONDS):
            await socket.send_text(control_frame("bye", bye))
        await socket.close(close_code(bye), reason)
    except SocketClosed:
        log.debug("the client was gone before its bye: %s", bye.code)
    except TimeoutError:
        socket.abort()
