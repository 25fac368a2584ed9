"""A comparison as text for people, and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from pagewire_protocol.messages import Side
from pagewire_protocol.schema_diff.changes import EVERYBODY, NOBODY, Change, Example, name_sides
from pagewire_protocol.schema_diff.versions import OTHER_SIDE, Version

_GROUPS: Final = (frozenset((Side.CLIENT,)), frozenset((Side.SERVER,)), EVERYBODY, NOBODY)
_LONGEST_TEXT: Final = 60
_LONGEST_LIST: Final = 4


def as_lines(old: Version, new: Version, changes: Sequence[Change]) -> Iterator[str]:
    """Yield the lines of the text: what breaks clients first, then servers, both, and nobody."""
    yield f"{old.number} ({old.where}) -> {new.number} ({new.where})"
    for group in _GROUPS:
        members = [change for change in changes if change.breaks == group]
        if members:
            yield ""
            yield f"Breaks {name_sides(group) or 'nobody'}:"
        for change in members:
            yield f"  {change.at}: {change.what}"
            if change.example is not None:
                yield f"    {_introduction(change.example, old, new)}: {_text(change.example.message)}"
    yield ""
    yield _count(changes)


def _introduction(example: Example, old: Version, new: Version) -> str:
    versions = ["the old version", "the new version"] if old.number == new.number else [old.number, new.number]
    by, at = reversed(versions) if example.is_of_new else versions
    receiver = OTHER_SIDE[example.sender].value
    return f"a {example.sender.value} of {by} sends, and a {receiver} of {at} {example.then}"


def _count(changes: Sequence[Change]) -> str:
    if not changes:
        return "nothing has changed"
    breaking = sum(1 for change in changes if change.breaks)
    whom = (
        f"{breaking} of them {'breaks' if breaking == 1 else 'break'} somebody" if breaking else "none breaks anybody"
    )
    return f"{len(changes)} change{'s' * (len(changes) != 1)}, {whom}"


def _text(message: Any) -> str:
    return json.dumps(_shorten(message), ensure_ascii=False)


def _shorten(value: Any) -> Any:
    """Return a value with long texts and lists cut, to be read and not to be sent."""
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:20]}... ({len(value)} characters)"
    if isinstance(value, list):
        more = [f"... ({len(value)} items)"] if len(value) > _LONGEST_LIST else []
        return [_shorten(item) for item in value[: _LONGEST_LIST - len(more)]] + more
    return {_shorten(key): _shorten(item) for key, item in value.items()} if isinstance(value, dict) else value


def as_document(old: Version, new: Version, changes: Sequence[Change]) -> dict[str, Any]:
    """Return the comparison as the JSON document that protocol/README.md describes."""
    return {
        "old": {"version": old.number, "where": old.where},
        "new": {"version": new.number, "where": new.where},
        "changes": [_change(change) for change in changes],
        "breaking": sum(1 for change in changes if change.breaks),
    }


def _change(change: Change) -> dict[str, Any]:
    row: dict[str, Any] = {
        "at": change.at,
        "what": change.what,
        "breaks": sorted(side.value for side in change.breaks),
        "decided": change.is_certain,
    }
    if change.example is not None:
        row["counterexample"] = {
            "sender": change.example.sender.value,
            "of": "new" if change.example.is_of_new else "old",
            "then": change.example.then,
            "message": change.example.message,
        }
    return row
