"""How a signal ends a run.

Python runs the handler of a signal in the main thread, between any two steps of any code. An exception raised there may
surface in a callback, a finalizer, an import or under a library's `except`, and is then lost. So these handlers raise
nothing: they note the signal, and a thread tells everyone who registered with `on_request`. Each of them stops at a
place of its own choice: a case at its next wait, pytest before its next case.

A process that is still alive `GRACE` seconds later, or that is told again, is ended by force.

The handlers are installed whatever the process has inherited: a shell without job control starts background jobs with
SIGINT ignored, and a process that keeps it so cannot be interrupted at all.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Final

GRACE: Final = 10.0
"""Seconds that a command has to end by itself."""

WORKER_GRACE: Final = 8.0
"""Seconds that a worker has: less, so that the command still sees it end."""

_LAST_RESORTS: Final = 5.0
"""Seconds for what is done before the end by force."""

_EXIT_CODE: Final = 2

END_BY_FORCE: Final = signal.SIGUSR1
"""What a command sends to a worker that is to end by force."""

_SIGNALS: Final = frozenset((signal.SIGINT, signal.SIGTERM))


class Interrupted(BaseException):
    """The run is to end. It is raised where something waits, and is not for a case to catch."""


class Interruption:
    """The signals of this process, and who is told of them. One `listen` belongs to one `finish`."""

    def __init__(self) -> None:
        self._requested = False
        self._told = False
        self._signals: SimpleQueue[int | None] = SimpleQueue()
        """Its `put` may be called in a handler, whatever the main thread is doing."""
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], object]] = []
        self._last_resorts: list[Callable[[], object]] = []

    @property
    def requested(self) -> bool:
        """Whether this process was told to end."""
        return self._requested

    def check(self) -> None:
        """Raise Interrupted if this process was told to end."""
        if self._requested:
            raise Interrupted

    def listen(self, *, grace: float = GRACE, is_worker: bool = False) -> None:
        """Handle SIGINT and SIGTERM from now on. Call it in the main thread.

        In a command the first signal of either kind is a request, and the second ends it by force. In a worker both are
        requests, however often they come: the command sends one, and a terminal or a supervisor may have sent one to
        the whole group of processes. `END_BY_FORCE` ends a worker by force.
        """
        arguments = (grace, is_worker)
        threading.Thread(target=self._watch, args=arguments, name="interruption", daemon=True).start()
        for number in _SIGNALS | ({END_BY_FORCE} if is_worker else set()):
            signal.signal(number, self._note)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def finish(self) -> None:
        """Ignore signals from now on: the process is about to exit, and its exit code is settled."""
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        self._signals.put(None)

    @contextmanager
    def on_request(self, callback: Callable[[], object]) -> Iterator[None]:
        """Call `callback` if a request comes within this context, or has come before.

        It is called in another thread, and must not wait for anything.
        """
        with self._lock:
            self._callbacks.append(callback)
            told = self._told
        try:
            if told:
                callback()
            yield
        finally:
            with self._lock:
                self._callbacks.remove(callback)

    def before_forced_end(self, callback: Callable[[], object]) -> None:
        """Call `callback` before the process is ended by force, in another thread; the last registered goes first."""
        self._last_resorts.append(callback)

    def _note(self, number: int, _: object) -> None:
        self._requested = True
        self._signals.put(number)

    def _watch(self, grace: float, is_worker: bool) -> None:
        number = self._signals.get()
        if number is None:
            return
        if number != END_BY_FORCE:
            self._tell()
            deadline = time.monotonic() + grace
            with contextlib.suppress(Empty):
                while (again := self._signals.get(timeout=max(0.0, deadline - time.monotonic()))) is not None:
                    if again == END_BY_FORCE or not is_worker:
                        break
                else:
                    return
        self._end_by_force()

    def _tell(self) -> None:
        with self._lock:
            self._told = True
            callbacks = list(self._callbacks)
        for callback in callbacks:
            _call(callback)

    def _end_by_force(self) -> None:
        # In a thread of their own: they may hang in whatever made this necessary.
        resorts = threading.Thread(target=self._call_last_resorts, daemon=True)
        resorts.start()
        resorts.join(_LAST_RESORTS)
        os._exit(_EXIT_CODE)

    def _call_last_resorts(self) -> None:
        for callback in reversed(self._last_resorts):
            _call(callback)


@contextmanager
def held_signals() -> Iterator[None]:
    """Start processes with signals blocked, until they `listen`: the default handler would raise in their imports."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _call(callback: Callable[[], object]) -> None:
    try:
        callback()
    except Exception:  # noqa: BLE001 - the others are to be called as well
        traceback.print_exc(file=sys.stderr)


INTERRUPTION: Final = Interruption()
"""Of this process."""
