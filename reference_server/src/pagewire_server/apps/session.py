"""One running session: the program's calls on one side, the connection it has at the moment on the other.

`Session` is the one object that guards the session's core: it alone reads or changes the core, and only with its lock
held. Threads queue commands and feed downloads themselves; everything else happens on the event loop. What is called
back (a command's caller, the connection, the runner) is called without the lock.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Hashable
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from pagewire_protocol.byes import make_bye
from pagewire_protocol.codes import ByeCode
from pagewire_protocol.control_messages import ByeParams
from pagewire_protocol.stream_frames import ChunkParts
from pagewire_server.apps.deferred import DeferredCalls
from pagewire_server.apps.events import EventHandlers
from pagewire_server.apps.info import SessionInfo
from pagewire_server.apps.program_code import guard_call
from pagewire_server.apps.room import Room
from pagewire_server.core.delivery import OutboxFull
from pagewire_server.core.handshake import ClientHello
from pagewire_server.core.limits import UNIT_BYTES, MessageRate
from pagewire_server.core.session import (
    Acknowledged,
    ClientLeft,
    Command,
    Effect,
    EventReceived,
    Replied,
    SessionCore,
    SessionState,
)
from pagewire_server.errors import SessionBusy, SessionClosed
from pagewire_server.ops.logs import SessionLog
from pagewire_server.options import Options

if TYPE_CHECKING:
    from pagewire_server.ops.metrics import Metrics  # its library is an extra

logger = logging.getLogger("pagewire.session")

Steps = deque[Callable[[], object]]

FLUSH_SECONDS: Final = 0.05
"""How long a few bytes of a download wait for more to go with them in one frame."""

TOLD_AT_ONCE: Final = 100
"""How many calls of the program learn of the session's end before others have a turn of the event loop."""

REPLACED: Final = make_bye(ByeCode.REPLACED, "Another connection of this client took over.")
FAILED: Final = make_bye(ByeCode.INTERNAL_ERROR, "The server failed.")


class Connection(Protocol):
    """What a session asks of its connection, whatever the transport. Called on the event loop; must not raise."""

    def wake(self) -> None:
        """Look again for frames to write."""

    def leave(self, bye: ByeParams) -> None:
        """Send `bye`, close, and deliver nothing more."""

    def announce_end(self, ends_at: float) -> None:
        """Tell the client that its session ends at this time of the loop's clock at the latest; after its welcome."""

    def pause_reading(self) -> None:
        """Read no more from the client, which may still be written to, until `resume_reading`."""

    def resume_reading(self) -> None:
        """Read on."""

    def drop(self) -> None:
        """Send and deliver nothing more; the client, which said `bye`, closes."""


class EndListener(Protocol):
    """Something that waits for a session, and must know when it ends."""

    def session_ended(self, why: SessionClosed) -> None:
        """The session has ended. Called on the event loop."""


class Caller(EndListener, Protocol):
    """Who is told what became of a command."""

    def receive(self, reply: Replied) -> None:
        """The page has answered. Called on the event loop."""


