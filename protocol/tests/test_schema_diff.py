"""What a change of the schemas breaks: each kind of change with a proof by jsonschema."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from schema_changes import BREAKING, HARMLESS, Kind, bye_code, limit, nothing, rename
from schema_folders import SchemaFolder, samples

from pagewire_protocol.__main__ import main

SIDES = {"client": ["client"], "server": ["server"], "both": ["client", "server"]}
OTHER = {"client": "server", "server": "client"}


@pytest.fixture(scope="module")
def before() -> SchemaFolder:
    """Return the published schemas; not to be changed."""
    return SchemaFolder().settle()


@pytest.fixture(scope="module")
def old(before: SchemaFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return before.write(tmp_path_factory.mktemp("schemas") / "1.0")


def compare(old: Path, new: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the comparison of two folders as JSON."""
    capsys.readouterr()
    code = main(["diff", "--json", str(old), str(new)])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert code == (1 if found["breaking"] else 0)
    return found


@pytest.mark.parametrize("kind", BREAKING + HARMLESS, ids=lambda kind: kind.name)
def test_change_is_told_with_whom_it_breaks_and_a_proof(
    before: SchemaFolder, old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: Kind
) -> None:
    after = SchemaFolder()
    kind.given(after)
    if kind.given is not nothing:
        before = SchemaFolder({name: json.dumps(value) for name, value in after.settle().files.items()})
        old = before.write(tmp_path / "old")
    kind.edit(after)
    changes = compare(old, after.settle().write(tmp_path / "new"), capsys)["changes"]
    breaks: dict[str, set[str]] = {}
    for change in changes:
        if change["breaks"]:
            breaks.setdefault(change["at"], set()).update(change["breaks"])
        if change["breaks"]:
            prove(before, after, change)
    assert breaks == kind.breaks
    assert {change["at"] for change in changes if not change["breaks"]} >= set(kind.tells)
    assert changes
    # And nobody else is broken.
    assert set(broken_by_samples(before, after)) <= {side for sides in breaks.values() for side in sides}


def prove(before: SchemaFolder, after: SchemaFolder, change: dict[str, Any]) -> None:
    """Check that the one side would send the message, and that the other one does with it what is said."""
    if "counterexample" not in change:
        prove_without_example(before, after, change)
        return
    shown = change["counterexample"]
    by, at = (after, before) if shown["of"] == "new" else (before, after)
    message, side = shown["message"], shown["sender"]
    assert by.accepts("strict", side, message)
    if shown["then"] == "ends the session":
        type_ = message["type"]
        kinds = [{row["type"]: row["kind"] for row in folder.table("messages")}.get(type_) for folder in (by, at)]
        assert not at.accepts("open", side, message) or kinds[0] != kinds[1]
        return
    accepted = {form: at.accepts(form, side, message) for form in ("open", "strict")}
    command, is_result, _ = change["at"].partition(".result")
    if is_result:
        assert by.accepts_result("strict", command, message["params"])
        accepted = {form: at.accepts_result(form, command, message["params"]) for form in accepted}
    assert accepted["open"] is (shown["then"] == "ignores the field")
    assert accepted["open"] is False or accepted["strict"] is False


RULES = (
    "END-1",
    "END-5",
    "END-14",
    "who no longer may send it",
    "capability",
    "announced by",
    "the default is",
    "query.",
)
"""What the text of the protocol forbids where both schemas accept the message."""


def prove_without_example(before: SchemaFolder, after: SchemaFolder, change: dict[str, Any]) -> None:
    """Check that no message is said to show it because none of the two versions sends one, or because of a rule."""
    type_, dot, place = change["at"].partition(".")
    if not change["decided"]:
        assert change["what"].startswith("this cannot be decided: ")
    elif not any(rule in f"{change['at']}: {change['what']}" for rule in RULES):
        assert dot
        is_result = place.startswith("result")
        pairs = [
            ((before, "open"), (after, "open")),
            ((after, "strict"), (before, "strict")),
            ((after, "strict"), (after, "open")),
        ]
        found = [
            [
                folder.result_schema(form, type_) if is_result else folder.message_schema(form, type_)
                for folder, form in pair
            ]
            for pair in pairs
        ]
        assert any(
            jsonschema.Draft202012Validator(one).is_valid(each)
            and not jsonschema.Draft202012Validator(other).is_valid(each)
            for one, other in found
            for each in samples(one) + samples(other)
        )


def broken_by_samples(before: SchemaFolder, after: SchemaFolder) -> Iterator[str]:
    """Yield who is broken by a sample of what each side sends: found without our own comparison."""
    for by, at, is_of_new in ((before, after, False), (after, before, True)):
        known = {row["type"]: row for row in at.table("messages")}
        for row in by.table("messages"):
            type_ = row["type"]
            if type_ not in known:
                continue
            name = f"messages/{type_}.schema.json"
            strict = f"messages/{type_}.strict.schema.json"
            if by.files[strict] != at.files[strict] or by.files[name] != at.files[name]:
                validator = jsonschema.Draft202012Validator(at.files[name])
                if not all(validator.is_valid(message) for message in by.messages("strict", type_)):
                    yield from (OTHER[side] if is_of_new else side for side in SIDES[row["sender"]])
            if "result" in row and by.result_schema("strict", type_) != at.result_schema("strict", type_):
                validator = jsonschema.Draft202012Validator(at.result_schema("open", type_))
                if not all(validator.is_valid(params) for params in by.results("strict", type_)):
                    yield row["sender"] if is_of_new else OTHER[row["sender"]]


