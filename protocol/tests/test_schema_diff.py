"""What a change of the schemas breaks: `pagewire-schema diff`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pagewire_protocol.__main__ import main
from pagewire_protocol.messages import MESSAGES
from pagewire_protocol.schema_inclusion import Refusal, Schema, refusals
from pagewire_protocol.versions import LATEST_VERSION

Fields = dict[str, Any]
Edit = Callable[[Fields], object]
"""Changes the params of a message, in both forms."""

STRING: Schema = {"type": "string"}


def params_of(schema: Fields) -> Fields:
    found: Fields = schema["properties"]["params"]
    return found


def field(name: str, schema: Fields) -> Edit:
    """Give the params another field, or the field another schema."""
    return lambda params: params["properties"].update({name: schema})


def limit(name: str, **keywords: Any) -> Edit:
    """Give a field other limits."""
    return lambda params: params["properties"][name].update(keywords)


def require(name: str) -> Edit:
    return lambda params: params["required"].append(name)


def release(name: str) -> Edit:
    return lambda params: params["required"].remove(name)


def drop(name: str) -> Edit:
    def edit(params: Fields) -> None:
        del params["properties"][name]
        params["required"] = [each for each in params["required"] if each != name]

    return edit


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the schemas of the latest version."""
    folder = tmp_path_factory.mktemp("schemas") / LATEST_VERSION
    assert main(["write", str(folder)]) == 0
    return folder


@pytest.fixture
def new(old: Path, tmp_path: Path) -> Path:
    """Return another one, to be changed."""
    return Path(shutil.copytree(old, tmp_path / "1.1"))


def change(folder: Path, type_: str, *edits: Edit) -> None:
    for suffix in ("schema.json", "strict.schema.json"):
        path = folder / "messages" / f"{type_}.{suffix}"
        schema = json.loads(path.read_text())
        for edit in edits:
            edit(params_of(schema))
        path.write_text(json.dumps(schema))


