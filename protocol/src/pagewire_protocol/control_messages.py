"""The params of the control messages that are sent between handshake and end: ack, ping, stream_ack, notice, bye."""

from __future__ import annotations

from typing import Annotated

from pydantic import MISSING

from pagewire_protocol.codes import ByeCode, NoticeCode, Retry
from pagewire_protocol.fields import CommandId, Integer, Json, LongText, WireModel, registered_code


class AckParams(WireModel):
    """How much has been received."""

    seq: Integer
    """The highest `seq` received; all up to it are acknowledged."""


class PingParams(WireModel):
    """Nothing; the answer is an `ack`."""


class StreamAckParams(WireModel):
    """How much of one stream has been received."""

    id: CommandId
    """The id of the download's command."""
    offset: Integer
    """How many bytes of the stream have been received."""


class NoticeParams(WireModel):
    """What the server tells about itself. It is for the user, and changes nothing about the session."""

    code: Annotated[str, registered_code(NoticeCode)]
    """A code of the registry in protocol.json, or `vendor:name`; a receiver ignores one that it does not know."""
    ends_in_ms: Integer | MISSING = MISSING
    """How long it takes at most until the server ends the session; present if `code` is `draining`."""


class ByeParams(WireModel):
    """Why the connection is closed, and what the client does next."""

    code: Annotated[str, registered_code(ByeCode)]
    """A code of the registry in protocol.json, or `vendor:name`; a receiver that does not know it obeys `retry`."""
    message: LongText
    """For people, in English; no secret."""
    retry: Retry
    """What the client does next."""
    data: Json | MISSING = MISSING
    """Details; what they are depends on the code."""
