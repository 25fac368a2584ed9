"""The published schemas have the shape that the common generators and validators take without patching."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from pagewire_protocol.fields import WireModel
from pagewire_protocol.messages import KINDS, MESSAGES, SENT_BY, Kind, Side
from pagewire_protocol.registry import RESULT_MODELS
from pagewire_protocol.schema_examples import EXAMPLES
from pagewire_protocol.schema_files import STATUS, schema_files
from pagewire_protocol.schema_forms import DIALECT, Form
from pagewire_protocol.versions import LATEST_VERSION

FILES: Final = schema_files()
SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    name: json.loads(text)
    for name, text in FILES.items()
    if name.endswith("schema.json") and name != "protocol.schema.json"  # that one is of no message
}
INLINED: Final = [name for name in SCHEMAS if name.startswith("messages/")]
BUNDLES: Final = [name for name in SCHEMAS if name not in INLINED]
ASYNCAPI: Final[dict[str, Any]] = json.loads(FILES["asyncapi.json"])


def _nodes(value: object) -> Iterator[dict[str, Any]]:
    """Yield every object in `value`, but for the examples, which are no schemas."""
    if isinstance(value, dict):
        yield value
    children = [child for key, child in value.items() if key != "examples"] if isinstance(value, dict) else value
    for child in children if isinstance(children, list) else ():
        yield from _nodes(child)


def test_files_are_a_bundle_and_a_file_per_message_in_two_forms() -> None:
    """And the files that are the same for both forms."""
    suffixes = ("schema.json", "strict.schema.json")
    bundles = {f"pagewire.{suffix}" for suffix in suffixes}
    messages = {f"messages/{type_}.{suffix}" for type_ in MESSAGES for suffix in suffixes}
    assert set(FILES) == bundles | messages | {"asyncapi.json", "codes.json", "protocol.json", "protocol.schema.json"}


@pytest.mark.parametrize(("form", "other"), [(Form.OPEN, Form.STRICT), (Form.STRICT, Form.OPEN)])
def test_one_form_is_published_without_the_other(form: Form, other: Form) -> None:
    """Each file is the same as where both are written."""
    files = schema_files((form,))
    assert files == {name: FILES[name] for name in files}
    assert not set(files) & (
        set(schema_files((other,))) - {"asyncapi.json", "codes.json", "protocol.json", "protocol.schema.json"}
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_valid_in_its_dialect(name: str) -> None:
    """Every schema names 2020-12 and keeps to it."""
    assert SCHEMAS[name]["$schema"] == DIALECT
    Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_has_an_id_with_version_and_form_and_says_its_status(name: str) -> None:
    """A validator that loads all of them mixes none up."""
    form = "strict" if name.endswith("strict.schema.json") else "open"
    what = f"message:{name.removeprefix('messages/').partition('.')[0]}" if name in INLINED else "bundle"
    assert SCHEMAS[name]["$id"] == f"urn:pagewire:{LATEST_VERSION}:{form}:{what}"
    assert f"Status: {STATUS}." in SCHEMAS[name]["$comment"]


@pytest.mark.parametrize("name", FILES)
def test_file_is_ascii_and_ends_in_one_line_feed(name: str) -> None:
    """No editor and no checkout changes it."""
    assert FILES[name].isascii()
    assert FILES[name].endswith("}\n")
    assert "\r" not in FILES[name]


# -- the spelling that common generators and validators accept -------------------------------------

KEYWORDS: Final = {
    *("$schema", "$id", "$comment", "$ref", "$defs", "title", "description", "examples"),
    *("type", "const", "enum", "anyOf", "oneOf", "discriminator"),
    *("properties", "required", "additionalProperties", "propertyNames", "items", "minItems", "maxItems"),
    *("minimum", "maximum", "minLength", "maxLength", "pattern", "contentEncoding"),
}
ANY_JSON: Final[dict[str, Any]] = {}
TAKEN_NAMES: Final = {"Error", "Event", "Result", "Type", "Object", "String", "Promise", "Date", "File", "Download"}


def _schemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield `schema` and every schema in it."""
    yield schema
    below = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    below += [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    below += [schema[key] for key in ("items", "additionalProperties", "propertyNames") if key in schema]
    for each in below:
        if isinstance(each, dict):
            yield from _schemas(each)


def _referenced(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what `schema` refers to, or itself where it refers to nothing."""
    referenced: dict[str, Any] = SCHEMAS[name]
    for part in schema.get("$ref", "#").split("/")[1:]:
        referenced = referenced[part]
    return referenced if "$ref" in schema else schema


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_has_no_keyword_that_generators_do_not_read(name: str) -> None:
    """Zod throws at `if` and `not`, quicktype at a property that is `false`; `allOf` makes types of no name."""
    assert {keyword for schema in _schemas(SCHEMAS[name]) for keyword in schema} <= KEYWORDS


@pytest.mark.parametrize("name", SCHEMAS)
def test_patterns_have_no_lookaround_and_no_bare_dollar_but_at_the_end(name: str) -> None:
    """Fastjsonschema rewrites every bare `$`, also one in a class; Go and Rust have no lookaround."""
    patterns = {schema["pattern"] for schema in _schemas(SCHEMAS[name]) if "pattern" in schema}
    assert [pattern for pattern in patterns if "(?" in pattern] == []
    assert [pattern for pattern in patterns if re.search(r"(?<!\\)\$(?!$)", pattern)] == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_values_and_alternatives_have_a_type(name: str) -> None:
    """Without one json-schema-to-typescript refuses vendors' codes, and zod accepts any name of a property."""
    for schema in _schemas(SCHEMAS[name]):
        branches = [_referenced(each, name) for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ()))]
        assert [each for each in branches if not {"type", "anyOf"} & each.keys() and each != ANY_JSON] == []
        assert "type" in schema or not {"const", "enum", "pattern", "properties", "required"} & schema.keys()
        assert schema.get("propertyNames", {}).get("type", "string") == "string"
        assert "type" in schema.get("propertyNames", {"type": "string"})
        assert schema.get("propertyNames", {}).keys() <= {"type", "pattern", "minLength", "maxLength"}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_property_has_a_description(name: str) -> None:
    """Its own, or that of the definition that it refers to."""
    properties = [each for schema in _schemas(SCHEMAS[name]) for each in schema.get("properties", {}).items()]
    assert properties
    assert [field for field, each in properties if not _referenced(each, name).get("description")] == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_titles_are_names_of_types_each_of_one_type(name: str) -> None:
    """Quicktype names a nested object by its title. A title of two schemas becomes `Software` and `Software1`."""
    definitions = SCHEMAS["pagewire.schema.json"]["$defs"].keys() | {"Message"}
    shapes = {"ExceptionErrorParams", "OtherErrorParams"}  # of the strict form, which has two of ErrorParams
    titled: dict[str, list[dict[str, Any]]] = {}
    for schema in _schemas(SCHEMAS[name]):
        if "title" in schema:
            titled.setdefault(schema["title"], []).append(schema)
    assert titled.keys() <= definitions | (shapes if "strict" in name else set())
    assert [title for title, schemas in titled.items() if any(each != schemas[0] for each in schemas)] == []
    assert not titled.keys() & TAKEN_NAMES


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_object_with_fields_has_a_title(name: str) -> None:
    """A generator makes up no name."""
    objects = [
        schema for schema in _schemas(SCHEMAS[name]) if schema.get("type") == "object" and "properties" in schema
    ]
    assert [schema for schema in objects if "title" not in schema] == []


