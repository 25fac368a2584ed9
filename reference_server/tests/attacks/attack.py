"""What an attack is, how one is run, and the table of what came of it.

Each file of this folder that ends in a call of `main` is an attack, or a few of one kind, and runs by itself:

    python reference_server/tests/attacks/endless_download.py [--server-python PATH]

`--server-python` names the interpreter that runs the victim, and so the version of the server. The attackers use bare
sockets: they run against any version.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from raw_client import lower_priority
from victim import Arena

BEFORE: Final = Path(__file__).with_name("before.json")
"""What each attack took from the server before its defence was built."""

STRANGER: Final = 50.0
"""Milliseconds that one address without a session may make others wait."""

SESSION: Final = 100.0
"""Milliseconds that one session may make others wait."""

ATTACK_SECONDS: Final = 6.0
START_SECONDS: Final = 1.0

_NEIGHBOUR: Final = Path(__file__).with_name("waiting_neighbour.py")


@dataclass(frozen=True)
class Attack:
    """An attack whose figure is a size, a count or an outcome: it does not depend on how busy the machine is."""

    name: str
    counted: str
    """What the figure counts, such as "MiB"."""
    limit: float
    """The most that a server may lose."""
    perform: Callable[[Arena], float]
    """Attacks a victim of the arena; returns the figure."""
    is_cheap: bool = True
    """Whether it takes a few seconds only, and so is part of `make test`."""

    def run(self, arena: Arena) -> float:
        """Return the figure."""
        return self.perform(arena)


@dataclass(frozen=True)
class StallAttack:
    """An attack that makes others wait; its figure is the longest that one of them waited, in milliseconds."""

    name: str
    limit: float
    """`STRANGER` or `SESSION`."""
    flood: Callable[[int], None]
    """Attacks the port until its process is ended, at the pace that is told of it and no faster."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the victim."""
    counted: str = "ms"
    is_cheap: bool = False

    def run(self, arena: Arena) -> float:
        """Return the longest wait during the attack."""
        return self.measure(arena, ATTACK_SECONDS)[1]["longest"]

    def measure(self, arena: Arena, seconds: float) -> tuple[dict[str, float], dict[str, float]]:
        """Return the neighbour's waits without the attack and during it: `longest` and `p99`."""
        with arena.victim(log_level="ERROR", **self.options) as victim, _neighbour(victim.port) as waits:
            waits(1.0)
            alone = waits(seconds / 2)
            attacker = multiprocessing.get_context("fork").Process(target=_flood, args=(self.flood, victim.port))
            attacker.start()
            try:
                # Its process has to start, and to make what it sends.
                return alone, waits(START_SECONDS + seconds)
            finally:
                attacker.kill()
                attacker.join()


def _flood(flood: Callable[[int], None], port: int) -> None:
    lower_priority()
    flood(port)


@contextmanager
def _neighbour(port: int) -> Iterator[Callable[[float], dict[str, float]]]:
    command = [sys.executable, str(_NEIGHBOUR), str(port)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    try:
        assert process.stdin
        assert process.stdout
        asking, answers = process.stdin, process.stdout

        def waits(seconds: float) -> dict[str, float]:
            time.sleep(seconds)
            with suppress(BrokenPipeError):
                asking.write(b"\n")
            answer = answers.readline()
            # A neighbour that was thrown out waits for ever.
            figures: dict[str, float] = json.loads(answer) if answer else {"longest": math.inf, "p99": math.inf}
            return figures

        yield waits
    finally:
        process.kill()
        process.communicate()


AnyAttack = Attack | StallAttack


def before() -> dict[str, float]:
    """Return the recorded figures, by the names of attacks."""
    figures: dict[str, float] = json.loads(BEFORE.read_text(encoding="utf-8")) if BEFORE.exists() else {}
    return figures


def arena_of(server_python: str) -> Arena:
    """Return an arena whose victims have a processor of their own, where there are two."""
    processors = sorted(os.sched_getaffinity(0))
    return Arena(server_python, frozenset(processors[:1]) if len(processors) > 1 else frozenset())


def run_all(attacks: Sequence[AnyAttack], server_python: str, *, record: bool = False) -> int:
    """Run attacks, and print a line of each; return how many have taken more than their limit."""
    arena = arena_of(server_python)
    recorded = before()
    failed = 0
    sys.stdout.write(f"{'attack':62}{'before':>10}{'after':>10}{'limit':>8}  {'':6}\n")
    for attack in attacks:
        figure = attack.run(arena)
        has_held = figure <= attack.limit
        failed += not has_held
        if record:
            recorded[attack.name] = round(figure, 1)
        known = f"{recorded[attack.name]:.0f}" if attack.name in recorded else "-"
        name = f"{attack.name}, {attack.counted}"
        verdict = "holds" if has_held else "FAILS"
        sys.stdout.write(f"{name:62}{known:>10}{figure:10.0f}{attack.limit:8.0f}  {verdict}\n")
        sys.stdout.flush()
    if record:
        BEFORE.write_text(json.dumps(recorded, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return failed


def main(*attacks: AnyAttack) -> None:
    """Run the attacks of one file, as a script."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--server-python", default=sys.executable, help="that runs the victim (default: this one)")
    sys.exit(bool(run_all(attacks, parser.parse_args().server_python)))
