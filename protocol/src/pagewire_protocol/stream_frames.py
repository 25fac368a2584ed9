"""The binary frames of streams: an id, an offset, a payload (SPEC section 10)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, TypeAlias

from pagewire_protocol.json_values import MAX_INTEGER
from pagewire_protocol.violations import PeerViolation

HEADER: Final = struct.Struct(">QQ")
"""Id and offset."""

HEADER_BYTES: Final = HEADER.size
"""What stands before the payload."""

ChunkParts: TypeAlias = tuple[bytes | memoryview, ...]
"""A binary frame in parts that are to be written one after the other: to join them would copy the content."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a binary frame holds; an empty payload is the end of its stream."""

    id: int
    offset: int
    payload: bytes


def unpack_chunk(frame: bytes) -> Chunk:
    """Return the chunk in a binary frame; PeerViolation if it is too short or its numbers too large (WIRE-22)."""
    if len(frame) < HEADER_BYTES:
        raise PeerViolation(f"a binary frame of {len(frame)} bytes, where {HEADER_BYTES} are the least")
    id_, offset = HEADER.unpack_from(frame)
    if id_ > MAX_INTEGER or offset > MAX_INTEGER:
        raise PeerViolation("a binary frame whose id or offset is beyond 2^53-1")
    return Chunk(id_, offset, frame[HEADER_BYTES:])
