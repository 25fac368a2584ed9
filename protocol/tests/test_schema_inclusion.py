"""Whether one schema accepts all that another does: judged by jsonschema, which has nothing in common with ours."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pagewire_protocol.schema_inclusion import Schema, accepts, find_malformed, refusals, values_of

STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}


def is_valid(schema: Schema, value: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(schema).is_valid(value))


CASES: list[tuple[Schema, Schema, list[tuple[str, str]]]] = [
    (True, True, []),
    (False, False, []),
    (STRING, False, [("", "be a string")]),
    (INTEGER, {"type": "number"}, []),
    ({"type": "number"}, INTEGER, [("", "be a number with a fraction")]),
    ({"const": 3}, INTEGER, []),
    ({"const": 3.0}, INTEGER, []),
    ({"const": True}, INTEGER, [("", "be a boolean")]),
    ({"enum": ["a", "bc"]}, {"type": "string", "maxLength": 1}, [("", "be 'bc'")]),
    ({"enum": ["a", "b"]}, {"type": "string", "pattern": "^a"}, [("", "be 'b'")]),
    ({"enum": ["a", 1]}, {"anyOf": [{"const": 1}, STRING]}, []),
    ({"anyOf": [STRING, {"type": "null"}]}, STRING, [("", "be null")]),
    (STRING, {"anyOf": [{"type": "null"}, STRING]}, []),
    ({"type": ["string", "null"]}, {"anyOf": [{"type": "null"}, STRING]}, []),
    (INTEGER, {"anyOf": [{"type": "integer", "maximum": 5}, {"type": "number", "minimum": 6}]}, []),
    (INTEGER, {"anyOf": [{"maximum": 5}, {"minimum": 7}]}, [("", "be 6")]),
    ({"type": "integer", "exclusiveMinimum": 0}, {"type": "integer", "minimum": 1}, []),
    (INTEGER, {"not": {"const": 7}}, [("", "be 7")]),
    (INTEGER, {"multipleOf": 2}, [("", "be something that `multipleOf` 2 excludes")]),
    ({"type": "array", "items": STRING}, {"maxItems": 2}, [("", "have more than 2 items")]),
    ({"type": "array", "prefixItems": [STRING]}, {"prefixItems": [INTEGER]}, [("[0]", "be a string")]),
    ({"type": "array", "items": INTEGER}, {"items": {"minimum": 0}}, [("[]", "be less than 0")]),
    ({"type": "object"}, {"required": ["a"]}, [("a", "be missing")]),
    ({"type": "object"}, {"properties": {"a": False}}, [("a", "be present")]),
    ({"type": "object"}, {"additionalProperties": False}, [("*", "be present")]),
    ({"type": "object"}, {"propertyNames": {"maxLength": 2}}, [("*", "have the name 'aaa'")]),
    ({"type": "object"}, {"maxProperties": 1}, [("", "have more fields than 1")]),
    (
        {"type": "object", "properties": {"k": {"enum": ["a", "b"]}}, "required": ["k"]},
        {"oneOf": [{"properties": {"k": {"const": "a"}}}, {"properties": {"k": {"const": "b"}}}]},
        [],
    ),
    (
        {"properties": {"k": {"const": "c"}}, "required": ["k"], "type": "object"},
        {"anyOf": [{"properties": {"k": {"const": "a"}}}, {"properties": {"k": {"const": "b"}}}]},
        [("k", "be 'c'")],
    ),
    ({"if": STRING, "then": {"minLength": 1}, "else": INTEGER}, {"anyOf": [{"minLength": 1}, INTEGER]}, []),
    ({"type": "object", "dependentRequired": {"a": ["b"]}, "required": ["a"]}, {"required": ["b"]}, []),
]


@pytest.mark.parametrize(("sent", "accepted", "refused"), CASES)
def test_refusals_say_where_and_why(sent: Schema, accepted: Schema, refused: list[tuple[str, str]]) -> None:
    """Keyword by keyword."""
    assert [(each.at, each.why) for each in refusals(sent, accepted)] == refused


@pytest.mark.parametrize(
    "schema",
    [
        {"foo": 1},
        {"pattern": r"\p{L}"},
        {"pattern": r"\bword"},
        {"pattern": r"(a)\1"},
        {"pattern": "(^a|b)"},
        {"format": "uri"},
    ],
)
def test_what_is_not_understood_is_equal_only_to_itself(schema: Schema) -> None:
    """Anything else cannot be decided, which is not the same as being accepted."""
    assert refusals(schema, schema) == []
    assert not any(refusal.is_certain for refusal in refusals(STRING, schema))
    assert refusals(STRING, schema)


def test_references_are_followed_and_their_ends_compared() -> None:
    roots = [{"$defs": {"A": {"type": "object", "properties": {"b": schema}}}} for schema in (STRING, INTEGER)]
    reference: Schema = {"$ref": "#/$defs/A"}
    assert refusals(reference, reference, (roots[0], roots[0])) == []
    assert [each.at for each in refusals(reference, reference, (roots[0], roots[1]))] == ["b"]


SAME = [
    ("^[0-9]+$", r"^\d{1,}$"),
    ("^[A-Za-z0-9_-]{16,256}$", r"^[\w\-]{16,256}$"),
    ("^(a|b)$", "^[ab]$"),
    ("^(?:a|b|c)+$", "^[a-c][abc]*$"),
    (r"^[!#$&^_]$", r"^[!#\$&\^_]$"),
    ("^.$", r"^[^\n\r\u2028\u2029]$"),
    ("a", "^[^]*a[^]*$"),
    ("^(?!await$|break$)[a-z]+$", "^(?!(?:await|break)$)[a-z]+$"),
    (r"^\u{1F600}$", r"^\ud83d\ude00$"),
    (r"^[^\x00-\x1f]$", r"^[ -\u{10FFFF}]$"),
    ("^a{2,4}$", "^aa(a(a)?)?$"),
    ("^a*?$", "^a*$"),
    ("^(?<name>a)$", "^a$"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_patterns_that_match_the_same_are_the_same(one: str, other: str) -> None:
    assert refusals({"type": "string", "pattern": one}, {"pattern": other}) == []
    assert refusals({"type": "string", "pattern": other}, {"pattern": one}) == []


@pytest.mark.parametrize(
    ("sent", "accepted", "example"),
    [
        ("^[0-9]+$", "^[1-9]+$", "0"),
        ("^[a-z]+$", "^(?!await$)[a-z]+$", "await"),
        ("a", "^a", "ba"),
        ("^a{16,256}$", "^a{16,255}$", "a" * 256),
        ("^a.b$", "^a[^x]b$", "axb"),
        (r"^[^\n]$", "^.$", "\r"),
    ],
)
def test_pattern_that_accepts_less_is_shown_by_a_text(sent: str, accepted: str, example: str) -> None:
    (refusal,) = refusals({"type": "string", "pattern": sent}, {"pattern": accepted})
    text = refusal.example
    assert len(text) == len(example)
    assert refusals({"const": text}, {"pattern": sent}) == []
    assert refusals({"const": text}, {"pattern": accepted})
    assert refusals({"const": example}, {"pattern": sent}) == []
    assert refusals({"const": example}, {"pattern": accepted})


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        (1, "the schema"),
        ({"type": "integral"}, "type"),
        ({"required": "a"}, "required"),
        ({"properties": []}, "properties"),
        ({"properties": {"a": {"minLength": -1}}}, "properties/a/minLength"),
        ({"anyOf": [True, {"items": []}]}, "anyOf/1/items"),
        ({"multipleOf": 0}, "multipleOf"),
    ],
)
def test_what_is_no_schema_is_found(schema: Any, place: str) -> None:
    assert find_malformed(schema) == place


PATTERNS = ("^a", "b$", "^[ab]{1,2}$", "^(a|b)*$", "^[^a]+$", "^(?!a)", "a|b", r"^\d", "^$", "")
NUMBERS = st.sampled_from((-1, 0, 1, 2, 2.5, 3))
SIZES = st.integers(0, 3)
NAMES = st.sampled_from(("a", "b", "c"))
WORDS = st.sampled_from(("", "a", "b", "ab", "ba", "1", "aaa"))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | WORDS, inner, max_size=3),
    max_leaves=6,
)


def _keyword(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw a schema of one keyword."""
    lists = st.lists(inner, min_size=1, max_size=3)
    by_name = st.dictionaries(NAMES, inner, max_size=2)
    types = st.sampled_from(("null", "boolean", "integer", "number", "string", "array", "object"))
    drawn: dict[str, st.SearchStrategy[Any]] = {
        "type": types | st.lists(types, min_size=1, max_size=3, unique=True),
        "const": VALUES,
        "enum": st.lists(VALUES, min_size=1, max_size=3),
        "pattern": st.sampled_from(PATTERNS),
        "required": st.lists(NAMES, max_size=2, unique=True),
        "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2, unique=True), max_size=2),
        "uniqueItems": st.booleans(),
        "multipleOf": st.sampled_from((1, 2, 0.5)),
        "patternProperties": st.dictionaries(st.sampled_from(PATTERNS), inner, max_size=1),
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), NUMBERS),
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), SIZES),
        **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), lists),
        **dict.fromkeys(("properties", "dependentSchemas"), by_name),
        **dict.fromkeys(("not", "if", "then", "else", "items", "contains", "additionalProperties"), inner),
        "propertyNames": inner,
    }
    return st.sampled_from(sorted(drawn)).flatmap(lambda name: drawn[name].map(lambda value: {name: value}))


