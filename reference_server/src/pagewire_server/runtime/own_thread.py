"""Blocking functions beside the event loop, each in a thread of its own, so that none waits for another's."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


async def in_own_thread(function: Callable[[], Value], name: str) -> Value:
    """Call `function` in a new thread, with this task's context; return or raise what it does.

    The thread is a daemon: a function that never returns does not keep the process alive.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Value] = loop.create_future()
    context = contextvars.copy_context()

    def settle(value: Value | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)  # type: ignore[arg-type]  # the value is one of Value where there is no error

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
    return await future
