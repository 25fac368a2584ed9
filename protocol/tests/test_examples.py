"""The examples: three validators in Python give one verdict, and every file has its place in rules.json."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from pagewire_protocol import codec
from pagewire_protocol.argument_names import RESERVED_WORDS
from pagewire_protocol.command_messages import SETTINGS
from pagewire_protocol.messages import MESSAGES, SENT_BY, Side
from pagewire_protocol.requirements import read_requirements
from pagewire_protocol.schema_examples import EXAMPLES
from pagewire_protocol.violations import PeerViolation

PROTOCOL: Final = Path(__file__).parents[1]
EXAMPLE_FILES: Final = PROTOCOL / "examples" / "1.0"
SCHEMAS: Final = PROTOCOL / "schemas" / "1.0"
SPEC: Final = (PROTOCOL / "SPEC.md").read_text(encoding="utf-8")
RULES: Final[dict[str, dict[str, dict[str, str]]]] = json.loads((EXAMPLE_FILES / "rules.json").read_text("utf-8"))
REFUSED: Final = RULES["invalid"] | RULES["text_only"]

NAMES: Final = sorted(path.relative_to(EXAMPLE_FILES).as_posix() for path in EXAMPLE_FILES.glob("*/*"))
VALID: Final = [name for name in NAMES if "/valid_" in name]
INVALID: Final = [name for name in NAMES if "/invalid_" in name]


def _text(name: str) -> str:
    return (EXAMPLE_FILES / name).read_text(encoding="utf-8")


def _type_of(name: str) -> str:
    return name.partition("/")[0]


@cache
def _schema(file: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((SCHEMAS / file).read_text(encoding="utf-8")))


def _complaint_of_the_models(name: str) -> str | None:
    sender = next(side for side in Side if _type_of(name) in SENT_BY[side])
    try:
        codec.read(_text(name), sender)
    except PeerViolation as violation:
        return str(violation)
    return None


def _verdicts(name: str, suffix: str) -> dict[str, bool]:
    message = json.loads(_text(name))
    files = (f"messages/{_type_of(name)}.{suffix}", f"pagewire.{suffix}")
    return {file: _schema(file).is_valid(message) for file in files}


@pytest.mark.parametrize("name", VALID)
def test_valid_example_is_taken_by_models_and_open_schemas(name: str) -> None:
    """What a receiver must take, every validator takes."""
    assert _complaint_of_the_models(name) is None
    assert set(_verdicts(name, "schema.json").values()) == {True}


@pytest.mark.parametrize("name", INVALID)
def test_invalid_example_is_refused_by_models_and_open_schemas(name: str) -> None:
    """What a receiver must refuse, every validator refuses, except what only the text says."""
    assert _complaint_of_the_models(name) is not None
    assert set(_verdicts(name, "schema.json").values()) == {name in RULES["text_only"]}


@pytest.mark.parametrize("name", NAMES)
def test_strict_form_takes_the_valid_examples_but_the_open_only(name: str) -> None:
    """A sender may send what is valid and known to the version; what only the text forbids, no schema sees."""
    is_fit_to_send = (name in VALID and name not in RULES["open_only"]) or name in RULES["text_only"]
    assert set(_verdicts(name, "strict.schema.json").values()) == {is_fit_to_send}


@pytest.mark.parametrize("name", INVALID)
def test_models_name_the_field_of_the_defect(name: str) -> None:
    """WIRE-19: the complaint names the field, in the order of its path."""
    steps = re.findall(r"\w+|\[\d+]", REFUSED[name]["path"])
    assert re.search(".*".join(map(re.escape, steps)), _complaint_of_the_models(name) or "")


@pytest.mark.parametrize("type_", MESSAGES)
def test_every_message_has_examples_of_both_kinds(type_: str) -> None:
    """Each type has a folder with valid and with invalid messages."""
    assert [name for name in VALID if _type_of(name) == type_]
    assert [name for name in INVALID if _type_of(name) == type_]


@pytest.mark.parametrize("type_", MESSAGES)
def test_typical_example_is_the_one_in_the_schemas(type_: str) -> None:
    """What the schemas show as an example is also a file."""
    assert json.loads(_text(f"{type_}/valid_typical.json")) == EXAMPLES[type_]


def test_every_example_lies_in_the_folder_of_a_message() -> None:
    """There is no file that no test reads."""
    assert sorted([*VALID, *INVALID]) == NAMES
    assert {_type_of(name) for name in NAMES} == set(MESSAGES)
    assert {path.name for path in EXAMPLE_FILES.iterdir() if path.is_file()} == {"rules.json"}
    assert {json.loads(_text(name))["type"] for name in VALID} == set(MESSAGES)


def test_rules_name_every_invalid_file_and_no_missing_one() -> None:
    """Each invalid file says which rule it breaks, each open-only file why the strict form refuses it."""
    assert sorted(RULES) == ["invalid", "open_only", "text_only"]
    assert sorted(REFUSED) == INVALID
    assert not set(RULES["invalid"]) & set(RULES["text_only"])
    assert set(RULES["open_only"]) <= set(VALID)


def test_reserved_words_are_all_that_only_the_text_refuses() -> None:
    """ARGS-2: a schema that refuses them needs a lookahead, which few generators read."""
    arguments = [json.loads(_text(name))["params"]["args"] for name in RULES["text_only"]]
    assert {name for names in arguments for name in names} & RESERVED_WORDS == RESERVED_WORDS
    assert [names for names in arguments if not set(names) & RESERVED_WORDS] == []


def test_rules_name_requirements_and_sections_that_stand_in_the_spec() -> None:
    """No rule refers to what the specification does not have."""
    places = {requirement.id for requirement in read_requirements(SPEC)}
    places |= {f"section {number}" for number in re.findall(r"^#+ (\d+(?:\.\d+)*)\.? ", SPEC, re.MULTILINE)}
    assert {rule["requirement"] for part in RULES.values() for rule in part.values()} <= places


def test_rules_say_where_and_why() -> None:
    """Each rule has all its fields and nothing else."""
    assert {tuple(rule) for rule in REFUSED.values()} == {("requirement", "path", "why")}
    assert {tuple(rule) for rule in RULES["open_only"].values()} == {("requirement", "why")}
    assert all(text for part in RULES.values() for rule in part.values() for text in rule.values())


def _fields(node: Any) -> set[str]:
    if isinstance(node, list):
        return set[str]().union(*map(_fields, node))
    return set(node).union(*map(_fields, node.values())) if isinstance(node, dict) else set()


def test_every_setting_stands_in_an_example() -> None:
    """All nine settings are tried, alone and together."""
    settings = set(SETTINGS)
    assert len(settings) == 9
    assert settings <= _fields(json.loads(_text("set_env/valid_every_setting.json")))
    assert {f"set_env/valid_{setting}.json" for setting in settings} <= set(VALID)
