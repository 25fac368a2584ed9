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
    return {name: {"title": name, **_shape(schema, form)} for name, schema in sorted(found.items())}


def inline(schema: JsonObject, defs: JsonObject) -> JsonObject:
    """Return `schema` with every reference replaced by what it refers to; the models have no cycles.

    What stands beside a reference, such as the description of a property, goes before what is there.
    """

    def resolve(node: JsonObject) -> JsonObject:
        name = node.get("$ref")
        if not isinstance(name, str):
            return node
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return inline(defs[name.removeprefix("#/$defs/")], defs) | beside

    return rebuild(schema, resolve)


def _shape(schema: dict[str, Any], form: Form) -> JsonObject:
    """Bring pydantic's schema into the published shape: no titles of properties, a plain discriminator, the form."""

    def shape(node: JsonObject) -> JsonObject:
        # A title is a string; a schema under this key is the property of that name.
        node = {key: value for key, value in node.items() if not (key == "title" and isinstance(value, str))}
        strict_rules, strict_form = node.pop("x-strict", {}), node.pop("x-strict-form", {})
        if strict_form and form is Form.STRICT:
            node = {"description": node["description"], **copy.deepcopy(strict_form)}
        if "x-title" in node:
            node = {"title": node.pop("x-title"), **node}
        if "discriminator" in node:
            # ajv refuses a mapping, and a discriminator on anything but an object.
            node = {"type": "object", **node, "discriminator": {"propertyName": node["discriminator"]["propertyName"]}}
        if form is Form.STRICT:
            node |= copy.deepcopy(strict_rules)
            if node.get("type") == "object" and "additionalProperties" not in node and "discriminator" not in node:
                node["additionalProperties"] = False
        return node

    return rebuild(schema, shape)
