"""Which fields a schema knows by name, and which words; in the places of which refusals speak."""

from __future__ import annotations

from collections.abc import Iterator

from pagewire_protocol.json_objects import JsonObject
from pagewire_protocol.schema_inclusion.schema_values import Schema, resolve
from pagewire_protocol.schema_inclusion.shapes import OTHER_FIELDS, join

_BESIDE = ("allOf", "anyOf", "oneOf")
_CONDITIONAL = ("then", "else")


def known_places(schema: Schema, root: JsonObject | None = None) -> frozenset[str]:
    """Return the place of every field and item of which `schema` says something; `*` where fields have any name.

    Its references must not lead back to themselves.
    """
    start = root if root is not None else schema if isinstance(schema, dict) else {}
    return frozenset(at for at, _ in _places(schema, start, ""))


def listed_places(schema: Schema, root: JsonObject | None = None) -> frozenset[str]:
    """Return the places at which `schema` lists words: those of an `enum` or `const`."""
    start = root if root is not None else schema if isinstance(schema, dict) else {}
    places = _places(schema, start, "")
    return frozenset(at for at, each in places if isinstance(each, dict) and ("enum" in each or "const" in each))


def _places(schema: Schema, root: JsonObject, at: str) -> Iterator[tuple[str, Schema]]:
    yield at, schema
    if isinstance(schema, bool):
        return
    for same in _about_the_same(schema, root):
        yield from _places(same, root, at)
    for name, field in schema.get("properties", {}).items():
        if field is not False:
            yield from _places(field, root, join(at, name))
    for items in (schema.get("items", False), *schema.get("prefixItems", ())):
        if items is not False:
            yield from _places(items, root, join(at, "[]"))
    others = schema.get("additionalProperties", "propertyNames" in schema)
    if others is not False:
        yield from _places(others, root, join(at, OTHER_FIELDS))


def _about_the_same(schema: JsonObject, root: JsonObject) -> Iterator[Schema]:
    for keyword in _BESIDE:
        yield from schema.get(keyword, ())
    for keyword in _CONDITIONAL:
        if keyword in schema:
            yield schema[keyword]
    if "$ref" in schema:
        yield resolve(schema["$ref"], root)
