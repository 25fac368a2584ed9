"""One command on its way: what was sent, and what its reply must look like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from pagewire_protocol.delivery import Outgoing, OutgoingStream
from pagewire_protocol.fields import WireModel
from pagewire_protocol.reply_messages import DownloadResult, EmptyResult, ErrorParams, EvalJsResult, SetEnvResult

RESULT_MODELS: Final[dict[str, type[WireModel]]] = {
    "run_js": EmptyResult,
    "eval_js": EvalJsResult,
    "download": DownloadResult,
    "set_env": SetEnvResult,
    "go_app": EmptyResult,
}
"""What the params of a command's `result` are (SPEC section 5)."""

WAITING_TYPES: Final = frozenset(("run_js", "eval_js"))
"""Commands whose code may wait; they are cancelled when the app is done (END-10)."""


class Command:
    """A command that is not answered yet."""

    __slots__ = ("id", "is_cancelled", "message", "stream", "type")

    def __init__(self, type_: str, id_: int, message: Outgoing) -> None:
        self.type = type_
        self.id = id_
        self.message = message
        self.stream: OutgoingStream | None = None
        """The content that follows a download."""
        self.is_cancelled = False
        """Whether a `cancel` was sent; whichever reply comes is taken (CANCEL-5)."""


class Replied(NamedTuple):
    """A command was answered: the params of its `result` or `error`."""

    command: Command
    params: WireModel

    @property
    def error(self) -> ErrorParams | None:
        """What went wrong, or None."""
        return self.params if isinstance(self.params, ErrorParams) else None


@dataclass(frozen=True, slots=True)
class EventReceived:
    """The page emitted an event."""

    name: str
    data: object


@dataclass(frozen=True, slots=True)
class ClientLeft:
    """The client said `bye`."""

    code: str
    message: str


Effect = Replied | EventReceived | ClientLeft
"""What a received message means to the program."""
