"""One running session: the program's calls on one side, its connection of the moment on the other."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Hashable
from contextvars import Context
from typing import Any, Final, Protocol, TypeVar

from pagewire_protocol.byes import make_bye
from pagewire_protocol.codes import BYE_RULES, SESSION_ENDING_CLOSE_CODES, ByeCode, CloseCode
from pagewire_protocol.control_messages import ByeParams
from pagewire_protocol.delivery import OutboxFull
from pagewire_protocol.fields import WireModel
from pagewire_protocol.handshake_messages import HelloParams
from pagewire_protocol.stream_frames import ChunkParts
from pagewire_server.errors import SessionBusy, SessionClosed
from pagewire_server.logs import SessionLog
from pagewire_server.observer import Observer
from pagewire_server.options import Options
from pagewire_server.runtime.deferred import DeferredCalls
from pagewire_server.runtime.events import EventHandlers
from pagewire_server.runtime.info import SessionInfo
from pagewire_server.runtime.outcome import Outcome
from pagewire_server.runtime.pending_command import PendingCommand
from pagewire_server.runtime.room import Room
from pagewire_server.sessions.command import ClientLeft, Command, Effect, EventReceived, Replied
from pagewire_server.sessions.session_core import SessionCore, SessionState

Value = TypeVar("Value")

logger = logging.getLogger("pagewire.session")

FLUSH_SECONDS: Final = 0.05
"""How long a few bytes of a download wait for more to go with them in one frame."""


class Link(Protocol):
    """The connection of the moment, as a session sees it. All are called on the event loop."""

    def wake(self) -> None:
        """Look again for frames to write."""

    def leave(self, bye: ByeParams) -> None:
        """Send `bye`, close, and deliver nothing more."""

    def drop(self) -> None:
        """Send and deliver nothing more; the client, which said `bye`, closes."""


class LiveSession:
    """A session while its app runs and until it has ended.

    The core is guarded by `room.lock`, so that threads queue commands themselves; all else happens on the event loop.
    """

    def __init__(
        self,
        core: SessionCore,
        info: SessionInfo,
        *,
        apps: Collection[str],
        options: Options,
        observer: Observer,
        on_end: Callable[[LiveSession, ByeParams], None],
    ) -> None:
        self.core = core
        self.info = info
        self.log = SessionLog(logger, info.session_id)
        self.observer = observer
        self.apps = apps
        self.local: dict[Hashable, Any] = {}
        self.loop = asyncio.get_running_loop()
        self.loop_thread = threading.get_ident()
        self.room = Room(self.loop)
        self.closed: Outcome[None] = Outcome("hold", self.loop, self.loop_thread, self.log)
        """Succeeds when the session has ended."""
        self.context = Context()
        """In which everything of this session runs."""
        self.deferred = DeferredCalls(self.context, self.log)
        self.events = EventHandlers(self.context, self.log)
        self.tasks: set[asyncio.Task[object]] = set()
        """The app's coroutine and those it started."""
        self.feeders: set[asyncio.Task[None]] = set()
        """What feeds downloads from asynchronous iterators."""
        self.unsent: set[PendingCommand[Any]] = set()
        """What was called and is not queued yet, since its content is still read."""
        self._options = options
        self._on_end = on_end
        self._pending: dict[int, PendingCommand[Any]] = {}
        self._link: Link | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._flush_timer: asyncio.TimerHandle | None = None
        self._running = 0
        self._has_failed = False
        self._is_wake_queued = False
        self._last_bye = make_bye(ByeCode.SESSION_ENDED, "The app is done.")

    @property
    def inline_bytes(self) -> int:
        """Up to what size a download travels in one message."""
        return self._options.inline_bytes

    @property
    def stream_window_bytes(self) -> int:
        """How much of its downloads may be under way."""
        return self._options.stream_window_bytes

    @property
    def is_on_loop(self) -> bool:
        """Whether this is the event loop's thread, where nothing may block."""
        return threading.get_ident() == self.loop_thread

    @property
    def has_ended(self) -> bool:
        """Whether nothing more can be sent."""
        return self.core.state is SessionState.ENDED

    # -- the program's side ------------------------------------------------------------------

    def pending(self, label: str, read: Callable[[WireModel], Value]) -> PendingCommand[Value]:
        """Return what a call gives back before `submit`; `read` makes its value of the result's params."""
        return PendingCommand(label, read, self.loop, self.loop_thread, self.log)

    def submit(
        self,
        pending: PendingCommand[Any],
        type_: str,
        params: bytes,
        *,
        deadline: float | None = None,
        streams: bool = False,
    ) -> Command:
        """Queue the command that `pending` stands for; it is followed by a stream if it `streams`.

        SessionClosed if the session has ended. Where there is no room, on the event loop SessionBusy, in a thread it
        waits, until `deadline` on the loop's clock: TimeoutError. Nothing is queued then.
        """
        with self.room.lock:
            command = self._queue(type_, params, deadline, streams=streams)
            pending.command = command
            self._pending[command.id] = pending
            self.observer.command_queued(command)
        self.wake_link()
        return command

    def cancel(self, pending: PendingCommand[Any]) -> None:
        """Give up on a command; the page is told, unless it never got it (CANCEL-5). On any thread."""
        command = pending.command
        if command is None:
            return
        with self.room.lock:
            if self.core.cancel(command):
                del self._pending[command.id]
                self.observer.command_finished(command, "withdrawn")
        self.wake_link()

    def wake_link(self) -> None:
        """Have the connection look for frames to write. On any thread."""
        if self.is_on_loop:
            if self._link:
                self._link.wake()
        elif not self._is_wake_queued:
            self._is_wake_queued = True
            self.call_on_loop(self._wake_from_thread)

    def call_on_loop(self, function: Callable[[], object]) -> None:
        """Call `function` on the event loop, soon. On any thread; nothing happens once the server has stopped."""
        try:
            self.loop.call_soon_threadsafe(function)
        except RuntimeError:
            self.log.debug("the event loop is closed")

    def require_open(self) -> None:
        """Raise SessionClosed if the session takes no more commands."""
        if self.core.state is not SessionState.ACTIVE:
            raise SessionClosed(f"session {self.info.session_id} has ended: {self._last_bye.message}")

    def _queue(self, type_: str, params: bytes, deadline: float | None, *, streams: bool) -> Command:
        while True:
            self.require_open()
            try:
                return self.core.send(type_, params, streams=streams)
            except OutboxFull as full:
                if self.is_on_loop:
                    raise SessionBusy(f"the page is slow or away: {full}") from None
                timeout = None if deadline is None else max(deadline - self.loop.time(), 0)
                if not self.room.wait_in_thread(timeout):
                    raise TimeoutError("the page was slow or away: there was no room in time") from None

    def _wake_from_thread(self) -> None:
        self._is_wake_queued = False
        if self._link:
            self._link.wake()

    # -- the app's life ------------------------------------------------------------------------

    def work_started(self) -> None:
        """Count one more thread or task whose end the session waits for. On any thread."""
        with self.room.lock:
            self._running += 1

    def work_finished(self) -> None:
        """Count one less; the last one ends the session, unless there are event handlers. On the event loop."""
        with self.room.lock:
            self._running -= 1
            is_last = not self._running
        if is_last and (self._has_failed or not self.events.has_handlers):
            self.finish()

    def app_failed(self) -> None:
        """Say that the app raised: the session drains and ends with `internal_error`. On the event loop."""
        self._has_failed = True
        self._last_bye = make_bye(ByeCode.INTERNAL_ERROR, "The app failed; the server's log says why.")

    def finish(self) -> None:
        """Say that the app is done: the session drains, then ends (END-10)."""
        with self.room.lock:
            self.core.drain()
        self.wake_link()
        self._end_if_drained()

    def end(self, bye: ByeParams) -> None:
        """End the session now, with `bye` to the client if it is there. On the event loop."""
        if self.has_ended:
            return
        with self.room.lock:
            commands = self.core.end()
            lost = [self._pending.pop(command.id) for command in commands]
        self._last_bye = bye
        self._stop_expiry()
        self.log.info("ended: %s: %s", bye.code, bye.message)
        for command in commands:
            self.observer.command_finished(command, "session_closed")
        for pending in (*lost, *self.unsent):
            closed = SessionClosed(f"session {self.info.session_id} has ended: {bye.message}")
            pending.fail(closed, quietly=True)
        self.room.has_changed()
        self.closed.succeed(None)
        self.events.close()
        link, self._link = self._link, None
        if link:
            link.leave(bye)
        self._on_end(self, bye)

    def _end_if_drained(self) -> None:
        if self.core.is_drained:
            self.end(self._last_bye)

    # -- the connection's side -----------------------------------------------------------------

    def is_late(self, hello: HelloParams) -> bool:
        """Whether `hello` came after a later one of its client: it must not be attached (HELLO-20)."""
        return self.core.is_late(hello)

    def attach(self, link: Link, hello: HelloParams) -> int:
        """Make `link` the session's connection, in the place of an older one (RESUME-8); return `welcome.last_seq`.

        PeerViolation if the hello's `resume` cannot be; the session must then be ended.
        """
        older, self._link = self._link, None
        if older:
            older.leave(make_bye(ByeCode.REPLACED, "Another connection of this client took over."))
        with self.room.lock:
            last_seq = self.core.attach(hello)
        self._stop_expiry()
        self._link = link
        self.room.has_changed()
        # What the client has told may be all that was missing (END-10); after its welcome.
        self.loop.call_soon(self._end_if_drained)
        return last_seq

    def detach(self, link: Link, code: int | None) -> None:
        """Say that `link` is gone, closed with `code`, None for a break (END-8, END-9)."""
        if self._link is not link:
            return
        self._link = None
        self.core.delivery.detach()
        if code == CloseCode.NORMAL:
            self.end(make_bye(ByeCode.SESSION_ENDED, "The client left."))
            return
        if code in SESSION_ENDING_CLOSE_CODES:
            is_size = code in {CloseCode.MESSAGE_TOO_BIG, BYE_RULES[ByeCode.TOO_LARGE].close}
            fault = ByeCode.TOO_LARGE if is_size else ByeCode.INVALID_MESSAGE
            self.end(make_bye(fault, f"The connection was closed with {code}."))
            return
        options = self._options
        window = options.resume_window
        if code == CloseCode.GOING_AWAY:
            window = min(options.going_away_window, window)
        gone = make_bye(ByeCode.SESSION_GONE, "The client was away for too long.")
        # END-10: one that drains is over by then, whoever comes.
        bye = self._last_bye if self.core.state is SessionState.DRAINING else gone
        self._expiry = self.loop.call_later(window, self.end, bye)

    def receive_text(self, text: str) -> None:
        """Take a text frame of the connection; PeerViolation if it is invalid."""
        with self.room.lock:
            effect = self.core.receive_text(text, self.loop.time())
            has_frames = self.core.has_frames
        if effect is not None:
            self._apply(effect)
        self.room.has_changed()
        if has_frames:
            self.wake_link()
        self._end_if_drained()

    def receive_binary(self, frame: bytes) -> None:
        """Take a binary frame of the connection; PeerViolation if it is invalid."""
        self.core.receive_binary(frame)

    def next_frame(self) -> bytes | ChunkParts | None:
        """Return the next frame to write, a text as bytes or a chunk in parts; None if there is none now."""
        with self.room.lock:
            text = self.core.next_text(self.loop.time())
            chunk = self.core.next_chunk() if text is None else None
            needs_flush = text is None and chunk is None and self.core.needs_flush
        if text is not None:
            # What is written leaves room in the queue.
            self.room.has_changed()
            return text
        if needs_flush and self._flush_timer is None:
            self._flush_timer = self.loop.call_later(FLUSH_SECONDS, self._flush)
        return chunk

    def _flush(self) -> None:
        self._flush_timer = None
        with self.room.lock:
            self.core.flush_streams()
        self.wake_link()

    def _apply(self, effect: Effect) -> None:
        match effect:
            case Replied():
                self._pending.pop(effect.command.id).receive(effect)
                error = effect.error
                self.observer.command_finished(effect.command, error.code if error else "ok")
            case EventReceived():
                self.observer.event_received()
                self._dispatch(effect)
            case ClientLeft():
                self._client_left(effect)

    def _dispatch(self, event: EventReceived) -> None:
        self.events.dispatch(event.name, event.data)
        if self.events.waiting > self._options.max_waiting_events:
            text = f"{self.events.waiting} events wait for the program, which takes no more."
            self.end(make_bye(ByeCode.INTERNAL_ERROR, text))

    def _client_left(self, said: ClientLeft) -> None:
        if said.code != ByeCode.CLIENT_LEFT:
            self.log.warning("the client ended it: %s: %s", said.code, said.message)
        link, self._link = self._link, None
        self.end(make_bye(ByeCode.SESSION_ENDED, "The client left."))
        if link:
            link.drop()

    def _stop_expiry(self) -> None:
        if self._expiry:
            self._expiry.cancel()
            self._expiry = None
