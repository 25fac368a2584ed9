"""A TCP proxy that lets through only so many bytes per second, as a slow line does."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from multiprocessing.connection import Connection as Pipe
from typing import Final

_BUFFER: Final = 65536
"""What the line itself holds, as a receive buffer."""
_PIECE: Final = 8192


def serve_slow_link(pipe: Pipe, target_port: int, rate: float) -> None:
    """Forward connections to a port of this machine; what that sends, at `rate` bytes per second."""
    asyncio.run(_serve(pipe, target_port, rate))


async def _serve(pipe: Pipe, target_port: int, rate: float) -> None:
    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        line.setblocking(False)
        await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", target_port))
        far_reader, far_writer = await asyncio.open_connection(sock=line, limit=_PIECE)
        await asyncio.gather(_pump(reader, far_writer, None), _pump(far_reader, writer, rate))

    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rate: float | None) -> None:
    loop = asyncio.get_running_loop()
    free_at = loop.time()
    with suppress(ConnectionError):
        while piece := await reader.read(_PIECE):
            if rate:
                free_at = max(free_at, loop.time()) + len(piece) / rate
                await asyncio.sleep(free_at - loop.time())
            writer.write(piece)
            await writer.drain()
    writer.close()