def test_there_are_enough_kinds() -> None:
    names = [kind.name for kind in BREAKING + HARMLESS]
    assert len(set(names)) == len(names) >= 120


def test_version_breaks_nobody_by_itself(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(old, old, capsys)["changes"] == []
    assert main(["diff", "1.0", "1.0"]) == 0
    assert capsys.readouterr().out == "1.0 (this package) -> 1.0 (this package)\n\nnothing has changed\n"


def lines(old: Path | str, new: Path | str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    main(["diff", str(old), str(new)])
    return capsys.readouterr().out.splitlines()


def changed(folder: Path, *edits: Callable[[SchemaFolder], object]) -> Path:
    """Write the published schemas with some changes."""
    after = SchemaFolder()
    for edit in edits:
        edit(after)
    return after.settle().write(folder)


def test_new_bye_code_is_told_in_one_line(old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = changed(tmp_path, bye_code("overloaded"))
    assert lines(old, new, capsys) == [
        f"1.0 ({old}) -> 1.0 ({new})",
        "",
        "Breaks nobody:",
        (
            "  bye: new code 'overloaded' (close 4503, retry reconnect, sent by server): "
            "who does not know it obeys its retry (END-4)"
        ),
        "",
        "1 change, none breaks anybody",
    ]


def test_text_has_clients_first_then_servers_then_both_then_the_rest(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = changed(
        tmp_path,
        rename("EvalJsResult", "value", "val"),
        limit("HelloParams", "app", maxLength=64),
        limit("ByeParams", "retry", enum=["never", "reconnect"]),
    )
    shown = '{"type": "result", "seq": 1, "id": 1, "params": {"value": null}}'
    assert [line for line in lines(old, new, capsys) if '"hello"' not in line and '"bye"' not in line] == [
        f"1.0 ({old}) -> 1.0 ({new})",
        "",
        "Breaks clients:",
        "  eval_js.result.val: may be missing, which servers no longer accept",
        f"    a client of the old version sends, and a server of the new version refuses: {shown}",
        "  eval_js.result.value: the field is gone: servers ignore it (WIRE-15)",
        f"    a client of the old version sends, and a server of the new version refuses: {shown}",
        "  hello.params.app: may have more than 64 characters, which servers no longer accept",
        "",
        "Breaks servers:",
        "  eval_js.result.value: may now be missing, which servers did not accept",
        (
            "    a client of the new version sends, and a server of the old version refuses: "
            '{"type": "result", "seq": 1, "id": 1, "params": {"val": null}}'
        ),
        "",
        "Breaks clients and servers:",
        "  bye.params.retry: may be 'resume', which clients and servers no longer accept",
        "",
        "Breaks nobody:",
        "  eval_js.result.val: the field is new",
        "",
        "6 changes, 5 of them break somebody",
    ]


def test_what_cannot_be_decided_counts_as_a_break_and_says_so(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = changed(tmp_path, limit("HelloParams", "app", pattern=r"^\p{L}+$"))
    assert (
        '  hello.params.app: this cannot be decided: may be something that `pattern` "^\\\\p{L}+$" excludes, '
        "which servers no longer accept"
    ) in lines(old, new, capsys)
    (change,) = [change for change in compare(old, new, capsys)["changes"] if change["breaks"] == ["client"]]
    assert change["decided"] is False
    assert "counterexample" not in change


def test_json_document_is_as_the_readme_says(old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = changed(
        tmp_path, lambda folder: folder.registry.update(version="1.1"), limit("HelloParams", "app", maxLength=1)
    )
    message = json.loads(json.dumps(compare(old, new, capsys)["changes"][0]["counterexample"]["message"]))
    assert message["params"].pop("app") == "aa"
    assert compare(old, new, capsys) == {
        "old": {"version": "1.0", "where": str(old)},
        "new": {"version": "1.1", "where": str(new)},
        "changes": [
            {
                "at": "hello.params.app",
                "what": "may have more than 1 character, which servers no longer accept",
                "breaks": ["client"],
                "decided": True,
                "counterexample": {
                    "sender": "client",
                    "of": "old",
                    "then": "refuses",
                    "message": {"type": "hello", "params": {**message["params"], "app": "aa"}},
                },
            },
            {"at": "version", "what": "it is 1.1, it was 1.0", "breaks": [], "decided": True},
        ],
        "breaking": 1,
    }


@pytest.mark.parametrize(
    "arguments", [["diff", "{old}", "{new}"], ["diff", "--json", "{old}", "{new}"], ["--help"], ["check", "{old}"]]
)
def test_reader_that_has_seen_enough_changes_nothing(old: Path, tmp_path: Path, arguments: list[str]) -> None:
    """No traceback if a program has stopped reading the output (`| head`); the exit code is the same."""
    new = changed(tmp_path, limit("HelloParams", "app", maxLength=1))
    command = [sys.executable, "-m", "pagewire_protocol", *(each.format(old=old, new=new) for each in arguments)]
    expected = subprocess.run(command, capture_output=True, check=False).returncode
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as output:
        ran = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, check=False)
    assert (ran.returncode, ran.stderr) == (expected, b"")
