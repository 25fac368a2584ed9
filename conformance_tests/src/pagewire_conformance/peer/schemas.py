"""Holds each message of a client against its strict schema, and says which requirement a deviation breaks."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from pagewire_conformance.peer.strict_json import Inexact
from pagewire_conformance.verdicts import Broken
from pagewire_protocol.registry import SENT_BY, Side
from pagewire_protocol.schema_files import schema_files
from pagewire_protocol.schema_forms import Form

_PLACES: Final = (
    (("seq",), "WIRE-10"),
    (("id",), "WIRE-12"),
    (("params", "exception"), "REPLY-4"),
    (("params", "versions"), "HELLO-3"),
    (("params", "instance"), "HELLO-4"),
    (("params", "attempt"), "HELLO-19"),
    (("params", "limits"), "HELLO-7"),
    (("params", "capabilities"), "EXT-2"),
    (("params", "resume"), "RESUME-2"),
    (("params", "applied"), "ENV-3"),
    (("params", "ignored"), "ENV-3"),
)
"""Where a deviation is, as a path's beginning, and which requirement it breaks there."""

_TYPES: Final = {
    "hello": "HELLO-1",
    "result": "REPLY-1",
    "error": "REPLY-4",
    "event": "EVENT-1",
    "ack": "DELIVERY-4",
    "stream_ack": "STREAM-4",
    "bye": "END-1",
}
"""Which requirement a deviation elsewhere in a message's params breaks, by the type."""

CLIENT_TYPES: Final = SENT_BY[Side.CLIENT]
"""Every type that a client sends in 1.0."""


def _is_integer(_checker: object, value: object) -> bool:
    # Not 1.0, as JSON Schema would have it (WIRE-6), and not True.
    return isinstance(value, int) and not isinstance(value, bool)


_Validator: Final = extend(  # type: ignore[no-untyped-call]  # it has no types
    Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
)


@cache
def _validators() -> dict[str, Any]:
    files = schema_files((Form.STRICT,))
    return {type_: _Validator(json.loads(files[f"messages/{type_}.strict.schema.json"])) for type_ in CLIENT_TYPES}


def check_schema(message: dict[str, Any], *, answers_vendor: bool = False) -> None:
    """Raise Broken for the first way in which `message` is not what the strict schema of its type asks for.

    The params of a result are the vendor's affair where it answers a command of a vendor.
    """
    type_ = message.get("type")
    if not isinstance(type_, str) or type_ not in CLIENT_TYPES:
        _refuse_type(type_)
        return
    if "params" not in message or not isinstance(message["params"], dict):
        raise Broken(f"a message without an object `params`: {_short(message)}", "WIRE-13")
    if answers_vendor and type_ == "result":
        message = {**message, "params": {}}
    error = next(iter(sorted(_validators()[type_].iter_errors(message), key=_nearest)), None)
    if error is not None:
        deepest = _deepest(error)
        path = ".".join(map(str, deepest.absolute_path)) or "the message"
        raise Broken(f"{type_}: {path}: {deepest.message[:300]}", _requirement(type_, deepest))


def _refuse_type(type_: object) -> None:
    if not isinstance(type_, str):
        raise Broken(f"a message whose type is {type_!r}", "WIRE-5")
    if type_ == "ping":
        raise Broken("the client sent a ping", "BEAT-6")
    if ":" not in type_:
        raise Broken(f"the client sent a message of type {type_!r}, which no client sends", "EXT-1")


def _nearest(error: ValidationError) -> tuple[int, str]:
    return len(error.absolute_path), str(error.absolute_path)


def _deepest(error: ValidationError) -> ValidationError:
    """Follow an `anyOf` to the alternative that is meant, or else fits best, whose complaint says most."""
    while error.context:
        complaints = _of_the_alternative_that_is_meant(error) or error.context
        error = max(complaints, key=lambda inner: (len(inner.absolute_path), inner.validator not in {"type", "const"}))
    return error


def _of_the_alternative_that_is_meant(error: ValidationError) -> list[ValidationError]:
    """Return the complaints of the alternatives whose tag fits; a tag is a property that is constant in one of them."""
    alternatives: Any = error.validator_value
    tags = {name for one in alternatives for name, schema in one.get("properties", {}).items() if "const" in schema}
    others = {inner.schema_path[0] for inner in error.context if inner.path and inner.path[0] in tags}
    return [inner for inner in error.context if inner.schema_path[0] not in others]


def _requirement(type_: str, error: ValidationError) -> str:
    if isinstance(error.instance, Inexact):
        return "WIRE-6"
    path = list(error.absolute_path)
    if error.validator == "required" and (not path or type_ == "hello"):
        path.append(error.message.partition(" is a required")[0].strip("'"))
    if not path and error.validator == "additionalProperties" and "'seq'" in error.message:
        return "WIRE-10"
    if path == ["params", "page", "url"] and error.validator == "maxLength":
        return "HELLO-22"
    return next((id_ for place, id_ in _PLACES if tuple(path[: len(place)]) == place), _TYPES[type_])


def _short(message: dict[str, Any]) -> str:
    return json.dumps(message)[:300]
