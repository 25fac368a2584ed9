"""The registry and protocol.json, which is written from it, say what SPEC.md, the models and the schemas say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final, get_type_hints

import pytest
from jsonschema import Draft202012Validator
from pydantic import MISSING, ValidationError

from pagewire_protocol.codec import describe
from pagewire_protocol.codes import BYE_RULES, ENDING_CLOSES, ERROR_MEANINGS, ByeCode
from pagewire_protocol.command_messages import SETTINGS, SetEnvParams, Settings
from pagewire_protocol.fields import WireModel
from pagewire_protocol.messages import MESSAGES
from pagewire_protocol.registry import CAPABILITIES, CODE_COMMANDS, KINDS, MESSAGE_TYPES, RESULT_MODELS, Kind
from pagewire_protocol.requirements import read_requirements, spec_text
from pagewire_protocol.schema_files import schema_files

PROTOCOL: Final = Path(__file__).parents[1]
SPEC: Final = (PROTOCOL / "SPEC.md").read_text(encoding="utf-8")
FILES: Final = schema_files()
DOCUMENT: Final[dict[str, Any]] = json.loads(FILES["protocol.json"])


def _rows(head: str) -> list[list[str]]:
    """Return the cells of a table of SPEC.md, by its head."""
    (_, after) = SPEC.split(f"\n{head}\n")
    lines = after.partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def _names(cell: str) -> list[str]:
    return re.findall(r"`([\w:]+)`", cell)


# -- the document and its schema -----------------------------------------------------------------


def test_document_satisfies_its_schema() -> None:
    """protocol.schema.json says what a reader may rely on."""
    schema = json.loads(FILES["protocol.schema.json"])
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(DOCUMENT)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda document: document["messages"][0].update(kind="request"), ["messages", 0]),
        (lambda document: document["messages"][0].pop("sender"), ["messages", 0]),
        (lambda document: document["messages"][0].update(streams=True), ["messages", 0]),
        (lambda document: document["messages"][0].update(result={"$ref": "#/x"}), ["messages", 0]),
        (lambda document: document["messages"][9].pop("result"), ["messages", 9]),
        (lambda document: document["codes"]["bye"][0].update(retry="later"), ["codes", "bye", 0, "retry"]),
        (lambda document: document.pop("settings"), []),
    ],
)
def test_schema_of_the_document_refuses_another_shape(change: Any, where: list[str | int]) -> None:
    """A result is on every command and on nothing else."""
    document = json.loads(FILES["protocol.json"])
    change(document)
    errors = Draft202012Validator(json.loads(FILES["protocol.schema.json"])).iter_errors(document)
    assert [list(error.path) for error in errors] == [where]


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [reference for item in node for reference in _references(item)]
    if not isinstance(node, dict):
        return []
    return [node["$ref"]] if "$ref" in node else _references(list(node.values()))


def test_every_reference_of_the_document_leads_to_a_schema() -> None:
    """Into the bundle of either form."""
    references = _references(DOCUMENT)
    assert len(references) == len(MESSAGE_TYPES) + len(RESULT_MODELS) + len(SETTINGS)
    for form in ("schema.json", "strict.schema.json"):
        bundle = json.loads(FILES[f"pagewire.{form}"])
        for reference in references:
            file, _, pointer = reference.partition("#/")
            target: Any = bundle
            for part in pointer.split("/"):
                target = target[part]
            assert file == "pagewire.schema.json"
            assert "description" in target


# -- against the specification -------------------------------------------------------------------


def test_messages_are_those_of_the_specification() -> None:
    """Types, kinds and senders of the table in section 3, in its order."""
    in_spec = [
        (type_, kind, "client" if sender == "the receiver of the command" else sender)
        for types, kind, sender in _rows("| type | kind | sent by |")
        for type_ in _names(types)
    ]
    assert [(row["type"], row["kind"], row["sender"]) for row in DOCUMENT["messages"]] == in_spec


def test_messages_of_each_kind_are_those_of_the_specification() -> None:
    """The lines at the top of section 3 list the types beside the form of their envelope."""
    lines = re.findall(r"^(control message|session message|  command|  reply) +\{.*\}\} +([\w ]+)$", SPEC, re.MULTILINE)
    in_spec = {kind.strip().removesuffix(" message"): types.split() for kind, types in lines}
    assert in_spec == {kind.value: [type_ for type_ in KINDS if KINDS[type_] is kind] for kind in Kind}


def _fields_in_spec() -> dict[str, list[str]]:
    """Return the fields of each message as section 15 has them; those that may be absent as `name?`."""
    fields: dict[str, list[str]] = {}
    type_ = ""
    for message, names, _, required in _rows("| message | field | type | |"):
        type_ = message.strip("`") or type_
        fields.setdefault(type_, []).extend(name + required for name in _names(names))
    return fields


def _fields_of(model: type[WireModel]) -> list[str]:
    return [name + ("" if field.is_required() else "?") for name, field in model.model_fields.items()]


@pytest.mark.parametrize("type_", [type_ for type_ in MESSAGE_TYPES if type_ not in {"set_env", "result"}])
def test_fields_of_a_message_are_those_of_the_specification(type_: str) -> None:
    """The reference in section 15; the settings of `set_env` have a table of their own."""
    params = MESSAGE_TYPES[type_].params
    assert params is not None
    assert _fields_in_spec()[type_] == _fields_of(params)


def test_reference_of_the_specification_has_every_message_and_no_other() -> None:
    """In section 15."""
    assert set(_fields_in_spec()) == set(MESSAGE_TYPES)


@pytest.mark.parametrize("command", RESULT_MODELS)
def test_fields_of_a_result_are_those_of_the_specification(command: str) -> None:
    """The reference in section 15 says which command each result answers."""
    rows = [(cell, type_) for _, cell, type_, _ in _rows("| message | field | type | |") if cell.startswith("of ")]
    (in_spec,) = [type_ for cell, type_ in rows if command in _names(cell)]
    names = [] if in_spec == "`{}`" else _names(in_spec.partition(":")[0])
    assert names == _fields_of(RESULT_MODELS[command])


@pytest.mark.parametrize("type_", MESSAGE_TYPES)
def test_description_names_the_section_about_the_message(type_: str) -> None:
    """Whoever reads the registry finds the rules."""
    (number,) = re.findall(r"SPEC section (\d+(?:\.\d+)?)\.$", MESSAGE_TYPES[type_].description)
    after = re.split(rf"^#+ {re.escape(number)}\.? ", SPEC, flags=re.MULTILINE)[1]
    assert re.search(rf"\b{type_}\b", re.split(r"^#", after, flags=re.MULTILINE)[0])


def test_codes_are_those_of_the_specification() -> None:
    """The tables of sections 6 and 12, in their order."""
    errors = [code for code, _ in _rows("| code of `error` | means |")]
    assert [f"`{row['code']}`" for row in DOCUMENT["codes"]["error"]] == errors
    byes = [row[:4] for row in _rows("| code | close | retry | sent by | means |")]
    columns = [[f"`{row['code']}`", str(row["close"]), row["retry"], row["sender"]] for row in DOCUMENT["codes"]["bye"]]
    assert columns == byes


def test_closes_that_end_a_session_are_those_of_the_specification() -> None:
    """Section 12 lists them, and END-5 says which they are."""
    (listed,) = re.findall(r"the close codes that end a session are ([\d, and]+)\.", SPEC)
    assert [row["close"] for row in DOCUMENT["codes"]["close"]] == list(map(int, re.findall(r"\d+", listed)))
    meant = {rule.close for rule in BYE_RULES.values() if rule.retry == "never"} | {1000, 1007, 1009}
    assert set(ENDING_CLOSES) == meant
    assert ENDING_CLOSES[1000] is ByeCode.SESSION_ENDED


def test_settings_are_those_of_the_specification() -> None:
    """Names and defaults of the table in section 5.5, in its order."""
    in_spec = []
    for setting, type_, _ in _rows("| setting | type | is |"):
        default = re.search(r"\(`?([^`()]+)`?\)$", type_)
        in_spec.append((setting.strip("`"), default and default[1]))
    found = [(row["name"], str(row["default"]).lower() if "default" in row else None) for row in DOCUMENT["settings"]]
    assert found == in_spec


def test_capabilities_are_those_of_the_specification() -> None:
    """The table of section 13, without the suite's own."""
    rows = [(_names(name)[0], sender) for name, sender, _ in _rows("| capability | announced by | means |")]
    assert [(row["name"], row["sender"]) for row in DOCUMENT["capabilities"]] == [
        row for row in rows if row[0] != "test"
    ]


