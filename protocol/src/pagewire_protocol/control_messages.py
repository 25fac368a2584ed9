"""The control messages that either side sends between handshake and end: ack, ping, stream_ack, bye."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import MISSING, Field

from pagewire_protocol.codes import ByeCode, Retry
from pagewire_protocol.fields import CommandId, Integer, Json, LongText, WireModel

VENDOR_NAME: Final = "^[^:]+:.+$"
"""Names that are not of the specification (EXT-1)."""


class AckParams(WireModel):
    """See Ack."""

    seq: Integer
    """The highest `seq` received; all up to it are acknowledged."""


class Ack(WireModel):
    """Acknowledges session messages, cumulatively. SPEC section 8."""

    type: Literal["ack"]
    params: AckParams


class PingParams(WireModel):
    """See Ping."""


class Ping(WireModel):
    """Lets a page notice silence; answered by `ack`. SPEC section 11."""

    type: Literal["ping"]
    params: PingParams


class StreamAckParams(WireModel):
    """See StreamAck."""

    id: CommandId
    """The download's command."""
    offset: Integer
    """How many bytes of the stream have been received."""


class StreamAck(WireModel):
    """Acknowledges the bytes of one stream. SPEC section 10."""

    type: Literal["stream_ack"]
    params: StreamAckParams


class ByeParams(WireModel):
    """See Bye."""

    code: Annotated[
        str,
        Field(
            min_length=1,
            max_length=128,
            json_schema_extra={"x-strict": {"anyOf": [{"enum": list(ByeCode)}, {"pattern": VENDOR_NAME}]}},
        ),
    ]
    """Of the registry in codes.json; one that a receiver does not know is obeyed by its `retry`."""
    message: LongText
    """For people, in English; no secret."""
    retry: Retry
    """What the client does next."""
    data: Json | MISSING = MISSING
    """Details, by code."""


class Bye(WireModel):
    """Says why a side closes the connection. SPEC section 12."""

    type: Literal["bye"]
    params: ByeParams
