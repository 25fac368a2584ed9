"""The types of single fields: bounded numbers and strings, argument names, settings, any JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    JsonValue,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import CoreSchema, core_schema

from pagewire_protocol.json_objects import JsonObject
from pagewire_protocol.json_values import MAX_INTEGER, PORTABLE_PATTERN, check_argument_names

MIN_MESSAGE_BYTES: Final = 65536
"""No side may accept less in one message."""

MIN_MESSAGE_VALUES: Final = 1000
"""No server may accept fewer JSON values in one message."""


BASE64_GROUP: Final = 4
"""Base64 comes in groups of so many characters."""


class WireModel(BaseModel):
    """What all objects on the wire have in common: frozen, strict, blind to unknown fields (WIRE-15)."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="ignore", allow_inf_nan=False, use_attribute_docstrings=True
    )


class _Unwalked:
    """Takes a value as it is, both ways."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.any_schema()


Json = Annotated[
    JsonValue,
    _Unwalked,
    # Not {}: beside a description json-schema-to-typescript takes that for an object; nor a list of types, on which
    # ajv warns.
    WithJsonSchema({"anyOf": [{}]}),
]
"""Any JSON value. It is not walked: the parser made it, or `json_values.check_json` looked at it."""


def _check_base64_length(text: str) -> str:
    if len(text) % BASE64_GROUP:
        raise ValueError("base64 without its padding")
    return text


Integer = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
PositiveInteger = Annotated[int, Field(ge=1, le=MAX_INTEGER)]
Limit = Annotated[int, Field(ge=MIN_MESSAGE_BYTES, le=MAX_INTEGER)]
ValueLimit = Annotated[int, Field(ge=MIN_MESSAGE_VALUES, le=MAX_INTEGER)]

Seq = Annotated[
    int,
    Field(
        ge=1,
        le=MAX_INTEGER,
        description="Numbers the session messages of one direction: 1, 2, 3 and so on (WIRE-10).",
    ),
]
CommandId = Annotated[int, Field(ge=1, le=MAX_INTEGER)]

MAX_NAME: Final = 128
"""Characters in the name of an app, a capability, a program."""

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
ShortText = Annotated[str, Field(max_length=256)]
LongText = Annotated[str, Field(max_length=65536)]
Version = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})$")]
Instance = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,256}$")]

FileName = Annotated[str, Field(min_length=1, max_length=1024)]
MediaType = Annotated[
    str,
    Field(
        min_length=1,
        max_length=256,
        # `\$`, since fastjsonschema rewrites every bare one, also in a class.
        pattern=r"^[A-Za-z0-9!#\$&^_.+-]+/[A-Za-z0-9!#\$&^_.+-]+( *; *[A-Za-z0-9!#\$&^_.+-]+=[^\x00-\x1f\x7f;]+)*$",
    ),
]
Base64 = Annotated[
    str,
    Field(
        # Without groups: with them, a long content overflows the stack of JavaScript's RegExp.
        pattern="^[A-Za-z0-9+/]*={0,2}$",
        json_schema_extra={"contentEncoding": "base64"},
    ),
    AfterValidator(_check_base64_length),
]

VENDOR_NAME: Final = "^[^:]+:.+$"
"""Names that are not of the specification (EXT-1)."""


def one_of_or_vendors(codes: Iterable[str]) -> JsonObject:
    """Return the JSON Schema of what a sender may send as a code: one of `codes`, or a vendor's."""
    return {"anyOf": [{"type": "string", "enum": list(codes)}, {"type": "string", "pattern": VENDOR_NAME}]}


def registered_code(codes: Iterable[str]) -> Any:  # noqa: ANN401 - as pydantic's Field has it
    """Return the constraints of a code: any text to a receiver; one of `codes` or a vendor's from a sender."""
    return Field(min_length=1, max_length=128, json_schema_extra={"x-strict": one_of_or_vendors(codes)})


def _stop_at_first(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """Validate capabilities, and complain only of the first that is invalid: there may be thousands."""
    if isinstance(value, dict):
        for name, settings in value.items():
            if not (isinstance(name, str) and 0 < len(name) <= MAX_NAME and isinstance(settings, dict)):
                return validate({name: settings})
    return validate(value)


Capabilities = Annotated[
    dict[Name, dict[str, Json]],
    WrapValidator(_stop_at_first),
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": {"type": "string", "minLength": 1, "maxLength": 128},
            "additionalProperties": {"type": "object", "additionalProperties": True},
        }
    ),
]
"""A capability's name to its settings (EXT-2)."""

Arguments = Annotated[
    dict[str, Json],
    AfterValidator(check_argument_names),
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": {"type": "string", "pattern": PORTABLE_PATTERN},
            "additionalProperties": True,
        }
    ),
]
"""An argument's name to its value (ARGS-2)."""
