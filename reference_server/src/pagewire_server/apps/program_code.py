"""Calling the program's own code: whatever it raises is logged, and never leaves the task that called it."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar, cast

from pagewire_server.errors import SessionClosed
from pagewire_server.ops.logs import SessionLog, limited

Value = TypeVar("Value")

ESCAPING: Final = (SystemExit, KeyboardInterrupt)
"""What asyncio would let out of the event loop, and so end the server for everybody."""


def is_coroutine_function(function: Callable[..., object]) -> bool:
    """Whether calling `function` gives a coroutine: also for a partial of one, and for an object whose call is."""
    while isinstance(function, partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004 - its kind is what is asked


def log_program_error(log: SessionLog, error: BaseException, what: str, *, is_limited: bool = False) -> None:
    """Log what the program's code raised; the end of its session is no error.

    `is_limited`: a client can have the code called as often as it likes.
    """
    if isinstance(error, SessionClosed):
        log.debug("%s: the session ended meanwhile", what)
    else:
        extra = limited(f"{what} failed: {type(error).__name__}") if is_limited else None
        log.error("%s failed", what, exc_info=error, extra=extra)


async def guard(
    log: SessionLog, work: Awaitable[object], what: str, *, is_limited: bool = False
) -> BaseException | None:
    """Await the program's `work` at the top of a task; return what it raised, logged, or None.

    Only the cancellation of this task itself goes on. `is_limited` is that of `log_program_error`.
    """
    try:
        await work
    except asyncio.CancelledError as error:
        if _is_cancelled():
            raise
        log_program_error(log, error, what, is_limited=is_limited)
        return error
    except (Exception, *ESCAPING) as error:  # noqa: BLE001 - logged
        log_program_error(log, error, what, is_limited=is_limited)
        return error
    return None


def guard_call(
    log: SessionLog, call: Callable[[], object], what: str, *, is_limited: bool = False
) -> tuple[object, BaseException | None]:
    """Call the program's function at the top of a thread or callback; return its value, and what it raised, logged.

    `is_limited` is that of `log_program_error`.
    """
    try:
        return call(), None
    except BaseException as error:  # noqa: BLE001 - logged
        log_program_error(log, error, what, is_limited=is_limited)
        return None, error


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def in_own_thread(function: Callable[[], Value], name: str) -> Value:
    """Call `function` in a new thread, with this task's context; return or raise what it does.

    What is no Exception, such as SystemExit, becomes a RuntimeError: it must not end the server. The thread is a
    daemon: a function that never returns does not keep the process alive.
    """
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[tuple[Value | None, BaseException | None]] = loop.create_future()
    context = contextvars.copy_context()

    def settle(value: Value | None, error: BaseException | None) -> None:
        if not finished.done():
            finished.set_result((value, error))

    def run() -> None:
        value: Value | None = None
        error: BaseException | None = None
        try:
            value = context.run(function)
        except BaseException as caught:  # noqa: BLE001 - handed to whoever awaits
            error = caught
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, value, error)

    threading.Thread(target=run, name=name, daemon=True).start()
    value, error = await finished
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        raise error
    if error is not None:
        raise RuntimeError(f"{name} raised {error!r}") from error
    return cast("Value", value)
