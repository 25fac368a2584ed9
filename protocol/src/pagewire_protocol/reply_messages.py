"""The params of a failed command's reply, and of what a page says unasked. Results are in `command_messages`."""

from __future__ import annotations

from typing import Annotated

from pydantic import MISSING, ConfigDict

from pagewire_protocol.codes import ErrorCode
from pagewire_protocol.fields import Json, Name, WireModel, one_of_or_vendors, registered_code
from pagewire_protocol.json_objects import JsonObject


class ExceptionInfo(WireModel):
    """What JavaScript threw."""

    name: str
    """The error's name, or the typeof of what is not an Error."""
    message: str
    """The error's message, or what was thrown as a string."""
    stack: str | MISSING = MISSING
    """The error's stack, if it has one."""


def _exception_if_and_only_if_its_code(schema: JsonObject) -> None:
    """Add the strict form, which is one of two shapes (REPLY-4): few generators read `if`, `then` and `else`."""
    code = {key: value for key, value in schema["properties"]["code"].items() if key != "x-strict"}
    others = [other for other in ErrorCode if other is not ErrorCode.EXCEPTION]
    with_, without = dict(schema["properties"]), dict(schema["properties"])
    with_["code"] = {**code, "const": ErrorCode.EXCEPTION.value}
    without["code"] = {**code, **one_of_or_vendors(others)}
    del without["exception"]
    required = schema["required"]
    shapes = [
        {
            "x-title": "ExceptionErrorParams",
            "type": "object",
            "properties": with_,
            "required": [*required, "exception"],
        },
        {"x-title": "OtherErrorParams", "type": "object", "properties": without, "required": required},
    ]
    schema["x-strict-form"] = {"anyOf": shapes}


class ErrorParams(WireModel):
    """Why a command failed."""

    model_config = ConfigDict(json_schema_extra=_exception_if_and_only_if_its_code)

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
