"""Streams as the tests' client takes them: chunks one by one, or a whole file."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator
from typing import Any

from live_server import PATIENCE
from scripted_client import Message, ScriptedClient

INSTANCE = "an-instance-that-downloads"
WINDOW = 65536
STREAMS: dict[str, Any] = {"capabilities": {"streams": {}}, "instance": INSTANCE}


def receive_chunk(client: ScriptedClient) -> tuple[int, int, bytes]:
    """Return the next binary frame: id, offset, payload."""
    frame = client.connection.recv(PATIENCE)
    while isinstance(frame, str):
        assert '"type":"ack"' in frame, frame
        frame = client.connection.recv(PATIENCE)
    id_, offset = struct.unpack(">QQ", frame[:16])
    return id_, offset, frame[16:]


def ack(client: ScriptedClient, id_: int, offset: int) -> None:
    """Acknowledge the bytes of a stream."""
    client.send({"type": "stream_ack", "params": {"id": id_, "offset": offset}})


def receive_file(client: ScriptedClient, command: Message) -> bytes:
    """Take a whole stream, acknowledging each chunk, and answer its command."""
    content = b""
    while True:
        id_, offset, payload = receive_chunk(client)
        assert (id_, offset) == (command["id"], len(content))
        assert len(payload) <= WINDOW // 4
        content += payload
        ack(client, id_, len(content))
        if not payload:
            client.result(command, bytes=len(content))
            return content


CONTENT = bytes(range(256)) * 800


def pieces() -> Iterator[bytes]:
    """Give the content in uneven pieces, an empty one among them."""
    yield from (CONTENT[:1], b"", CONTENT[1:70_000], CONTENT[70_000:])


async def async_pieces() -> AsyncIterator[bytes]:
    """Give the same from the event loop."""
    for piece in pieces():
        await asyncio.sleep(0)
        yield piece
