"""What differs between two folders and means nothing for the wire: so that no difference goes without a word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from pagewire_protocol.json_objects import JsonObject
from pagewire_protocol.messages import Side
from pagewire_protocol.schema_diff.changes import Change
from pagewire_protocol.schema_diff.versions import ASYNCAPI, CODES, REGISTRY, Version
from pagewire_protocol.schema_inclusion import annotations_of, bare, refusals

_MOST: Final = 3
"""How many differences of one file are told in full."""
_COMPARED: Final = {
    REGISTRY: frozenset(("version", "messages", "settings", "codes", "capabilities", "requirements")),
    CODES: frozenset(("version", "bye", "error", "$comment")),
    ASYNCAPI: frozenset(
        ("info.version", "components.schemas", "components.messages", "operations", "channels.connection.messages")
    ),
}
"""What of these files is compared elsewhere, or must be the same as in another file."""


def leftover_changes(old: Version, new: Version, found: list[Change]) -> Iterator[Change]:
    """Yield what `found` does not tell of."""
    if old.number != new.number:
        found = [
            *found,
            Change("version", f"it is {new.number}, it was {old.number}", files=(REGISTRY, CODES, ASYNCAPI)),
        ]
        yield found[-1]
    yield from _query(old, new)
    both = [name for name in sorted(old.texts.keys() & new.texts.keys()) if old.texts[name] != new.texts[name]]
    for name in sorted(old.texts.keys() ^ new.texts.keys()):
        if not _is_told(name, found):
            yield Change(name, f"the file is {'new' if name in new.texts else 'gone'}")
    others = [name for name in both if not name.endswith(".json")]
    reformatted = [name for name in both if name not in others and _dump(old, name) == _dump(new, name)]
    schemas = [name for name in both if name.endswith(".schema.json")]
    if others:
        yield Change("files", f"these differ, and are not compared: {_list(others)}")
    if reformatted:
        yield Change("files", f"the same JSON, written differently: {_list(reformatted)}")
    for name in both:
        if name not in (*others, *reformatted, *schemas):
            yield from _document(name, old, new, found)
    yield from _schemas(schemas, old, new, found)


def _schemas(names: list[str], old: Version, new: Version, found: list[Change]) -> Iterator[Change]:
    """Yield, once for all files, that they are worded or spelled differently."""
    worded = [name for name in names if _is_worded_differently(name, old, new)]
    if worded:
        yield Change("descriptions", f"other titles, descriptions or examples in {_list(worded)}")
    spelled = [name for name in names if not _is_told(name, found) and bare(old.files[name]) != bare(new.files[name])]
    if spelled:
        yield Change("spelling", f"written in another way, with the same meaning: {_list(spelled)}")
    ordered = [name for name in names if old.files[name] == new.files[name] and _dump(old, name) != _dump(new, name)]
    if ordered:
        yield Change("spelling", f"the same in another order: {_list(ordered)}")


def _dump(version: Version, name: str) -> str:
    return json.dumps(version.files[name])


def _list(names: list[str]) -> str:
    return ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")


def _is_worded_differently(name: str, old: Version, new: Version) -> bool:
    was, is_ = dict(annotations_of(old.files[name])), dict(annotations_of(new.files[name]))
    return any(_is_reworded(was[at], is_[at], old, new) for at in was.keys() & is_.keys())


def _is_reworded(was: JsonObject, is_: JsonObject, old: Version, new: Version) -> bool:
    """Whether annotations differ in more than the number of the version and the comment of the registry."""
    if old.registry.get("$comment") == was.get("$comment") and new.registry.get("$comment") == is_.get("$comment"):
        was, is_ = ({key: each for key, each in one.items() if key != "$comment"} for one in (was, is_))
    renumbered = json.loads(json.dumps(was).replace(old.number, new.number))
    return any(is_.get(key) not in (was.get(key), renumbered.get(key)) for key in was.keys() | is_.keys())


def _query(old: Version, new: Version) -> Iterator[Change]:
    """Yield what changed in the query of the URL, which the client sends."""
    was, is_ = (_at(version.files[ASYNCAPI], "channels.connection.bindings.ws.query") for version in (old, new))
    if was is None or is_ is None:
        return
    for refusal in refusals(was, is_):
        what = f"may {refusal.why}, which servers no longer accept"
        yield Change(
            f"query.{refusal.at}", what, frozenset((Side.CLIENT,)), is_certain=refusal.is_certain, files=(ASYNCAPI,)
        )


def _at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _document(name: str, old: Version, new: Version, found: list[Change]) -> Iterator[Change]:
    compared = _COMPARED.get(name, frozenset())
    differences = [each for each in _differences(old.files[name], new.files[name]) if not _is_in(each[0], compared)]
    for path, before, after in differences[:_MOST]:
        yield Change(name, f"`{path}` is {after}, it was {before}")
    if len(differences) > _MOST:
        yield Change(name, f"{len(differences) - _MOST} differences more")
    if not differences and not _is_told(name, found):
        yield Change(name, "the same in other words or in another order")


def _is_in(path: str, places: frozenset[str]) -> bool:
    return any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in places)


Leaf = tuple[str, str, str]


def _differences(was: Any, is_: Any, at: str = "") -> Iterator[Leaf]:
    """Yield each place at which two JSON values differ, with both texts."""
    if isinstance(was, dict) and isinstance(is_, dict):
        for key in [*was, *(each for each in is_ if each not in was)]:
            yield from _differences(was.get(key, _ABSENT), is_.get(key, _ABSENT), f"{at}.{key}" if at else key)
    elif isinstance(was, list) and isinstance(is_, list) and len(was) == len(is_):
        for index, (one, other) in enumerate(zip(was, is_, strict=True)):
            yield from _differences(one, other, f"{at}[{index}]")
    elif type(was) is not type(is_) or was != is_:
        yield at, _text(was), _text(is_)


_ABSENT: Final = object()


def _text(value: Any, most: int = 60) -> str:
    text = "absent" if value is _ABSENT else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else f"{text[:most]}..."


def _is_told(name: str, found: list[Change]) -> bool:
    return any(name.startswith(prefix) for change in found for prefix in change.files)
