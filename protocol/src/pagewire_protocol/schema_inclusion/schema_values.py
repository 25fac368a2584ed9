"""What a JSON Schema (2020-12) accepts, as a set of values.

Keywords that are not understood become atoms: conditions that are equal only to themselves.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from typing import Any, Final, TypeAlias
from zlib import crc32

from pagewire_protocol.json_objects import JsonObject, rebuild
from pagewire_protocol.schema_inclusion.keywords import (
    ANNOTATIONS,
    OF_ARRAYS,
    OF_NUMBERS,
    OF_OBJECTS,
    OF_TEXTS,
    WITH_NAMED_SCHEMAS,
)
from pagewire_protocol.schema_inclusion.languages import Language, Undecided, words
from pagewire_protocol.schema_inclusion.patterns import language_of
from pagewire_protocol.schema_inclusion.plain_shapes import Boolean, Null, Number, Text
from pagewire_protocol.schema_inclusion.shapes import ALL_SHAPES, Array, Object, exactly
from pagewire_protocol.schema_inclusion.value_sets import ANYTHING, NOTHING, Atom, Branch, Shape, Values

Schema: TypeAlias = JsonObject | bool

_UNDERSTOOD: Final = (
    (OF_NUMBERS | OF_TEXTS | OF_ARRAYS | OF_OBJECTS)
    - frozenset(("multipleOf", "uniqueItems", "contains", "patternProperties", "dependentSchemas"))
    - frozenset(("unevaluatedProperties",))
) | frozenset(
    ("$ref", "$defs", "definitions", "type", "const", "enum", "allOf", "anyOf", "oneOf", "not", "if", "then", "else")
)
_TYPE_OF: Final = {
    "multipleOf": "number",
    "uniqueItems": "array",
    "contains": "array",
    "unevaluatedItems": "array",
    "patternProperties": "object",
    "dependentSchemas": "object",
    "unevaluatedProperties": "object",
}
_BELONGS_TO: Final = {
    "contains": ("minContains", "maxContains"),
    "patternProperties": ("properties", "additionalProperties"),
}
_SILENT: Final = frozenset(("minContains", "maxContains"))
_NO_CONDITION: Final = (("uniqueItems", False),)
_APPLICATORS: Final = ("$ref", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "patternProperties")


def values_of(schema: Schema, root: JsonObject | None = None) -> Values:
    """Return what `schema` accepts; `root` is where its references lead to, itself if None."""
    return _Reader(root if root is not None else schema if isinstance(schema, dict) else {}).read(schema)


def resolve(reference: str, root: Mapping[str, Any]) -> Schema:
    """Return what `#/...` refers to in `root`; ValueError if there is nothing."""
    found: Any = root
    if not reference.startswith("#"):
        raise ValueError(f"the reference {reference!r} leads out of its file")
    for part in reference.lstrip("#").split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or key not in found:
            raise ValueError(f"the reference {reference!r} leads to nothing")
        found = found[key]
    if not isinstance(found, dict | bool):
        raise ValueError(f"the reference {reference!r} does not lead to a schema")  # noqa: TRY004 - the file's fault
    return found


class _Reader:
    def __init__(self, root: JsonObject) -> None:
        self._root = root
        self._within: list[str] = []
        self._applicators: dict[str, Callable[[Any, JsonObject], Values]] = {
            "$ref": self._ref,
            "const": self._const,
            "enum": self._enum,
            "allOf": self._all_of,
            "anyOf": self._any_of,
            "oneOf": self._one_of,
            "not": self._not,
            "if": self._if,
            "dependentRequired": self._dependent_required,
        }

    def read(self, schema: Schema) -> Values:
        if isinstance(schema, bool):
            return ANYTHING if schema else NOTHING
        schema = _with_plain_fields(schema)
        found = self._typed(schema)
        for keyword, read in self._applicators.items():
            if keyword in schema:
                found = found.meet(read(schema[keyword], schema))
        for keyword in sorted(schema.keys() - _UNDERSTOOD - ANNOTATIONS - _SILENT):
            found = self._with_condition(found, schema, keyword)
        return found

    def _typed(self, schema: JsonObject) -> Values:
        shapes = [self._number(schema), *self._text(schema), self._array(schema), self._object(schema)]
        branches = (*(Branch(each) for each in (Null(), Boolean())), *map(_as_branch, shapes))
        if "type" not in schema:
            return ANYTHING if branches == tuple(map(Branch, ALL_SHAPES)) else Values(branches)
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        met = [branch.meet(Branch(each)) for branch in branches for each in _shapes_of(names)]
        return Values(tuple(each for each in met if each is not None and not each.is_empty()))

    @staticmethod
    def _number(schema: JsonObject) -> Shape:
        closed = Number(schema.get("minimum", -math.inf), schema.get("maximum", math.inf))
        low, high = schema.get("exclusiveMinimum", -math.inf), schema.get("exclusiveMaximum", math.inf)
        opened = Number(low, high, low > -math.inf, high < math.inf)
        return closed.meet(opened)

    @staticmethod
    def _text(schema: JsonObject) -> list[Shape | Branch]:
        least, most = schema.get("minLength", 0), schema.get("maxLength")
        if "pattern" not in schema:
            return [Text(least=least, most=most)]
        language = _understood(schema["pattern"])
        if language is None:
            return [
                Branch(Text(least=least, most=most), frozenset((Atom(f"`pattern` {json.dumps(schema['pattern'])}"),)))
            ]
        return [Text(language, least, most)]

    def _array(self, schema: JsonObject) -> Shape:
        first = tuple(self.read(each) for each in schema.get("prefixItems", ()))
        return Array(first, self.read(schema.get("items", True)), schema.get("minItems", 0), schema.get("maxItems"))

    def _object(self, schema: JsonObject) -> Shape | Branch:
        names, atoms = Text(), frozenset[Atom]()
        if "propertyNames" in schema:
            found = self.read(schema["propertyNames"]).meet(Values((Branch(Text()),))).alternatives()
            if len(found) == 1 and not found[0].atoms and isinstance(found[0].shape, Text):
                names = found[0].shape
            elif found:
                atoms = frozenset((self._atom("propertyNames", schema["propertyNames"]),))
            else:
                return Object(rest=NOTHING)
        has_patterns = "patternProperties" in schema
        rest = ANYTHING if has_patterns else self.read(schema.get("additionalProperties", True))
        fields = {name: self.read(each) for name, each in schema.get("properties", {}).items()}
        required, most = frozenset(schema.get("required", ())), schema.get("maxProperties")
        return Branch(Object(fields, rest, required, names, schema.get("minProperties", 0), most), atoms)

    def _ref(self, reference: str, _: JsonObject) -> Values:
        if reference in self._within:
            return ANYTHING.with_atom(self._atom("$ref", reference))
        self._within.append(reference)
        found = self.read(resolve(reference, self._root))
        self._within.pop()
        return found

    def _with_condition(self, found: Values, schema: JsonObject, keyword: str) -> Values:
        if (keyword, schema[keyword]) in _NO_CONDITION:
            return found
        about: Any = {each: schema[each] for each in _BELONGS_TO.get(keyword, ()) if each in schema}
        about = schema if keyword.startswith("unevaluated") else {**about, keyword: schema[keyword]} if about else None
        types = (_TYPE_OF[keyword],) if keyword in _TYPE_OF else ()
        return found.with_atom(self._atom(keyword, schema[keyword] if about is None else about), *types)

    def _atom(self, keyword: str, value: Any) -> Atom:
        text = f"`{keyword}` {json.dumps(bare(value), sort_keys=True)}"
        # What a reference leads to is part of the condition.
        return Atom(
            f"{text} in {crc32(json.dumps(bare(self._root), sort_keys=True).encode()):08x}" if "$ref" in text else text
        )

    @staticmethod
    def _const(value: Any, _: JsonObject) -> Values:
        return exactly(value)

    @staticmethod
    def _enum(values: list[Any], _: JsonObject) -> Values:
        texts = [value for value in values if isinstance(value, str)]
        found = Values((Branch(Text(words(texts))),)) if texts else NOTHING
        return reduce(Values.join, (exactly(value) for value in values if not isinstance(value, str)), found)

    def _all_of(self, schemas: list[Schema], _: JsonObject) -> Values:
        return reduce(Values.meet, map(self.read, schemas), ANYTHING)

    def _any_of(self, schemas: list[Schema], _: JsonObject) -> Values:
        return reduce(Values.join, map(self.read, schemas), NOTHING)

    def _one_of(self, schemas: list[Schema], _: JsonObject) -> Values:
        read = [self.read(each) for each in schemas]
        alone = [reduce(_without, (*read[:index], *read[index + 1 :]), each) for index, each in enumerate(read)]
        if any(_is_doubtful(each) for each in alone):
            return reduce(Values.join, read, NOTHING).with_atom(self._atom("oneOf", schemas))
        return reduce(Values.join, alone, NOTHING)

    def _not(self, schema: Schema, _: JsonObject) -> Values:
        return self._complement(schema)

    def _complement(self, schema: Schema) -> Values:
        found = ANYTHING.minus(self.read(schema))
        # An object with any wrong field has no shape: that is a condition.
        return ANYTHING.with_atom(self._atom("not", schema)) if _is_doubtful(found) else found

    def _if(self, condition: Schema, schema: JsonObject) -> Values:
        held = self.read(condition).meet(self.read(schema.get("then", True)))
        return held.join(self._complement(condition).meet(self.read(schema.get("else", True))))

    def _dependent_required(self, needed: dict[str, list[str]], _: JsonObject) -> Values:
        found = ANYTHING
        for name, others in needed.items():
            without: Schema = {"properties": {name: False}}
            found = found.meet(self.read({"anyOf": [without, {"required": [*others]}]}))
        return found


def _with_plain_fields(schema: JsonObject) -> JsonObject:
    """Return the schema with `unevaluatedProperties` as `additionalProperties`, where it means the same."""
    if "unevaluatedProperties" not in schema or any(each in schema for each in _APPLICATORS):
        return schema
    rest = schema["unevaluatedProperties"]
    plain = {key: value for key, value in schema.items() if key != "unevaluatedProperties"}
    return {"additionalProperties": rest, **plain}


def _without(values: Values, other: Values) -> Values:
    return values if values.meet(other).is_empty() else values.minus(other)


def _is_doubtful(values: Values) -> bool:
    return any(branch.is_doubtful for branch in values.alternatives())


def annotations_of(value: Any, at: str = "") -> Iterator[tuple[str, JsonObject]]:
    """Yield the place and the annotations of each schema in `value`."""
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from annotations_of(each, f"{at}[{index}]")
    elif isinstance(value, dict):
        yield at, {key: each for key, each in value.items() if key in ANNOTATIONS}
        for key in value.keys() - ANNOTATIONS:
            inner = (
                value[key].items() if key in WITH_NAMED_SCHEMAS and isinstance(value[key], dict) else [("", value[key])]
            )
            for name, each in inner:
                yield from annotations_of(each, "/".join(part for part in (at, key, name) if part))


def bare(value: Any) -> Any:
    """Return a schema without its annotations."""
    if isinstance(value, list):
        return [bare(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: {name: bare(each) for name, each in value[key].items()}
        if key in WITH_NAMED_SCHEMAS and isinstance(value[key], dict)
        else bare(value[key])
        for key in value
        if key not in ANNOTATIONS
    }


def plain(schema: Schema, root: JsonObject) -> Schema:
    """Return a schema without annotations and references; ValueError if they have no end."""

    def inline(node: JsonObject, depth: int = 0) -> JsonObject:
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return node
        if depth > len(root.get("$defs", {})):
            raise ValueError(f"the reference {reference!r} leads back to itself")
        found = resolve(reference, root)
        beside = {key: value for key, value in node.items() if key != "$ref"}
        met = found if isinstance(found, dict) else {"allOf": [found]}
        return inline({**met, **beside}, depth + 1)

    return schema if isinstance(schema, bool) else _without_definitions(bare(rebuild(bare(schema), inline)))


def _without_definitions(schema: JsonObject) -> JsonObject:
    return {key: value for key, value in schema.items() if key != "$defs"}


def _understood(pattern: str) -> Language | None:
    try:
        return language_of(pattern)
    except Undecided:
        return None


def _as_branch(shape: Shape | Branch) -> Branch:
    return shape if isinstance(shape, Branch) else Branch(shape)


def _shapes_of(names: list[str]) -> list[Shape]:
    known = {"null": Null(), "boolean": Boolean(), "string": Text(), "array": Array(), "object": Object()}
    found: list[Shape] = [known[name] for name in names if name in known]
    if "number" in names:
        found.append(Number())
    elif "integer" in names:
        found.append(Number(whole=True))
    return found
