"""The command `pagewire-schema`: it writes the published schemas, and finds where a directory differs from them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from pagewire_protocol.__main__ import main
from pagewire_protocol.schema_examples import EXAMPLES
from pagewire_protocol.schema_files import schema_files
from pagewire_protocol.versions import LATEST_VERSION

PROTOCOL: Final = Path(__file__).parents[1]
SHARED_FILES: Final = {"asyncapi.json", "codes.json", "protocol.json", "protocol.schema.json"}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Return a directory with all files as the command writes them."""
    directory = tmp_path / "not" / "there" / "yet"
    assert main(["write", str(directory)]) == 0
    return directory


def _files_in(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}


def test_committed_schemas_are_what_the_models_say(capsys: pytest.CaptureFixture[str]) -> None:
    """Mend with: pagewire-schema write protocol/schemas/1.0."""
    directory = PROTOCOL / "schemas" / LATEST_VERSION
    assert main(["check", str(directory)]) == 0, capsys.readouterr().out
    assert capsys.readouterr().out == f"{directory}: {len(schema_files())} files are what the models say\n"


def test_write_makes_the_directory_and_every_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is written is what `schema_files` returns, byte for byte."""
    directory = tmp_path / "new"
    assert main(["write", str(directory)]) == 0
    assert capsys.readouterr().out == f"wrote {len(schema_files())} files to {directory}\n"
    assert {name: (directory / name).read_bytes() for name in _files_in(directory)} == {
        name: text.encode() for name, text in schema_files().items()
    }


def test_check_takes_what_write_wrote(written: Path) -> None:
    """Writing again changes nothing."""
    assert main(["check", str(written)]) == 0
    assert main(["write", str(written)]) == 0
    assert main(["check", str(written)]) == 0


def test_check_looks_at_the_released_directory_by_default(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run from the root of the repository it needs no argument."""
    root = written.parent / "root"
    (root / "protocol" / "schemas").mkdir(parents=True)
    written.rename(root / "protocol" / "schemas" / LATEST_VERSION)
    monkeypatch.chdir(root)
    assert main(["check"]) == 0


def test_check_finds_a_file_that_differs(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A drift of one byte is a difference, and the last line says how to mend it."""
    path = written / "messages" / "ack.schema.json"
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["check", str(written)]) == 1
    assert capsys.readouterr().out == f"{path}: differs\nmend with: pagewire-schema write {written}\n"


def test_check_finds_a_missing_file(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Writing again mends it."""
    (written / "codes.json").unlink()
    capsys.readouterr()
    assert main(["check", str(written)]) == 1
    assert f"{written / 'codes.json'}: is missing\n" in capsys.readouterr().out
    main(["write", str(written)])
    assert main(["check", str(written)]) == 0


def test_check_finds_a_foreign_file(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A schema of a message that is no more would otherwise stay for ever."""
    foreign = written / "messages" / "paint.schema.json"
    foreign.write_text("{}", encoding="utf-8")
    capsys.readouterr()
    assert main(["check", str(written)]) == 1
    assert f"{foreign}: is not a file of ours\n" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["write", "check"])
def test_message_without_an_example_is_named(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever adds a message learns what is missing, and nothing is written."""
    monkeypatch.delitem(EXAMPLES, "eval_js")
    assert main([command, str(tmp_path)]) == 1
    expected = "pagewire-schema: eval_js has no example; add one to EXAMPLES in pagewire_protocol.schema_examples\n"
    assert capsys.readouterr().out == expected
    assert _files_in(tmp_path) == set()


def test_check_finds_no_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong path is an error, not an empty success."""
    assert main(["check", str(tmp_path / "nowhere")]) == 1
    assert capsys.readouterr().out == f"pagewire-schema: there is no directory {tmp_path / 'nowhere'}\n"


@pytest.mark.parametrize("form", ["open", "strict"])
def test_one_form_is_written_and_checked(form: str, tmp_path: Path) -> None:
    """The files of the other form are not there, and not missed."""
    assert main(["write", "--form", form, str(tmp_path)]) == 0
    schemas = _files_in(tmp_path) - SHARED_FILES
    assert {name.endswith(".strict.schema.json") for name in schemas} == {form == "strict"}
    assert main(["check", "--form", form, str(tmp_path)]) == 0
    assert main(["check", str(tmp_path)]) == 1


@pytest.mark.parametrize("form", ["open", "strict"])
def test_one_form_is_checked_beside_the_other(form: str, written: Path) -> None:
    """The files of the other form are no foreign files."""
    assert main(["check", "--form", form, str(written)]) == 0


@pytest.mark.parametrize(
    "arguments", [[], ["paint"], ["write"], ["write", "--form", "loose", "x"], ["check", "--version", "0.1"]]
)
def test_bad_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """As commands do."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: pagewire-schema" in capsys.readouterr().err
