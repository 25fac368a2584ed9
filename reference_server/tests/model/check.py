"""Explores every interleaving of a server, a client and the network between them, and says how many there are.

    .venv/bin/python reference_server/tests/model/check.py [--quick] [--only TEXT]

Exits with 1 at the first state in which a message is lost, doubled or out of order, or from which a session can't come
to its end, and prints the way to it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from client_machine import client_machine
from product import Product
from scenarios import FULL, QUICK, Scenario
from search import BrokenPromise, Found, explore
from server_machine import ServerMachine


def main() -> int:
    """Explore the scenarios and print a table of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only those that the tests explore")
    parser.add_argument("--only", default="", metavar="TEXT", help="only those in whose name it stands")
    options = parser.parse_args()
    scenarios = [scenario for scenario in (QUICK if options.quick else FULL) if options.only in scenario.name]
    if not scenarios:
        sys.stderr.write(f"there is no scenario with {options.only!r} in its name\n")
        return 2
    return _explore_all(scenarios)


def _explore_all(scenarios: Sequence[Scenario]) -> int:
    _say(f"{'scenario':54}{'states':>10}{'moves':>11}{'of the server':>15}{'of the client':>15}{'seconds':>9}")
    states = moves = 0
    for scenario in scenarios:
        started = time.perf_counter()
        try:
            found, of_server, of_client = _explore(scenario)
        except BrokenPromise as broken:
            _say(f"{scenario.name}: {broken}")
            return 1
        seconds = time.perf_counter() - started
        _say(
            f"{scenario.name:54}{found.states:10,}{found.moves:11,}{of_server:15,}{of_client:15,}{seconds:9.1f}",
        )
        states, moves = states + found.states, moves + found.moves
    _say(f"{'together':54}{states:10,}{moves:11,}")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _explore(scenario: Scenario) -> tuple[Found, int, int]:
    with client_machine() as client:
        server = ServerMachine(scenario.script)
        found = explore(Product(server, client, scenario.bounds))
        return found, server.state_count, client.state_count


if __name__ == "__main__":
    sys.exit(main())
