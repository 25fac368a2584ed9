"""Text to message and back: the checks of SPEC section 3.1 that need no knowledge of the session."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError

from pagewire_protocol import json_values
from pagewire_protocol.codes import ByeCode
from pagewire_protocol.command_messages import CONTENT_KINDS
from pagewire_protocol.fields import WireModel
from pagewire_protocol.json_scan import JsonScan
from pagewire_protocol.json_values import MAX_INTEGER
from pagewire_protocol.messages import MESSAGES, Message
from pagewire_protocol.registry import KINDS, RESULT_MODELS, SENT_BY, Kind, Side
from pagewire_protocol.violations import InvalidParams, PeerViolation

Params = TypeVar("Params", bound=WireModel)

_MAX_TYPE_LENGTH: Final = 128
_UNION_TAGS: Final = frozenset((*CONTENT_KINDS, *(model.__name__ for model in RESULT_MODELS.values())))
"""What pydantic puts into the path of a complaint for a union's choice; no field has such a name."""
_ABSENT: Final = object()
_CARRIES_ID: Final = (Kind.COMMAND, Kind.REPLY)


class Envelope(NamedTuple):
    """A message whose `params` have not been looked at. `seq` and `id` are None where they are absent."""

    type: str
    seq: int | None
    id: object
    params: object
    size: int
    """Of its frame, in bytes of UTF-8."""

    @property
    def is_known(self) -> bool:
        """Whether the type is one of 1.0."""
        return self.type in MESSAGES


def size_of(text: str) -> int:
    """Return the bytes that `text` takes in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def parse(text: str, *, max_bytes: int, max_values: int = MAX_INTEGER) -> Envelope:
    """Return the envelope in a text frame; PeerViolation by checks 1 to 3 of section 3.1.

    The session makes the others, in their order: `Inbox.receive`, then `check_form`, then `read_params`.
    """
    size = size_of(text)
    if size > max_bytes:
        raise PeerViolation(f"a message of {size} bytes, where at most {max_bytes} are taken", ByeCode.TOO_LARGE)
    # Each value takes a character or more: short texts need no look.
    scan = JsonScan(text) if size > max_values else None
    if scan and scan.has_more_values(max_values):  # WIRE-26
        raise PeerViolation(f"a message of more than {max_values} values, the server's max_values", ByeCode.TOO_LARGE)
    try:
        message = json_values.load(text, scan)
    except (ValueError, RecursionError) as error:
        raise PeerViolation(f"a text frame is no JSON: {error}") from None
    if not isinstance(message, dict):
        raise PeerViolation(f"a text frame holds {_json_type(message)}, not an object")
    type_ = message.get("type", _ABSENT)
    if not isinstance(type_, str) or not 0 < len(type_) <= _MAX_TYPE_LENGTH:
        what = "is missing" if type_ is _ABSENT else "is no string of 1 to 128 characters"
        raise PeerViolation(f"type: {what}")
    seq = message.get("seq", _ABSENT)
    if seq is not _ABSENT and not is_positive_integer(seq):
        raise PeerViolation(f"{type_}: seq: is no integer from 1 to 2^53-1")
    return Envelope(
        type_,
        None if seq is _ABSENT else seq,
        message.get("id", _ABSENT),
        message.get("params", _ABSENT),
        size,
    )


def is_positive_integer(value: object) -> bool:
    """Whether `value` is an integer from 1 to 2^53-1, as `seq` and `id` are."""
    return type(value) is int and 1 <= value <= MAX_INTEGER


def has_id(envelope: Envelope) -> bool:
    """Whether the message carries an `id`, of whatever type."""
    return envelope.id is not _ABSENT


def check_form(envelope: Envelope, sender: Side) -> None:
    """Raise PeerViolation by the checks 6, 9 and 10 of section 3.1, and 11 and 12 as far as the `id` alone says."""
    type_, seq, id_ = envelope.type, envelope.seq, envelope.id
    if seq is None and id_ is not _ABSENT:
        raise PeerViolation(f"{type_}: id: present without seq")
    kind = KINDS.get(type_)
    if kind is None:
        return
    if kind is not Kind.REPLY and type_ not in SENT_BY[sender]:
        raise PeerViolation(f"type: {type_} is not sent by a {sender.value}")
    if (kind is Kind.CONTROL) == (seq is not None):
        raise PeerViolation(f"{type_}: seq: {'is missing' if seq is None else 'stands in a control message'}")
    if kind in _CARRIES_ID and not is_positive_integer(id_):
        raise PeerViolation(f"{type_}: id: is missing or no integer from 1 to 2^53-1")


@cache
def _adapter(model: type[Params]) -> TypeAdapter[Params]:
    return TypeAdapter(model)


def read_params(envelope: Envelope, model: type[Params]) -> Params:
    """Return the envelope's `params` as `model`; InvalidParams names the first bad field (WIRE-19, WIRE-21)."""
    if envelope.params is _ABSENT:
        raise InvalidParams(f"{envelope.type}: params: is missing")
    try:
        params: Params = _adapter(model).validate_python(envelope.params)
    except ValidationError as error:
        raise InvalidParams(f"{envelope.type}: {describe(error, 'params')}") from None
    return params


def describe(error: ValidationError, root: str = "") -> str:
    """Return the first complaint of `error` as "path: what is wrong"."""
    first = error.errors(include_url=False, include_context=False)[0]
    path = root
    for part in first["loc"]:
        if part in _UNION_TAGS:
            continue
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return f"{path.removeprefix('.')}: {first['msg'][0].lower()}{first['msg'][1:]}"


def read(text: str, sender: Side, *, max_bytes: int = MAX_INTEGER, max_values: int = MAX_INTEGER) -> Message:
    """Return the message in `text`, which must be of a known type; PeerViolation says what is wrong and where.

    This is every check of section 3.1 that needs no session, for one message by itself.
    """
    envelope = parse(text, max_bytes=max_bytes, max_values=max_values)
    check_form(envelope, sender)
    if not envelope.is_known:
        raise PeerViolation(f"type: {envelope.type} is unknown")
    try:
        return MESSAGES[envelope.type].model_validate(json_values.load(text))
    except ValidationError as error:
        raise InvalidParams(f"{envelope.type}: {describe(error)}") from None


def encode(message: WireModel) -> str:
    """Return `message` as the text of a frame."""
    return json_values.dump(message).decode()


def control_frame(type_: str, params: WireModel) -> bytes:
    """Return a control message as the bytes of a text frame."""
    return b'{"type":"%b","params":%b}' % (type_.encode(), json_values.dump(params))


def _json_type(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
