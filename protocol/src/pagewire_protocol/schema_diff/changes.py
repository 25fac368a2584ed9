"""What a comparison finds: changes, each with whom it breaks and, where there is one, a message that shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pagewire_protocol.messages import Side

NOBODY: frozenset[Side] = frozenset()
EVERYBODY: frozenset[Side] = frozenset(Side)


@dataclass(frozen=True)
class Example:
    """A message that one version lets its senders send, and that the other's receivers refuse or do not know."""

    sender: Side
    is_of_new: bool
    """Whether it is of the new version, and refused by the old one."""
    message: Any
    then: str = "refuses"
    """What a receiver of the other version does with it."""


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was."""

    at: str
    """Message and field: `welcome.params.limits`, `eval_js.result.value`; or the table and row of the registry."""
    what: str
    breaks: frozenset[Side] = NOBODY
    """Who, written for the old version, does not get along with the new one; nobody if empty."""
    example: Example | None = None
    is_certain: bool = True
    """False if it could not be decided whether it breaks anybody; it counts as a break."""
    files: tuple[str, ...] = field(default=(), compare=False)
    """In which files the change is: how their names begin."""


def name_sides(sides: frozenset[Side]) -> str:
    """Return `clients`, `servers` or `clients and servers`."""
    return " and ".join(sorted(f"{side.value}s" for side in sides))
