"""Functions to be called when a session ends: in order, each with its own failures."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
from collections.abc import Callable

from pagewire_server.runtime.own_thread import in_own_thread

logger = logging.getLogger("pagewire.session")

Deferred = Callable[[], object]


class DeferredCalls:
    """What one session defers; plain functions run in a thread of their own, so that they block nobody."""

    def __init__(self, context: contextvars.Context, session_id: str) -> None:
        self._context = context
        self._session_id = session_id
        self._functions: list[Deferred] = []

    def add(self, function: Deferred) -> None:
        """Register one more, to be called after the others."""
        self._functions.append(function)

    def start(self) -> asyncio.Task[None] | None:
        """Begin to call them, in a task; None if there are none."""
        if not self._functions:
            return None
        loop = asyncio.get_running_loop()
        return loop.create_task(self._run(), context=self._context.copy())

    async def _run(self) -> None:
        for function in self._functions:
            try:
                if inspect.iscoroutinefunction(function):
                    await function()
                else:
                    result = await in_own_thread(function, f"pagewire-deferred-{self._session_id}")
                    if inspect.isawaitable(result):
                        await result
            except Exception:
                logger.exception("session %s: the deferred function %r failed", self._session_id, function)
