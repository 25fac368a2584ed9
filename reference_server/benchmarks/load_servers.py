"""Servers of the load benchmark, each for a process of its own: bare websockets, and Pagewire with its apps."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import threading
import time
from multiprocessing.connection import Connection as Pipe
from typing import Any, Final

from measured_process import StallWatch, answer_questions
from stream_servers import ping_app
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from pagewire_server import Options, create_server
from pagewire_server.session import SessionBusy, SessionClosed, defer_call, eval_js, hold, run_js

COMPUTE_SECONDS: Final = 0.05
BLOCK_SECONDS: Final = 0.5
_TEXT: Final = "x" * 1000


def serve_bare(pipe: Pipe) -> None:
    """Serve connections that do nothing, and those that trade messages as fast as they can for some seconds."""
    asyncio.run(_serve_bare(pipe))


async def _serve_bare(pipe: Pipe) -> None:
    async def serve(socket: ServerConnection) -> None:
        try:
            seconds = json.loads(await socket.recv())["seconds"]
            await socket.send(json.dumps({"trips": await _bare_trips(socket, seconds)}))
        except ConnectionClosed:
            return

    protocols = [Subprotocol("pagewire.v1")]
    async with serve_websocket(serve, "127.0.0.1", 0, compression=None, subprotocols=protocols, backlog=1000) as server:
        await _stay(pipe, server.sockets[0].getsockname()[1])


async def _bare_trips(socket: ServerConnection, seconds: float) -> int:
    trips = 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        params = {"expression": "a", "args": {"a": trips}}
        await socket.send(json.dumps({"type": "eval_js", "seq": trips + 1, "id": trips + 1, "params": params}))
        trips += json.loads(await socket.recv())["type"] == "result"
    return trips


def serve_pagewire(pipe: Pipe, resume_window: float, fair_seconds: float) -> None:
    """Serve the apps of this module."""
    logging.getLogger("pagewire").setLevel(logging.ERROR)
    asyncio.run(_serve_pagewire(pipe, resume_window, fair_seconds))


async def _serve_pagewire(pipe: Pipe, resume_window: float, fair_seconds: float) -> None:
    async def fair() -> None:
        trips = 0
        end = time.perf_counter() + fair_seconds
        while time.perf_counter() < end:
            await eval_js("a", a=trips)
            trips += 1
        await run_js("report", trips=trips)

    apps: dict[str, Any] = {
        "index": _idle,
        "thread": hold,
        "fair": fair,
        "ping": ping_app,
        "unread": _send_without_end,
        "unread thread": _send_without_end_in_thread,
        "compute": _compute,
        "block": _block,
        "deferred": _defer,
        "brief": _brief,
        "brief thread": _brief_in_thread,
    }
    # All clients have one address here.
    options = Options(
        max_sessions=1_000_000,
        max_sessions_per_address=None,
        max_waiting_connections_per_address=None,
        resume_window=resume_window,
    )
    async with create_server(apps, port=0, options=options) as server:
        await _stay(pipe, server.port)


async def _idle() -> None:
    await hold()


async def _send_without_end() -> None:
    try:
        while True:
            try:
                run_js(_TEXT)
            except SessionBusy:
                await asyncio.sleep(0.01)
    except SessionClosed:
        return


def _send_without_end_in_thread() -> None:
    try:
        while True:
            run_js(_TEXT)
    except SessionClosed:
        return


async def _compute() -> None:
    while True:
        end = time.perf_counter() + COMPUTE_SECONDS
        while time.perf_counter() < end:
            pass
        await eval_js("a", a=1)
        await asyncio.sleep(COMPUTE_SECONDS)


def _block() -> None:
    while True:
        time.sleep(BLOCK_SECONDS)
        eval_js("a", a=1)


def _defer() -> None:
    defer_call(lambda: time.sleep(BLOCK_SECONDS))


async def _brief() -> None:
    await eval_js("a", a=1)


def _brief_in_thread() -> None:
    eval_js("a", a=1)


async def _stay(pipe: Pipe, port: int) -> None:
    def answer(_: object) -> dict[str, int]:
        gc.collect()
        return {"threads": threading.active_count(), "tasks": len(asyncio.all_tasks())}

    answer_questions(pipe, answer)
    pipe.send(port)
    await StallWatch().run()