def test_requirements_are_those_of_the_specification() -> None:
    """All of them, in their order."""
    assert [requirement["id"] for requirement in DOCUMENT["requirements"]] == [
        requirement.id for requirement in read_requirements(SPEC)
    ]
    assert spec_text() == SPEC


# -- against the models --------------------------------------------------------------------------


def test_every_command_has_a_result_and_nothing_else_has() -> None:
    """What answers a command is known from the registry alone."""
    assert set(RESULT_MODELS) == {type_ for type_, kind in KINDS.items() if kind is Kind.COMMAND}


def test_commands_that_run_code_have_arguments() -> None:
    """Code may wait, so such a command is cancelled when the app is done (END-10)."""
    with_arguments = {
        type_ for type_, row in MESSAGE_TYPES.items() if row.params is not None and "args" in row.params.model_fields
    }
    assert with_arguments == CODE_COMMANDS


def test_capability_of_a_message_is_in_the_registry() -> None:
    """`stream_ack` needs `streams`."""
    needed = {type_: row.capability for type_, row in MESSAGE_TYPES.items() if row.capability is not None}
    assert needed == {"stream_ack": "streams"}
    assert set(needed.values()) <= {capability.name for capability in CAPABILITIES}


def test_settings_have_the_types_that_a_program_passes() -> None:
    """The typed dictionary, which a type checker needs, is the model once more."""
    hints = get_type_hints(Settings)
    assert list(hints) == list(SetEnvParams.model_fields) == list(SETTINGS)
    for name, type_ in hints.items():
        field = SetEnvParams.model_fields[name]
        assert field.default is MISSING
        assert SETTINGS[name].accepts.split()[1] == type_.__name__


@pytest.mark.parametrize(("name", "setting"), SETTINGS.items())
def test_default_of_a_setting_is_a_value_of_it(name: str, setting: Any) -> None:
    """`title` alone has none: the page has its own."""
    assert (setting.default is None) == (name == "title")
    if setting.default is not None:
        assert getattr(SetEnvParams.model_validate({name: setting.default}), name) == setting.default


def test_complaint_about_a_result_names_no_model() -> None:
    """Pydantic puts the name of a union's member into the path; the codec leaves every one of them out."""
    with pytest.raises(ValidationError) as caught:
        MESSAGES["result"].model_validate({"type": "result", "seq": 1, "id": 1, "params": 1})
    places = [complaint["loc"] for complaint in caught.value.errors()]
    assert set(places) == {("params", model.__name__) for model in RESULT_MODELS.values()}
    assert describe(caught.value).startswith("params: ")


def test_meaning_of_every_error_code_is_published() -> None:
    """The wording of the registry."""
    assert {row["code"]: row["description"] for row in DOCUMENT["codes"]["error"]} == ERROR_MEANINGS
