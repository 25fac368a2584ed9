"""All messages, by type and by direction."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Final

from pydantic import Field
from typing_extensions import TypeAliasType

from pagewire_protocol.command_messages import Cancel, Download, EvalJs, GoApp, RunJs, SetEnv
from pagewire_protocol.control_messages import Ack, Bye, Ping, StreamAck
from pagewire_protocol.fields import WireModel
from pagewire_protocol.handshake_messages import Hello, Welcome
from pagewire_protocol.reply_messages import Error, Event, Result


class Kind(Enum):
    """What an envelope carries beside `type` and `params` (SPEC section 3)."""

    CONTROL = "control"
    """Neither `seq` nor `id`."""
    SESSION = "session"
    """`seq`."""
    COMMAND = "command"
    """`seq`, and an `id` of its own."""
    REPLY = "reply"
    """`seq`, and the `id` of the command it answers."""


class Side(Enum):
    """One end of a session."""

    SERVER = "server"
    CLIENT = "client"


MESSAGES: Final[dict[str, type[WireModel]]] = {
    "hello": Hello,
    "welcome": Welcome,
    "ack": Ack,
    "ping": Ping,
    "stream_ack": StreamAck,
    "bye": Bye,
    "cancel": Cancel,
    "event": Event,
    "run_js": RunJs,
    "eval_js": EvalJs,
    "download": Download,
    "set_env": SetEnv,
    "go_app": GoApp,
    "result": Result,
    "error": Error,
}
"""Every type of message of 1.0, to its model."""

KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("hello", "welcome", "ack", "ping", "stream_ack", "bye"), Kind.CONTROL),
    **dict.fromkeys(("cancel", "event"), Kind.SESSION),
    **dict.fromkeys(("run_js", "eval_js", "download", "set_env", "go_app"), Kind.COMMAND),
    **dict.fromkeys(("result", "error"), Kind.REPLY),
}
"""Every type of message of 1.0, to its kind."""

SENT_BY: Final[dict[Side, frozenset[str]]] = {
    Side.SERVER: frozenset(
        ("welcome", "ack", "ping", "bye", "cancel", "run_js", "eval_js", "download", "set_env", "go_app")
    ),
    Side.CLIENT: frozenset(("hello", "ack", "stream_ack", "bye", "event", "result", "error")),
}
"""Which types each side sends in 1.0."""

ServerMessage = TypeAliasType(
    "ServerMessage",
    Annotated[
        Welcome | Ack | Ping | Bye | Cancel | RunJs | EvalJs | Download | SetEnv | GoApp,
        Field(discriminator="type"),
    ],
)
"""What a server sends."""

ClientMessage = TypeAliasType(
    "ClientMessage",
    Annotated[Hello | Ack | StreamAck | Bye | Event | Result | Error, Field(discriminator="type")],
)
"""What a client sends."""
