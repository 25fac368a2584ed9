"""All messages as models, made from the registry: by type, and as the union of each direction.

The envelope of a message follows from its kind. `MESSAGES` has one model for each type, named `EvalJsMessage` and so
on, in which `type` is a constant and `params` has its own model.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias, Union

from pydantic import Field, create_model
from typing_extensions import TypeAliasType

from pagewire_protocol.fields import CommandId, Seq, WireModel
from pagewire_protocol.registry import KINDS, MESSAGE_TYPES, RESULT_MODELS, SENT_BY, Kind, MessageType, Side

__all__ = [
    "KINDS",
    "MESSAGES",
    "SENT_BY",
    "ClientMessage",
    "CommandMessage",
    "ControlMessage",
    "Kind",
    "Message",
    "ReplyMessage",
    "ResultParams",
    "ServerMessage",
    "SessionMessage",
    "Side",
]


class ControlMessage(WireModel):
    """The envelope of a control message."""

    type: str
    params: WireModel


class SessionMessage(WireModel):
    """The envelope of a session message that is neither command nor reply."""

    type: str
    seq: Seq
    params: WireModel


class CommandMessage(WireModel):
    """The envelope of a command."""

    type: str
    seq: Seq
    id: CommandId
    """The command's id, greater than every earlier one of its sender (WIRE-11)."""
    params: WireModel


class ReplyMessage(WireModel):
    """The envelope of a reply."""

    type: str
    seq: Seq
    id: CommandId
    """The id of the command that this answers (WIRE-12)."""
    params: WireModel


Message: TypeAlias = ControlMessage | SessionMessage | CommandMessage | ReplyMessage
"""Any message."""

_ENVELOPES: Final[dict[Kind, type[Any]]] = {
    Kind.CONTROL: ControlMessage,
    Kind.SESSION: SessionMessage,
    Kind.COMMAND: CommandMessage,
    Kind.REPLY: ReplyMessage,
}


def _union(members: tuple[Any, ...]) -> Any:  # noqa: ANN401 - a union of models is no type to mypy
    return Union[members]  # noqa: UP007 - of members that are known at run time only


# Models with fields come first: an object without fields accepts every other result, too.
_RESULTS: Final = sorted(dict.fromkeys(RESULT_MODELS.values()), key=lambda model: not model.model_fields)

ResultParams = TypeAliasType(
    "ResultParams",
    Annotated[_union(tuple(_RESULTS)), Field(description="The result of the command that it answers.")],  # type: ignore[valid-type] # made from the registry
)
"""The params of a `result`."""


def _model(row: MessageType) -> type[Message]:
    fields: dict[str, Any] = {
        "type": Annotated[Literal[row.name], Field(description="The type of the message.")],
        "params": (row.params or ResultParams, ...),
    }
    name = "".join(word.capitalize() for word in row.name.split("_"))
    envelope = _ENVELOPES[row.kind]
    return create_model(f"{name}Message", __base__=envelope, __module__=__name__, __doc__=row.description, **fields)


MESSAGES: Final[dict[str, type[Message]]] = {type_: _model(row) for type_, row in MESSAGE_TYPES.items()}
"""Every type of message of 1.0, to its model."""


def _sent_by(side: Side) -> Any:  # noqa: ANN401 - a union of models is no type to mypy
    members = tuple(model for type_, model in MESSAGES.items() if type_ in SENT_BY[side])
    return Annotated[_union(members), Field(discriminator="type", description=f"What a {side.value} sends.")]


ServerMessage = TypeAliasType("ServerMessage", _sent_by(Side.SERVER))  # type: ignore[valid-type] # made from the registry
"""What a server sends."""

ClientMessage = TypeAliasType("ClientMessage", _sent_by(Side.CLIENT))  # type: ignore[valid-type] # made from the registry
"""What a client sends."""
