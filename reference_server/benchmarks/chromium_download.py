"""A download into a real Chromium: saved whole, out of the JavaScript heap, and how fast, beside a bare page."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Final, NamedTuple

from measured_process import MIB, MeasuredProcess, answer_questions
from playwright.sync_api import Browser, CDPSession, Download, Page, sync_playwright
from stream_servers import serve_bare

from pagewire_browsers import ARGUMENTS, find_headless_browser
from pagewire_server import create_server
from pagewire_server.session import SessionError, download

PATIENCE_MS: Final = 600_000
SAMPLE_MS: Final = 50
BARE_PAGE: Final = """
([port, size, chunk]) => new Promise((resolve, reject) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, "pagewire.v1");
  socket.binaryType = "arraybuffer";
  let received = 0, parts = [], started;
  socket.onopen = () => { started = performance.now(); socket.send(JSON.stringify({ size, chunk })); };
  socket.onerror = () => reject(new Error("the socket failed"));
  socket.onmessage = ({ data }) => {
    received += data.byteLength;
    parts.push(new Blob([data]));
    if (parts.length >= 64) parts = [new Blob(parts)];
    if (received >= size) { socket.close(); resolve((performance.now() - started) / 1000); }
  };
})
"""
"""Receives binary frames and folds them into Blobs; returns the seconds."""


class PageDownload(NamedTuple):
    """What came of one."""

    rate: float
    """MB/s, from the call of `download` to its result."""
    heap: int
    """By how many bytes the page's JavaScript heap was larger than at first, at most."""
    is_whole: bool
    """Whether the saved file has the SHA-256 of the one that was sent."""


def serve_page(pipe: Pipe, path: Path) -> None:
    """Serve a page that a file is sent to; asked, say in how many seconds, or what went wrong; None before."""
    logging.getLogger("pagewire").setLevel(logging.ERROR)
    asyncio.run(_serve_page(pipe, path))


async def _serve_page(pipe: Pipe, path: Path) -> None:
    seconds: list[float | str] = []

    async def app() -> None:
        started = time.perf_counter()
        try:
            await download(path.name, path)
        except SessionError as error:
            seconds.append(str(error))
        else:
            seconds.append(time.perf_counter() - started)

    async with create_server(app, port=0) as server:
        answer_questions(pipe, lambda _: seconds.pop() if seconds else None)
        pipe.send(server.port)
        await asyncio.get_running_loop().create_future()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a Chromium without windows, if there is one: the other keeps 500 MB of Blobs and no more."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_headless_browser(), args=ARGUMENTS)
        yield browser
        browser.close()


def bare_rate(browser: Browser, size: int, chunk: int) -> float:
    """Return at how many MB/s a bare page takes bare frames."""
    with MeasuredProcess(serve_bare) as server:
        page = browser.new_page()
        seconds: float = page.evaluate(BARE_PAGE, [server.port, size, chunk])
        page.close()
    return size / seconds / 1e6


def page_download(browser: Browser, path: Path) -> PageDownload:
    """Send the file at `path` to the real page, and look at what was saved."""
    with MeasuredProcess(serve_page, path) as server, browser.new_context(accept_downloads=True) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        saved: list[Download] = []
        page.on("download", lambda started: saved.append(started))  # noqa: PLW0108 - Playwright marks what it is given
        page.goto(f"http://127.0.0.1:{server.port}/")
        seconds, heap = _watch_heap(page, context.new_cdp_session(page), server)
        while not saved:
            page.wait_for_timeout(SAMPLE_MS)
        is_whole = _digest(Path(saved[0].path())) == _digest(path)
    return PageDownload(path.stat().st_size / seconds / 1e6, heap, is_whole)


def _watch_heap(page: Page, devtools: CDPSession, server: MeasuredProcess) -> tuple[float, int]:
    devtools.send("Performance.enable")
    first = most = _heap_of(devtools)
    while (seconds := server.ask()) is None:
        most = max(most, _heap_of(devtools))
        page.wait_for_timeout(SAMPLE_MS)
    if isinstance(seconds, str):
        raise RuntimeError(f"the page did not take the file: {seconds}")  # noqa: TRY004 - it is what went wrong
    return seconds, most - first


def _heap_of(devtools: CDPSession) -> int:
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return next(int(metric["value"]) for metric in metrics if metric["name"] == "JSHeapUsedSize")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def print_page_downloads(path: Path, rounds: int) -> list[PageDownload]:
    """Send the file at `path` to a page, in turns with bare frames; print a table and return what came of it."""
    size = path.stat().st_size
    found = []
    print(f"\n{f'{size // MIB} MiB to Chromium':28}{'MB/s':>7}{'of bare':>9}{'heap':>12}{'whole':>8}")
    with chromium() as browser:
        for _ in range(rounds):
            bare = max(bare_rate(browser, size, chunk) for chunk in (MIB // 4, MIB))
            came = page_download(browser, path)
            found.append(came)
            print(f"{'bare page':28}{bare:7.0f}{1:9.2f}")
            print(
                f"{'download':28}{came.rate:7.0f}{came.rate / bare:9.2f}{came.heap / MIB:8.1f} MiB{came.is_whole!s:>8}"
            )
    return found
