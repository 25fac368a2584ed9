"""Handlers of what the page emits: called one at a time in order, or started in order where they are coroutines."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from pagewire_server.errors import SessionClosed

logger = logging.getLogger("pagewire.session")

EventHandler = Callable[[Any], object]


class EventHandlers:
    """The handlers of one session, by the event's name.

    In a coroutine-based session plain handlers are called on the event loop; in a thread-based one, in a thread that
    they share. Coroutine functions become tasks of the event loop in both.
    """

    def __init__(self, context: contextvars.Context, session_id: str) -> None:
        self.uses_thread = False
        """Whether plain handlers are called in a thread: they may block there."""
        self._context = context
        self._session_id = session_id
        self._handlers: dict[str, list[EventHandler]] = {}
        self._queue: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def has_handlers(self) -> bool:
        """Whether there is any: the session is then held (SESSION_API: hold)."""
        return bool(self._handlers)

    def add(self, name: str, handler: EventHandler) -> None:
        """Have `handler` called with the data of every event of that name, after those that were added before."""
        self._handlers.setdefault(name, []).append(handler)

    def dispatch(self, name: str, data: object) -> None:
        """Call the handlers of an event; without any it is discarded (EVENT-4). On the event loop."""
        for handler in self._handlers.get(name, ()):
            if inspect.iscoroutinefunction(handler):
                self._start_task(name, handler, data)
            elif self.uses_thread:
                self._start_thread()
                self._queue.put(partial(self._call, name, handler, data))
            else:
                self._context.copy().run(self._call, name, handler, data)

    def close(self) -> None:
        """Call no more handlers; those under way are told by their next call of the session API."""
        self._handlers.clear()
        if self._thread:
            self._queue.put(None)

    def _call(self, name: str, handler: EventHandler, data: object) -> None:
        try:
            handler(data)
        except SessionClosed:
            logger.debug("session %s ended while it handled the event %r", self._session_id, name)
        except Exception:
            logger.exception("session %s: a handler of the event %r failed", self._session_id, name)

    def _start_task(self, name: str, handler: EventHandler, data: object) -> None:
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._await(name, handler, data), context=self._context.copy())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _await(self, name: str, handler: EventHandler, data: Any) -> None:  # noqa: ANN401 - any JSON
        try:
            result = handler(data)
            if inspect.isawaitable(result):
                await result
        except SessionClosed:
            logger.debug("session %s ended while it handled the event %r", self._session_id, name)
        except Exception:
            logger.exception("session %s: a handler of the event %r failed", self._session_id, name)

    def _start_thread(self) -> None:
        if self._thread is None:
            name = f"pagewire-events-{self._session_id}"
            self._thread = threading.Thread(target=self._context.copy().run, args=(self._work,), name=name, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while (call := self._queue.get()) is not None:
            call()
