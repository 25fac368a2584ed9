"""Whether all that one JSON Schema allows is taken by another, as far as the published schemas go (2020-12).

Of a keyword that is not known here it is taken for granted only where both have the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, TypeAlias

from pagewire_protocol.json_objects import JsonObject

Schema: TypeAlias = JsonObject | bool

ANNOTATIONS: Final = frozenset(
    ("$schema", "$id", "$comment", "title", "description", "examples", "discriminator", "contentEncoding")
)
"""Keywords that allow and forbid nothing."""

_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_ALTERNATIVES: Final = ("anyOf", "oneOf")
_VALUES: Final = ("const", "enum")
_WALKED: Final = frozenset(
    ("type", "properties", "required", "additionalProperties", "propertyNames", "items")
    + (_LOWER + _UPPER + _ALTERNATIVES + _VALUES)
)
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}


class Refusal(NamedTuple):
    """Something that the one allows and the other does not take."""

    at: str
    """Where it is in a message: `params.limits`."""
    what: str


def refusals(sent: Schema, taken: Schema, at: str = "") -> list[Refusal]:
    """Return what `sent` allows and `taken` may refuse; nothing where all is taken."""
    if sent is False or taken is True:
        return []
    if taken is False:
        return [Refusal(at, "is not taken")]
    sent = {} if sent is True else sent
    if alternatives := _alternatives(sent):
        return _without_doubles(each for one in alternatives for each in refusals(one, taken, at))
    alternatives = _alternatives(taken)
    if (values := _values(sent)) is not None:
        takers = alternatives or [taken]
        return [Refusal(at, f"may be {each!r}") for each in values if not any(_takes(one, each) for one in takers)]
    if alternatives:
        return min((refusals(sent, one, at) for one in alternatives), key=len)
    return list(_refusals(sent, taken, at))


def join(at: str, name: str) -> str:
    """Return the place of a field."""
    return f"{at}.{name}" if at else name


def _refusals(sent: JsonObject, taken: JsonObject, at: str) -> Iterator[Refusal]:
    if (values := _values(taken)) is not None:
        yield Refusal(at, f"may be something else than {', '.join(map(repr, values))}")
        return
    more = _types(sent) - _types(taken)
    if "number" in _types(taken):
        more -= {"integer"}
    if more:
        yield Refusal(at, f"may be of type {', '.join(sorted(more))}")
        return
    yield from _beyond_bounds(sent, taken, at)
    if "array" in _types(sent):
        yield from refusals(sent.get("items", True), taken.get("items", True), f"{at}[]")
    if "object" in _types(sent):
        yield from _fields(sent, taken, at)
    for keyword in sorted(taken.keys() - _WALKED - ANNOTATIONS):
        if taken[keyword] != sent.get(keyword):
            yield Refusal(at, f"may be something that its `{keyword}` does not allow")


def _beyond_bounds(sent: JsonObject, taken: JsonObject, at: str) -> Iterator[Refusal]:
    for keyword in _LOWER:
        if keyword in taken and sent.get(keyword, float("-inf")) < taken[keyword]:
            yield Refusal(at, f"may be under its `{keyword}` of {taken[keyword]}")
    for keyword in _UPPER:
        if keyword in taken and sent.get(keyword, float("inf")) > taken[keyword]:
            yield Refusal(at, f"may be over its `{keyword}` of {taken[keyword]}")


def _fields(sent: JsonObject, taken: JsonObject, at: str) -> Iterator[Refusal]:
    for name in taken.get("required", ()):
        if name not in sent.get("required", ()):
            yield Refusal(join(at, name), "may be missing")
    known: JsonObject = taken.get("properties", {})
    rest: Schema = taken.get("additionalProperties", True)
    for name, schema in sent.get("properties", {}).items():
        yield from refusals(schema, known.get(name, rest), join(at, name))
    others: Schema = sent.get("additionalProperties", True)
    for name in sorted(known.keys() - sent.get("properties", {}).keys()):
        yield from refusals(others, known[name], join(at, name))
    yield from refusals(others, rest, join(at, "*"))
    if "propertyNames" in taken and others is not False:
        name_schema: JsonObject = sent.get("propertyNames", {})
        yield from refusals({"type": "string", **name_schema}, taken["propertyNames"], join(at, "*"))


def _alternatives(schema: JsonObject) -> list[JsonObject]:
    """Return the schemas of which one must take a value, each with what stands beside them; none if it has none."""
    for keyword in _ALTERNATIVES:
        if keyword in schema:
            beside = {key: value for key, value in schema.items() if key != keyword}
            return [{**beside, **one} for one in schema[keyword]]
    return []


def _values(schema: JsonObject) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values: list[Any] | None = schema.get("enum")
    return values


def _types(schema: JsonObject) -> frozenset[str]:
    found = schema.get("type", list(_TYPES))
    return frozenset((found,) if isinstance(found, str) else found)


def _takes(schema: JsonObject, value: object) -> bool:
    """Whether a schema without alternatives takes one plain value."""
    if (values := _values(schema)) is not None:
        return value in values
    is_of_type = any(
        isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
        for name in _types(schema)
    )
    size = len(value) if isinstance(value, str) else 0
    in_length = schema.get("minLength", 0) <= size <= schema.get("maxLength", size)
    fits = not isinstance(value, str) or re.search(schema.get("pattern", ""), value) is not None
    return is_of_type and in_length and fits


def _without_doubles(found: Iterator[Refusal]) -> list[Refusal]:
    return list(dict.fromkeys(found))
