"""Downloads: their speed beside bare websockets frames, what they cost in bytes and memory, and whom they hold up.

    python reference_server/benchmarks/downloads.py [--size 50MiB] [--rounds N] [--quick] [--chromium]

Each server runs in a process of its own, and so does the client, which counts every byte of its TCP socket both ways
and keeps no content. Rounds alternate between the kinds; ratios are medians of the rounds' own ratios, to the better
(by its median) of bare binary frames of 256 KiB and of 1 MiB, without compression. Memory is the growth of the server's
resident set at its peak. The exit code is 1 if a target is missed. Linux only, by its /proc.
"""

from __future__ import annotations

import argparse
import json
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NamedTuple

from chromium_download import print_page_downloads
from measured_process import MIB, MeasuredProcess
from pywebio_peer import measure_pywebio
from slow_link import serve_slow_link
from stream_servers import KINDS, serve_bare, serve_pagewire
from wire_client import CountingSocket, WireClient, client_frame

from pagewire_server import Options

BARE_CHUNKS: Final = {"bare, 256 KiB": MIB // 4, "bare, 1 MiB": MIB}
WINDOW: Final = Options().stream_window_bytes
SLOW_RATE: Final = 1_000_000
UNITS: Final = {"KiB": 1 << 10, "MiB": MIB, "GiB": 1 << 30}


class Transfer(NamedTuple):
    """One transfer, as the client saw it, and what it cost the server."""

    rate: float
    """Content, in MB/s."""
    overhead: float
    """Bytes on the wire, both ways, to bytes of content."""
    growth: int = 0
    stall: float = 0.0


class Targets:
    """What must be reached; each that is not is printed and remembered."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def at_least(self, what: str, value: float, least: float) -> None:
        """Record a miss if `value` is below `least`."""
        if value < least:
            self.missed.append(f"{what} is {value:.4g}, at least {least:g} is wanted")

    def at_most(self, what: str, value: float, most: float) -> None:
        """Record a miss if `value` is above `most`."""
        if value > most:
            self.missed.append(f"{what} is {value:.4g}, at most {most:g} is wanted")

    def conclude(self) -> int:
        """Print what was missed; return the exit code."""
        for text in self.missed:
            print(f"MISSED: {text}")
        if not self.missed:
            print("all targets reached")
        return 1 if self.missed else 0


def main() -> int:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=bytes_of, default="50MiB", help="of each transfer, such as 1GiB (50MiB)")
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each kind (7)")
    parser.add_argument("--quick", action="store_true", help="8MiB, 2 rounds: whether it runs, not how fast")
    parser.add_argument("--chromium", action="store_true", help="the same to a real page, and nothing else")
    parser.add_argument("--pywebio", metavar="PYTHON", help="an interpreter that has PyWebIO: its download beside ours")
    options = parser.parse_args()
    size, rounds = (8 * MIB, 2) if options.quick else (options.size, options.rounds)
    targets = Targets()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        path = write_content(folder / "content.bin", size)
        if options.chromium:
            measure_chromium(path, rounds, targets)
            return targets.conclude()
        client = stack.enter_context(ProcessPoolExecutor(1, get_context("spawn")))
        bare = stack.enter_context(MeasuredProcess(serve_bare))
        servers = {kind: stack.enter_context(MeasuredProcess(serve_pagewire, path, size)) for kind in KINDS}
        measure_speed(client, bare, servers, size=size, rounds=rounds, targets=targets)
        if options.pywebio:
            peer = client.submit(measure_pywebio, options.pywebio, size).result()
            print(f"{'PyWebIO download(bytes)':28}{peer.rate:7.0f}{peer.overhead:37.5f}{peer.growth / MIB:6.1f} MiB")
        measure_pings(client, servers["path"], targets)
        measure_slow_link(servers["generator"], stack)
    return targets.conclude()


def bytes_of(text: str) -> int:
    """Return what `text` says in bytes: 50MiB."""
    for unit, factor in UNITS.items():
        if text.endswith(unit):
            return int(text.removesuffix(unit)) * factor
    raise argparse.ArgumentTypeError(f"{text!r}: a size is a number and one of {', '.join(UNITS)}")


def write_content(path: Path, size: int) -> Path:
    """Write a file of `size` bytes that nothing can compress."""
    piece = secrets.token_bytes(MIB)
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(piece)
    return path


# -- speed, bytes, memory, stalls ------------------------------------------------------------------


def measure_speed(
    client: ProcessPoolExecutor,
    bare: MeasuredProcess,
    servers: dict[str, MeasuredProcess],
    *,
    size: int,
    rounds: int,
    targets: Targets,
) -> None:
    """Transfer `size` bytes in each way, in turns, and print a table."""
    found: dict[str, list[Transfer]] = {kind: [] for kind in (*BARE_CHUNKS, *servers)}
    for kind, server in servers.items():
        client.submit(take_download, server.port, size, kind).result()
    for round_ in range(rounds):
        for kind, chunk in BARE_CHUNKS.items():
            found[kind].append(watched(bare, client, take_bare, size, chunk))
        for kind, server in servers.items():
            found[kind].append(watched(server, client, take_download, size, kind))
        sys.stderr.write(f"round {round_ + 1} of {rounds}\n")
    best = max(([each.rate for each in found[kind]] for kind in BARE_CHUNKS), key=statistics.median)
    print(
        f"{f'{size // MIB} MiB to a Python client':28}{'MB/s':>7}{'min':>7}{'max':>7}{'of bare':>9}{'wire/content':>14}"
        f"{'memory':>10}{'stall':>9}"
    )
    for kind, transfers in found.items():
        rates = [each.rate for each in transfers]
        ratio = statistics.median(rate / bare_rate for rate, bare_rate in zip(rates, best, strict=True))
        overhead = max(each.overhead for each in transfers)
        growth = max(each.growth for each in transfers)
        stall = statistics.median(each.stall for each in transfers)
        print(
            f"{kind:28}{statistics.median(rates):7.0f}{min(rates):7.0f}{max(rates):7.0f}{ratio:9.2f}{overhead:14.5f}"
            f"{growth / MIB:6.1f} MiB{stall * 1000:6.1f} ms"
        )
        if kind in servers:
            targets.at_least(f"{kind}: speed to bare", ratio, 0.8)
            targets.at_most(f"{kind}: wire to content", overhead, 1.01)
            targets.at_most(f"{kind}: memory in windows", growth / WINDOW, 4)


def watched(
    server: MeasuredProcess, client: ProcessPoolExecutor, take: Callable[..., Transfer], *arguments: object
) -> Transfer:
    """Return what `take` measures in the client's process, with what it cost the server."""
    server.forget_peak()
    before = server.memory
    server.ask()
    transfer = client.submit(take, server.port, *arguments).result()
    return transfer._replace(growth=server.peak - before, stall=server.ask())


def take_bare(port: int, size: int, chunk: int) -> Transfer:
    """Receive `size` bytes of bare frames."""
    socket = CountingSocket(port)
    started_at = (socket.received, socket.sent, time.perf_counter())
    socket.send(client_frame(json.dumps({"size": size, "chunk": chunk}).encode()))
    content = 0
    while content < size:
        content += sum(frame.length for frame in socket.receive())
    return _transfer(socket, content, *started_at)


def take_download(port: int, size: int, kind: str) -> Transfer:
    """Receive one download."""
    client = WireClient(port, secrets.token_urlsafe(16))
    started_at = (client.socket.received, client.socket.sent, time.perf_counter())
    client.emit("download", kind)
    client.run_until(lambda: client.conversation.streams_ended == 1)
    if client.conversation.streamed != size:
        raise ValueError(f"{client.conversation.streamed} bytes came, of {size}")
    transfer = _transfer(client.socket, size, *started_at)
    client.close()
    return transfer


def _transfer(socket: CountingSocket, content: int, received: int, sent: int, started: float) -> Transfer:
    seconds = time.perf_counter() - started
    wire = socket.received - received + socket.sent - sent
    return Transfer(content / seconds / 1e6, wire / content)


# -- whom they hold up -----------------------------------------------------------------------------


def measure_pings(client: ProcessPoolExecutor, server: MeasuredProcess, targets: Targets) -> None:
    """Print the round trips of another session without downloads, beside one, beside four."""
    print(f"\n{'eval_js of another session':28}{'median':>10}{'p99':>10}{'max':>10}")
    for count in (0, 1, 4):
        times = ping_beside(client, server, count)
        label = f"beside {count} downloads" if count else "alone"
        print_times(label, times)
        if count:
            targets.at_most(f"{label}: median round trip in ms", statistics.median(times) * 1000, 20)


def ping_beside(client: ProcessPoolExecutor, server: MeasuredProcess, count: int) -> list[float]:
    """Return the times of another session's round trips while `count` downloads run in one; for a second, if none."""
    pinging = WireClient(server.port, secrets.token_urlsafe(16), "ping")
    deadline = time.perf_counter() + 1.0
    running = client.submit(take_downloads, server.port, count) if count else None
    pinging.run_until(lambda: running.done() if running else time.perf_counter() > deadline)
    times: list[float] = pinging.ask("stop")["times"]
    pinging.close()
    return times


def take_downloads(port: int, count: int) -> None:
    """Receive `count` downloads in one session."""
    client = WireClient(port, secrets.token_urlsafe(16))
    for _ in range(count):
        client.emit("download", "path")
    client.run_until(lambda: client.conversation.streams_ended == count)
    client.close()


def measure_slow_link(server: MeasuredProcess, stack: ExitStack) -> None:
    """Print the round trips of the session that downloads, over a line of 1 MB/s."""
    link = stack.enter_context(MeasuredProcess(serve_slow_link, server.port, SLOW_RATE))
    client = WireClient(link.port, secrets.token_urlsafe(16), "both")
    client.run_until(lambda: bool(client.conversation.reports))
    report = client.conversation.reports[-1]
    print(f"\n{'over 1 MB/s':28}{'median':>10}{'p99':>10}{'max':>10}")
    print_times("eval_js of the same session", report["times"])


def measure_chromium(path: Path, rounds: int, targets: Targets) -> None:
    """Send the file at `path` to a real page: it is saved whole, and never in the page's JavaScript heap."""
    for came in print_page_downloads(path, rounds):
        targets.at_least("Chromium: the saved file is the one that was sent", came.is_whole, 1)
        targets.at_most("Chromium: growth of the JavaScript heap in windows", came.heap / WINDOW, 16)


def print_times(label: str, times: list[float]) -> None:
    """Print the median, the 99th percentile and the longest of `times`, in ms."""
    p99 = sorted(times)[int(len(times) * 0.99)]
    figures = (statistics.median(times), p99, max(times))
    print(f"{label:28}" + "".join(f"{figure * 1000:7.1f} ms" for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
