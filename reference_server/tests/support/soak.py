"""A conversation that goes on for as long as its line is bad, and what must have come of it."""

from __future__ import annotations

import hashlib
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from faults import WEIGHTS, Fault, random_faults
from faulty_proxy import FaultyProxy
from results import Results

from pagewire_server.session import Download, download, eval_js, hold, on_event, run_js, set_env

BAD_LINE_PATIENCE: Final = 75.0
"""Seconds without anything new after which something hangs: a client may wait for 15 s, several times (RESUME-10)."""

BAD_LINE: Final[dict[str, Any]] = {
    "heartbeat_interval": 0.2,
    "heartbeat_timeout": 0.3,
    "stream_window_bytes": 65_536,
}
"""Options of a server on a line that may go silent; chunks are small, so that some pass between two faults."""

ROUNDS_PER_GROUP: Final = 12
"""How many rounds go by while the files of a group are under way. Chromium saves ten files in a second, no more."""

RUN: Final = "(globalThis.ran ??= []).push(number); pagewire.emit('ran', number)"
PROMISE: Final = """new Promise((resolve) => {
    (globalThis.asked ??= []).push(number);
    setTimeout(() => resolve(number));
})"""
_SIZES: Final = ((10, 60_000), (100 << 10, 200 << 10), (100 << 10, 1 << 20))
"""Of the files of a group, at least and at most: one in a message, two in streams."""


@dataclass(frozen=True)
class FaultPlan:
    """How many faults a line is to have, and which."""

    limit: int
    seed: int

    def faults(self) -> Iterator[Fault]:
        """Draw them."""
        return random_faults(self.seed, WEIGHTS)

    @contextmanager
    def told(self, proxy: FaultyProxy) -> Iterator[None]:
        """Write at the end what there was; pytest shows it where the test fails, or with -s."""
        begun = time.monotonic()
        try:
            yield
        except BaseException:
            sys.stdout.write("\n".join(["The last that happened:", *proxy.history]))
            raise
        finally:
            took = time.monotonic() - begun
            sys.stdout.write(f"\n--fault-seed {self.seed}: {took:.1f} s, {proxy.describe()}\n")


@dataclass
class Record:
    """What the program did and saw."""

    runs: int = 0
    values: list[tuple[Any, Any]] = field(default_factory=list)
    """Of each call: what must have come, and what did."""
    events: list[int] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    """Name to SHA-256."""
    ran: list[int] = field(default_factory=list)
    """What the client says it has run, in its order."""
    asked: list[int] = field(default_factory=list)

    def expect(self, wanted: object, got: object) -> None:
        """Keep a value that came."""
        self.values.append((wanted, got))

    def new_files(self, chance: random.Random) -> Iterator[tuple[str, bytes]]:
        """Make the files of a group."""
        for least, most in _SIZES:
            name, content = f"{len(self.files)}.bin", chance.randbytes(chance.randint(least, most))
            self.files[name] = hashlib.sha256(content).hexdigest()
            yield name, content

    def check(self) -> None:
        """Each command took effect once and in order, each value came, each event once and in order."""
        rounds = list(range(self.runs))
        assert self.ran == rounds
        assert self.asked == rounds
        assert self.events == rounds
        assert [got for _, got in self.values] == [wanted for wanted, _ in self.values]


def thread_app(is_over: Callable[[], bool], seed: int, progress: Results, settled: str) -> Callable[[], None]:
    """Return a plain app that talks until `is_over`; it puts each round into `progress`, and then its record.

    `settled` is what `set_env` must say of the title: "applied" or "ignored".
    """

    def app() -> None:
        record, chance = Record(), random.Random(seed)  # noqa: S311 - no secret
        on_event("ran", record.events.append)
        on_event("done", lambda _: progress.put(record))
        while not is_over():
            saving = [(len(content), download(name, content)) for name, content in record.new_files(chance)]
            for _ in range(ROUNDS_PER_GROUP):
                number, record.runs = record.runs, record.runs + 1
                running = run_js(RUN, number=number)
                title = set_env(title=f"round {number}")
                record.expect(number, eval_js(PROMISE, number=number))
                record.expect(number + 1, eval_js("ran.length"))
                running.wait()
                record.expect(["title"], getattr(title.wait(), settled))
                progress.put(number)
            for size, saved in saving:
                record.expect(size, saved.wait())
        record.ran, record.asked = eval_js("ran"), eval_js("asked")
        run_js("pagewire.emit('done')")
        hold()

    return app


def coroutine_app(is_over: Callable[[], bool], seed: int, progress: Results, settled: str) -> Callable[[], Any]:
    """Return the same as a coroutine."""

    async def app() -> None:
        record, chance = Record(), random.Random(seed)  # noqa: S311 - no secret
        on_event("ran", record.events.append)
        on_event("done", lambda _: progress.put(record))
        while not is_over():
            saving: list[tuple[int, Download]] = [
                (len(content), download(name, content)) for name, content in record.new_files(chance)
            ]
            for _ in range(ROUNDS_PER_GROUP):
                number, record.runs = record.runs, record.runs + 1
                running = run_js(RUN, number=number)
                title = set_env(title=f"round {number}")
                record.expect(number, await eval_js(PROMISE, number=number))
                record.expect(number + 1, await eval_js("ran.length"))
                await running
                record.expect(["title"], getattr(await title, settled))
                progress.put(number)
            for size, saved in saving:
                record.expect(size, await saved)
        record.ran, record.asked = await eval_js("ran"), await eval_js("asked")
        run_js("pagewire.emit('done')")
        await hold()

    return app


APPS: Final = {"thread": thread_app, "coroutine": coroutine_app}


def take_record(progress: Results) -> Record:
    """Wait for the record, for as long as there is progress."""
    while not isinstance(got := progress.next(), Record):
        pass
    return got
