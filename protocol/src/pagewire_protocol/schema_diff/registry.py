"""What changed in the registry beside the messages: codes, settings, capabilities, requirements; and whom it breaks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pagewire_protocol.json_objects import JsonObject
from pagewire_protocol.messages import Side
from pagewire_protocol.schema_diff.changes import EVERYBODY, Change
from pagewire_protocol.schema_diff.versions import CODES, REGISTRY, Version

_SIDES = {"client": frozenset((Side.CLIENT,)), "server": frozenset((Side.SERVER,)), "both": EVERYBODY}
_COMPARED = {
    "messages": frozenset(("type", "kind", "sender", "capability")),
    "bye": frozenset(("code", "close", "retry", "sender")),
    "error": frozenset(("code",)),
    "notice": frozenset(("code",)),
    "close": frozenset(("close", "code", "retry")),
    "settings": frozenset(("name", "default")),
    "capabilities": frozenset(("name", "sender")),
}
"""The columns of each table that are compared one by one."""
_DEFAULT_RETRY = "resume"
"""What a close without bye means that is not in the registry (END-5)."""


def registry_changes(old: Version, new: Version) -> Iterator[Change]:
    """Yield what changed in each table."""
    yield from _table(old, new, ("codes", "bye"), "code", _bye)
    yield from _table(old, new, ("codes", "error"), "code", _error)
    yield from _table(old, new, ("codes", "notice"), "code", _notice)
    yield from _table(old, new, ("codes", "close"), "close", _close)
    yield from _table(old, new, ("settings",), "name", _setting)
    yield from _table(old, new, ("capabilities",), "name", _capability)
    yield from _requirements(old, new)
    yield from _wording(old, new, ("messages",), "type", _COMPARED["messages"])


Row = JsonObject | None


def _table(
    old: Version, new: Version, path: tuple[str, ...], key: str, compare: Callable[[Row, Row], Iterator[Change]]
) -> Iterator[Change]:
    was, is_ = old.rows(*path, key=key), new.rows(*path, key=key)
    for name in sorted(was.keys() | is_.keys()):
        for change in compare(was.get(name), is_.get(name)):
            yield _in_files(change)
    yield from _wording(old, new, path, key, _COMPARED[path[-1]])


def _in_files(change: Change) -> Change:
    return Change(
        change.at, change.what, change.breaks, change.example, change.is_certain, (REGISTRY, CODES, "asyncapi.json")
    )


def _wording(old: Version, new: Version, path: tuple[str, ...], key: str, compared: frozenset[str]) -> Iterator[Change]:
    """Yield, once for each column that is not compared otherwise, in which rows it differs."""
    was, is_ = old.rows(*path, key=key), new.rows(*path, key=key)
    columns = {column for row in (*was.values(), *is_.values()) for column in row}
    for field in sorted(columns - compared):
        names = [name for name in sorted(was.keys() & is_.keys()) if was[name].get(field) != is_[name].get(field)]
        if names:
            yield _in_files(Change(".".join(path), f"`{field}` differs in {_list(names)}"))


def _list(names: list[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _bye(was: Row, is_: Row) -> Iterator[Change]:
    if is_ is None and was is not None:
        yield Change("bye", f"code {_bye_text(was)} is gone: who still gets it obeys its retry (END-4)")
    elif was is None and is_ is not None:
        yield Change("bye", f"new code {_bye_text(is_)}: who does not know it obeys its retry (END-4)")
    elif was is not None and is_ is not None:
        yield from _bye_fields(was, is_)


def _bye_text(row: JsonObject) -> str:
    return f"'{row['code']}' (close {row['close']}, retry {row['retry']}, sent by {row['sender']})"


def _bye_fields(was: JsonObject, is_: JsonObject) -> Iterator[Change]:
    at = f"bye.{is_['code']}"
    if was["retry"] != is_["retry"]:
        what = f"retry is {is_['retry']}, it was {was['retry']}: a `bye` must have that of the registry (END-14)"
        yield Change(at, what, EVERYBODY)
    if was["close"] != is_["close"]:
        what = f"it closes with {is_['close']}, it was {was['close']} (END-1, END-5)"
        yield Change(at, what, EVERYBODY)
    if was["sender"] != is_["sender"]:
        lost = _SIDES[was["sender"]] - _SIDES[is_["sender"]]
        what = f"it is sent by {is_['sender']}, it was {was['sender']}"
        yield Change(at, f"{what}: who no longer may send it still does" if lost else what, lost)


def _error(was: Row, is_: Row) -> Iterator[Change]:
    if was is None and is_ is not None:
        yield Change("error", f"new code '{is_['code']}': who does not know it takes it as an error like any other")
    elif is_ is None and was is not None:
        yield Change("error", f"code '{was['code']}' is gone: who still gets it takes it as an error like any other")


def _notice(was: Row, is_: Row) -> Iterator[Change]:
    if was is None and is_ is not None:
        yield Change("notice", f"new code '{is_['code']}': who does not know it ignores it (NOTICE-5)")
    elif is_ is None and was is not None:
        yield Change("notice", f"code '{was['code']}' is gone: who still gets it may ignore it")


def _close(was: Row, is_: Row) -> Iterator[Change]:
    row = was or is_ or {}
    at = f"close.{row['close']}"
    before = was["retry"] if was else _DEFAULT_RETRY
    now = is_["retry"] if is_ else _DEFAULT_RETRY
    if before != now:
        what = (
            f"a close with it, without bye, means {now}, it was {before} (END-5): one side ends what the other resumes"
        )
        yield Change(at, what, EVERYBODY)
    elif was is None or is_ is None:
        yield Change(at, f"the row is {'new' if was is None else 'gone'}; such a close means {now} as before")
    elif was["code"] != is_["code"]:
        yield Change(at, f"it counts as '{is_['code']}', it was '{was['code']}'; the session ends as before")


def _setting(was: Row, is_: Row) -> Iterator[Change]:
    # That one is new or gone is told with the fields of set_env.
    if (
        was is None
        or is_ is None
        or (was.get("default") == is_.get("default") and ("default" in was) == ("default" in is_))
    ):
        return
    what = f"the default is {_value(is_, 'default')}, it was {_value(was, 'default')}"
    yield Change(f"settings.{is_['name']}", what, _SIDES["server"])


def _value(row: JsonObject, key: str) -> str:
    return json.dumps(row[key], ensure_ascii=False) if key in row else "none"


def _capability(was: Row, is_: Row) -> Iterator[Change]:
    row = was or is_ or {}
    at = f"capabilities.{row['name']}"
    if is_ is None:
        yield Change(at, "the capability is gone: who announces it is ignored (EXT-2), and who needs it does without")
    elif was is None:
        yield Change(at, "the capability is new: it is in force only where it is announced")
    elif was["sender"] != is_["sender"]:
        what = (
            f"it is announced by {is_['sender']}, it was {was['sender']}: the sides do not agree on when it is in force"
        )
        yield Change(at, what, EVERYBODY)


def _requirements(old: Version, new: Version) -> Iterator[Change]:
    """Yield which requirements came and went: what they ask is prose, which no program compares."""
    was, is_ = old.rows("requirements", key="id"), new.rows("requirements", key="id")
    for what, names in (("new", is_.keys() - was.keys()), ("gone", was.keys() - is_.keys())):
        if names:
            text = ", ".join(_requirement((is_ if what == "new" else was)[name]) for name in sorted(names))
            yield _in_files(Change("requirements", f"{what}: {text}; SPEC.md decides what that breaks"))
    for name in sorted(was.keys() & is_.keys()):
        if was[name] != is_[name]:
            what = f"{_requirement(is_[name])}, it was {_requirement(was[name])}; SPEC.md decides what that breaks"
            yield _in_files(Change("requirements", what))


def _requirement(row: Mapping[str, Any]) -> str:
    return f"{row['id']} ({row['party']}, {row['level']})"
