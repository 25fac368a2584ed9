"""Binary frames: an id, an offset and a payload; what is too short or too large is refused."""

from __future__ import annotations

import struct

import pytest

from pagewire_protocol.codes import ByeCode
from pagewire_protocol.json_values import MAX_INTEGER
from pagewire_protocol.stream_frames import HEADER, HEADER_BYTES, Chunk, unpack_chunk
from pagewire_protocol.violations import PeerViolation


def test_frame_is_id_and_offset_in_big_endian_and_the_payload() -> None:
    """Section 10."""
    frame = bytes.fromhex("0000000000000102 000000000a0b0c0d") + b"\x00payload"
    assert HEADER.pack(0x0102, 0x0A0B0C0D) + b"\x00payload" == frame
    assert unpack_chunk(frame) == Chunk(0x0102, 0x0A0B0C0D, b"\x00payload")


def test_frame_of_16_bytes_is_an_end() -> None:
    """An empty payload is a chunk like any other for the frame."""
    assert HEADER_BYTES == 16
    assert unpack_chunk(HEADER.pack(1, MAX_INTEGER)) == Chunk(1, MAX_INTEGER, b"")


@pytest.mark.parametrize("length", [0, 1, 15])
def test_frame_under_16_bytes_is_a_violation(length: int) -> None:
    """WIRE-22."""
    with pytest.raises(PeerViolation, match=f"^a binary frame of {length} bytes, where 16 are the least$") as caught:
        unpack_chunk(b"\x00" * length)
    assert caught.value.code is ByeCode.INVALID_MESSAGE


@pytest.mark.parametrize(("id_", "offset"), [(2**53, 0), (1, 2**53), (2**64 - 1, 2**64 - 1)])
def test_frame_with_numbers_beyond_2_53_is_a_violation(id_: int, offset: int) -> None:
    """JavaScript could not hold them."""
    with pytest.raises(PeerViolation, match="beyond 2"):
        unpack_chunk(struct.pack(">QQ", id_, offset))
