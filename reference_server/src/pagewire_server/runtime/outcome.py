"""What a call returns before it is finished: it can be awaited in a coroutine, or waited for in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from typing import Final, Generic, TypeVar, cast

from pagewire_protocol.codes import ErrorCode
from pagewire_server.errors import CommandError, JavaScriptError
from pagewire_server.logs import SessionLog

Value = TypeVar("Value")

_settling: Final = threading.Lock()
"""Held for a moment by whoever settles or begins to wait; one for all, since a lock of its own slows every command."""


class Outcome(Generic[Value]):
    """Something that will succeed with a value or fail with an exception, once.

    `await` it on the event loop, call `wait` in a thread. A failure that nobody asked for is logged when the object
    goes.
    """

    def __init__(self, label: str, loop: asyncio.AbstractEventLoop, loop_thread: int, log: SessionLog) -> None:
        self._label = label
        self._log = log
        self._loop = loop
        self._loop_thread = loop_thread
        self._is_done = False
        self._value: Value | None = None
        self._error: BaseException | None = None
        self._is_asked_for = False
        self._threads: list[threading.Lock] = []
        self._futures: list[asyncio.Future[None]] = []

    def __del__(self) -> None:
        error = self._error
        if error is not None and not self._is_asked_for:
            log_failure(self._log, self._label, error)

    def done(self) -> bool:
        """Whether it has succeeded or failed."""
        return self._is_done

    def wait(self, timeout: float | None = None) -> Value:
        """Block until it is done; return its value or raise what went wrong. TimeoutError after `timeout` seconds."""
        if threading.get_ident() == self._loop_thread:
            raise RuntimeError(f"{self._label} would block the event loop here: await it instead of calling wait()")
        with _settling:
            if self._is_done:
                return self._take()
            gate = threading.Lock()
            gate.acquire()
            self._threads.append(gate)
        if not gate.acquire(timeout=-1 if timeout is None else max(timeout, 0)):
            with _settling:
                if gate in self._threads:
                    self._threads.remove(gate)
            raise TimeoutError(f"{self._label} was not done after {timeout} s")
        return self._take()

    def __await__(self) -> Generator[object, None, Value]:
        if not self._is_done:
            future = self._loop.create_future()
            with _settling:
                if not self.done():
                    self._futures.append(future)
                else:
                    future.set_result(None)
            yield from future
        return self._take()

    def succeed(self, value: Value) -> None:
        """Finish with `value`; ignored if it is done. On any thread."""
        self._settle(value, None)

    def fail(self, error: BaseException, *, quietly: bool = False) -> None:
        """Finish with `error`; ignored if it is done. On any thread. `quietly`: not to be logged if nobody asks."""
        self._settle(None, error, quietly=quietly)

    def _settle(self, value: Value | None, error: BaseException | None, *, quietly: bool = False) -> None:
        with _settling:
            if self._is_done:
                return
            self._value, self._error = value, error
            self._is_asked_for = quietly
            self._is_done = True
            threads, self._threads = self._threads, []
            futures, self._futures = self._futures, []
        for gate in threads:
            gate.release()
        if not futures:
            return
        if threading.get_ident() == self._loop_thread:
            _wake(futures)
        else:
            self._loop.call_soon_threadsafe(_wake, futures)

    def _take(self) -> Value:
        self._is_asked_for = True
        if self._error is not None:
            raise self._error
        return cast("Value", self._value)


def _wake(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)


def log_failure(log: SessionLog, label: str, error: BaseException) -> None:
    """Log a failure that nobody waits for, with the JavaScript stack if there is one."""
    match error:
        case JavaScriptError():
            stack = "" if error.stack is None else f"\n{error.stack}"
            log.error("%s failed in the page: %s%s", label, error, stack)
        case CommandError(code=ErrorCode.CANCELLED):
            # The user's choice is no fault.
            log.info("%s was given up: %s", label, error)
        case CommandError():
            log.error("%s failed: %s", label, error)
        case _:
            log.error("%s failed", label, exc_info=error)
