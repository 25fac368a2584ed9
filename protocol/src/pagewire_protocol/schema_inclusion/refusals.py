"""What one JSON Schema accepts and another refuses, said for people and shown by an example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pagewire_protocol.json_objects import JsonObject
from pagewire_protocol.schema_inclusion.acceptance import accepts
from pagewire_protocol.schema_inclusion.languages import Undecided
from pagewire_protocol.schema_inclusion.schema_values import Schema, values_of
from pagewire_protocol.schema_inclusion.value_sets import Difference

_MOST_EXAMPLES = 50


@dataclass(frozen=True)
class Refusal:
    """Something that the one accepts and the other refuses."""

    at: str
    """Where it is in the value: `params.limits`."""
    why: str
    """What may be there: `be missing`, `be 'later'`."""
    example: Any = None
    """A value that the one accepts and the other refuses."""
    is_certain: bool = True
    """Whether there is such an example. Without one it could not be decided whether anything is refused."""


def refusals(
    sent: Schema, accepted: Schema, roots: tuple[JsonObject | None, JsonObject | None] = (None, None)
) -> list[Refusal]:
    """Return what `sent` accepts and `accepted` refuses; nothing if it is proven that there is no such value.

    `roots` is where the references of each lead to.
    """
    found: dict[tuple[str, str], Refusal] = {}
    for difference in values_of(sent, roots[0]).differences(values_of(accepted, roots[1])):
        refusal = _refusal(difference, (sent, accepted), roots)
        known = found.get((refusal.at, refusal.why))
        if known is None or (refusal.is_certain and not known.is_certain):
            found[refusal.at, refusal.why] = refusal
    return list(found.values())


def example_of(schema: Schema, root: JsonObject | None = None) -> Any:
    """Return a small value that a schema accepts; None if none is found."""
    return next((each for each in values_of(schema, root).examples() if _accepted(schema, each, root)), None)


def _accepted(schema: Schema, value: Any, root: JsonObject | None) -> bool:
    try:
        return accepts(schema, value, root)
    except Undecided:
        return False


def _refusal(difference: Difference, schemas: tuple[Schema, Schema], roots: tuple[JsonObject | None, ...]) -> Refusal:
    for _, example in zip(range(_MOST_EXAMPLES), difference.branch.shape.examples(), strict=False):
        try:
            if accepts(schemas[0], example, roots[0]) and not accepts(schemas[1], example, roots[1]):
                return Refusal(difference.at, difference.why, example)
        except Undecided:
            continue
    return Refusal(difference.at, difference.why, is_certain=False)
