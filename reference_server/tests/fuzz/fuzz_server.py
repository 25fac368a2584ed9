"""Feeds the server what clients should not send, led by the coverage of its code: `fuzz_server.py --inputs 1000000`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import random
import resource
import sys
import time
from pathlib import Path
from types import FunctionType
from typing import Final

from choices import BytesSource, Choices, RandomSource, Source
from conversation import FuzzedServer

try:
    import atheris
except ImportError:
    atheris = None

INPUT_BYTES: Final = 512
"""Of the longest input that atheris makes."""

PROGRESS: Final = 10_000
"""After how many inputs it says how far it is."""


class Run:
    """Counts the conversations of one run, each in the same event loop with the same neighbour."""

    def __init__(self, inputs: int) -> None:
        self._inputs = inputs
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(_make_server())
        self._done = 0
        self._began = time.monotonic()
        self._memory = resident_kib()

    def converse(self, source: Source) -> None:
        """Hold one conversation; the memory that counts is measured after a tenth of them."""
        self._loop.run_until_complete(self._server.converse(Choices(source)))
        self._done += 1
        if self._done == self._inputs // 10:
            self._memory = resident_kib()
        if not self._done % PROGRESS:
            sys.stderr.write(
                f"{self._done:,} inputs in {time.monotonic() - self._began:.0f} s, {resident_kib():,} KiB\n"
            )

    def report(self) -> str:
        """Return what was done."""
        seconds = time.monotonic() - self._began
        counts = ", ".join(f"{code} {count:,}" for code, count in sorted(self._server.counts.items()))
        return (
            f"{self._done:,} inputs in {seconds:.0f} s, {self._done / seconds:.0f} a second; nothing was found\n"
            f"{counts}\nresident memory after a tenth {self._memory:,} KiB, at the end {resident_kib():,} KiB\n"
        )


async def _make_server() -> FuzzedServer:
    return FuzzedServer()


def resident_kib() -> int:
    """Return the memory that this process holds now."""
    status = Path("/proc/self/statm")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(status.read_text(encoding="ascii").split()[1]) * resource.getpagesize() // 1024


def run_by_seed(run: Run, inputs: int, seed: int) -> None:
    """Hold conversations whose choices are random; each is named by its number."""
    for number in range(seed, seed + inputs):
        try:
            run.converse(RandomSource(random.Random(number)))  # noqa: S311 - it only has to be repeatable
        except BaseException:
            sys.stderr.write(f"found by: fuzz_server.py --random --inputs 1 --seed {number}\n")
            raise


def run_by_coverage(run: Run, inputs: int, seed: int) -> None:
    """Have atheris choose, which keeps what reaches new code; it writes an input that fails to a file `crash-*`."""
    for function in gc.get_objects():
        if isinstance(function, FunctionType) and str(function.__module__).startswith("pagewire_"):
            atheris.instrument_func(function)
    atheris.Setup(
        [sys.argv[0], f"-runs={inputs}", f"-seed={seed or 1}", f"-max_len={INPUT_BYTES}", "-rss_limit_mb=2048"],
        lambda given: run.converse(BytesSource(given)),
    )
    atheris.Fuzz()


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="how many conversations (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another one gives other conversations")
    parser.add_argument("--random", action="store_true", help="without atheris: each by the random numbers of its seed")
    parser.add_argument("--input", type=Path, help="hold the one conversation that atheris has written to this file")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    run = Run(options.inputs)
    if options.input:
        run.converse(BytesSource(options.input.read_bytes()))
    elif options.random:
        run_by_seed(run, options.inputs, options.seed)
    elif atheris is None:
        sys.stderr.write("atheris is not installed (it is for Linux: pip install atheris); --random does without it\n")
        return 1
    else:
        run_by_coverage(run, options.inputs, options.seed)
    sys.stdout.write(run.report())
    return 0


if __name__ == "__main__":
    sys.exit(main())