def diff(old: Path | str, new: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Return the exit code, and the lines but for the last, which counts them."""
    capsys.readouterr()
    code = main(["diff", str(old), str(new)])
    *lines, count = capsys.readouterr().out.splitlines()
    breaking = sum(not line.startswith("breaks nobody: ") for line in lines)
    assert count == (f"{len(lines)} changes, of which {breaking} break somebody" if lines else "nothing has changed")
    return code, lines


def test_version_is_no_break_of_itself(old: Path, new: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the strict form allows, the open one takes."""
    assert diff(old, new, capsys) == (0, [])
    assert diff(LATEST_VERSION, new, capsys) == (0, [])


TOO_LONG = "may be over its `maxLength` of 5"
TOO_HIGH = f"may be over its `maximum` of {2**53 - 1}"

BREAKS: list[tuple[str, list[Edit], str]] = [
    # From the server: its receivers are clients.
    (
        "welcome",
        [drop("session")],
        "breaks clients: welcome.params.session: may be missing now, which was not taken before",
    ),
    (
        "welcome",
        [release("session")],
        "breaks clients: welcome.params.session: may be missing now, which was not taken before",
    ),
    (
        "welcome",
        [field("resumed", {"type": "string"})],
        "breaks clients: welcome.params.resumed: may be of type string now, which was not taken before",
    ),
    (
        "welcome",
        [limit("last_seq", maximum=2**60)],
        f"breaks clients: welcome.params.last_seq: {TOO_HIGH} now, which was not taken before",
    ),
    (
        "welcome",
        [limit("last_seq", minimum=1)],
        "breaks servers: welcome.params.last_seq: may be under its `minimum` of 1, which is not taken any more",
    ),
    # From the client: its receivers are servers.
    (
        "hello",
        [field("color", {"type": "string"}), require("color")],
        "breaks clients: hello.params.color: may be missing, which is not taken any more",
    ),
    (
        "hello",
        [limit("app", maxLength=5)],
        f"breaks clients: hello.params.app: {TOO_LONG}, which is not taken any more",
    ),
    (
        "hello",
        [limit("app", maxLength=None)],
        "breaks servers: hello.params.app: may be over its `maxLength` of 128 now, which was not taken before",
    ),
    # From both.
    (
        "bye",
        [limit("retry", enum=["never", "reconnect", "resume", "later"])],
        "breaks clients and servers: bye.params.retry: may be 'later' now, which was not taken before",
    ),
]


@pytest.mark.parametrize(("type_", "edits", "line"), BREAKS, ids=[line.split(": ")[1] for *_, line in BREAKS])
def test_break_is_told_with_whom_it_breaks(
    old: Path, new: Path, capsys: pytest.CaptureFixture[str], type_: str, edits: list[Edit], line: str
) -> None:
    """Who, written for the old version, does not get along with the new one."""
    change(new, type_, *edits, _without_none)
    code, lines = diff(old, new, capsys)
    assert code == 1
    assert line in lines


def _without_none(params: Fields) -> None:
    for schema in params["properties"].values():
        for keyword in [key for key, value in schema.items() if value is None]:
            del schema[keyword]


@pytest.mark.parametrize(
    ("type_", "edit", "line"),
    [
        ("hello", field("color", {"type": "string"}), "breaks nobody: hello.params.color: the field is new"),
        ("welcome", field("motd", {"type": "string"}), "breaks nobody: welcome.params.motd: the field is new"),
        (
            "welcome",
            limit("session", description="Other words."),
            None,
        ),
    ],
)
def test_what_receivers_ignore_breaks_nobody(
    old: Path, new: Path, capsys: pytest.CaptureFixture[str], type_: str, edit: Edit, line: str | None
) -> None:
    """An optional field is new; a description says more."""
    change(new, type_, edit)
    assert diff(old, new, capsys) == (0, [] if line is None else [line])


def test_messages_come_and_go(old: Path, new: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is new is ignored by who does not know it; what is gone is missed by who sends it."""
    for suffix in ("schema.json", "strict.schema.json"):
        (new / "messages" / f"go_app.{suffix}").rename(new / "messages" / f"go_far.{suffix}")
    assert diff(old, new, capsys) == (
        1,
        ["breaks servers: go_app: the message is gone", "breaks nobody: go_far: the message is new"],
    )


def test_message_that_travels_the_other_way_breaks_who_gets_it(
    old: Path, new: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Events of the server would end the sessions of old clients."""
    path = new / "pagewire.schema.json"
    bundle = json.loads(path.read_text())
    bundle["$defs"]["ServerMessage"]["oneOf"].append({"$ref": "#/$defs/EventMessage"})
    bundle["$defs"]["ClientMessage"]["oneOf"].remove({"$ref": "#/$defs/EventMessage"})
    path.write_text(json.dumps(bundle))
    assert diff(old, new, capsys)[1] == [
        "breaks clients: event: servers send it now",
        "breaks clients: event: clients send it no more",
    ]


def test_code_that_is_new_is_obeyed_by_its_retry_and_one_that_means_something_else_is_not(
    old: Path, new: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """END-4."""
    path = new / "codes.json"
    codes = json.loads(path.read_text())
    codes["bye"]["moved"] = codes["bye"].pop("replaced") | {"means": "something"}
    codes["bye"]["session_gone"] |= {"retry": "reconnect", "means": "other words"}
    path.write_text(json.dumps(codes))
    assert diff(old, new, capsys) == (
        1,
        [
            'breaks clients and servers: bye session_gone: `retry` is "reconnect", it was "never"',
            "breaks nobody: bye moved: the code is new",
            "breaks nobody: bye replaced: the code is gone",
            'breaks nobody: bye session_gone: `means` is "other words", it was '
            + json.dumps(json.loads((old / "codes.json").read_text())["bye"]["session_gone"]["means"]),
        ],
    )


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        (None, None, "there is no folder {folder}, and no version of that name: 1.0"),
        ("codes.json", None, "{folder}: codes.json is missing"),
        ("messages/ack.schema.json", None, "{folder}: messages/ack.schema.json is missing"),
        ("messages/ack.schema.json", "{", "{folder}: messages/ack.schema.json: Expecting property name"),
        ("codes.json", "[]", "{folder}: codes.json is no JSON object"),
    ],
)
def test_what_is_no_folder_of_schemas_is_told(
    old: Path, new: Path, capsys: pytest.CaptureFixture[str], file: str | None, text: str | None, complaint: str
) -> None:
    """Exit code 2, and where."""
    folder = new if file else new / "nothing"
    if file and text is None:
        (new / file).unlink()
    elif file and text:
        (new / file).write_text(text)
    with pytest.raises(SystemExit) as caught:
        main(["diff", str(old), str(folder)])
    assert caught.value.code == 2
    assert complaint.format(folder=folder) in capsys.readouterr().err


@pytest.mark.parametrize("type_", MESSAGES)
def test_open_form_takes_what_the_strict_one_allows_and_not_the_other_way(old: Path, type_: str) -> None:
    """The strict form knows all its fields."""
    files = [old / "messages" / f"{type_}.{suffix}" for suffix in ("schema.json", "strict.schema.json")]
    open_, strict = (json.loads(file.read_text()) for file in files)
    assert refusals(strict, open_) == []
    assert refusals(open_, strict) != []


@pytest.mark.parametrize(
    ("sent", "taken", "refused"),
    [
        (True, True, []),
        (False, False, []),
        (True, STRING, [("", "may be of type array, boolean, integer, null, number, object")]),
        (STRING, False, [("", "is not taken")]),
        ({"type": "integer"}, {"type": "number"}, []),
        ({"type": "number"}, {"type": "integer"}, [("", "may be of type number")]),
        ({"const": 3}, {"type": "integer"}, []),
        ({"const": True}, {"type": "integer"}, [("", "may be True")]),
        ({"enum": ["a", "bc"]}, {"type": "string", "maxLength": 1}, [("", "may be 'bc'")]),
        ({"enum": ["a", "b"]}, {"type": "string", "pattern": "^a"}, [("", "may be 'b'")]),
        ({"enum": ["a", 1]}, {"anyOf": [{"const": 1}, {"type": "string"}]}, []),
        (STRING, {"enum": ["a"]}, [("", "may be something else than 'a'")]),
        ({"anyOf": [STRING, {"type": "null"}]}, STRING, [("", "may be of type null")]),
        (STRING, {"anyOf": [{"type": "null"}, STRING]}, []),
        ({"type": "array", "items": True}, {"type": "array", "items": STRING}, 1),
        ({"type": "array", "maxItems": 3}, {"type": "array", "maxItems": 2}, [("", "may be over its `maxItems` of 2")]),
        (STRING, {"type": "string", "pattern": "a"}, [("", "may be something that its `pattern` does not allow")]),
        ({"type": "string", "pattern": "a"}, {"type": "string", "pattern": "a"}, []),
        (
            {"type": "object", "additionalProperties": STRING},
            {"type": "object", "additionalProperties": {"type": "string", "minLength": 1}},
            [("*", "may be under its `minLength` of 1")],
        ),
        (
            {"type": "object"},
            {"type": "object", "properties": {"a": {"type": "null"}}, "propertyNames": {"maxLength": 2}},
            [
                ("a", "may be of type array, boolean, integer, number, object, string"),
                ("*", "may be over its `maxLength` of 2"),
            ],
        ),
    ],
)
def test_refusals_are_what_the_one_allows_and_the_other_does_not(
    sent: Schema, taken: Schema, refused: list[tuple[str, str]] | int
) -> None:
    """Keyword by keyword; a number says how many."""
    found = refusals(sent, taken)
    if isinstance(refused, int):
        assert len(found) == refused
    else:
        assert found == [Refusal(*each) for each in refused]
