"""Calling the program's own code: whatever it raises is logged, and never leaves the task that called it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from pagewire_server.errors import SessionClosed
from pagewire_server.logs import SessionLog

ESCAPING: Final = (SystemExit, KeyboardInterrupt)
"""What asyncio would let out of the event loop, and so end the server for everybody."""


def is_coroutine_function(function: Callable[..., object]) -> bool:
    """Whether calling `function` gives a coroutine: also for a partial of one, and for an object whose call is."""
    while isinstance(function, partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004 - its kind is what is asked


def log_program_error(log: SessionLog, error: BaseException, what: str) -> None:
    """Log what the program's code raised; the end of its session is no error."""
    if isinstance(error, SessionClosed):
        log.debug("%s: the session ended meanwhile", what)
    else:
        log.error("%s failed", what, exc_info=error)


async def guard(log: SessionLog, work: Awaitable[object], what: str) -> BaseException | None:
    """Await the program's `work` at the top of a task; return what it raised, logged, or None.

    Only the cancellation of this task itself goes on.
    """
    try:
        await work
    except asyncio.CancelledError as error:
        if _is_cancelled():
            raise
        log_program_error(log, error, what)
        return error
    except (Exception, *ESCAPING) as error:  # noqa: BLE001 - logged
        log_program_error(log, error, what)
        return error
    return None


def guard_call(log: SessionLog, call: Callable[[], object], what: str) -> tuple[object, BaseException | None]:
    """Call the program's function at the top of a thread or callback; return its value, and what it raised, logged."""
    try:
        return call(), None
    except BaseException as error:  # noqa: BLE001 - logged
        log_program_error(log, error, what)
        return None, error


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
