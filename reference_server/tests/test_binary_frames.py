"""Binary frames that are written in parts, past the library: what the library reads of them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import pytest
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

from pagewire_protocol.stream_frames import ChunkParts
from pagewire_server.backends.default.websocket import write_binary

PARTS = (b"head", memoryview(bytes(range(256)) * 4000)[7:], b"", memoryview(b"tail"))


async def frames_of(payloads: Sequence[ChunkParts], *, buffer: int | None = None) -> list[Frame]:
    """Write each payload to a real transport; return what the library of a client reads."""
    ours, theirs = socket.socketpair()
    if buffer:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
    reader, reading = await asyncio.open_connection(sock=theirs)
    _, writer = await asyncio.open_connection(sock=ours)
    for payload in payloads:
        write_binary(writer.transport, payload)  # type: ignore[arg-type]  # that of a StreamWriter is one
    client = Protocol(Side.CLIENT, state=State.OPEN, max_size=None)
    frames: list[Any] = []
    while len(frames) < len(payloads):
        client.receive_data(await asyncio.wait_for(reader.read(65536), 20))
        frames += client.events_received()
    for each in (writer, reading):
        each.close()
        await each.wait_closed()
    return frames


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536, 1_000_000])
def test_message_of_any_length_is_one_frame(length: int) -> None:
    """Where the length takes 7, 16 or 64 bits."""
    payload = bytes(index % 251 for index in range(length))
    parts = (payload[:1], memoryview(payload)[1:])
    assert asyncio.run(frames_of([parts])) == [Frame(Opcode.BINARY, payload)]


@pytest.mark.parametrize("buffer", [None, 4096])
@pytest.mark.parametrize("has_writev", [True, False])
def test_messages_come_whole_and_in_order(
    monkeypatch: pytest.MonkeyPatch, buffer: int | None, *, has_writev: bool
) -> None:
    """However much the kernel takes at a time, and where it takes no parts."""
    if not has_writev:
        monkeypatch.delattr("os.writev")
    payloads = [(*PARTS, bytes([number])) for number in range(5)]
    frames = asyncio.run(frames_of(payloads, buffer=buffer))
    assert [bytes(frame.data) for frame in frames] == [b"".join(payload) for payload in payloads]


def test_transport_that_is_broken_is_told_of_it_and_nobody_else() -> None:
    """It is lost as by any write; the call itself raises nothing."""

    async def main() -> Exception | None:
        ours, theirs = socket.socketpair()
        lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

        class Told(asyncio.Protocol):
            def connection_lost(self, exc: Exception | None) -> None:
                lost.set_result(exc)

        transport, _ = await asyncio.get_running_loop().create_connection(Told, sock=ours)
        transport.pause_reading()
        theirs.close()
        write_binary(transport, PARTS)
        return await asyncio.wait_for(lost, 20)

    assert isinstance(asyncio.run(main()), BrokenPipeError)
