"""Whether something is a JSON Schema at all: that each keyword has a value of the right type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pagewire_protocol.schema_inclusion.keywords import WITH_NAMED_SCHEMAS, WITH_SCHEMA, WITH_SCHEMAS

_TYPES: Final = frozenset(("null", "boolean", "integer", "number", "string", "array", "object"))


def find_malformed(schema: Any, at: str = "") -> str | None:
    """Return the place of the first keyword with a value that is none for it; None if there is none."""
    if isinstance(schema, bool):
        return None
    if not isinstance(schema, dict):
        return at or "the schema"
    for keyword, value in schema.items():
        place = f"{at}/{keyword}" if at else keyword
        if keyword in _IS_VALUE and not _IS_VALUE[keyword](value):
            return place
        for name, inner in _inner(keyword, value):
            found = find_malformed(inner, f"{place}/{name}" if name else place)
            if found is not None:
                return found
    return None


def _inner(keyword: str, value: Any) -> list[tuple[str, Any]]:
    if keyword in WITH_SCHEMA:
        return [("", value)]
    if keyword in WITH_SCHEMAS:
        return [(str(index), each) for index, each in enumerate(value)]
    return list(value.items()) if keyword in WITH_NAMED_SCHEMAS else []


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_type(value: Any) -> bool:
    names = [value] if isinstance(value, str) else value
    return _is_names(names) and bool(names) and _TYPES.issuperset(names)


_IS_VALUE: Final[dict[str, Callable[[Any], bool]]] = {
    "type": _is_type,
    "enum": lambda value: isinstance(value, list),
    "required": _is_names,
    "pattern": lambda value: isinstance(value, str),
    "$ref": lambda value: isinstance(value, str),
    "multipleOf": lambda value: _is_number(value) and value > 0,
    "uniqueItems": lambda value: isinstance(value, bool),
    "dependentRequired": lambda value: isinstance(value, dict) and all(map(_is_names, value.values())),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _is_number),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _is_count),
    **dict.fromkeys(("minContains", "maxContains"), _is_count),
    **dict.fromkeys(WITH_SCHEMAS, lambda value: isinstance(value, list)),
    **dict.fromkeys(WITH_NAMED_SCHEMAS, lambda value: isinstance(value, dict)),
}
