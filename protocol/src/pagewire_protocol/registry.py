"""The registry: every message of the protocol, declared once.

To add a message, write the model of its params (and, for a command, of its result), add one row to `MESSAGE_TYPES`,
and add a typical message to `schema_examples`. Everything else follows from the rows: the envelope models and unions in
`messages`, the JSON Schemas, `protocol.json`, the AsyncAPI document, and the lookups at the end of this module, which
codec, server and conformance suite use.

The other tables of the registry are beside the models that they describe: the codes in `codes`, the settings of
`set_env` in `command_messages`. SPEC.md is normative; tests compare its tables with these.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from pagewire_protocol.codes import Sender
from pagewire_protocol.command_messages import (
    CancelParams,
    DownloadParams,
    DownloadResult,
    EmptyResult,
    EvalJsParams,
    EvalJsResult,
    GoAppParams,
    RunJsParams,
    SetEnvParams,
    SetEnvResult,
)
from pagewire_protocol.control_messages import AckParams, ByeParams, NoticeParams, PingParams, StreamAckParams
from pagewire_protocol.fields import WireModel
from pagewire_protocol.handshake_messages import HelloParams, WelcomeParams
from pagewire_protocol.reply_messages import ErrorParams, EventParams


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


@dataclass(frozen=True, slots=True)
class MessageType:
    """A row of the registry: one type of message."""

    name: str
    """The message's `type`."""
    kind: Kind
    sender: Sender
    params: type[WireModel] | None
    """None for `result`, whose params depend on the command that it answers."""
    description: str
    result: type[WireModel] | None = None
    """The params of the `result` that answers a command; None for everything that is not a command."""
    runs_code: bool = False
    """Whether the command runs code, which may wait: it is cancelled when the app is done (END-10)."""
    capability: str | None = None
    """The capability without which the message is not sent."""
    since: str = "1.0"

    @property
    def senders(self) -> frozenset[Side]:
        """The sides that send it."""
        return frozenset(side for side in Side if self.sender in {side.value, "both"})


@dataclass(frozen=True, slots=True)
class Capability:
    """A row of the registry: something that a side announces in `capabilities` (SPEC section 13)."""

    name: str
    sender: Sender
    """The side that announces it."""
    description: str
    since: str = "1.0"


_ROWS: Final = (
    MessageType(
        "hello", Kind.CONTROL, "client", HelloParams, "Opens a connection; always the first message. SPEC section 4."
    ),
    MessageType("welcome", Kind.CONTROL, "server", WelcomeParams, "Accepts a hello. SPEC section 4."),
    MessageType("ack", Kind.CONTROL, "both", AckParams, "Acknowledges session messages, cumulatively. SPEC section 8."),
    MessageType(
        "ping", Kind.CONTROL, "server", PingParams, "Lets a page notice silence; answered by `ack`. SPEC section 11."
    ),
    MessageType(
        "stream_ack",
        Kind.CONTROL,
        "client",
        StreamAckParams,
        "Acknowledges the bytes of one stream. SPEC section 10.",
        capability="streams",
    ),
    MessageType(
        "notice", Kind.CONTROL, "server", NoticeParams, "Tells that the server will end the session. SPEC section 12.1."
    ),
    MessageType("bye", Kind.CONTROL, "both", ByeParams, "Says why a side closes the connection. SPEC section 12."),
    MessageType(
        "cancel",
        Kind.SESSION,
        "server",
        CancelParams,
        "Gives up waiting for a command; stops no code. SPEC section 5.7.",
    ),
    MessageType(
        "event",
        Kind.SESSION,
        "client",
        EventParams,
        "Tells the program something that it did not ask for. SPEC section 7.",
    ),
    MessageType(
        "run_js",
        Kind.COMMAND,
        "server",
        RunJsParams,
        "Runs code in the page. SPEC section 5.1.",
        result=EmptyResult,
        runs_code=True,
    ),
    MessageType(
        "eval_js",
        Kind.COMMAND,
        "server",
        EvalJsParams,
        "Asks for the value of an expression; a promise is awaited. SPEC section 5.2.",
        result=EvalJsResult,
        runs_code=True,
    ),
    MessageType(
        "download",
        Kind.COMMAND,
        "server",
        DownloadParams,
        "Gives the user a file. SPEC section 5.4.",
        result=DownloadResult,
    ),
    MessageType(
        "set_env", Kind.COMMAND, "server", SetEnvParams, "Sets up the page. SPEC section 5.5.", result=SetEnvResult
    ),
    MessageType(
        "go_app",
        Kind.COMMAND,
        "server",
        GoAppParams,
        "Jumps to another app of the server. SPEC section 5.6.",
        result=EmptyResult,
    ),
    MessageType("result", Kind.REPLY, "client", None, "Answers a command that succeeded. SPEC section 6."),
    MessageType("error", Kind.REPLY, "client", ErrorParams, "Answers a command that failed. SPEC section 6."),
)

MESSAGE_TYPES: Final[dict[str, MessageType]] = {row.name: row for row in _ROWS}
"""Every type of message of 1.0, in the order of SPEC section 3."""

CAPABILITIES: Final = (Capability("streams", "client", "The client accepts `download` with `kind` `stream`."),)
"""The capabilities of 1.0."""

KINDS: Final[dict[str, Kind]] = {row.name: row.kind for row in _ROWS}
"""Every type of message of 1.0, to its kind."""

SENT_BY: Final[dict[Side, frozenset[str]]] = {
    side: frozenset(row.name for row in _ROWS if side in row.senders) for side in Side
}
"""Which types each side sends in 1.0."""

RESULT_MODELS: Final[dict[str, type[WireModel]]] = {row.name: row.result for row in _ROWS if row.result is not None}
"""Every command of 1.0, to the model of its result's params (SPEC section 5)."""

CODE_COMMANDS: Final = frozenset(row.name for row in _ROWS if row.runs_code)
"""The commands that run code, which may wait."""
