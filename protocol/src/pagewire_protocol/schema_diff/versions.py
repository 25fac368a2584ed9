"""The published schemas of one version, read from a folder or from this package, and checked for being complete.

The files of a folder say the same things several times, each for readers of its own: a message is in the registry, in
two bundles, in two files of its own and in the AsyncAPI document. A folder in which they contradict each other is
refused (`consistency`), so that a comparison may rely on any of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pagewire_protocol.json_objects import JsonObject
from pagewire_protocol.messages import Kind, Side
from pagewire_protocol.schema_files import schema_files
from pagewire_protocol.schema_inclusion import Schema, resolve
from pagewire_protocol.versions import SUPPORTED_VERSIONS

OPEN_BUNDLE: Final = "pagewire.schema.json"
STRICT_BUNDLE: Final = "pagewire.strict.schema.json"
REGISTRY: Final = "protocol.json"
CODES: Final = "codes.json"
ASYNCAPI: Final = "asyncapi.json"
SHARED_FILES: Final = (REGISTRY, OPEN_BUNDLE, STRICT_BUNDLE, CODES, ASYNCAPI)

OTHER_SIDE: Final = {Side.CLIENT: Side.SERVER, Side.SERVER: Side.CLIENT}
_SENDERS: Final = {
    "client": frozenset((Side.CLIENT,)),
    "server": frozenset((Side.SERVER,)),
    "both": frozenset(Side),
}


@dataclass(frozen=True)
class Forms:
    """A schema in its two forms, with the files in which their references lead on."""

    open: Schema
    """What receivers accept."""
    strict: Schema
    """What senders may send."""
    open_root: JsonObject | None = None
    strict_root: JsonObject | None = None


@dataclass(frozen=True)
class Message:
    """A message of one version."""

    type: str
    kind: Kind
    senders: frozenset[Side]
    forms: Forms
    result: Forms | None
    """The params of the `result` that answers it, if it is a command."""
    capability: str | None
    """What must have been announced before it is sent."""

    @property
    def receivers(self) -> frozenset[Side]:
        """Return who receives it."""
        return frozenset(OTHER_SIDE[side] for side in self.senders)


@dataclass(frozen=True)
class Version:
    """The schemas of one version."""

    number: str
    """For example `1.0`."""
    where: str
    """The folder, or that it is this package's."""
    messages: dict[str, Message]
    files: dict[str, JsonObject]
    """Every file that is JSON, by its path in the folder."""
    texts: dict[str, str]
    """Every file, as text."""

    @property
    def registry(self) -> JsonObject:
        """Return protocol.json."""
        return self.files[REGISTRY]

    def rows(self, *path: str, key: str) -> dict[str, JsonObject]:
        """Return the rows of a table of the registry, by what they are named."""
        found: Any = self.registry
        for name in path:
            found = found[name]
        return {str(row[key]): row for row in found}


def read_files(name: str) -> tuple[str, dict[str, str]]:
    """Return where the schemas of a version are, and the text of each file.

    `name` is a folder, or the number of a version of this package. OSError or ValueError says what is wrong.
    """
    if name in SUPPORTED_VERSIONS:
        return "this package", schema_files(version=name)
    folder = Path(name)
    if not folder.is_dir():
        raise ValueError(f"there is no folder {name}, and no version of that name: {', '.join(SUPPORTED_VERSIONS)}")
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return name, {path.relative_to(folder).as_posix(): _text(path) for path in paths}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is not UTF-8: {error}") from None


def parse_files(where: str, texts: Mapping[str, str]) -> dict[str, JsonObject]:
    """Return the files that are JSON; ValueError names one that is missing or is not a JSON object, and where."""
    for name in SHARED_FILES:
        if name not in texts:
            raise ValueError(f"{where}: {name} is missing")
    return {name: _parse(where, name, text) for name, text in texts.items() if name.endswith(".json")}


def _parse(where: str, name: str, text: str) -> JsonObject:
    try:
        value = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_refuse)
    except ValueError as error:
        raise ValueError(f"{where}: {name}: is not JSON: {error}") from None
    except RecursionError:
        raise ValueError(f"{where}: {name}: is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError(f"{where}: {name}: is not a JSON object")  # noqa: TRY004 - the file's, not the caller's
    return value


def _without_doubles(pairs: list[tuple[str, Any]]) -> JsonObject:
    found = dict(pairs)
    if len(found) < len(pairs):
        doubles = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
        raise ValueError(f"the key {doubles[0]!r} appears twice in one object")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number")


def make_version(where: str, texts: dict[str, str], files: dict[str, JsonObject]) -> Version:
    """Return the version; its files have been checked."""
    registry = files[REGISTRY]
    messages = {row["type"]: _message(row, files) for row in registry["messages"]}
    return Version(registry["version"], where, messages, files, texts)


def _message(row: JsonObject, files: Mapping[str, JsonObject]) -> Message:
    type_ = row["type"]
    forms = Forms(files[open_file(type_)], files[strict_file(type_)])
    result = None if "result" not in row else _result(row["result"]["$ref"], files)
    return Message(type_, Kind(row["kind"]), _SENDERS[row["sender"]], forms, result, row.get("capability"))


def _result(reference: str, files: Mapping[str, JsonObject]) -> Forms:
    place = reference.removeprefix(OPEN_BUNDLE)
    roots = files[OPEN_BUNDLE], files[STRICT_BUNDLE]
    return Forms(resolve(place, roots[0]), resolve(place, roots[1]), *roots)


def open_file(type_: str) -> str:
    """Return the name of a message's file for receivers."""
    return f"messages/{type_}.schema.json"


def strict_file(type_: str) -> str:
    """Return the name of a message's file for senders."""
    return f"messages/{type_}.strict.schema.json"
