"""Which folders `pagewire-schema diff` refuses: those that are incomplete, malformed, or contradict themselves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from schema_folders import SchemaFolder

from pagewire_protocol.__main__ import main


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return SchemaFolder().settle().write(tmp_path_factory.mktemp("schemas") / "1.0")


CONTRADICTIONS: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    *(
        (lambda files, name=name: files.pop(name), f"{name} is missing")
        for name in (
            "protocol.json",
            "pagewire.schema.json",
            "pagewire.strict.schema.json",
            "codes.json",
            "asyncapi.json",
            "messages/ack.schema.json",
            "messages/ack.strict.schema.json",
        )
    ),
    (
        lambda files: [files.pop(name) for name in list(files) if "strict" in name],
        "pagewire.strict.schema.json is missing",
    ),
    (
        lambda files: files.update({"messages/nod.schema.json": {}}),
        "messages/nod.schema.json is of a message that protocol.json does not have",
    ),
    (lambda files: files["codes.json"].update(version="1.1"), "codes.json is of version '1.1', protocol.json of '1.0'"),
    (
        lambda files: files["codes.json"]["bye"]["replaced"].update(close=1),
        "codes.json and protocol.json do not say the same of the bye code 'replaced'",
    ),
    (
        lambda files: files["codes.json"]["error"].pop("exception"),
        "codes.json and protocol.json do not say the same of the error code 'exception'",
    ),
    (lambda files: files["codes.json"].pop("bye"), "codes.json: there is no `bye`"),
    (lambda files: files["protocol.json"].pop("settings"), "protocol.json: there is no list `settings`"),
    (
        lambda files: files["protocol.json"]["messages"][2].pop("kind"),
        "protocol.json: messages[2] is not a row of that table",
    ),
    (
        lambda files: files["protocol.json"]["messages"].append(files["protocol.json"]["messages"][0]),
        "protocol.json: messages has 'hello' twice",
    ),
    (
        lambda files: files["protocol.json"]["messages"][0].update(
            result={"$ref": "pagewire.schema.json#/$defs/EmptyResult"}
        ),
        "protocol.json: hello is a control message with result",
    ),
    (
        lambda files: row_of(files, "eval_js").pop("result"),
        "protocol.json: eval_js is a command message without result",
    ),
    (
        lambda files: row_of(files, "eval_js").update(result={"$ref": "pagewire.schema.json#/$defs/Nothing"}),
        "eval_js.result: the reference '#/$defs/Nothing' leads to nothing in pagewire.schema.json",
    ),
    (
        lambda files: row_of(files, "ping").update(kind="session"),
        "messages/ping.schema.json: `seq` does not go with a session message",
    ),
    (
        lambda files: row_of(files, "ping").update(sender="client"),
        "pagewire.schema.json and protocol.json do not agree on whether clients send 'ping'",
    ),
    (
        lambda files: row_of(files, "ping").update(capability="none"),
        "protocol.json: ping needs the capability 'none', which is not in the table",
    ),
    (
        lambda files: row_of(files, "ack").update(params={"$ref": "pagewire.schema.json#/$defs/PingParams"}),
        "protocol.json: the params of 'ack' are not those of messages/ack.schema.json",
    ),
    (
        lambda files: params_of(files, "ack")["seq"].update(maximum=5),
        "messages/ack.schema.json and pagewire.schema.json do not say the same of 'ack'",
    ),
    (
        lambda files: params_of(files, "ack")["seq"].update(type="integral"),
        "messages/ack.schema.json: properties/params/properties/seq/type is not valid in a JSON Schema",
    ),
    (
        lambda files: files["messages/ack.schema.json"].update({"$schema": "http://json-schema.org/draft-07/schema#"}),
        "messages/ack.schema.json is of another dialect of JSON Schema",
    ),
    (lambda files: files["protocol.json"]["settings"].pop(), "do not agree on whether 'output_max_width' is a setting"),
    (
        lambda files: files["protocol.json"]["settings"][3].update(default="x"),
        "the default of the setting 'http_pull_interval' is not a value of it",
    ),
    (
        lambda files: files["asyncapi.json"]["components"]["schemas"]["AckParams"].update(maxProperties=1),
        "asyncapi.json and pagewire.schema.json do not say the same of AckParams",
    ),
    (
        lambda files: files["asyncapi.json"]["operations"]["serverSends"]["messages"].pop(),
        "asyncapi.json and protocol.json do not agree on whether servers send",
    ),
    (
        lambda files: files["asyncapi.json"].pop("components"),
        "asyncapi.json: has no messages, schemas, channel or operations",
    ),
]


def row_of(files: dict[str, Any], type_: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in files["protocol.json"]["messages"] if row["type"] == type_)
    return found


def params_of(files: dict[str, Any], type_: str) -> dict[str, Any]:
    found: dict[str, Any] = files[f"messages/{type_}.schema.json"]["properties"]["params"]["properties"]
    return found


@pytest.mark.parametrize(("edit", "complaint"), CONTRADICTIONS, ids=[each[1] for each in CONTRADICTIONS])
def test_folder_that_is_incomplete_or_contradicts_itself_is_refused(
    old: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    edit: Callable[[dict[str, Any]], object],
    complaint: str,
) -> None:
    """Exit code 2, and which file is wrong."""
    after = SchemaFolder().settle()
    edit(after.files)
    assert complaint in refused(old, after.write(tmp_path / "new"), capsys)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "codes.json: is not JSON: Expecting property name enclosed in double quotes: line 1 column 2"),
        ("[]", "codes.json: is not a JSON object"),
        ('{"a": 1, "a": 2}', "codes.json: is not JSON: the key 'a' appears twice in one object"),
        ('{"a": NaN}', "codes.json: is not JSON: NaN is not a number"),
        ("[" * 100_000, "codes.json: is nested too deeply"),
    ],
)
def test_file_that_is_no_json_is_refused(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, complaint: str
) -> None:
    new = SchemaFolder().settle().write(tmp_path / "new")
    (new / "codes.json").write_text(text)
    assert f"{new}: {complaint}" in refused(old, new, capsys)


def test_forms_of_one_version_must_know_the_same_fields_and_allow_something(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = SchemaFolder()
    unknown.definition("HelloParams", lambda found: found["properties"].pop("auth"), ("open",))
    complaint = "messages/hello.schema.json does not know params.auth, which is in messages/hello.strict.schema.json"
    assert complaint in refused(old, unknown.settle().write(tmp_path / "unknown"), capsys)
    never = SchemaFolder()
    never.definition("AckParams", lambda found: found["required"].append("never"), ("strict",))
    complaint = "messages/ack.strict.schema.json does not allow any message"
    assert complaint in refused(old, never.settle().write(tmp_path / "never"), capsys)


def test_schema_that_leads_back_to_itself_is_refused(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after = SchemaFolder().settle()
    for form in ("open", "strict"):
        after.definitions(form)["AckParams"]["properties"]["more"] = {"$ref": "#/$defs/AckParams"}
    assert "a schema leads back to itself" in refused(old, after.write(tmp_path / "new"), capsys)


def test_neither_folder_nor_version_is_refused(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no folder nowhere, and no version of that name: 1.0" in refused(old, Path("nowhere"), capsys)


def refused(old: Path, new: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what is said of a folder that is refused."""
    with pytest.raises(SystemExit) as caught:
        main(["diff", str(old), str(new)])
    assert caught.value.code == 2
    return capsys.readouterr().err


def test_files_that_say_the_same_are_told_of_in_one_line(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """However many there are: somebody formatted them, or added a file of another kind."""
    folders = [Path(shutil.copytree(old, tmp_path / name)) for name in ("before", "after")]
    for folder in folders:
        (folder / "README.txt").write_text(folder.name)
    for path in folders[1].rglob("*.json"):
        path.write_text(json.dumps(json.loads(path.read_text())))
    assert main(["diff", str(folders[0]), str(folders[1])]) == 0
    told = capsys.readouterr().out
    assert "files: these differ, and are not compared: README.txt" in told
    assert told.count("the same JSON, written differently: ") == 1
    assert "2 changes" in told
