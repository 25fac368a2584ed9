"""Functions to be called when a session ends: in order, each with its own failures."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable

from pagewire_server.apps.program_code import guard, in_own_thread, is_coroutine_function
from pagewire_server.errors import SessionClosed
from pagewire_server.ops.logs import SessionLog

Deferred = Callable[[], object]


class DeferredCalls:
    """What one session defers; plain functions run in a thread of their own, so that they block nobody."""

    def __init__(self, context: contextvars.Context, log: SessionLog) -> None:
        self._context = context
        self._log = log
        self._functions: list[Deferred] = []
        self._lock = threading.Lock()
        self._is_started = False

    def add(self, function: Deferred) -> None:
        """Register one more, to be called after the others; SessionClosed if it is too late. On any thread."""
        with self._lock:
            if self._is_started:
                raise SessionClosed(f"session {self._log.session_id} has ended: there is nothing to defer to")
            self._functions.append(function)

    def start(self) -> asyncio.Task[None] | None:
        """Begin to call them, in a task; None if there are none."""
        with self._lock:
            self._is_started = True
        if not self._functions:
            return None
        loop = asyncio.get_running_loop()
        return loop.create_task(self._run(), context=self._context.copy())

    async def _run(self) -> None:
        for function in self._functions:
            await guard(self._log, self._call(function), f"the deferred function {function!r}")

    async def _call(self, function: Deferred) -> None:
        if is_coroutine_function(function):
            result = function()
        else:
            result = await in_own_thread(function, f"pagewire-deferred-{self._log.session_id}")
        if inspect.isawaitable(result):
            await result
