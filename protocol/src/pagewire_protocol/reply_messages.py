"""The params of a failed command's reply, and of what a page says unasked. Results are in `command_messages`."""

from __future__ import annotations

from typing import Annotated

from pydantic import MISSING, ConfigDict

from pagewire_protocol.codes import ErrorCode
from pagewire_protocol.command_messages import DownloadResult, EmptyResult, EvalJsResult, SetEnvResult
from pagewire_protocol.fields import Json, Name, WireModel, registered_code

__all__ = [
    "DownloadResult",
    "EmptyResult",
    "ErrorParams",
    "EvalJsResult",
    "EventParams",
    "ExceptionInfo",
    "SetEnvResult",
]


class ExceptionInfo(WireModel):
    """What JavaScript threw."""

    name: str
    """The error's name, or the typeof of what is not an Error."""
    message: str
    """The error's message, or what was thrown as a string."""
    stack: str | MISSING = MISSING
    """The error's stack, if it has one."""


class ErrorParams(WireModel):
    """Why a command failed."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-strict": {  # REPLY-4
                "if": {"properties": {"code": {"const": ErrorCode.EXCEPTION.value}}},
                "then": {"required": ["exception"]},
                "else": {"not": {"required": ["exception"]}},
            }
        }
    )

    code: Annotated[str, registered_code(ErrorCode)]
    """A code of the registry in protocol.json, or `vendor:name`."""
    message: str
    """For people, in English."""
    exception: ExceptionInfo | MISSING = MISSING
    """Present if and only if `code` is `exception`."""
    data: Json | MISSING = MISSING
    """Details; what they are depends on the code."""


class EventParams(WireModel):
    """What the page tells the program."""

    name: Name
    """The event's name, as the page gave it to `emit`."""
    data: Json
    """Any JSON; null where the page gave none."""
