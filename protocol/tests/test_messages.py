"""The models know the messages of SPEC section 3, of these kinds and from these senders."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Literal, get_args, get_origin

import pytest
from pydantic import ValidationError

from pagewire_protocol.command_messages import SetEnvResult
from pagewire_protocol.fields import WireModel
from pagewire_protocol.handshake_messages import HelloParams
from pagewire_protocol.messages import KINDS, MESSAGES, SENT_BY, ClientMessage, Kind, ServerMessage, Side
from pagewire_protocol.schema_examples import EXAMPLES

SPEC: Final = (Path(__file__).parents[1] / "SPEC.md").read_text(encoding="utf-8")
SENDERS: Final = {
    "server": {Side.SERVER},
    "client": {Side.CLIENT},
    "both": set(Side),
    "the receiver of the command": {Side.CLIENT},  # in 1.0 the server sends all the commands
}


_HELLO: Final = {
    "versions": ["1.0"],
    "client": {"name": "tests", "version": "1"},
    "instance": "an-instance-of-the-tests",
    "attempt": 1,
    "app": "index",
    "capabilities": {},
    "page": {},
    "limits": {"max_message_bytes": 65536},
}


def _rows() -> dict[str, tuple[str, str]]:
    table = SPEC.split("\n| type | kind | sent by |\n")[1].partition("\n\n")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[1:]]
    return {type_: (kind, sender) for types, kind, sender in cells for type_ in re.findall(r"`(\w+)`", types)}


def test_types_and_kinds_are_those_of_the_specification() -> None:
    """The table of section 3, in its order."""
    assert {type_: kind.value for type_, kind in KINDS.items()} == {type_: kind for type_, (kind, _) in _rows().items()}
    assert list(MESSAGES) == list(_rows())


def test_senders_are_those_of_the_specification() -> None:
    """Who sends what, by the same table."""
    assert {side: {type_ for type_, (_, by) in _rows().items() if side in SENDERS[by]} for side in Side} == SENT_BY


@pytest.mark.parametrize("type_", MESSAGES)
def test_fields_of_the_envelope_go_by_kind(type_: str) -> None:
    """Control messages have no seq, commands and replies have an id, all have a type and params."""
    extra = {Kind.CONTROL: [], Kind.SESSION: ["seq"], Kind.COMMAND: ["seq", "id"], Kind.REPLY: ["seq", "id"]}
    assert list(MESSAGES[type_].model_fields) == ["type", *extra[KINDS[type_]], "params"]


@pytest.mark.parametrize("type_", MESSAGES)
def test_tag_is_required_and_the_type_itself(type_: str) -> None:
    """A tag with a default would make `{}` valid."""
    tag = MESSAGES[type_].model_fields["type"]
    assert tag.is_required()
    assert (get_origin(tag.annotation), get_args(tag.annotation)) == (Literal, (type_,))


@pytest.mark.parametrize(("union", "side"), [(ServerMessage, Side.SERVER), (ClientMessage, Side.CLIENT)])
def test_union_of_a_side_holds_what_it_sends(union: object, side: Side) -> None:
    """ServerMessage and ClientMessage are the two directions."""
    members = get_args(get_args(union.__value__)[0])  # type: ignore[attr-defined] # a TypeAliasType
    assert set(members) == {MESSAGES[type_] for type_ in SENT_BY[side]}


@pytest.mark.parametrize("type_", MESSAGES)
def test_every_message_has_a_typical_example(type_: str) -> None:
    """The table of examples is complete, and its messages are valid."""
    assert MESSAGES[type_].model_validate(EXAMPLES[type_]).type == type_


def test_there_is_no_example_of_something_else() -> None:
    """The table has the order of the registry."""
    assert list(EXAMPLES) == list(MESSAGES)


MANY: Final = 1000


@pytest.mark.parametrize(
    ("model", "params", "place"),
    [
        (HelloParams, {"capabilities": {"a": {}} | {str(number): 0 for number in range(MANY)}}, ("capabilities", "0")),
        (HelloParams, {"capabilities": {"x" * 200 + str(number): {} for number in range(MANY)}}, None),
        (HelloParams, {"versions": [0] * MANY}, None),
        (HelloParams, {"page": {"languages": [0] * MANY}}, None),
        (HelloParams, {"resume": {"last_seq": 0, "streams": [0] * MANY}}, None),
        (SetEnvResult, {"applied": [0] * MANY, "ignored": []}, ("applied", 0)),
        (SetEnvResult, {"applied": [], "ignored": [0] * MANY}, ("ignored", 0)),
    ],
)
def test_complaints_do_not_grow_with_the_message(
    model: type[WireModel], params: dict[str, object], place: tuple[str | int, ...] | None
) -> None:
    """Only the first is told, and making thousands of them would hold up everybody."""
    with pytest.raises(ValidationError) as failed:
        model.model_validate(_HELLO | params if model is HelloParams else params)
    assert failed.value.error_count() <= 65
    assert place in {None, failed.value.errors()[0]["loc"]}


def test_messages_are_frozen() -> None:
    """A message that was read is a value."""
    ack = MESSAGES["ack"].model_validate({"type": "ack", "params": {"seq": 7}})
    with pytest.raises(ValidationError, match="frozen"):
        ack.params = ack.params  # type: ignore[misc] # that is what is tried
