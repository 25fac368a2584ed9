"""What changed from one version's schemas to another's, and whom it breaks.

Who sends keeps the strict form of its version, who receives takes what the open form of its own does. So a change
breaks who still sends as before where the new open form may refuse that; and who still receives as before where the old
open form may refuse what is sent now.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pagewire_protocol.json_objects import JsonObject
from pagewire_protocol.messages import Side
from pagewire_protocol.schema_files import schema_files
from pagewire_protocol.schema_inclusion import ANNOTATIONS, Refusal, join, refusals
from pagewire_protocol.versions import SUPPORTED_VERSIONS

_BUNDLE: Final = "pagewire.schema.json"
_UNIONS: Final = {Side.CLIENT: "ClientMessage", Side.SERVER: "ServerMessage"}
_OTHER: Final = {Side.CLIENT: Side.SERVER, Side.SERVER: Side.CLIENT}


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was."""

    at: str
    """Message and field: `welcome.params.limits`; or the code of a bye."""
    what: str
    breaks: frozenset[Side] = frozenset()
    """Who, written for the old version, does not get along with the new one; nobody if empty."""

    def __str__(self) -> str:
        whom = " and ".join(sorted(f"{side.value}s" for side in self.breaks))
        return f"{f'breaks {whom}' if whom else 'breaks nobody'}: {self.at}: {self.what}"


@dataclass(frozen=True)
class Message:
    """A message of one version."""

    senders: frozenset[Side]
    open: JsonObject
    strict: JsonObject


@dataclass(frozen=True)
class Version:
    """The schemas of one version."""

    messages: dict[str, Message]
    byes: dict[str, JsonObject]
    """By code, what closes with it and what the client does next."""


def read_version(name: str) -> Version:
    """Return the version in a folder of schemas, or of that number as this package has it.

    OSError or ValueError says which file is missing, or no such schema.
    """
    if name in SUPPORTED_VERSIONS:
        return _version(schema_files(version=name))
    folder = Path(name)
    if not folder.is_dir():
        raise ValueError(f"there is no folder {name}, and no version of that name: {', '.join(SUPPORTED_VERSIONS)}")
    paths = [path for path in folder.rglob("*.json") if path.is_file()]
    return _version({path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}, name)


def compare(old: Version, new: Version) -> list[Change]:
    """Return every change, what breaks somebody first."""
    found = [*_messages(old.messages, new.messages), *_byes(old.byes, new.byes)]
    return sorted(found, key=lambda change: not change.breaks)


def _version(files: Mapping[str, str], where: str = "this package") -> Version:
    def read(name: str) -> JsonObject:
        if name not in files:
            raise ValueError(f"{where}: {name} is missing")
        try:
            value = json.loads(files[name])
        except ValueError as error:
            raise ValueError(f"{where}: {name}: {error}") from None
        if not isinstance(value, dict):
            raise ValueError(f"{where}: {name} is no JSON object")  # noqa: TRY004 - the file's, not the caller's
        return value

    defs = read(_BUNDLE).get("$defs", {})
    unions = {side: {one["$ref"].rpartition("/")[2] for one in defs[name]["oneOf"]} for side, name in _UNIONS.items()}
    messages = {}
    for name in files:
        if name.startswith("messages/") and name.endswith(".strict.schema.json"):
            type_ = name.removeprefix("messages/").removesuffix(".strict.schema.json")
            strict, open_ = read(name), read(f"messages/{type_}.schema.json")
            senders = frozenset(side for side in Side if strict.get("title") in unions[side])
            messages[type_] = Message(senders, open_, strict)
    return Version(messages, read("codes.json")["bye"])


def _messages(old: Mapping[str, Message], new: Mapping[str, Message]) -> Iterator[Change]:
    for type_ in sorted(old.keys() | new.keys()):
        if type_ not in new:
            yield Change(type_, "the message is gone", old[type_].senders)
        elif type_ not in old:
            yield Change(type_, "the message is new")
        else:
            yield from _message(type_, old[type_], new[type_])


def _message(type_: str, old: Message, new: Message) -> Iterator[Change]:
    for side in new.senders - old.senders:
        yield Change(type_, f"{side.value}s send it now", frozenset({_OTHER[side]}))
    for side in old.senders - new.senders:
        yield Change(type_, f"{side.value}s send it no more", frozenset({side}))
    broken: dict[Refusal, frozenset[Side]] = {}
    for refusal in refusals(old.strict, new.open):
        broken[refusal._replace(what=f"{refusal.what}, which is not taken any more")] = old.senders
    receivers = frozenset(_OTHER[side] for side in new.senders)
    for refusal in refusals(new.strict, old.open):
        broken[refusal._replace(what=f"{refusal.what} now, which was not taken before")] = receivers
    for refusal, sides in broken.items():
        yield Change(join(type_, refusal.at), refusal.what, sides)
    told = {refusal.at for refusal in broken}
    # What is the same in both forms is said once.
    noticed = [*_differences(old.strict, new.strict), *_differences(old.open, new.open)]
    for at, what in dict.fromkeys(noticed):
        if at not in told:
            yield Change(join(type_, at), what)


def _differences(old: JsonObject, new: JsonObject, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield where two schemas differ in what they allow, and how."""
    was, is_ = old.get("properties", {}), new.get("properties", {})
    for name in sorted(was.keys() | is_.keys()):
        if name not in was or name not in is_:
            yield join(at, name), "the field is new" if name in is_ else "the field is gone"
        else:
            yield from _differences(was[name], is_[name], join(at, name))
    if isinstance(old.get("items"), dict) and isinstance(new.get("items"), dict):
        yield from _differences(old["items"], new["items"], f"{at}[]")
    needed, needs = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted((needed ^ needs) & was.keys() & is_.keys()):
        yield join(at, name), "the field is required now" if name in needs else "the field is optional now"
    plain = (old.keys() | new.keys()) - ANNOTATIONS - {"properties", "required", "items"}
    for keyword in sorted(plain):
        if old.get(keyword) != new.get(keyword):
            yield at, f"`{keyword}` is {_text(new, keyword)}, it was {_text(old, keyword)}"


def _text(schema: JsonObject, keyword: str) -> str:
    return json.dumps(schema[keyword]) if keyword in schema else "not there"


def _byes(old: Mapping[str, JsonObject], new: Mapping[str, JsonObject]) -> Iterator[Change]:
    for code in sorted(old.keys() | new.keys()):
        if code not in old or code not in new:
            # Who does not know a code obeys its `retry` (END-4).
            yield Change(f"bye {code}", "the code is new" if code in new else "the code is gone")
            continue
        was, is_ = old[code], new[code]
        for name in sorted(was.keys() | is_.keys()):
            if was.get(name) != is_.get(name):
                what = f"`{name}` is {_text(is_, name)}, it was {_text(was, name)}"
                yield Change(f"bye {code}", what, frozenset() if name == "means" else frozenset(Side))
