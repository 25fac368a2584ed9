"""Writes binary frames whose payload comes in parts: what a file is made of is copied once, into the kernel."""

from __future__ import annotations

import asyncio
import os
import struct
from typing import Final

from pagewire_protocol.stream_frames import ChunkParts

_FINAL_BINARY: Final = 0x82
_LENGTH_IN_16_BITS: Final = 126
_LENGTH_IN_64_BITS: Final = 127


def write_binary(transport: asyncio.Transport, payload: ChunkParts) -> None:
    """Write one whole binary message of a server (RFC 6455, section 5.2); what the kernel doesn't take now waits.

    Call it on the event loop. It goes past the library, which copies each frame twice: it has no extension, and
    nothing may be half-way through a message.
    """
    frame = (_head(sum(map(len, payload))), *payload)
    rest = _after(frame, _write_at_once(transport, frame))
    if rest:
        transport.write(b"".join(rest))


def _write_at_once(transport: asyncio.Transport, frame: ChunkParts) -> int:
    # TLS encrypts what it writes; what waits comes first; and Windows has no such call.
    if transport.get_extra_info("ssl_object") or transport.get_write_buffer_size() or not hasattr(os, "writev"):
        return 0
    try:
        return os.writev(transport.get_extra_info("socket").fileno(), frame)
    except OSError:
        # It takes nothing now, or is broken: the transport finds out which.
        return 0


def _head(length: int) -> bytes:
    if length < _LENGTH_IN_16_BITS:
        return bytes((_FINAL_BINARY, length))
    if length < 1 << 16:
        return struct.pack(">BBH", _FINAL_BINARY, _LENGTH_IN_16_BITS, length)
    return struct.pack(">BBQ", _FINAL_BINARY, _LENGTH_IN_64_BITS, length)


def _after(parts: ChunkParts, count: int) -> list[memoryview]:
    """Return what is left of `parts` after the first `count` bytes."""
    rest = []
    for part in parts:
        if count < len(part):
            rest.append(memoryview(part)[count:])
        count = max(count - len(part), 0)
    return rest
