"""What changed in the messages and in the results of commands, and whom it breaks.

Here is the part that a message plays: that it exists, who sends it, its kind and the capability that it needs (SPEC
section 3.1 says what becomes of a message that plays another part). `forms` compares what is in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pagewire_protocol.messages import Kind, Side
from pagewire_protocol.schema_diff.changes import EVERYBODY, Change, Example, name_sides
from pagewire_protocol.schema_diff.forms import FormsChange
from pagewire_protocol.schema_diff.versions import Message
from pagewire_protocol.schema_inclusion import example_of

_AWAITED = (Kind.CONTROL, Kind.REPLY)
"""Kinds of messages for which the other side waits."""
_ENDS = "ends the session"


def message_changes(old: Mapping[str, Message], new: Mapping[str, Message], lost: frozenset[str]) -> Iterator[Change]:
    """Yield what changed in the messages; `lost` are the capabilities that are gone."""
    for type_ in sorted(old.keys() | new.keys()):
        files = (f"messages/{type_}.", "messages/result.", "pagewire.", "asyncapi.json", "protocol.json")
        for change in _changes_of(type_, old.get(type_), new.get(type_), lost):
            yield replace(change, files=files)


def _changes_of(type_: str, old: Message | None, new: Message | None, lost: frozenset[str]) -> Iterator[Change]:
    if new is None and old is not None:
        yield _gone(old, lost)
    elif old is None and new is not None:
        yield _new(new)
    elif old is not None and new is not None:
        yield from _roles(old, new)
        yield from FormsChange(type_, old.forms, new.forms, old.senders, new.senders).changes()
        if old.result is not None and new.result is not None:
            # The receiver of a command sends its result.
            sides = old.receivers, new.receivers
            yield from FormsChange(f"{type_}.result", old.result, new.result, *sides, _as_result).changes()


def _gone(old: Message, lost: frozenset[str]) -> Change:
    if old.capability in lost:
        return Change(old.type, f"the message is gone, with the capability `{old.capability}` that it needs")
    what, sides = "the message is gone: who sends it is ignored", old.senders
    if old.kind is Kind.COMMAND:
        what = "the message is gone: it is answered by `error unsupported`"
    if old.kind in _AWAITED:
        what, sides = f"{what}, and who waits for it waits in vain", EVERYBODY
    return Change(old.type, what, sides, _message_of(old, is_of_new=False, then="does not know"))


def _message_of(message: Message, *, is_of_new: bool, then: str, sender: Side | None = None) -> Example:
    side = sender or min(message.senders, key=lambda each: each.value)
    return Example(side, is_of_new, example_of(message.forms.strict), then)


def _new(new: Message) -> Change:
    if new.kind is Kind.REPLY:
        what = "the reply is new: its `id` is not a new one, so who does not know it ends the session (SPEC 3.1, row 8)"
        return Change(new.type, what, new.receivers, _message_of(new, is_of_new=True, then=_ENDS))
    if new.kind is Kind.COMMAND:
        return Change(new.type, "the command is new: who does not know it answers `error unsupported` (WIRE-17)")
    return Change(new.type, "the message is new: who does not know it ignores it (WIRE-16, WIRE-18)")


def _roles(old: Message, new: Message) -> Iterator[Change]:
    """Yield what changed in the part that a message plays: who sends it, its kind, the capability that it needs."""
    for side in sorted(new.senders - old.senders, key=lambda each: each.value):
        receivers = frozenset(each for each in Side if each is not side)
        what = f"{side.value}s send it now, which {name_sides(receivers)} never received (SPEC 3.1, row 9)"
        yield Change(new.type, what, receivers, _message_of(new, is_of_new=True, then=_ENDS, sender=side))
    for side in sorted(old.senders - new.senders, key=lambda each: each.value):
        what = f"{side.value}s send it no more: one that does ends its session (SPEC 3.1, row 9)"
        sides = EVERYBODY if old.kind in _AWAITED else frozenset((side,))
        yield Change(new.type, what, sides, _message_of(old, is_of_new=False, then=_ENDS, sender=side))
    if old.kind is not new.kind:
        what = f"it is a {new.kind.value} message now, it was a {old.kind.value} message (SPEC 3.1, rows 10 to 12)"
        yield Change(new.type, what, EVERYBODY, _message_of(new, is_of_new=True, then=_ENDS))
    if old.capability != new.capability:
        yield _capability(old, new)


def _capability(old: Message, new: Message) -> Change:
    if new.capability is None:
        what = f"it needs the capability `{old.capability}` no more: who has not announced that is sent it now"
        return Change(new.type, what, new.receivers)
    if old.capability is None:
        what = f"it needs the capability `{new.capability}` now, for which its senders did not look"
        return Change(new.type, what, old.senders)
    return Change(new.type, f"it needs the capability `{new.capability}` now, it was `{old.capability}`", EVERYBODY)


def _as_result(params: Any) -> Any:
    return {"type": "result", "seq": 1, "id": 1, "params": params}
