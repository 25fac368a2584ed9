"""The command `pagewire-schema`: write the published schemas, check them, or tell what a change of them breaks."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pagewire_protocol.schema_diff import as_document, as_lines, compare, read_version
from pagewire_protocol.schema_examples import MissingExample
from pagewire_protocol.schema_files import schema_files
from pagewire_protocol.schema_forms import Form
from pagewire_protocol.versions import LATEST_VERSION, SUPPORTED_VERSIONS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0, or 1 where something is wrong with the schemas. Bad usage exits with 2.

    That is a difference that `check` finds, a break that `diff` finds, or a message without an example.
    """
    try:
        return _run(arguments)
    finally:
        _flush()


def _run(arguments: Sequence[str] | None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "diff":
        return _diff(parser, options)
    forms = (Form(options.form),) if options.form else tuple(Form)
    try:
        files = schema_files(forms, options.version)
    except MissingExample as error:
        _say(f"pagewire-schema: {error}")
        return 1
    if options.command == "write":
        return _write(Path(options.directory), files)
    return _check(Path(options.directory or f"protocol/schemas/{options.version}"), files)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pagewire-schema", description="The JSON Schemas of the Pagewire protocol.")
    commands = parser.add_subparsers(dest="command", required=True)
    write = commands.add_parser("write", help="write the schemas into a directory")
    write.add_argument("directory", metavar="DIR", help="where to; it is made if it is missing")
    check = commands.add_parser("check", help="tell whether the files in a directory are what `write` would write")
    check.add_argument("directory", metavar="DIR", nargs="?", help="default: protocol/schemas/<version>")
    for command in (write, check):
        command.add_argument("--version", choices=SUPPORTED_VERSIONS, default=LATEST_VERSION, help="of the protocol")
        command.add_argument(
            "--form",
            choices=[form.value for form in Form],
            help="open: for receivers; strict: for judging senders; default: both",
        )
    diff = commands.add_parser(
        "diff",
        help="tell of each change whether it breaks clients, servers or nobody",
        description="Exits with 1 if a change breaks somebody: such a change needs a new major version.",
    )
    for name, what in (("old", "the schemas of before"), ("new", "those of now")):
        diff.add_argument(name, metavar=name.upper(), help=f"{what}: a folder, or a version of this package")
    diff.add_argument("--json", action="store_true", help="print a JSON document (protocol/README.md describes it)")
    return parser


def _diff(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    try:
        old, new = read_version(options.old), read_version(options.new)
        changes = compare(old, new)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if options.json:
        _say(json.dumps(as_document(old, new, changes), indent=2))
    else:
        for line in as_lines(old, new, changes):
            _say(line)
    return 1 if any(change.breaks for change in changes) else 0


def _write(directory: Path, files: dict[str, str]) -> int:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    _say(f"wrote {len(files)} files to {directory}")
    return 0


def _check(directory: Path, files: dict[str, str]) -> int:
    if not directory.is_dir():
        _say(f"pagewire-schema: there is no directory {directory}")
        return 1
    differences = [
        f"{directory / name}: {'is missing' if not (directory / name).exists() else 'differs'}"
        for name, text in files.items()
        if not (directory / name).exists() or (directory / name).read_text(encoding="utf-8") != text
    ]
    found = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}
    differences += [f"{directory / name}: is not a file of ours" for name in sorted(found - set(schema_files()))]
    for difference in differences:
        _say(difference)
    if differences:
        _say(f"mend with: pagewire-schema write {directory}")
        return 1
    _say(f"{directory}: {len(files)} files are what the models say")
    return 0


def _say(line: str) -> None:
    try:
        sys.stdout.write(line + "\n")
    except BrokenPipeError:
        _stop_writing()


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _stop_writing()


def _stop_writing() -> None:
    """Send what is still written nowhere: who reads it has seen enough (`| head`); the exit code stays the same."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
