"""Run all attacks of this folder, and print what each has taken from the server: before their defences, and now.

    python reference_server/tests/attacks/run_attacks.py [--only TEXT] [--server-python PATH] [--record-before]

The exit code is 1 if an attack has taken more than its limit. `--stalls SECONDS` is for `benchmarks/load.py attack`: it
runs each attack that makes others wait for that long, and prints a line of JSON for each.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from attack import AnyAttack, StallAttack, arena_of, run_all


def all_attacks() -> list[AnyAttack]:
    """Return those of all files of this folder, by the files' names."""
    attacks: list[AnyAttack] = []
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if "\nATTACKS" in path.read_text(encoding="utf-8"):
            attacks += importlib.import_module(path.stem).ATTACKS
    return attacks


def print_stalls(attacks: Sequence[AnyAttack], server_python: str, seconds: float) -> None:
    """Print how long a neighbour waits beside each attack that makes others wait, and without it."""
    arena = arena_of(server_python)
    for attack in attacks:
        if isinstance(attack, StallAttack):
            alone, beside = attack.measure(arena, seconds)
            line = {"name": attack.name, "limit": attack.limit, "alone": alone, "beside": beside}
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run those that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="TEXT", help="those whose name contains TEXT")
    parser.add_argument("--server-python", default=sys.executable, help="that runs the victim (default: this one)")
    parser.add_argument("--record-before", action="store_true", help="write the figures into before.json")
    parser.add_argument("--stalls", type=float, metavar="SECONDS", help="measure how long others wait, as JSON")
    options = parser.parse_args(arguments)
    attacks = [attack for attack in all_attacks() if options.only in attack.name]
    if options.stalls:
        print_stalls(attacks, options.server_python, options.stalls)
        return 0
    return bool(run_all(attacks, options.server_python, record=options.record_before))


if __name__ == "__main__":
    sys.exit(main())
