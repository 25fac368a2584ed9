"""Servers of the streams' benchmark, each for a process of its own: bare websockets, and Pagewire."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Iterator
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any, Final

from measured_process import StallWatch, answer_questions
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.typing import Subprotocol

from pagewire_server import create_server
from pagewire_server.session import download, eval_js, hold, on_event, run_js

KINDS: Final = ("bytes", "path", "generator", "async generator")
PIECE: Final = bytes(range(256)) * 1024
"""What the generators give, again and again: 256 KiB."""
PING_SECONDS: Final = 0.005
PINGS_BESIDE: Final = 10


def serve_bare(pipe: Pipe) -> None:
    """Send binary frames of zeros, as large and as many as the client asks for."""
    asyncio.run(_serve_bare(pipe))


async def _serve_bare(pipe: Pipe) -> None:
    async def send(socket: ServerConnection) -> None:
        asked = json.loads(await socket.recv())
        frame = bytes(asked["chunk"])
        for _ in range(asked["size"] // asked["chunk"]):
            await socket.send(frame)

    protocols = [Subprotocol("pagewire.v1")]
    async with serve_websocket(send, "127.0.0.1", 0, compression=None, subprotocols=protocols) as server:
        await _stay(pipe, server.sockets[0].getsockname()[1])


def serve_pagewire(pipe: Pipe, path: Path, size: int) -> None:
    """Serve downloads of `size` bytes of every kind; `path` has as many."""
    logging.getLogger("pagewire").setLevel(logging.ERROR)
    asyncio.run(_serve_pagewire(pipe, path, size))


async def _serve_pagewire(pipe: Pipe, path: Path, size: int) -> None:
    async def app() -> None:
        async def send(kind: str) -> None:
            await download("content.bin", await asyncio.to_thread(_content, kind, path, size))

        on_event("download", send)
        await hold()

    apps = {"index": app, "ping": ping_app, "both": download_and_ping_app}
    async with create_server(apps, port=0) as server:
        await _stay(pipe, server.port)


async def ping_app() -> None:
    """Measure round trips until the page says `stop`, then report them, in seconds."""
    is_over = asyncio.Event()
    on_event("stop", lambda _: is_over.set())
    times: list[float] = []
    while not is_over.is_set():
        started = time.perf_counter()
        await eval_js("a", a=1)
        times.append(time.perf_counter() - started)
        await asyncio.sleep(PING_SECONDS)
    await run_js("report", times=times)


async def download_and_ping_app() -> None:
    """Measure round trips beside a download to the same page, then report them, in seconds."""
    endless = download("content.bin", _pieces(1 << 40))
    times: list[float] = []
    for _ in range(PINGS_BESIDE):
        # Not before the window is full, which is when commands have most to wait for.
        await asyncio.sleep(PING_SECONDS if times else 1.0)
        started = time.perf_counter()
        await eval_js("a", a=1)
        times.append(time.perf_counter() - started)
    received = endless.received
    endless.cancel()
    await run_js("report", times=times, received=received)


async def _stay(pipe: Pipe, port: int) -> None:
    watch = StallWatch()
    answer_questions(pipe, lambda _: watch.take())
    pipe.send(port)
    await watch.run()


def _content(kind: str, path: Path, size: int) -> Any:  # noqa: ANN401 - one of four kinds
    match kind:
        case "bytes":
            return _bytes_of(path)
        case "path":
            return path
        case "generator":
            return _pieces(size)
        case _:
            return _async_pieces(size)


_bytes: dict[Path, bytes] = {}


def _bytes_of(path: Path) -> bytes:
    if path not in _bytes:
        _bytes[path] = path.read_bytes()
    return _bytes[path]


def _pieces(size: int) -> Iterator[bytes]:
    for _ in range(size // len(PIECE)):
        yield PIECE


async def _async_pieces(size: int) -> AsyncIterator[bytes]:
    for piece in _pieces(size):
        yield piece