@pytest.mark.parametrize("name", BUNDLES)
def test_reference_with_a_description_of_its_own_is_the_only_one(name: str) -> None:
    """json-schema-to-typescript makes two types of a definition that has two descriptions."""
    references = [schema for schema in _schemas(SCHEMAS[name]) if "$ref" in schema]
    targets = [each["$ref"] for each in references]
    shared = {target for target in targets if targets.count(target) > 1}
    assert [each for each in references if each.keys() != {"$ref"} and each["$ref"] in shared] == []


# -- the shape of the files -------------------------------------------------------------------------


def _schemas_of(node: dict[str, Any]) -> list[dict[str, Any]]:
    properties = node.get("properties")
    return list(properties.values()) if isinstance(properties, dict) and "type" in node else []


@pytest.mark.parametrize("name", [*SCHEMAS, "asyncapi.json"])
def test_nothing_of_the_workshop_is_published(name: str) -> None:
    """Neither our own keyword, nor a mapping, which ajv refuses, nor a default, which makes a tag optional."""
    nodes = list(_nodes(json.loads(FILES[name])))
    assert "x-strict" not in FILES[name]
    assert [node for node in nodes if "mapping" in node or "default" in node] == []


@pytest.mark.parametrize("name", INLINED)
def test_inlined_file_refers_to_nothing(name: str) -> None:
    """Generators that follow no reference find everything in it."""
    assert [node for node in _nodes(SCHEMAS[name]) if "$ref" in node or "$defs" in node] == []


@pytest.mark.parametrize("name", BUNDLES)
def test_bundle_refers_to_what_it_holds(name: str) -> None:
    """Each reference has its definition, and each message its place in the union."""
    references = {node["$ref"] for node in _nodes(SCHEMAS[name]) if "$ref" in node}
    assert references <= {f"#/$defs/{definition}" for definition in SCHEMAS[name]["$defs"]}
    directions = ("ClientMessage", "ServerMessage")
    assert SCHEMAS[name]["anyOf"] == [{"$ref": f"#/$defs/{direction}"} for direction in directions]
    placed = {node["$ref"] for direction in directions for node in SCHEMAS[name]["$defs"][direction]["oneOf"]}
    assert placed == {f"#/$defs/{model.__name__}" for model in MESSAGES.values()}


