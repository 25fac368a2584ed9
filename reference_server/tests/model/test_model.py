"""Model checking: no interleaving of sends, deliveries, cuts and takeovers breaks the promise (SPEC section 1)."""

from __future__ import annotations

import pytest
from client_machine import client_machine
from planted_bugs import BUGS, COMMANDS, END, STREAM, Bug
from product import Product
from scenarios import QUICK, Scenario
from search import BrokenPromise, explore
from server_machine import ServerMachine

THREE_BY_THREE = QUICK[0]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("scenario", QUICK, ids=lambda scenario: scenario.name)
def test_no_state_loses_doubles_or_reorders_and_each_comes_to_its_end(scenario: Scenario) -> None:
    """All states within the bounds are visited; one that breaks the promise is told with the way to it."""
    with client_machine() as client:
        found = explore(Product(ServerMachine(scenario.script), client, scenario.bounds))
    # A model in which little happens would find little.
    assert found.states > (40_000 if scenario is THREE_BY_THREE else 3_000)
    assert found.moves > 2 * found.states


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_planted_bug_is_found(bug: Bug) -> None:
    """The same search stops at each of these, with the way to it."""
    with client_machine(bug.patches) as client, pytest.raises(BrokenPromise) as found:
        explore(Product(ServerMachine(bug.scenario.script, bug.make_core), client, bug.scenario.bounds))
    assert found.value.trace


@pytest.mark.parametrize("scenario", [COMMANDS, STREAM, END], ids=lambda scenario: scenario.name)
def test_nothing_is_found_without_a_bug(scenario: Scenario) -> None:
    """So that it is the bug that is found."""
    with client_machine() as client:
        assert explore(Product(ServerMachine(scenario.script), client, scenario.bounds)).states
