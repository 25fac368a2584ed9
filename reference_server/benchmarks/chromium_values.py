"""Values of 100 KB from a real Chromium: `eval_js` of a text and of JSON per second, beside a bare page and socket.

    python reference_server/benchmarks/chromium_values.py [--seconds N] [--rounds N]

The bare server sends the same question with `websockets` and `json` alone; its page answers with the same value. Each
page has a Chromium of its own that nothing else drives: a developer tool, such as Playwright, is told of every frame.
Both run all the time, and are measured in short turns, so that whatever else the machine does hits both: a ratio is the
median of the ratios of neighbouring turns. Beside it is the mean CPU time for one value, in the server's process and in
all of Chromium's (Linux only). The exit code is 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any, Final, NamedTuple

from downloads import Targets
from measured_process import MeasuredProcess
from playwright.sync_api import sync_playwright
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from pagewire_browsers import ARGUMENTS, find_headless_browser
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
_BARE_PAGE: Final = f"""<!doctype html>
<title>Bare</title>
<script>
{_KEEP};
const socket = new WebSocket(`ws://${{location.host}}/`, "pagewire.v1");
socket.onmessage = ({{ data }}) => {{
  const {{ seq, id, params }} = JSON.parse(data);
  const answer = {{ value: window.values[params.args.name] }};
  socket.send(JSON.stringify({{ type: "result", seq, id, params: answer }}));
}};
</script>
"""
_FIRST_SECONDS: Final = 1.0
"""How long each is asked before it is measured: until its code is compiled."""


class Turn(NamedTuple):
    """What came of asking for one value again and again."""

    answers: int
    seconds: float
    server_ms: float
    """CPU time of the server's process."""
    browser_ms: float
    """CPU time of all of Chromium's processes."""

    @property
    def rate(self) -> float:
        """Values per second."""
        return self.answers / self.seconds


class Page:
    """A page in a browser of its own, and the server that asks it."""

    def __init__(self, server: MeasuredProcess, browser: int) -> None:
        self._server = server
        self._browser = browser

    def ask(self, name: str, seconds: float) -> Turn:
        """Have the server ask for a value for some seconds."""
        before = _cpu_ms(self._browser)
        count, elapsed, server_ms = self._server.ask((name, seconds))
        return Turn(count, elapsed, server_ms, _cpu_ms(self._browser) - before)


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0.25, help="of each turn (default: 0.25)")
    parser.add_argument("--rounds", type=int, default=40, help="turns of each kind (default: 40)")
    options = parser.parse_args()
    targets = Targets()
    with open_page(serve_bare) as bare, open_page(serve_pagewire) as ours:
        print(f"{'':12}{'values of 100 KB per second':>28}{'CPU ms: server':>24}{'Chromium':>16}")
        print(f"{'':12}{'bare':>10}{'eval_js':>9}{'of bare':>9}{'bare':>15}{'eval_js':>9}{'bare':>7}{'eval_js':>9}")
        for name in VALUES:
            for page in (bare, ours):
                page.ask(name, _FIRST_SECONDS)
            turns = [(bare.ask(name, options.seconds), ours.ask(name, options.seconds)) for _ in range(options.rounds)]
            targets.at_least(f"{name}: eval_js to bare", _print_row(name, turns), TARGET)
    return targets.conclude()


def _print_row(name: str, pairs: list[tuple[Turn, Turn]]) -> float:
    """Print what came of one kind of value, and return the ratio."""
    kinds = ([bare for bare, _ in pairs], [ours for _, ours in pairs])
    ratio = statistics.median(ours.rate / bare.rate for bare, ours in pairs)
    bare_rate, our_rate = (statistics.median(turn.rate for turn in turns) for turns in kinds)
    counts = [sum(turn.answers for turn in turns) for turns in kinds]
    servers = [sum(turn.server_ms for turn in turns) / count for turns, count in zip(kinds, counts, strict=True)]
    browsers = [sum(turn.browser_ms for turn in turns) / count for turns, count in zip(kinds, counts, strict=True)]
    cpu = f"{servers[0]:15.2f}{servers[1]:9.2f}{browsers[0]:7.2f}{browsers[1]:9.2f}"
    print(f"{name:12}{bare_rate:10.0f}{our_rate:9.0f}{ratio:9.2f}{cpu}", flush=True)
    return ratio


@contextmanager
def open_page(serve: Callable[[Pipe], None]) -> Iterator[Page]:
    """Start a server, and a browser that shows its page."""
    with (
        MeasuredProcess(serve) as server,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        subprocess.Popen(  # noqa: S603 - the browser that was found here
            [_browser_path(), *ARGUMENTS, f"--user-data-dir={profile}", f"http://127.0.0.1:{server.port}/"],
            stderr=subprocess.DEVNULL,
        ) as browser,
    ):
        try:
            yield Page(server, browser.pid)
        finally:
            browser.terminate()


def _browser_path() -> str:
    if path := find_headless_browser():
        return path
    with sync_playwright() as driver:
        return driver.chromium.executable_path


def _cpu_ms(root: int) -> float:
    """Return the CPU time of a process and of all that it has started."""
    parents, ticks = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (stat := _stat(entry)):
            process = int(entry.name)
            parents[process], ticks[process] = int(stat[1]), int(stat[11]) + int(stat[12])
    found, family = {root}, {root}
    while found:
        found = {process for process, parent in parents.items() if parent in found}
        family |= found
    return sum(ticks[process] for process in family) * 1000 / os.sysconf("SC_CLK_TCK")


def _stat(process: Path) -> list[str]:
    """Return what the kernel says about a process, from its state on; nothing of one that has ended."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


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

    def show_page(connection: ServerConnection, request: Request) -> Response | None:
        if "Upgrade" in request.headers:
            return None
        response = connection.respond(HTTPStatus.OK, _BARE_PAGE)
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "text/html; charset=utf-8"
        return response

    async with serve_websocket(
        serve,
        "127.0.0.1",
        0,
        compression=None,
        subprotocols=[Subprotocol("pagewire.v1")],
        process_request=show_page,
    ) as server:
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
