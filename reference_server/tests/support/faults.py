"""What can go wrong on a line: the kinds of faults, where one strikes, and endless rows of them, drawn by a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Kind(Enum):
    """What a fault does to a connection. *Up* is from the client to the server."""

    RESET = "reset"
    """Both sides get an RST; what was under way is lost."""
    CLOSE = "close"
    """Both sides get a FIN, after what was passed on."""
    HALVED_FRAME = "halved frame"
    """As CLOSE, after half of a frame."""
    HALF_CLOSE_UP = "half-close up"
    """The server gets a FIN, and nothing more of what the client sends; the way down stays open."""
    HALF_CLOSE_DOWN = "half-close down"
    """The same to the client."""
    STALL_UP = "stall up"
    """Bytes to the server are held, until the stall is over (`Fault.frees_after`)."""
    STALL_DOWN = "stall down"
    STALL_BOTH = "stall both"
    DELAY = "delay"
    """Bytes of both directions are held for a moment."""
    BLACK_HOLE = "black hole"
    """Both sides stay connected, and nothing passes any more, not even an end."""
    LATE_HELLO = "late hello"
    """The hello reaches the server after that of a newer connection was answered; the client is cut off at once."""


SURVIVED: Final = frozenset((Kind.STALL_UP, Kind.STALL_BOTH, Kind.DELAY, Kind.STALL_DOWN))
"""Kinds that need not end a connection. They begin after its hello: one that is held is a fault of its own."""


@dataclass(frozen=True)
class Fault:
    """One fault, and the point of a connection at which it strikes."""

    kind: Kind
    after_bytes: int = 0
    """How many bytes pass before it, of both directions, since the connection's begin or its last fault."""
    before: bytes | None = None
    """Instead: it strikes before the first frame that holds these bytes."""
    frees_after: int | None = None
    """A stall of one direction ends once so many bytes passed in the other. All end with a newer connection."""


WEIGHTS: Final[Mapping[Kind, int]] = {
    Kind.RESET: 4,
    Kind.CLOSE: 4,
    Kind.HALVED_FRAME: 4,
    Kind.HALF_CLOSE_UP: 2,
    Kind.HALF_CLOSE_DOWN: 2,
    Kind.STALL_UP: 2,
    Kind.STALL_DOWN: 2,
    Kind.STALL_BOTH: 1,
    Kind.DELAY: 3,
    Kind.BLACK_HOLE: 1,
    Kind.LATE_HELLO: 2,
}
"""How often each kind is drawn. Those that only silence tells of take long, and are rare."""

HANDSHAKE_BYTES: Final = 1500
"""About what passes until a client is welcomed."""
_EARLY: Final = HANDSHAKE_BYTES + 20_000
"""By then some frames have passed whole."""
_EARLY_SHARE: Final = 2 / 3
_IN_HANDSHAKE: Final = 1 / 4
"""Of the early ones."""
_LATEST: Final = 150_000
_LONGEST_STALL: Final = 200


def random_faults(seed: int, weights: Mapping[Kind, int] = WEIGHTS) -> Iterator[Fault]:
    """Draw faults without end; the same ones for the same seed.

    Never are two early in a row: after connections that brought nothing new, clients wait for longer and longer, up to
    15 s (RESUME-10), and a test has less patience.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    kinds = list(weights)
    was_early = False
    while True:
        kind = chance.choices(kinds, [weights[kind] for kind in kinds])[0]
        if was_early and kind is Kind.LATE_HELLO:
            continue
        gap = _draw_gap(chance, is_early=not was_early and chance.random() < _EARLY_SHARE)
        was_early = gap < _EARLY or kind is Kind.LATE_HELLO
        yield Fault(kind, after_bytes=gap, frees_after=chance.randrange(1, _LONGEST_STALL))


def _draw_gap(chance: random.Random, *, is_early: bool) -> int:
    if not is_early:
        return chance.randrange(_EARLY, _LATEST)
    if chance.random() < _IN_HANDSHAKE:
        return chance.randrange(HANDSHAKE_BYTES)
    return HANDSHAKE_BYTES + round(math.exp(chance.uniform(0, math.log(_EARLY - HANDSHAKE_BYTES - 1))))