SCHEMAS: st.SearchStrategy[Schema] = st.recursive(
    st.booleans() | _keyword(st.booleans()),
    lambda inner: st.lists(_keyword(inner), max_size=4).map(
        lambda parts: {k: v for part in parts for k, v in part.items()}
    ),
    max_leaves=8,
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Schema, Schema]:
    """Draw two schemas, often with much in common."""
    if draw(st.booleans()):
        return draw(SCHEMAS), draw(SCHEMAS)
    common = draw(SCHEMAS)
    beside = [draw(_keyword(SCHEMAS)) for _ in range(2)]
    return ({**common, **beside[0]}, {**common, **beside[1]}) if isinstance(common, dict) else (beside[0], beside[1])


@settings(max_examples=200, deadline=None)
@given(pairs(), st.lists(VALUES, max_size=12))
def test_nothing_refused_is_a_proof_and_every_example_is_one(pair: tuple[Schema, Schema], values: list[Any]) -> None:
    sent, accepted = pair
    found = refusals(sent, accepted)
    for value in [*values, *values_of(sent).examples()]:
        if is_valid(sent, value) and not is_valid(accepted, value):
            assert found, value
    for refusal in found:
        if refusal.is_certain:
            assert is_valid(sent, refusal.example)
            assert not is_valid(accepted, refusal.example)


@settings(max_examples=200, deadline=None)
@given(SCHEMAS, VALUES)
def test_one_value_is_judged_as_jsonschema_does(schema: Schema, value: Any) -> None:
    assert accepts(schema, value) == is_valid(schema, value)
    assert find_malformed(schema) is None


@settings(max_examples=100, deadline=None)
@given(SCHEMAS, SCHEMAS)
def test_schema_accepts_what_a_conjunction_with_it_does(one: Schema, other: Schema) -> None:
    """And an alternative accepts all of each of its branches; the order of either does not matter."""
    assert not [each for each in refusals({"allOf": [one, other]}, one) if each.is_certain]
    assert not [each for each in refusals(one, {"anyOf": [other, one]}) if each.is_certain]
    assert not [each for each in refusals({"anyOf": [one, other]}, {"anyOf": [other, one]}) if each.is_certain]
