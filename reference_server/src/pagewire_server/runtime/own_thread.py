"""Blocking functions beside the event loop, each in a thread of its own, so that none waits for another's."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar, cast

Value = TypeVar("Value")


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
