"""Round trips per second of eval_js, in a coroutine and in a thread, against a bare websockets echo in the same run.

    python reference_server/benchmarks/round_trips.py [--trips N] [--rounds N]

One client in a process of its own answers each command at once, with the same code for all three. The bare server sends
the same JSON and reads the same reply with `websockets` and `json` alone. Rounds alternate, so that a machine whose
speed drifts hurts all three alike; the ratio is the median of the rounds' own ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.typing import Subprotocol

from pagewire_server import create_server
from pagewire_server.session import eval_js

SUBPROTOCOL: Final = Subprotocol("pagewire.v1")
ACK_EVERY: Final = 32


def main() -> int:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trips", type=int, default=1500, help="round trips per measurement (default: 1500)")
    parser.add_argument("--rounds", type=int, default=11, help="measurements of each kind (default: 11)")
    options = parser.parse_args()
    logging.getLogger("websockets").setLevel(logging.WARNING)
    kinds: dict[str, Callable[[int], Coroutine[Any, Any, float]]] = {
        "bare websockets": measure_bare,
        "coroutine": lambda trips: measure_server(trips, in_thread=False),
        "thread": lambda trips: measure_server(trips, in_thread=True),
    }
    rates: dict[str, list[float]] = {kind: [] for kind in kinds}
    for round_ in range(options.rounds):
        for kind, measure in kinds.items():
            rates[kind].append(asyncio.run(measure(options.trips)))
        sys.stderr.write(f"round {round_ + 1} of {options.rounds}\n")
    print(f"{'eval_js round trips per second':32}{'median':>8}{'min':>8}{'max':>8}{'of bare':>9}")
    for kind, values in rates.items():
        median = statistics.median(values)
        ratio = statistics.median(value / bare for value, bare in zip(values, rates["bare websockets"], strict=True))
        print(f"{kind:32}{median:8.0f}{min(values):8.0f}{max(values):8.0f}{ratio:9.2f}")
    return 0


async def measure_bare(trips: int) -> float:
    """Return the round trips per second of a server that only sends and receives."""
    finished: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def drive(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send("{}")
        started = time.perf_counter()
        for trip in range(1, trips + 1):
            await socket.send(json.dumps(command(trip)))
            while json.loads(await socket.recv())["type"] != "result":
                pass
        finished.set_result(trips / (time.perf_counter() - started))

    async with serve_websocket(drive, "127.0.0.1", 0, compression=None, subprotocols=[SUBPROTOCOL]) as server:
        return await with_client(server.sockets[0].getsockname()[1], finished)


async def measure_server(trips: int, *, in_thread: bool) -> float:
    """Return the round trips per second of an app of ours, with the default settings."""
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[float] = loop.create_future()

    async def coroutine_app() -> None:
        started = time.perf_counter()
        for trip in range(1, trips + 1):
            await eval_js("a + 1", a=trip)
        finished.set_result(trips / (time.perf_counter() - started))

    def thread_app() -> None:
        started = time.perf_counter()
        for trip in range(1, trips + 1):
            eval_js("a + 1", a=trip)
        loop.call_soon_threadsafe(finished.set_result, trips / (time.perf_counter() - started))

    async with create_server(thread_app if in_thread else coroutine_app, port=0) as server:
        return await with_client(server.port, finished)


async def with_client(port: int, finished: asyncio.Future[float]) -> float:
    """Run the client's process until the measurement is finished."""
    client = multiprocessing.get_context("spawn").Process(target=run_client, args=(port,), daemon=True)
    client.start()
    try:
        return await finished
    finally:
        client.kill()
        client.join()


def run_client(port: int) -> None:
    """Answer every command at once, in a process of its own."""
    asyncio.run(answer_commands(port))


async def answer_commands(port: int) -> None:
    """Keep the protocol as far as a benchmark needs it: hello, results, acks."""
    async with connect(f"ws://127.0.0.1:{port}/ws", subprotocols=[SUBPROTOCOL], compression=None) as socket:
        await socket.send(json.dumps(hello()))
        await socket.recv()
        seq = 0
        async for text in socket:
            message = json.loads(text)
            if "id" in message:
                seq += 1
                await answer(socket, message, seq)


async def answer(socket: ClientConnection, message: dict[str, Any], seq: int) -> None:
    """Send the result of one command, and an ack where it is time."""
    value = message["params"]["args"]["a"] + 1
    await socket.send(json.dumps({"type": "result", "seq": seq, "id": message["id"], "params": {"value": value}}))
    if message["seq"] % ACK_EVERY == 0:
        await socket.send(json.dumps({"type": "ack", "params": {"seq": message["seq"]}}))


def command(trip: int) -> dict[str, Any]:
    """Return the JSON that the server of ours sends for one eval_js."""
    return {"type": "eval_js", "seq": trip, "id": trip, "params": {"expression": "a + 1", "args": {"a": trip}}}


def hello() -> dict[str, Any]:
    """Return a hello for the app `index`."""
    return {
        "type": "hello",
        "params": {
            "versions": ["1.0"],
            "client": {"name": "benchmark", "version": "1"},
            "instance": "benchmark-benchmark-benchmark",
            "attempt": 1,
            "app": "index",
            "capabilities": {},
            "page": {},
            "limits": {"max_message_bytes": 4194304},
        },
    }


if __name__ == "__main__":
    sys.exit(main())
