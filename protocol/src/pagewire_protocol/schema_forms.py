"""The models as JSON Schema 2020-12, in two forms: open for receivers, strict for judging senders (SPEC section 15)."""

from __future__ import annotations

import copy
from enum import StrEnum
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from pagewire_protocol.json_objects import JsonObject, rebuild
from pagewire_protocol.messages import MESSAGES, ClientMessage, ServerMessage

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
MODE: Final[JsonSchemaMode] = "validation"
"""One mode is published: no field differs between reading and writing."""

_UNIONS: Final[tuple[Any, ...]] = (ClientMessage, ServerMessage)


class Form(StrEnum):
    """What is done with what the version does not know."""

    OPEN = "open"
    """Unknown fields and codes are taken, as every receiver must (WIRE-15)."""
    STRICT = "strict"
    """They are refused, as no sender may send them."""


def definitions(form: Form) -> JsonObject:
    """Return the schemas of all models, by name, with references among them as `#/$defs/NAME`."""
    adapters: list[TypeAdapter[Any]] = [TypeAdapter(model) for model in MESSAGES.values()]
    adapters += [TypeAdapter(union) for union in _UNIONS]
    generator = GenerateJsonSchema(by_alias=True, ref_template="#/$defs/{model}")
    _, found = generator.generate_definitions([(index, MODE, each.core_schema) for index, each in enumerate(adapters)])
    shaped = {name: _shape(schema, form) for name, schema in sorted(found.items())}
    return {name: _name_it(name, schema) for name, schema in shaped.items()}


def inline(schema: JsonObject, defs: JsonObject) -> JsonObject:
    """Return `schema` with every reference replaced by what it refers to; the models have no cycles."""

    def resolve(node: JsonObject) -> JsonObject:
        name = node.get("$ref")
        return inline(_without_title(defs[name.removeprefix("#/$defs/")]), defs) if isinstance(name, str) else node

    return rebuild(schema, resolve)


def _without_title(schema: JsonObject) -> JsonObject:
    # A title is a string; a schema under this key is the property of that name.
    return {key: value for key, value in schema.items() if not (key == "title" and isinstance(value, str))}


def _name_it(name: str, schema: JsonObject) -> JsonObject:
    return {"title": name, **schema}


def _shape(schema: dict[str, Any], form: Form) -> JsonObject:
    """Bring pydantic's schema into the published shape: no titles, a plain discriminator, the form's own rules."""

    def shape(node: JsonObject) -> JsonObject:
        node = _without_title(node)
        strict_rules = node.pop("x-strict", {})
        if "discriminator" in node:
            # ajv refuses a mapping, and a discriminator on anything but an object.
            node = {"type": "object", **node, "discriminator": {"propertyName": node["discriminator"]["propertyName"]}}
        if form is Form.STRICT:
            node |= copy.deepcopy(strict_rules)
            if node.get("type") == "object" and "additionalProperties" not in node and "discriminator" not in node:
                node["additionalProperties"] = False
        return node

    return rebuild(schema, shape)
