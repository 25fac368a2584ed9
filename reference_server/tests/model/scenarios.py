"""What the model checker explores: what the program does, and how much may go wrong meanwhile."""

from __future__ import annotations

from typing import Final, NamedTuple

from product import Bounds
from server_machine import Step


class Scenario(NamedTuple):
    """A script of the server's program, and the bounds of all else."""

    name: str
    script: tuple[Step, ...]
    bounds: Bounds


_E, _X, _D, _P, _F, _R = Step.EVALUATE, Step.CANCEL, Step.DOWNLOAD, Step.PIECE, Step.FINISH, Step.RETURN

QUICK: Final = (
    Scenario("three commands and their replies, 2 cuts", (_E, _E, _E), Bounds(cuts=2)),
    Scenario("two commands and an event, a cut", (_E, _E), Bounds(events=1, cuts=1)),
    Scenario(
        "replies in any order, a slow client", (_E, _E), Bounds(cuts=1, silences=1, any_order=True, slow_client=True)
    ),
    Scenario("a command is cancelled, and the app returns", (_E, _X, _E, _R), Bounds(cuts=1)),
    Scenario("a stream in two pieces, and the app returns", (_D, _P, _P, _F, _R), Bounds(cuts=2)),
    Scenario("a stream is cancelled, a command follows", (_D, _P, _X, _E), Bounds(cuts=2)),
)
"""Explored by the tests, in less than a minute."""

FULL: Final = (
    *QUICK[1:],
    Scenario("three commands and their replies, 3 cuts", (_E, _E, _E), Bounds(cuts=3)),
    Scenario("three commands, replies in any order", (_E, _E, _E), Bounds(cuts=2, any_order=True)),
    Scenario("three commands, two takeovers, a cut", (_E, _E, _E), Bounds(cuts=1, silences=2)),
    Scenario("three commands and an event, 2 cuts", (_E, _E, _E), Bounds(events=1, cuts=2)),
    Scenario("two commands and two events, 2 cuts", (_E, _E), Bounds(events=2, cuts=2)),
    Scenario("a command and three events, 2 cuts", (_E,), Bounds(events=3, cuts=2)),
    Scenario("a command, an event, 3 cuts", (_E,), Bounds(events=1, cuts=3, slow_client=True)),
    Scenario("a command is cancelled, the app returns, 2 cuts", (_E, _X, _E, _R), Bounds(cuts=2)),
    Scenario("an event while the app returns, 2 cuts", (_E, _E, _R), Bounds(events=1, cuts=2)),
    Scenario("a stream and a command, 3 cuts", (_D, _P, _P, _F, _E), Bounds(cuts=3)),
    Scenario("two streams, and the app returns, 2 cuts", (_D, _P, _P, _F, _D, _P, _F, _R), Bounds(cuts=2)),
    Scenario("a stream, a takeover, 3 cuts", (_D, _P, _F, _R), Bounds(cuts=3, silences=1)),
)
"""Explored by `check.py`, in some minutes."""