class Session:
    """A session while its app runs and until it has ended."""

    def __init__(
        self,
        hello: ClientHello,
        info: SessionInfo,
        *,
        apps: Collection[str],
        options: Options,
        metrics: Metrics | None,
        on_end: Callable[[Session, ByeParams], None],
    ) -> None:
        self.info = info
        self.log = SessionLog(logger, info.session_id)
        self.apps = apps
        self.options = options
        self.takes_streams = hello.takes_streams
        """Whether the client accepts streamed downloads."""
        self.local: dict[Hashable, Any] = {}
        self.loop = asyncio.get_running_loop()
        self.context = Context()
        """In which everything of this session runs."""
        self.deferred = DeferredCalls(self.context, self.log)
        self.events = EventHandlers(
            self.context,
            self.log,
            options.max_waiting_event_bytes,
            partial(self.call_on_loop, self._pause_or_resume_reading),
        )
        self.tasks: set[asyncio.Task[Any]] = set()
        """The app's coroutine, those it started, and what feeds downloads from asynchronous iterators."""
        self.rate = MessageRate(options.max_messages_per_second)
        """How fast the client may send what the server did not ask for. On the event loop only."""
        self.settling = threading.Lock()
        """Held for a moment by whoever finishes, or begins to wait for, something that the program waits for."""
        self.room = Room(self.loop)
        """Where threads and tasks wait until a stream or the outbox may have room."""
        self.loop_thread = threading.get_ident()
        """The event loop's thread, where nothing may block."""
        self.has_frames = False
        """Whether there may be more to write, as of the last frame. On the event loop only."""
        self.ack_deadline: float | None = None
        """When an ack is due, as of the last message or frame; None if all is acknowledged. On the event loop only."""
        self._core = SessionCore(hello, options.session_limits)
        self._lock = self.room.lock
        self._metrics = metrics
        self._on_end = on_end
        self._connection: Connection | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._flush_timer: asyncio.TimerHandle | None = None
        self._end_listeners: set[EndListener] = set()
        self._ends_at: float | None = None
        """When the server, which drains, ends the session at the latest. On the event loop only."""
        self._running = 0
        self._idle: asyncio.Future[None] | None = None
        """Done once nothing of the program's runs, if somebody waits for that. On the event loop only."""
        self._has_failed = False
        self._is_wake_queued = False
        self._is_crowded = False
        """Whether too much waits for the handlers of events, as of the last look. On the event loop only."""
        self._is_reading_paused = False
        """Whether the connection does not read, for too much waits for the handlers of events."""
        self._last_bye = make_bye(ByeCode.SESSION_ENDED, "The app is done.")

    @property
    def has_ended(self) -> bool:
        """Whether nothing more can be sent."""
        with self._lock:
            return self._core.state is SessionState.ENDED

    @property
    def is_attached(self) -> bool:
        """Whether the client is connected."""
        with self._lock:
            return self._core.is_attached

    @property
    def queued_bytes(self) -> int:
        """Bytes of messages that wait for their first write. On any thread."""
        with self._lock:
            return self._core.queued_bytes

    # -- what the program calls, on any thread -----------------------------------------------------

    def require_open(self) -> None:
        """Raise SessionClosed if the session accepts no more commands."""
        with self._lock:
            self._require_open()

    def submit(
        self,
        caller: Caller,
        type_: str,
        params: bytes,
        *,
        deadline: float | None = None,
        streams: bool = False,
        content: bytes | None = None,
    ) -> Command:
        """Queue a command, followed by a stream if it `streams`; `caller` is told what became of it.

        `content` is all of the stream, where that is known and fits the window; else `feed` and `finish_stream` follow.

        SessionClosed if the session has ended. Where there is no room, on the event loop SessionBusy; a thread waits,
        until `deadline` on the loop's clock: TimeoutError. Nothing is queued then.
        """
        with self._lock:
            self._require_open()
            send = partial(self._core.send, type_, params, streams=streams, content=content, owner=caller)
            command = self._send_when_there_is_room(send, deadline)
            if self._metrics:
                self._metrics.command_queued(command)
            is_paused = self._is_reading_paused
        self.wake()
        if is_paused:
            # The reply has to be read.
            self.call_on_loop(self._pause_or_resume_reading)
        return command

    def cancel(self, command: Command) -> None:
        """Give up on a command; the page is told, unless it never got it (CANCEL-5)."""
        with self._lock:
            if self._core.cancel(command):
                _release(command)
                if self._metrics:
                    self._metrics.command_finished(command, "withdrawn")
        self.wake()
        # Who feeds the command's stream may wait for room.
        self.call_on_loop(self.room.has_changed)

    def room_beside(self, type_: str, params: bytes) -> tuple[int, str]:
        """Return how many bytes a command may contain beside `params`, and what sets that limit."""
        with self._lock:
            return self._core.room_beside(type_, params)

    def feed(self, command: Command, data: memoryview, *, wait: bool) -> int:
        """Give a command's stream its next bytes, as many as there is room for; return how many.

        StreamClosed if the stream accepts no more. Where there is no room, a thread that can `wait` does, and the
        event loop awaits `room.wait_in_task`; both then feed again.
        """
        with self._lock:
            count, has_frames = self._core.feed(command, data)
            if not count and wait:
                self.room.wait_in_thread(None)
        if has_frames:
            self.wake()
        return count

    def finish_stream(self, command: Command) -> None:
        """Say that all of a command's stream was fed."""
        with self._lock:
            self._core.finish(command)
        self.wake()

    def acknowledged(self, command: Command) -> int:
        """Return how many bytes of a command's stream the client has acknowledged."""
        with self._lock:
            return command.stream.acknowledged if command.stream else command.acknowledged

    def wake(self) -> None:
        """Have the connection look for frames to write."""
        if threading.get_ident() == self.loop_thread:
            if self._connection:
                self._connection.wake()
        elif not self._is_wake_queued:
            self._is_wake_queued = True
            self.call_on_loop(self._wake_from_thread)

    def _wake_from_thread(self) -> None:
        # Only the event loop knows which connection it is by now.
        self._is_wake_queued = False
        if self._connection:
            self._connection.wake()

    def call_on_loop(self, function: Callable[[], object]) -> None:
        """Call `function` on the event loop, soon; nothing happens once the server has stopped."""
        try:
            self.loop.call_soon_threadsafe(self.guard, function)
        except RuntimeError:
            self.log.debug("the event loop is closed")

    def _closed(self) -> SessionClosed:
        return SessionClosed(f"session {self.info.session_id} has ended: {self._last_bye.message}")

    def _require_open(self) -> None:
        if self._core.state is not SessionState.ACTIVE:
            raise self._closed()

    def _send_when_there_is_room(self, send: Callable[[], Command], deadline: float | None) -> Command:
        while True:
            try:
                return send()
            except OutboxFull as full:
                if threading.get_ident() == self.loop_thread:
                    raise SessionBusy(f"the page is slow or away: {full}") from None
                timeout = None if deadline is None else max(deadline - self.loop.time(), 0)
                if not self.room.wait_in_thread(timeout):
                    raise TimeoutError("the page was slow or away: there was no room in time") from None
            self._require_open()

    # -- the app's life ----------------------------------------------------------------------------

    def work_started(self) -> None:
        """Count one more thread or task whose end the session waits for. On any thread."""
        with self._lock:
            self._running += 1

    def work_finished(self) -> None:
        """Count one less; the last one ends the session, unless there are event handlers. On the event loop."""
        with self._lock:
            self._running -= 1
            is_last = not self._running
        if is_last and self._idle and not self._idle.done():
            self._idle.set_result(None)
        if is_last and (self._has_failed or not self.events.has_handlers):
            self.guard(self.finish)

    @property
    def is_running(self) -> bool:
        """Whether a thread or task of the program runs. It takes no lock: a handler of a signal may ask."""
        return self._running > 0

    async def until_idle(self) -> None:
        """Wait until no thread or task of the program runs. On the event loop."""
        while self.is_running:
            self._idle = self.loop.create_future()
            await self._idle

    def app_failed(self) -> None:
        """Say that the app raised: the session drains and ends with `internal_error`. On the event loop."""
        self._has_failed = True
        self._last_bye = make_bye(ByeCode.INTERNAL_ERROR, "The app failed; the server's log says why.")

    def listen_for_end(self, listener: EndListener) -> None:
        """Have `listener` told when the session ends, or now if it has. On any thread."""
        with self._lock:
            if self._core.state is not SessionState.ENDED:
                self._end_listeners.add(listener)
                return
        listener.session_ended(self._closed())

    def forget_listener(self, listener: EndListener) -> None:
        """Do not tell `listener` any more. On any thread."""
        with self._lock:
            self._end_listeners.discard(listener)

    def finish(self) -> None:
        """Say that the app is done: the session drains, then ends (END-10). On the event loop."""
        with self._lock:
            self._core.drain()
        self.wake()
        self._pause_or_resume_reading()
        self._end_if_drained()

    def announce_end(self, ends_at: float) -> None:
        """Tell the client that the session ends at `ends_at` at the latest, also on later connections."""
        self._ends_at = ends_at
        if self._connection:
            self._connection.announce_end(ends_at)

    def end(self, bye: ByeParams) -> None:
        """End the session now, with `bye` to the client if it is there. On the event loop."""
        with self._lock:
            if self._core.state is SessionState.ENDED:
                return
            self._last_bye = bye
            commands = self._core.end()
            listeners, self._end_listeners = self._end_listeners, set()
        connection, self._connection = self._connection, None
        closed = self._closed()
        first: Steps = deque((self._stop_expiry, *((partial(connection.leave, bye),) if connection else ())))
        told: Steps = deque(partial(self._lose, command, closed) for command in commands)
        told.extend(partial(listener.session_ended, closed) for listener in listeners)
        last: Steps = deque((self.room.has_changed, self.events.close, partial(self._on_end, self, bye)))
        self.log.info("ended: %s: %s", bye.code, bye.message)
        for steps in (first, told, last):
            self._take_steps(steps)

    def _take_steps(self, steps: Steps) -> None:
        """Take the steps of the session's end, many of them in several turns of the event loop.

        Each is taken whatever becomes of the others: the client is told, nobody waits for ever, nothing stays.
        """
        for _ in range(min(len(steps), TOLD_AT_ONCE)):
            guard_call(self.log, steps.popleft(), "the end of the session")
        if steps:
            self.loop.call_soon(self._take_steps, steps)

    def fail(self, error: BaseException) -> None:
        """End the session because the server's own code failed, which would leave its page silent; that is logged."""
        self.log.error("the session failed", exc_info=error)
        self.end(FAILED)

    def guard(self, call: Callable[[], object]) -> None:
        """Call something at the top of a callback of the event loop; the session ends if it fails."""
        try:
            call()
        except Exception as error:  # noqa: BLE001 - logged
            self.fail(error)

    def _lose(self, command: Command, closed: SessionClosed) -> None:
        _release(command).session_ended(closed)
        if self._metrics:
            self._metrics.command_finished(command, "session_closed")

    def _end_if_drained(self) -> None:
        with self._lock:
            is_drained = self._core.is_drained
        if is_drained:
            self.end(self._last_bye)

    # -- what the connection calls, on the event loop ----------------------------------------------

    def is_stale(self, hello: ClientHello) -> bool:
        """Whether `hello` came after a later one of its client: it must not be attached (HELLO-20)."""
        with self._lock:
            return self._core.is_stale(hello)

    def attach(self, connection: Connection, hello: ClientHello) -> int:
        """Make `connection` the session's, in the place of an older one (RESUME-8); return `welcome.last_seq`.

        PeerViolation if the hello's `resume` is impossible; the session must then be ended.
        """
        older, self._connection = self._connection, None
        if older:
            older.leave(REPLACED)
        with self._lock:
            last_seq = self._core.attach(hello)
            is_draining = self._core.state is SessionState.DRAINING
            self._is_reading_paused = False
        self._stop_expiry()
        self._connection = connection
        if self._ends_at is not None:
            connection.announce_end(self._ends_at)
        if self._is_crowded:
            # Once the connection reads.
            self.loop.call_soon(self.guard, self._pause_or_resume_reading)
        if self.room.is_awaited:
            self.room.has_changed()
        if is_draining:
            # What the client has told may be all that was missing (END-10); after its welcome.
            self.loop.call_soon(self.guard, self._end_if_drained)
        return last_seq

    def detach(self, connection: Connection, code: int | None) -> None:
        """Say that `connection` is gone, closed with `code`, None for a break (END-8, END-9)."""
        if self._connection is not connection:
            return
        self._connection = None
        self.guard(partial(self._wait_for_client, code))

    def _wait_for_client(self, code: int | None) -> None:
        with self._lock:
            decided = self._core.detach(code)
            is_draining = self._core.state is SessionState.DRAINING
        if isinstance(decided, ByeParams):
            self.end(decided)
            return
        gone = make_bye(ByeCode.SESSION_GONE, "The client was away for too long.")
        # END-10: one that drains is over by then, whoever comes.
        self._expiry = self.loop.call_later(decided, self.end, self._last_bye if is_draining else gone)

    def receive_text(self, text: str) -> bool:
        """Accept a text frame of the connection; PeerViolation if it is invalid.

        Return whether it answers what the server sent: then it does not count for the client's rate.
        """
        with self._lock:
            core = self._core
            effect = core.receive_text(text, self.loop.time())
            has_frames, self.ack_deadline = core.has_frames, core.inbox.ack_deadline
            is_draining = core.state is SessionState.DRAINING
        if effect is not None:
            self._apply(effect)
        if self.room.is_awaited:
            self.room.has_changed()
        if has_frames:
            self.wake()
        if is_draining:
            self._end_if_drained()
        # An ack that is padded costs what any other message of its size does.
        return isinstance(effect, Replied) or (isinstance(effect, Acknowledged) and len(text) < UNIT_BYTES)

    def receive_binary(self, frame: bytes) -> None:
        """Accept a binary frame of the connection; PeerViolation if it is invalid."""
        with self._lock:
            self._core.receive_binary(frame)

    def next_frame(self) -> bytes | ChunkParts | None:
        """Return the next frame to write, a text as bytes or a chunk in parts; None if there is none now."""
        with self._lock:
            core = self._core
            frame = core.next_frame(self.loop.time())
            self.has_frames, self.ack_deadline = core.has_more, core.inbox.ack_deadline
            needs_flush = frame is None and core.needs_flush
        if frame is not None:
            if self._metrics:
                self._metrics.sent(frame)
            # What is written leaves room in the queue.
            if self.room.is_awaited:
                self.room.has_changed()
        elif needs_flush and self._flush_timer is None:
            self._flush_timer = self.loop.call_later(FLUSH_SECONDS, self.guard, self._flush)
        return frame

    def _flush(self) -> None:
        self._flush_timer = None
        with self._lock:
            self._core.flush_streams()
        self.wake()

    def _apply(self, effect: Effect) -> None:
        match effect:
            case Replied(command):
                _release(command).receive(effect)
                if self._is_crowded:
                    self._pause_or_resume_reading()
                if self._metrics:
                    self._metrics.command_finished(command, effect.error.code if effect.error else "ok")
            case Acknowledged():
                pass
            case EventReceived():
                if self._metrics:
                    self._metrics.event_received()
                self._dispatch(effect)
            case ClientLeft():
                self._client_left(effect)

    def _dispatch(self, event: EventReceived) -> None:
        waiting_bytes = self.events.waiting_bytes
        if waiting_bytes > 2 * self.options.max_waiting_event_bytes:
            text = f"Events of {waiting_bytes} bytes wait for the program, which waits for the page."
            self.end(make_bye(ByeCode.INTERNAL_ERROR, text))
            return
        self.events.dispatch(event.name, event.data, event.size)
        if self.events.waiting > self.options.max_waiting_events:
            text = f"{self.events.waiting} events wait for the program, which takes no more."
            self.end(make_bye(ByeCode.INTERNAL_ERROR, text))
        elif self.events.is_full:
            self._pause_or_resume_reading()

    def _pause_or_resume_reading(self) -> None:
        """Read nothing more while too much waits for handlers, unless they may wait for what is to be read."""
        self._is_crowded = self.events.is_full
        with self._lock:
            pauses = self._is_crowded and not self._core.needs_client
            if not self._connection or pauses is self._is_reading_paused:
                return
            # With the lock: a command that is queued from now on sees it.
            self._is_reading_paused = pauses
        if pauses:
            self._connection.pause_reading()
        else:
            self._connection.resume_reading()

    def _client_left(self, said: ClientLeft) -> None:
        if said.code != ByeCode.CLIENT_LEFT:
            self.log.warning("the client ended it: %s: %s", said.code, said.message)
        connection, self._connection = self._connection, None
        self.end(make_bye(ByeCode.SESSION_ENDED, "The client left."))
        if connection:
            connection.drop()

    def _stop_expiry(self) -> None:
        if self._expiry:
            self._expiry.cancel()
            self._expiry = None


def _release(command: Command) -> Caller:
    """Return the caller of a command that is over; they refer to each other no more, so that both go at once."""
    caller, command.owner = cast("Caller", command.owner), None
    return caller