@pytest.mark.parametrize("name", BUNDLES)
def test_unions_are_told_apart_by_a_tag_that_every_member_requires(name: str) -> None:
    """`type: object` beside a discriminator in the string form is what ajv takes."""
    defs = SCHEMAS[name]["$defs"]
    unions = [node for node in _nodes(SCHEMAS[name]) if "discriminator" in node]
    assert {union.get("title") for union in unions} == {"ServerMessage", "ClientMessage", "DownloadContent"}
    for union in unions:
        tag = union["discriminator"]["propertyName"]
        members = [defs[member["$ref"].removeprefix("#/$defs/")] for member in union["oneOf"]]
        assert (list(union["discriminator"]), union["type"]) == (["propertyName"], "object")
        assert all(tag in member["required"] and "const" in member["properties"][tag] for member in members)


@pytest.mark.parametrize("name", SCHEMAS)
def test_named_objects_are_closed_in_the_strict_form_only(name: str) -> None:
    """WIRE-15 for receivers; a sender may send nothing that the version does not know."""
    closed = {node.get("additionalProperties") for node in _nodes(SCHEMAS[name]) if _schemas_of(node)}
    assert closed == {False} if "strict" in name else closed == {None}


@pytest.mark.parametrize("name", SCHEMAS)
def test_free_objects_are_open_in_both_forms(name: str) -> None:
    """Arguments and the settings of capabilities are nobody's business."""
    free = [node for node in _nodes(SCHEMAS[name]) if "propertyNames" in node]
    settings = {"type": "object", "additionalProperties": True}
    assert [node for node in free if node["additionalProperties"] not in (True, settings)] == []


@pytest.mark.parametrize("type_", MESSAGES)
@pytest.mark.parametrize("suffix", ["schema.json", "strict.schema.json"])
def test_inlined_file_shows_the_typical_example(type_: str, suffix: str) -> None:
    """And takes it."""
    schema = SCHEMAS[f"messages/{type_}.{suffix}"]
    assert schema["examples"] == [EXAMPLES[type_]]
    assert Draft202012Validator(schema).is_valid(EXAMPLES[type_])


def _channel_messages(names: list[str]) -> list[dict[str, str]]:
    return [{"$ref": f"#/channels/connection/messages/{name}"} for name in names]


def test_asyncapi_document_has_an_operation_for_what_a_side_sends() -> None:
    """From the server's point of view: it sends, and it receives what clients send. Commands have their own."""
    assert ASYNCAPI["asyncapi"] == "3.0.0"
    assert ASYNCAPI["info"]["version"] == LATEST_VERSION
    operations = {"serverSends": ("send", Side.SERVER), "clientSends": ("receive", Side.CLIENT)}
    for name, (action, side) in operations.items():
        types = [type_ for type_ in MESSAGES if type_ in SENT_BY[side] and KINDS[type_] in {Kind.CONTROL, Kind.SESSION}]
        assert ASYNCAPI["operations"][name]["action"] == action
        assert ASYNCAPI["operations"][name]["messages"] == _channel_messages(types)
    assert list(ASYNCAPI["operations"]) == [*operations, *RESULT_MODELS]


@pytest.mark.parametrize(("command", "model"), RESULT_MODELS.items())
def test_asyncapi_document_says_what_answers_a_command(command: str, model: type[WireModel]) -> None:
    """Its own result, or an error."""
    operation = ASYNCAPI["operations"][command]
    assert (operation["action"], operation["messages"]) == ("send", _channel_messages([command]))
    assert operation["reply"]["messages"] == _channel_messages([f"{command}_result", "error"])
    message = ASYNCAPI["components"]["messages"][f"{command}_result"]
    schema = ASYNCAPI["components"]["schemas"][message["payload"]["$ref"].rpartition("/")[2]]
    assert (message["name"], schema["properties"]["type"]["const"]) == ("result", "result")
    assert schema["properties"]["params"] == {"$ref": f"#/components/schemas/{model.__name__}"}


def test_asyncapi_document_refers_to_what_it_holds() -> None:
    """Each reference leads somewhere, and discriminators are strings."""
    for node in _nodes(ASYNCAPI):
        target: Any = ASYNCAPI
        for part in node.get("$ref", "#").split("/")[1:]:
            target = target[part]
        assert isinstance(node.get("discriminator", ""), str)
    messages = ASYNCAPI["components"]["messages"]
    assert {message["name"] for message in messages.values()} == set(MESSAGES)
    assert list(ASYNCAPI["channels"]["connection"]["messages"]) == list(messages)
