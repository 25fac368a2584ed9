"""Visits every state of a product of two sessions, and checks that each can come to its end."""

from __future__ import annotations

from typing import NamedTuple

from product import Product, State


class BrokenPromise(AssertionError):  # noqa: N818 - it is what was found
    """A state that must not be: what is wrong in it, and how it was come to."""

    def __init__(self, what: str, trace: list[str]) -> None:
        super().__init__("\n".join([what, *trace]))
        self.what = what
        self.trace = trace


class Found(NamedTuple):
    """How much was looked at."""

    states: int
    moves: int


def explore(product: Product) -> Found:
    """Visit every state; BrokenPromise for the first that must not be, or that can't come to its end."""
    first = product.start()
    came_from: dict[State, State | None] = {first: None}
    onward: dict[State, State | None] = {}
    waiting, moves = [first], 0
    while waiting:
        state = waiting.pop()
        onward[state] = None
        for move in product.moves(state):
            moves += 1
            if move.wrong:
                raise BrokenPromise(move.wrong, [*_trace(product, came_from, state), str(move)])
            if onward[state] is None and not move.is_fault:
                onward[state] = move.state
            if move.state not in came_from:
                came_from[move.state] = state
                waiting.append(move.state)
    _check_ends(product, onward, came_from)
    return Found(len(came_from), moves)


def _check_ends(product: Product, onward: dict[State, State | None], came_from: dict[State, State | None]) -> None:
    """See that every state comes to its end where nothing more goes wrong."""
    good: set[State] = set()
    for first in onward:
        path: dict[State, None] = {}
        state = first
        while state not in good and not product.is_complete(state):
            path[state] = None
            following = onward[state]
            if following is None or following in path:
                raise BrokenPromise("nothing more happens, and not all has arrived", _trace(product, came_from, state))
            state = following
        good.update(path)
        good.add(state)


def _trace(product: Product, came_from: dict[State, State | None], state: State) -> list[str]:
    names: list[str] = []
    while (earlier := came_from[state]) is not None:
        names.append(next(str(move) for move in product.moves(earlier) if move.state == state))
        state = earlier
    return names[::-1]
