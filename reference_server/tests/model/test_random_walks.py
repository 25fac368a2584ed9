"""The machines of both sides on long random walks, far beyond the bounds that can be explored to the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from client_machine import ClientMachine, client_machine
from delivery_bugs import ReplaysNothing
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from planted_bugs import with_outbox
from product import Bounds, Product, State
from search import BrokenPromise
from server_machine import MakeCore, ServerMachine, Step

from pagewire_server.core.session import SessionCore

BOUNDS = Bounds(events=20, cuts=12, silences=6, any_order=True, slow_client=True)
SCRIPTS = st.lists(st.sampled_from([Step.EVALUATE, Step.EVALUATE, Step.CANCEL]), max_size=20).map(
    lambda steps: (Step.EVALUATE, *steps, Step.RETURN)
)
CHOICES = st.lists(st.integers(0, 1 << 16), min_size=100, max_size=400)
FAULTS_IN_TEN = 2
WALK_END = 5_000


@pytest.fixture(scope="module")
def client() -> Iterator[ClientMachine]:
    """Run the machine of our client for all walks: what it has been asked once it knows."""
    with client_machine() as machine:
        yield machine


def walk(client: ClientMachine, script: tuple[Step, ...], choices: list[int], make_core: MakeCore) -> State:
    """Let things happen by chance, then all that is needed to come to the end; BrokenPromise if that is not to be."""
    product = Product(ServerMachine(script, make_core), client, BOUNDS)
    state = product.start()
    names: list[str] = []
    for choice in [*choices, *[None] * WALK_END]:
        moves = list(product.moves(state))
        usual = [move for move in moves if not move.is_fault]
        faults = [move for move in moves if move.is_fault]
        if choice is None:
            if product.is_complete(state):
                return state
            move = usual[0] if usual else None
        else:
            pool = faults if faults and (choice % 10 < FAULTS_IN_TEN or not usual) else usual
            move = pool[choice // 10 % len(pool)] if pool else None
        if move is None:
            break
        names.append(str(move))
        if move.wrong:
            raise BrokenPromise(move.wrong, names)
        state = move.state
    if product.is_complete(state):
        return state
    raise BrokenPromise("nothing more happens, and not all has arrived", names)


@settings(max_examples=30, deadline=None, database=None)
@given(script=SCRIPTS, choices=CHOICES)
def test_every_walk_comes_to_its_end_and_keeps_the_promise(
    client: ClientMachine, script: tuple[Step, ...], choices: list[int]
) -> None:
    """Up to 22 commands, 20 events, 12 cuts and 6 takeovers, in some hundreds of moves."""
    walk(client, script, choices, SessionCore)


def test_planted_bug_is_found_by_chance_as_well(client: ClientMachine) -> None:
    """So that the walks go where something can break."""

    @settings(max_examples=200, deadline=None, database=None, derandomize=True, phases=(Phase.generate,))
    @given(script=SCRIPTS, choices=CHOICES)
    def run(script: tuple[Step, ...], choices: list[int]) -> None:
        walk(client, script, choices, with_outbox(ReplaysNothing))

    with pytest.raises(BrokenPromise):
        run()
