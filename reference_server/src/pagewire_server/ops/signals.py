"""The signals that end a server: the first one asks, the second one ends the process.

Python runs the handler of a signal in the main thread, between any two steps of any code; also while that code blocks
the event loop, where a handler of the loop would never run. So a handler here raises nothing, waits for no lock and
writes nothing through Python's files. It tells the event loop of the first signal. At the second it writes one line to
the error output, and ends the process at once: nothing that the program does can delay that.

The system may deliver a signal to another thread. Then nothing interrupts what the main thread waits for, and the
handler runs only once that is over. So a thread reads the descriptor that Python writes each signal to: it wakes the
event loop, and it too ends the process at the second signal.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, Final, Self

from pagewire_server.ops.client_text import one_line

_NAMES: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Those that this platform has end a server."""

_KEPT_IGNORED: Final = "SIGHUP"
"""What `nohup` means. SIGINT ends the server all the same: shells start background jobs with SIGINT ignored."""

_ERROR_OUTPUT: Final = 2
_SHOWN_APPS: Final = 8
_SHOWN_LENGTH: Final = 40


class StopSignals:
    """Handles the signals of this process within its context. Enter it in the main thread, leave it there.

    `describe_rest` is called when the second signal comes, in its handler or in a thread, so it must take no lock.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, describe_rest: Callable[[], str]) -> None:
        self.first: Final[asyncio.Future[signal.Signals]] = loop.create_future()
        """Done with the first signal."""
        self._loop = loop
        self._describe_rest = describe_rest
        self._has_come = False
        self._is_ending = threading.Lock()
        """Held by whoever ends the process."""
        self._replaced: dict[signal.Signals, Any] = {}
        self._resources = contextlib.ExitStack()

    def __enter__(self) -> Self:
        for name in _NAMES:
            number: signal.Signals | None = getattr(signal, name, None)
            if number is None or (name == _KEPT_IGNORED and signal.getsignal(number) is signal.SIG_IGN):
                continue
            self._replaced[number] = signal.signal(number, self._handle)
        if sys.platform != "win32":  # where the event loop does the same
            self._watch_signals()
        return self

    def __exit__(self, *_error: object) -> None:
        self._resources.close()
        for number, replaced in self._replaced.items():
            # The program may have installed its own meanwhile. None: one that was not installed from Python.
            if signal.getsignal(number) == self._handle:
                signal.signal(number, signal.SIG_DFL if replaced is None else replaced)

    def _watch_signals(self) -> None:
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        self._resources.callback(writer.close)
        earlier = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        self._resources.callback(signal.set_wakeup_fd, earlier)
        threading.Thread(target=self._read_signals, args=(reader,), name="pagewire-signals", daemon=True).start()

    def _read_signals(self, reader: socket.socket) -> None:
        """Read signals until the other end is closed."""
        count = 0
        with reader:
            while numbers := reader.recv(64):
                with contextlib.suppress(RuntimeError):  # the loop is closed: the server has stopped
                    self._loop.call_soon_threadsafe(_wake)
                for number in numbers:
                    if number in self._replaced and signal.getsignal(number) == self._handle:
                        count += 1
                        if count > 1:
                            self._end_process(signal.Signals(number))

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._has_come:
            self._end_process(signal.Signals(number))
        self._has_come = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server has stopped
            self._loop.call_soon_threadsafe(self._tell, signal.Signals(number))

    def _tell(self, number: signal.Signals) -> None:
        if not self.first.done():
            self.first.set_result(number)

    def _end_process(self, number: signal.Signals) -> None:
        if not self._is_ending.acquire(blocking=False):
            return
        try:
            rest = self._describe_rest()
        except Exception as error:  # noqa: BLE001 - the process ends whatever happens
            rest = f"unknown ({type(error).__name__})"
        try:
            _write_if_possible(f"pagewire: second signal ({number.name}), exiting at once; left behind: {rest}\n")
        finally:
            os._exit(128 + number)


def _wake() -> None:
    """Nothing: that the loop calls this has it run the handlers of signals."""


def describe_apps(apps: Iterable[str]) -> str:
    """Return how many sessions there are, and of which apps: `3 sessions (index: 2, report: 1)`."""
    counts = Counter(apps)
    total = sum(counts.values())
    if not total:
        return "no session"
    shown = [f"{one_line(name, _SHOWN_LENGTH)}: {count}" for name, count in counts.most_common(_SHOWN_APPS)]
    more = ["..."] if len(counts) > _SHOWN_APPS else []
    return f"{total} session{'' if total == 1 else 's'} ({', '.join(shown + more)})"


def _write_if_possible(line: str) -> None:
    # Nobody may read the other end: then waiting for room is what the process is to be freed from.
    with contextlib.suppress(OSError):
        if sys.platform == "win32" or select.select([], [_ERROR_OUTPUT], [], 0)[1]:
            os.write(_ERROR_OUTPUT, line.encode(errors="backslashreplace"))
