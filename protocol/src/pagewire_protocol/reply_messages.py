"""What answers a command (result, error), and what a page says unasked (event)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import MISSING, ConfigDict, Field
from typing_extensions import TypeAliasType

from pagewire_protocol.codes import ErrorCode
from pagewire_protocol.command_messages import SetEnvParams
from pagewire_protocol.control_messages import VENDOR_NAME
from pagewire_protocol.fields import CommandId, Integer, Json, Name, Seq, WireModel


class EvalJsResult(WireModel):
    """The value of an expression."""

    value: Json


class DownloadResult(WireModel):
    """That a file was handed over to be saved."""

    bytes: Integer
    """How many were handed over."""


SettingName = Annotated[
    str, Field(max_length=128, json_schema_extra={"x-strict": {"enum": list(SetEnvParams.model_fields)}})
]


class SetEnvResult(WireModel):
    """What became of the settings."""

    applied: list[SettingName]
    """Those that have an effect."""
    ignored: list[SettingName]
    """Those that are known but without effect here."""


class EmptyResult(WireModel):
    """That it is done: the result of run_js and go_app."""


ResultParams = TypeAliasType("ResultParams", EvalJsResult | DownloadResult | SetEnvResult | EmptyResult)


class Result(WireModel):
    """Answers a command that succeeded. SPEC section 6."""

    type: Literal["result"]
    seq: Seq
    id: CommandId
    params: ResultParams


class ExceptionInfo(WireModel):
    """What JavaScript threw."""

    name: str
    """The error's name, or the typeof of what is no Error."""
    message: str
    stack: str | MISSING = MISSING


class ErrorParams(WireModel):
    """See Error."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-strict": {  # REPLY-4
                "if": {"properties": {"code": {"const": ErrorCode.EXCEPTION.value}}},
                "then": {"required": ["exception"]},
                "else": {"not": {"required": ["exception"]}},
            }
        }
    )

    code: Annotated[
        str,
        Field(
            min_length=1,
            max_length=128,
            json_schema_extra={"x-strict": {"anyOf": [{"enum": list(ErrorCode)}, {"pattern": VENDOR_NAME}]}},
        ),
    ]
    """Of the registry in codes.json."""
    message: str
    """For people, in English."""
    exception: ExceptionInfo | MISSING = MISSING
    """Present if and only if `code` is `exception`."""
    data: Json | MISSING = MISSING
    """Details, by code."""


class Error(WireModel):
    """Answers a command that failed. SPEC section 6."""

    type: Literal["error"]
    seq: Seq
    id: CommandId
    params: ErrorParams


class EventParams(WireModel):
    """See Event."""

    name: Name
    data: Json
    """Any JSON; null where the page gave none."""


class Event(WireModel):
    """What the page tells the program. SPEC section 7."""

    type: Literal["event"]
    seq: Seq
    params: EventParams
