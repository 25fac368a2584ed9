"""JSON objects that a program builds: their type, one walk over them, and their text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]


def rebuild(node: JsonObject, change: Callable[[JsonObject], JsonObject]) -> JsonObject:
    """Return a copy of `node` with `change` applied to every object in it, the outer ones first."""
    return {key: _rebuild_within(value, change) for key, value in change(dict(node)).items()}


def _rebuild_within(value: object, change: Callable[[JsonObject], JsonObject]) -> object:
    if isinstance(value, list):
        return [_rebuild_within(item, change) for item in value]
    return rebuild(value, change) if isinstance(value, dict) else value


def to_text(value: JsonObject) -> str:
    """Return `value` as the text of a committed file: two spaces, ASCII, a final newline."""
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"
