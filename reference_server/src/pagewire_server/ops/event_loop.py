"""Running an event loop so that it always comes to an end, whatever the program left running in it.

`asyncio.run` waits for ever for a task that swallows its cancellation, and for every thread of `asyncio.to_thread`;
the interpreter then waits for those threads once more. Here both are left behind after a while.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import Any, Final, ParamSpec, TypeVar

Value = TypeVar("Value")
Arguments = ParamSpec("Arguments")

CANCELLED_GRACE: Final = 1.0
"""Seconds that tasks have to end after they were cancelled."""


def run_until_complete(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, object]) -> None:
    """Run `main` in `loop`, then cancel what is left, and close the loop. Tasks that do not end are left behind."""
    asyncio.set_event_loop(loop)
    loop.set_default_executor(DaemonThreadPool())
    try:
        loop.run_until_complete(main)
    finally:
        try:
            loop.run_until_complete(_cancel_tasks())
        finally:
            asyncio.set_event_loop(None)
            # What is left behind was logged by whoever knows what it is; asyncio would complain of each task.
            loop.set_exception_handler(_ignore)
            loop.close()


async def _cancel_tasks() -> None:
    loop = asyncio.get_running_loop()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        done, _ = await asyncio.wait(tasks, timeout=CANCELLED_GRACE)
        for task in done:
            if not task.cancelled() and (error := task.exception()):
                context = {"message": "a task failed while the loop stopped", "exception": error, "task": task}
                loop.call_exception_handler(context)
    await asyncio.wait({loop.create_task(loop.shutdown_asyncgens())}, timeout=CANCELLED_GRACE)


def _ignore(_loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None:
    pass


class DaemonThreadPool(ThreadPoolExecutor):
    """Runs calls in threads that do not keep the process alive; otherwise as its base does."""

    def __init__(self, max_workers: int = min(32, (os.cpu_count() or 1) + 4)) -> None:
        super().__init__(max_workers)
        self._limit = max_workers
        self._guard = threading.Lock()
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._unfinished = 0
        self._thread_count = 0
        self._is_shut_down = False

    def submit(
        self, fn: Callable[Arguments, Value], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Future[Value]:
        """Call `fn` in one of the threads, as soon as one is free."""
        future: Future[Value] = Future()
        with self._guard:
            if self._is_shut_down:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._unfinished += 1
            self._calls.put(partial(_call, future, partial(fn, *args, **kwargs)))
            if self._thread_count < min(self._unfinished, self._limit):
                self._thread_count += 1
                name = f"pagewire-pool-{self._thread_count}"
                threading.Thread(target=self._work, name=name, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no more calls. It waits for none, whatever `wait` says; those that are queued are still made."""
        super().shutdown(wait, cancel_futures=cancel_futures)
        with self._guard:
            self._is_shut_down = True
            for _ in range(self._thread_count):
                self._calls.put(None)

    def _work(self) -> None:
        while call := self._calls.get():
            call()
            del call
            with self._guard:
                self._unfinished -= 1


def _call(future: Future[Value], call: Callable[[], Value]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        value = call()
    except BaseException as error:  # noqa: BLE001 - handed to whoever has the future
        future.set_exception(error)
    else:
        future.set_result(value)
