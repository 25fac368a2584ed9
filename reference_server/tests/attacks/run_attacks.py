"""Run all attacks of this folder, and print what each has taken from the server: before their defences, and now.

    python reference_server/tests/attacks/run_attacks.py [--only TEXT] [--server-python PATH] [--record-before]

The exit code is 1 if an attack has taken more than its limit.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from attack import AnyAttack, run_all


def all_attacks() -> list[AnyAttack]:
    """Return those of all files of this folder, by the files' names."""
    attacks: list[AnyAttack] = []
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if "\nATTACKS" in path.read_text(encoding="utf-8"):
            attacks += importlib.import_module(path.stem).ATTACKS
    return attacks


def main(arguments: Sequence[str] | None = None) -> int:
    """Run those that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="TEXT", help="those whose name contains TEXT")
    parser.add_argument("--server-python", default=sys.executable, help="that runs the victim (default: this one)")
    parser.add_argument("--record-before", action="store_true", help="write the figures into before.json")
    options = parser.parse_args(arguments)
    attacks = [attack for attack in all_attacks() if options.only in attack.name]
    return bool(run_all(attacks, options.server_python, record=options.record_before))


if __name__ == "__main__":
    sys.exit(main())
