"""Values of 100 KB from a real Chromium: `eval_js` of a text and of JSON per second, beside a bare page and socket.

    python reference_server/benchmarks/chromium_values.py [--seconds N] [--rounds N]

The bare server sends the same question with `websockets` and `json` alone; its page answers with the same value. Both
run all the time, and are measured in short turns, so that whatever else the machine does hits both: a ratio is the
median of the ratios of neighbouring turns. Beside it is the CPU time for one value, in the server's process and in all
of Chromium's. The exit code is 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from typing import Any, Final, NamedTuple

from chromium_download import chromium
from downloads import Targets
from measured_process import MeasuredProcess
from playwright.sync_api import Browser, CDPSession
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.typing import Subprotocol

from pagewire_server import create_server
from pagewire_server.session import eval_js, hold, run_js

TARGET: Final = 0.7
VALUES: Final = {
    "text": "'x'.repeat(100000)",
    "accents": "'\\u00e9\\n'.repeat(33000)",
    "JSON": "Array.from({length: 1250}, (_, i) => ({id: i, name: `row ${i} of the table`, values: [i, i / 3, true]}))",
}
"""What is asked for, each about 100 KB as JSON."""

_KEEP: Final = "window.values = {" + ", ".join(f"{name!r}: {value}" for name, value in VALUES.items()) + "}"
_BARE_PAGE: Final = """
([port, keep]) => {
  eval(keep);
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, "pagewire.v1");
  socket.onmessage = ({ data }) => {
    const { seq, id, params } = JSON.parse(data);
    const params_ = { value: window.values[params.args.name] };
    socket.send(JSON.stringify({ type: "result", seq, id, params: params_ }));
  };
}
"""
_FIRST_SECONDS: Final = 1.0
"""How long each is asked before it is measured: until its code is compiled."""


class Turn(NamedTuple):
    """What came of asking for one value again and again."""

    rate: float
    """Values per second."""
    server_ms: float
    """CPU time for each value, in the server's process."""
    browser_ms: float
    """CPU time for each value, in all of Chromium's processes."""


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each turn (default: 0.5)")
    parser.add_argument("--rounds", type=int, default=20, help="turns of each kind (default: 20)")
    options = parser.parse_args()
    targets = Targets()
    with chromium() as browser, bare_page(browser) as bare, pagewire_page(browser) as ours:
        devtools = browser.new_browser_cdp_session()
        print(f"{'':12}{'values of 100 KB per second':>28}{'CPU ms: server':>24}{'Chromium':>16}")
        print(f"{'':12}{'bare':>10}{'eval_js':>9}{'of bare':>9}{'bare':>15}{'eval_js':>9}{'bare':>7}{'eval_js':>9}")
        for name in VALUES:
            for server in (bare, ours):
                take_turn(devtools, server, name, _FIRST_SECONDS)
            turns = [
                (take_turn(devtools, bare, name, options.seconds), take_turn(devtools, ours, name, options.seconds))
                for _ in range(options.rounds)
            ]
            targets.at_least(f"{name}: eval_js to bare", _print_row(name, turns), TARGET)
    return targets.conclude()


def _print_row(name: str, turns: list[tuple[Turn, Turn]]) -> float:
    """Print what came of one kind of value, and return the ratio."""
    bare = Turn(*(statistics.median(column) for column in zip(*(turn for turn, _ in turns), strict=True)))
    ours = Turn(*(statistics.median(column) for column in zip(*(turn for _, turn in turns), strict=True)))
    ratio = statistics.median(ours.rate / bare.rate for bare, ours in turns)
    rates = f"{bare.rate:10.0f}{ours.rate:9.0f}{ratio:9.2f}"
    cpu = f"{bare.server_ms:15.2f}{ours.server_ms:9.2f}{bare.browser_ms:7.2f}{ours.browser_ms:9.2f}"
    print(f"{name:12}{rates}{cpu}", flush=True)
    return ratio


def take_turn(devtools: CDPSession, server: MeasuredProcess, name: str, seconds: float) -> Turn:
    """Have a server ask its page for a value for some seconds."""
    before = _cpu_ms(devtools)
    count, elapsed, server_ms = server.ask((name, seconds))
    return Turn(count / elapsed, server_ms / count, (_cpu_ms(devtools) - before) / count)


def _cpu_ms(devtools: CDPSession) -> float:
    processes = devtools.send("SystemInfo.getProcessInfo")["processInfo"]
    return sum(float(process["cpuTime"]) for process in processes) * 1000


@contextmanager
def bare_page(browser: Browser) -> Iterator[MeasuredProcess]:
    """Have a bare page answer to a bare server."""
    with MeasuredProcess(serve_bare) as server, browser.new_context() as context:
        context.new_page().evaluate(_BARE_PAGE, [server.port, _KEEP])
        yield server


@contextmanager
def pagewire_page(browser: Browser) -> Iterator[MeasuredProcess]:
    """Have a page of ours answer to its server."""
    with MeasuredProcess(serve_pagewire) as server, browser.new_context() as context:
        context.new_page().goto(f"http://127.0.0.1:{server.port}/")
        yield server


# -- servers, each in a process of its own ---------------------------------------------------------


async def answer_turns(pipe: Pipe, ask: Callable[[str, int], Awaitable[Any]]) -> None:
    """Ask a page for the value, and as long, as the pipe says; send back how often, in how long, for how much CPU."""
    asked: asyncio.Queue[tuple[str, float]] = asyncio.Queue()
    asyncio.get_running_loop().add_reader(pipe.fileno(), lambda: asked.put_nowait(pipe.recv()))
    count = 0
    while True:
        name, seconds = await asked.get()
        first, cpu, started = count, time.process_time(), time.perf_counter()
        while time.perf_counter() - started < seconds:
            count += 1
            if len(await ask(name, count)) < 1000:
                raise ValueError("the page has answered with something else")
        pipe.send((count - first, time.perf_counter() - started, (time.process_time() - cpu) * 1000))


def serve_bare(pipe: Pipe) -> None:
    """Ask a bare page for its values."""
    asyncio.run(_serve_bare(pipe))


async def _serve_bare(pipe: Pipe) -> None:
    async def serve(socket: ServerConnection) -> None:
        async def ask(name: str, number: int) -> Any:  # noqa: ANN401 - any JSON
            params = {"expression": "values[name]", "args": {"name": name}}
            await socket.send(json.dumps({"type": "eval_js", "seq": number, "id": number, "params": params}))
            return json.loads(await socket.recv())["params"]["value"]

        await answer_turns(pipe, ask)

    protocols = [Subprotocol("pagewire.v1")]
    async with serve_websocket(serve, "127.0.0.1", 0, compression=None, subprotocols=protocols) as server:
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.get_running_loop().create_future()


def serve_pagewire(pipe: Pipe) -> None:
    """Ask a page of ours for its values."""
    logging.getLogger("pagewire").setLevel(logging.ERROR)
    asyncio.run(_serve_pagewire(pipe))


async def _serve_pagewire(pipe: Pipe) -> None:
    async def ask(name: str, _number: int) -> Any:  # noqa: ANN401 - any JSON
        return await eval_js("values[name]", name=name)

    async def app() -> None:
        await run_js(_KEEP)
        await answer_turns(pipe, ask)
        await hold()

    async with create_server(app, port=0) as server:
        pipe.send(server.port)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    sys.exit(main())
