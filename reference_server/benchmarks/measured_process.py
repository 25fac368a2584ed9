"""A process to be measured: its memory as the kernel counts it, and how long its event loop stalls."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

MIB: Final = 1 << 20
_TICK: Final = 0.005


class MeasuredProcess:
    """Runs `serve(pipe, *arguments)` in a process of its own, which sends its port first. Use it by `with`."""

    def __init__(self, serve: Callable[..., None], *arguments: object) -> None:
        self._pipe, other = multiprocessing.get_context("spawn").Pipe()
        self._process = multiprocessing.get_context("spawn").Process(
            target=serve, args=(other, *arguments), daemon=True
        )
        self._process.start()
        self.port: int = self._pipe.recv()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()

    @property
    def memory(self) -> int:
        """Bytes that are resident now."""
        return process_memory(self._process.pid or 0, "VmRSS")

    @property
    def peak(self) -> int:
        """The most that was resident since `forget_peak`, in bytes."""
        return process_memory(self._process.pid or 0, "VmHWM")

    @property
    def threads(self) -> int:
        """How many it has."""
        return len(list(Path(f"/proc/{self._process.pid}/task").iterdir()))

    def forget_peak(self) -> None:
        """Let `peak` begin again."""
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5", encoding="ascii")

    def ask(self, question: object = None) -> Any:  # noqa: ANN401 - whatever the process answers
        """Send a question through the pipe and return the answer."""
        self._pipe.send(question)
        return self._pipe.recv()


def process_memory(pid: int, field: str) -> int:
    """Return a field of `/proc/PID/status` in bytes (Linux only)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith(field + ":"))
    return int(line.split()[1]) * 1024


class StallWatch:
    """The longest that the event loop kept a timer waiting, in seconds."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def run(self) -> None:
        """Watch until it is cancelled."""
        while True:
            due = time.perf_counter() + _TICK
            await asyncio.sleep(_TICK)
            self.longest = max(self.longest, time.perf_counter() - due)

    def take(self) -> float:
        """Return the longest stall since the last call."""
        longest, self.longest = self.longest, 0.0
        return longest


def answer_questions(pipe: Pipe, answer: Callable[[Any], object]) -> None:
    """Answer what comes through the pipe, on the event loop."""
    asyncio.get_running_loop().add_reader(pipe.fileno(), lambda: pipe.send(answer(pipe.recv())))
