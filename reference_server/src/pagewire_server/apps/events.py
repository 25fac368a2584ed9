"""Handlers of what the page emits: called one at a time in order, or started in order where they are coroutines."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import queue
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from pagewire_server.apps.program_code import guard, guard_call
from pagewire_server.ops.logs import SessionLog

EventHandler = Callable[[Any], object]


class _Event:
    """An event whose handlers are not done."""

    __slots__ = ("data", "name", "size", "unfinished")

    def __init__(self, name: str, data: object, size: int, unfinished: int) -> None:
        self.name = name
        self.data = data
        self.size = size
        self.unfinished = unfinished
        """How many of its handlers are not done."""


class EventHandlers:
    """The handlers of one session, by the event's name.

    In a coroutine-based session plain handlers are called on the event loop; in a thread-based one, in a thread that
    they share. Coroutines become tasks of the event loop in both.

    Once events of more than `most_bytes` were waiting, `on_room` is called when they are fewer again; on any thread.
    """

    def __init__(
        self, context: contextvars.Context, log: SessionLog, most_bytes: int, on_room: Callable[[], object]
    ) -> None:
        self.uses_thread = False
        """Whether plain handlers are called in a thread: they may block there."""
        self.tasks: set[asyncio.Task[BaseException | None]] = set()
        """The handlers that are coroutines and not done."""
        self._context = context
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._handlers: dict[str, list[EventHandler]] = {}
        self._queue: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self.waiting_bytes = 0
        """Bytes of the events whose handlers are not done."""
        self._most_bytes = most_bytes
        self._on_room = on_room
        self._counting = threading.Lock()
        """Held for a moment by whoever changes how many bytes wait."""

    @property
    def has_handlers(self) -> bool:
        """Whether there is any: the session is then held (SESSION_API: hold)."""
        return bool(self._handlers)

    @property
    def waiting(self) -> int:
        """How many calls of handlers are not done."""
        return self._queue.qsize() + len(self.tasks)

    def add(self, name: str, handler: EventHandler) -> None:
        """Have `handler` called with the data of every event of that name, after those that were added before."""
        self._handlers.setdefault(name, []).append(handler)

    @property
    def is_full(self) -> bool:
        """Whether more than `most_bytes` wait."""
        return self.waiting_bytes > self._most_bytes

    def dispatch(self, name: str, data: object, size: int) -> None:
        """Call the handlers of an event that counts for `size` bytes; without any it is discarded (EVENT-4).

        On the event loop.
        """
        handlers = tuple(self._handlers.get(name, ()))
        if not handlers:
            return
        event = _Event(name, data, size, len(handlers))
        with self._counting:
            self.waiting_bytes += size
        for handler in handlers:
            call = partial(self._call, event, handler)
            if self.uses_thread and not inspect.iscoroutinefunction(handler):
                self._start_thread()
                self._queue.put(call)
            else:
                self._context.copy().run(call)

    def close(self) -> None:
        """Call no more handlers; those under way are told by their next call of the session API."""
        self._is_closed = True
        # A handler that never returns must not keep what waits behind it.
        with contextlib.suppress(queue.Empty):
            while True:
                self._queue.get_nowait()
        if self._thread:
            self._queue.put(None)

    def _call(self, event: _Event, handler: EventHandler) -> None:
        if self._is_closed:
            return
        result, _ = guard_call(self._log, partial(handler, event.data), _what(event.name), is_limited=True)
        if not inspect.isawaitable(result):
            self._finished(event)
        else:
            start = partial(self._start_task, event, result)
            if threading.current_thread() is self._thread:
                self._loop.call_soon_threadsafe(start)
            else:
                start()

    def _start_task(self, event: _Event, work: Awaitable[object]) -> None:
        guarded = guard(self._log, work, _what(event.name), is_limited=True)
        task = self._loop.create_task(guarded, context=self._context.copy())
        self.tasks.add(task)

        def done(_task: asyncio.Task[BaseException | None]) -> None:
            self.tasks.discard(task)
            self._finished(event)

        task.add_done_callback(done)

    def _finished(self, event: _Event) -> None:
        """Count a call of a handler of `event` as done; the last one releases its bytes."""
        with self._counting:
            event.unfinished -= 1
            was_full = self.is_full
            if not event.unfinished:
                self.waiting_bytes -= event.size
            has_room = was_full and not self.is_full
        if has_room:
            self._on_room()

    def _start_thread(self) -> None:
        if self._thread is None:
            name = f"pagewire-events-{self._log.session_id}"
            self._thread = threading.Thread(target=self._context.copy().run, args=(self._work,), name=name, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while (call := self._queue.get()) is not None:
            call()


def _what(name: str) -> str:
    return f"a handler of the event {name!r}"
