"""Whether a JSON Schema accepts one value: a plain reading of the keywords, with nothing in common with `value_sets`.

It confirms what the comparison of sets finds: an example is shown only if the one schema accepts it and the other does
not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pagewire_protocol.json_objects import JsonObject
from pagewire_protocol.schema_inclusion.keywords import ANNOTATIONS, OF_ARRAYS, OF_NUMBERS, OF_OBJECTS, OF_TEXTS
from pagewire_protocol.schema_inclusion.languages import Undecided
from pagewire_protocol.schema_inclusion.patterns import language_of
from pagewire_protocol.schema_inclusion.schema_values import Schema, resolve

_CHECKED_ELSEWHERE: Final = frozenset(("$defs", "definitions", "then", "else", "minContains", "maxContains"))


def accepts(schema: Schema, value: Any, root: JsonObject | None = None) -> bool:
    """Whether `schema` accepts `value`; `root` is where its references lead to.

    Undecided is raised if that depends on a keyword or pattern that is not understood.
    """
    if isinstance(schema, bool):
        return schema
    root = schema if root is None else root
    return all(
        _check(keyword, schema, value, root)
        for keyword in sorted(
            schema.keys() - ANNOTATIONS - _CHECKED_ELSEWHERE, key=lambda keyword: _ORDER.get(keyword, len(_ORDER))
        )
    )


def _check(keyword: str, schema: JsonObject, value: Any, root: JsonObject) -> bool:
    check = _CHECKS.get(keyword)
    if check is None:
        raise Undecided(f"`{keyword}` is not understood")
    applies = _APPLIES_TO.get(keyword)
    if applies is not None and (not isinstance(value, applies) or isinstance(value, bool)):
        return True
    return bool(check(schema, value, root))


def _is_type(name: str, value: Any) -> bool:
    if isinstance(value, bool) or value is None:
        return name == ("null" if value is None else "boolean")
    if name == "integer":
        return isinstance(value, int | float) and value == int(value)
    types: dict[str, tuple[type, ...]] = {"string": (str,), "number": (int, float), "array": (list,), "object": (dict,)}
    return isinstance(value, types.get(name, ()))


def _types(schema: JsonObject) -> list[str]:
    names = schema["type"]
    return names if isinstance(names, list) else [names]


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def _count(schema: JsonObject, value: Any, root: JsonObject, keyword: str) -> int:
    return sum(accepts(each, value, root) for each in schema[keyword])


def _condition(schema: JsonObject, value: Any, root: JsonObject) -> bool:
    return accepts(schema.get("then" if accepts(schema["if"], value, root) else "else", True), value, root)


def _items(schema: JsonObject, value: Any, root: JsonObject) -> bool:
    skipped = len(schema.get("prefixItems", ()))
    return all(accepts(schema["items"], each, root) for each in value[skipped:])


def _contains(schema: JsonObject, value: Any, root: JsonObject) -> bool:
    count = sum(accepts(schema["contains"], each, root) for each in value)
    return bool(schema.get("minContains", 1) <= count <= schema.get("maxContains", count))


def _is_unique(value: list[Any]) -> bool:
    return not any(same(one, other) for index, one in enumerate(value) for other in value[:index])


def _matching(schema: JsonObject, name: str) -> Iterator[Schema]:
    for pattern, each in schema.get("patternProperties", {}).items():
        if name in language_of(pattern):
            yield each


def _pattern_fields(schema: JsonObject, value: Any, root: JsonObject) -> bool:
    return all(accepts(each, value[name], root) for name in value for each in _matching(schema, name))


def _other_fields(schema: JsonObject, value: Any, root: JsonObject) -> bool:
    others = [name for name in value if name not in schema.get("properties", {}) and not any(_matching(schema, name))]
    return all(accepts(schema["additionalProperties"], value[name], root) for name in others)


def _unevaluated(schema: JsonObject, value: Any, root: JsonObject) -> bool:
    if schema.keys() & {"$ref", "allOf", "anyOf", "oneOf", "if", "dependentSchemas"}:
        raise Undecided("`unevaluatedProperties` beside other schemas is not understood")
    return _other_fields({"additionalProperties": schema["unevaluatedProperties"], **schema}, value, root)


def _multiple(schema: JsonObject, value: Any, _: JsonObject) -> bool:
    quotient = value / schema["multipleOf"]
    return bool(quotient == int(quotient))


_CHECKS: Final[dict[str, Any]] = {
    "type": lambda schema, value, _: any(_is_type(name, value) for name in _types(schema)),
    "const": lambda schema, value, _: same(schema["const"], value),
    "enum": lambda schema, value, _: any(same(each, value) for each in schema["enum"]),
    "minimum": lambda schema, value, _: value >= schema["minimum"],
    "maximum": lambda schema, value, _: value <= schema["maximum"],
    "exclusiveMinimum": lambda schema, value, _: value > schema["exclusiveMinimum"],
    "exclusiveMaximum": lambda schema, value, _: value < schema["exclusiveMaximum"],
    "multipleOf": _multiple,
    "minLength": lambda schema, value, _: len(value) >= schema["minLength"],
    "maxLength": lambda schema, value, _: len(value) <= schema["maxLength"],
    "minItems": lambda schema, value, _: len(value) >= schema["minItems"],
    "maxItems": lambda schema, value, _: len(value) <= schema["maxItems"],
    "uniqueItems": lambda schema, value, _: not schema["uniqueItems"] or _is_unique(value),
    "minProperties": lambda schema, value, _: len(value) >= schema["minProperties"],
    "maxProperties": lambda schema, value, _: len(value) <= schema["maxProperties"],
    "required": lambda schema, value, _: all(name in value for name in schema["required"]),
    "dependentRequired": lambda schema, value, _: all(
        set(needed) <= value.keys() for name, needed in schema["dependentRequired"].items() if name in value
    ),
    "properties": lambda schema, value, root: all(
        accepts(each, value[name], root) for name, each in schema["properties"].items() if name in value
    ),
    "patternProperties": _pattern_fields,
    "additionalProperties": _other_fields,
    "unevaluatedProperties": _unevaluated,
    "propertyNames": lambda schema, value, root: all(accepts(schema["propertyNames"], name, root) for name in value),
    "dependentSchemas": lambda schema, value, root: all(
        accepts(each, value, root) for name, each in schema["dependentSchemas"].items() if name in value
    ),
    "prefixItems": lambda schema, value, root: all(
        accepts(each, item, root) for each, item in zip(schema["prefixItems"], value, strict=False)
    ),
    "items": _items,
    "contains": _contains,
    "pattern": lambda schema, value, _: value in language_of(schema["pattern"]),
    "not": lambda schema, value, root: not accepts(schema["not"], value, root),
    "if": _condition,
    "allOf": lambda schema, value, root: all(accepts(each, value, root) for each in schema["allOf"]),
    "anyOf": lambda schema, value, root: _count(schema, value, root, "anyOf") > 0,
    "oneOf": lambda schema, value, root: _count(schema, value, root, "oneOf") == 1,
    "$ref": lambda schema, value, root: accepts(resolve(schema["$ref"], root), value, root),
}
"""What each keyword asks, of a value of the types to which it applies; in the order in which they are checked."""

_ORDER: Final = {keyword: index for index, keyword in enumerate(_CHECKS)}
_APPLIES_TO: Final[dict[str, tuple[type, ...]]] = (
    dict.fromkeys(OF_NUMBERS, (int, float))
    | dict.fromkeys(OF_TEXTS, (str,))
    | dict.fromkeys(OF_ARRAYS, (list,))
    | dict.fromkeys(OF_OBJECTS, (dict,))
)
