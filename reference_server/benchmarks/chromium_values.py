"""Values of 100 KB from a real Chromium: `eval_js` of a text and of JSON per second, beside a bare page and socket.

    python reference_server/benchmarks/chromium_values.py [--seconds N] [--rounds N]

The bare server sends the same question with `websockets` and `json` alone; its page answers with the same value. Rounds
alternate; a ratio is the median of the rounds' own ratios. The exit code is 1 if a
target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import sys
import time
from multiprocessing.connection import Connection as Pipe
from typing import Any, Final

from chromium_download import chromium
from downloads import Targets
from measured_process import MeasuredProcess, answer_questions
from playwright.sync_api import Browser
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
([port, keep]) => new Promise((resolve) => {
  eval(keep);
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, "pagewire.v1");
  socket.onmessage = ({ data }) => {
    const { seq, id, params } = JSON.parse(data);
    const params_ = { value: window.values[params.args.name] };
    socket.send(JSON.stringify({ type: "result", seq, id, params: params_ }));
  };
  socket.onclose = resolve;
})
"""

Rates = dict[str, float]


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement (default: 2)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each kind (default: 5)")
    options = parser.parse_args()
    rounds: list[tuple[Rates, Rates]] = []
    with chromium() as browser:
        for number in range(options.rounds):
            rounds.append((bare_rates(browser, options.seconds), pagewire_rates(browser, options.seconds)))
            sys.stderr.write(f"round {number + 1} of {options.rounds}\n")
    targets = Targets()
    print(f"{'values of 100 KB per second':32}{'bare':>8}{'eval_js':>10}{'of bare':>9}")
    for name in VALUES:
        bare = statistics.median(bare[name] for bare, _ in rounds)
        ours = statistics.median(ours[name] for _, ours in rounds)
        ratio = statistics.median(ours[name] / bare[name] for bare, ours in rounds)
        print(f"{name:32}{bare:8.0f}{ours:10.0f}{ratio:9.2f}")
        targets.at_least(f"{name}: eval_js to bare", ratio, TARGET)
    return targets.conclude()


def bare_rates(browser: Browser, seconds: float) -> Rates:
    """Return how many values a second a bare page gives."""
    with MeasuredProcess(serve_bare, seconds) as server:
        page = browser.new_page()
        page.set_default_timeout(0)
        page.evaluate(_BARE_PAGE, [server.port, _KEEP])
        page.close()
        rates: Rates = server.ask()
    return rates


def pagewire_rates(browser: Browser, seconds: float) -> Rates:
    """Return how many values a second `eval_js` gives."""
    with MeasuredProcess(serve_pagewire, seconds) as server:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.port}/")
        while (rates := server.ask()) is None:
            page.wait_for_timeout(100)
        page.close()
    found: Rates = rates
    return found


# -- servers, each in a process of its own ---------------------------------------------------------


def serve_bare(pipe: Pipe, seconds: float) -> None:
    """Ask a bare page for its values; asked, say how many a second."""
    asyncio.run(_serve_bare(pipe, seconds))


async def _serve_bare(pipe: Pipe, seconds: float) -> None:
    rates: Rates = {}

    async def ask(socket: ServerConnection) -> None:
        for name in VALUES:
            count, started = 0, time.perf_counter()
            while time.perf_counter() - started < seconds:
                count += 1
                params = {"expression": "values[name]", "args": {"name": name}}
                await socket.send(json.dumps({"type": "eval_js", "seq": count, "id": count, "params": params}))
                _check(json.loads(await socket.recv())["params"]["value"])
            rates[name] = count / (time.perf_counter() - started)

    protocols = [Subprotocol("pagewire.v1")]
    async with serve_websocket(ask, "127.0.0.1", 0, compression=None, subprotocols=protocols) as server:
        answer_questions(pipe, lambda _: rates)
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.get_running_loop().create_future()


def serve_pagewire(pipe: Pipe, seconds: float) -> None:
    """Ask a page of ours for its values; asked, say how many a second, or None before that is known."""
    logging.getLogger("pagewire").setLevel(logging.ERROR)
    asyncio.run(_serve_pagewire(pipe, seconds))


async def _serve_pagewire(pipe: Pipe, seconds: float) -> None:
    rates: Rates = {}

    async def app() -> None:
        await run_js(_KEEP)
        for name in VALUES:
            count, started = 0, time.perf_counter()
            while time.perf_counter() - started < seconds:
                count += 1
                _check(await eval_js("values[name]", name=name))
            rates[name] = count / (time.perf_counter() - started)
        await hold()

    async with create_server(app, port=0) as server:
        answer_questions(pipe, lambda _: rates if len(rates) == len(VALUES) else None)
        pipe.send(server.port)
        await asyncio.get_running_loop().create_future()


def _check(value: Any) -> None:  # noqa: ANN401 - any JSON
    if len(value) < 1000:
        raise ValueError("the page has answered with something else")


if __name__ == "__main__":
    sys.exit(main())
