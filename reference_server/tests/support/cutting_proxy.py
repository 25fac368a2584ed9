"""A TCP proxy that counts WebSocket frames both ways, and cuts the connection before or after the one it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from event_loops import loop_in_thread
from live_server import PATIENCE


class When(Enum):
    """On which side of a frame's delivery the connection is cut."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class Cut:
    """Where to cut: the number of the frame, over all connections and both directions, from 1."""

    frame: int
    when: When


class CuttingProxy:
    """Forwards connections to a port of this machine, frame by frame."""

    def __init__(self, target_port: int, cuts: list[Cut]) -> None:
        self.frames = 0
        """How many frames have been seen."""
        self.connections = 0
        """How many connections have been made."""
        self.port = 0
        self._target_port = target_port
        self._cuts = {cut.frame: cut.when for cut in cuts}

    async def serve(self) -> asyncio.Server:
        """Begin to listen."""
        server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        both = (writer, server_writer)
        pumps = [
            asyncio.create_task(self._pump(reader, server_writer, both)),
            asyncio.create_task(self._pump(server_reader, writer, both)),
        ]
        await asyncio.gather(*pumps, return_exceptions=True)
        for each in both:
            each.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, both: tuple[asyncio.StreamWriter, ...]
    ) -> None:
        writer.write(await reader.readuntil(b"\r\n\r\n"))
        try:
            while True:
                frame = await read_frame(reader)
                self.frames += 1
                when = self._cuts.get(self.frames)
                if when is When.BEFORE:
                    break
                writer.write(frame)
                await writer.drain()
                if when is When.AFTER:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        for each in both:
            # What was delivered before must arrive; the other side only learns that nothing more comes.
            each.close() if when is When.AFTER and each is writer else each.transport.abort()


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """Return the next frame, whole, as it stands on the wire (RFC 6455, section 5.2)."""
    head = await reader.readexactly(2)
    length = head[1] & 0x7F
    extended = b""
    if length >= 126:
        extended = await reader.readexactly(2 if length == 126 else 8)
        length = int.from_bytes(extended, "big")
    mask = await reader.readexactly(4) if head[1] & 0x80 else b""
    return head + extended + mask + await reader.readexactly(length)


@contextmanager
def cutting_proxy(target_port: int, cuts: list[Cut]) -> Iterator[CuttingProxy]:
    """Run a proxy in a thread of its own until the block ends."""
    with loop_in_thread("cutting-proxy") as loop:
        proxy = CuttingProxy(target_port, cuts)
        server = asyncio.run_coroutine_threadsafe(proxy.serve(), loop).result(PATIENCE)
        try:
            yield proxy
        finally:
            loop.call_soon_threadsafe(server.close)
