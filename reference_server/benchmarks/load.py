"""Load: idle sessions, fairness, a client that does not read, slow programs, leaks, attacks; beside bare websockets.

    python reference_server/benchmarks/load.py [idle|fair|unread|slow|leak|attack ...] [--quick]

The server runs in a process of its own, all clients in this one. Memory is the server's resident set. The exit code is
1 if a target is missed. Linux only, by its /proc.

`attack` runs every attack of `tests/attacks` that can make others wait, and shows how long a neighbour's `eval_js`
takes beside it, and without it. The server has a processor of its own, where there are two; attackers yield to all
others. What a neighbour waits without an attack is how well the machine keeps time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from downloads import Targets, print_times
from load_clients import PATIENCE, LoadClient, close_clients, open_client, open_clients
from load_servers import serve_bare, serve_pagewire
from measured_process import MIB, MeasuredProcess
from wire_client import client_frame

from pagewire_server import Options

RESUME_WINDOW: Final = Options().resume_window
BOUND: Final = Options().outbox_bytes + Options().window_bytes
PING_SECONDS: Final = 2.0
FAIR_ROUNDS: Final = 3
ATTACKS: Final = Path(__file__).parents[1] / "tests" / "attacks" / "run_attacks.py"

Section = Callable[["Sizes", Targets], Coroutine[Any, Any, None]]


class Sizes:
    """How much of everything."""

    def __init__(self, *, quick: bool) -> None:
        self.coroutines = 200 if quick else 5000
        self.threads = 20 if quick else 500
        self.fair_sessions = 20 if quick else 200
        self.fair_seconds = 1.0 if quick else 5.0
        self.leak_sessions = 2_000 if quick else 50_000
        self.attack_seconds = 1.0 if quick else 6.0


def main() -> int:
    """Run the sections that are asked for, and print their tables."""
    sections: dict[str, Section] = {
        "idle": measure_idle,
        "fair": measure_fairness,
        "unread": measure_unread,
        "slow": measure_slow,
        "leak": measure_leak,
        "attack": measure_attacks,
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="section", help=f"of {', '.join(sections)} (all)")
    parser.add_argument("--quick", action="store_true", help="small sizes: whether it runs, not how well")
    options = parser.parse_args()
    unknown = [name for name in options.sections if name not in sections]
    if unknown:
        parser.error(f"unknown sections: {', '.join(unknown)}")
    sizes, targets = Sizes(quick=options.quick), Targets()
    for name in options.sections or sections:
        sys.stderr.write(f"{name}\n")
        asyncio.run(sections[name](sizes, targets))
        print(flush=True)
    return targets.conclude()


def pagewire(sizes: Sizes, resume_window: float = RESUME_WINDOW) -> MeasuredProcess:
    """Start a server of ours."""
    return MeasuredProcess(serve_pagewire, resume_window, sizes.fair_seconds)


# -- idle ------------------------------------------------------------------------------------------


async def measure_idle(sizes: Sizes, targets: Targets) -> None:
    """Print what an idle session costs in memory, and how fast sessions open."""
    print(f"{'idle sessions':28}{'count':>8}{'KiB each':>10}{'per second':>12}{'to bare':>9}")
    with MeasuredProcess(serve_bare) as server:
        bare = await _idle(server, "bare websockets", [""] * sizes.coroutines, is_bare=True)
    with pagewire(sizes) as server:
        coroutine = await _idle(server, "coroutine", ["index"] * sizes.coroutines, bare=bare)
        await _idle(server, "thread", ["thread"] * sizes.threads, bare=bare)
    targets.at_most("idle coroutine session: memory to bare", coroutine / bare, 2.5)


async def _idle(
    server: MeasuredProcess, label: str, apps: list[str], *, is_bare: bool = False, bare: float | None = None
) -> float:
    # What the first few cost is the server's, not theirs.
    await open_clients(server.port, apps[:10], is_bare=is_bare)
    before, started = server.memory, time.perf_counter()
    await open_clients(server.port, apps, is_bare=is_bare)
    seconds = time.perf_counter() - started
    server.ask()
    each = (server.memory - before) / len(apps)
    ratio = each / bare if bare else 1.0
    print(f"{label:28}{len(apps):8}{each / 1024:10.1f}{len(apps) / seconds:12.0f}{ratio:9.2f}")
    return each


# -- fair ------------------------------------------------------------------------------------------


async def measure_fairness(sizes: Sizes, targets: Targets) -> None:
    """Print how many round trips sessions at full speed get, together and each; rounds alternate with bare ones."""
    print(f"{'eval_js at full speed':28}{'per second':>12}{'min':>8}{'median':>8}{'max':>8}{'Jain':>7}")
    count = sizes.fair_sessions
    ratios, fairness = [], []
    for _ in range(FAIR_ROUNDS):
        with MeasuredProcess(serve_bare) as server:
            clients = await open_clients(server.port, [""] * count, is_bare=True)
            for client in clients:
                client.transport.write(client_frame(json.dumps({"seconds": sizes.fair_seconds}).encode()))
            bare, _ = await _trips(f"bare, {count} connections", clients, sizes)
        with pagewire(sizes) as server:
            clients = await open_clients(server.port, ["fair"] * count)
            total, jain = await _trips(f"{count} coroutine sessions", clients, sizes)
        ratios.append(total / bare)
        fairness.append(jain)
    print(f"{'to bare, median of rounds':28}{statistics.median(ratios):12.2f}")
    targets.at_least("round trips at full speed to bare", statistics.median(ratios), 0.4)
    targets.at_least("Jain's index of fairness", min(fairness), 0.95)


async def _trips(label: str, clients: list[LoadClient], sizes: Sizes) -> tuple[float, float]:
    async with asyncio.timeout(PATIENCE):
        trips = [report["trips"] for report in await asyncio.gather(*(client.reported for client in clients))]
    total = sum(trips) / sizes.fair_seconds
    jain = sum(trips) ** 2 / (len(trips) * sum(count * count for count in trips))
    print(f"{label:28}{total:12.0f}{min(trips):8}{statistics.median(trips):8.0f}{max(trips):8}{jain:7.3f}")
    return total, jain


# -- unread and slow -------------------------------------------------------------------------------


async def measure_unread(sizes: Sizes, targets: Targets) -> None:
    """Print what a client costs that does not read what its program sends without end."""
    print(f"{'eval_js of another session':28}{'median':>10}{'p99':>10}{'max':>10}")
    with pagewire(sizes) as server:
        alone = await _pings(server, "alone")
        for app in ("unread", "unread thread"):
            server.forget_peak()
            before = server.memory
            client = await open_client(server.port, app)
            client.transport.pause_reading()
            median = await _pings(server, f"beside one {app}")
            growth = server.peak - before
            client.transport.abort()
            print(f"{'':28}the server grew by {growth / MIB:.1f} MiB")
            # The objects of its commands come to a few times their bytes.
            targets.at_most(f"{app}: memory to what may be queued", growth / BOUND, 4)
            targets.at_most(f"beside one {app}: median round trip to alone", median / alone, 5)


async def measure_slow(sizes: Sizes, targets: Targets) -> None:
    """Print how programs that block or compute hold up others."""
    print(f"{'eval_js of another session':28}{'median':>10}{'p99':>10}{'max':>10}")
    with pagewire(sizes) as server:
        await _pings(server, "alone")
        for app, count in (("deferred", 50), ("block", 50), ("compute", 1)):
            clients = await open_clients(server.port, [app] * count)
            median = await _pings(server, f"beside {count} {app}")
            targets.at_most(f"beside {count} {app}: median round trip in ms", median * 1000, 20)
            await close_clients(clients)


async def _pings(server: MeasuredProcess, label: str) -> float:
    client = await open_client(server.port, "ping")
    await asyncio.sleep(PING_SECONDS)
    client.emit("stop")
    async with asyncio.timeout(PATIENCE):
        times: list[float] = (await client.reported)["times"]
    client.leave()
    print_times(label, times)
    return statistics.median(times)


# -- leak ------------------------------------------------------------------------------------------


async def measure_leak(sizes: Sizes, targets: Targets) -> None:
    """Print the server's memory while sessions come and go."""
    print(f"{'memory, as sessions go by':28}{'MiB after each tenth':>60}{'threads':>10}{'tasks':>7}")
    # With the default window the server owes each of them its tombstone for two minutes.
    for window, most in ((1.0, 1.05), (RESUME_WINDOW, 1.25)):
        with pagewire(sizes, window) as server:
            curve, counts = [], {"threads": 0, "tasks": 0}
            for _ in range(10):
                await _come_and_go(server, sizes.leak_sessions // 10)
                counts = server.ask()
                curve.append(server.memory)
                sys.stderr.write(f"{len(curve)} of 10\n")
        figures = "".join(f"{memory / MIB:6.1f}" for memory in curve)
        print(f"{f'resume_window {window:g} s':28}{figures:>60}{counts['threads']:10}{counts['tasks']:7}")
        targets.at_most(f"resume_window {window:g} s: growth in the last half", curve[-1] / curve[4], most)


async def _come_and_go(server: MeasuredProcess, count: int) -> None:
    """Open `count` sessions, of which a third leave and the others are ended by their apps."""
    apps = ["brief", "brief thread", "index"]
    for start in range(0, count, 100):
        clients = await open_clients(server.port, [apps[each % 3] for each in range(min(100, count - start))])
        for client in clients:
            if client.conversation.app == "index":
                client.leave()
        await asyncio.gather(*(client.closed for client in clients))


# -- attack ----------------------------------------------------------------------------------------


async def measure_attacks(sizes: Sizes, targets: Targets) -> None:
    """Print how long a neighbour waits without each attack, and beside it."""
    print(f"{'eval_js of a neighbour, in ms':46}{'alone: p99':>12}{'longest':>9}{'attacked: p99':>15}{'longest':>9}")
    command = [sys.executable, str(ATTACKS), "--stalls", str(sizes.attack_seconds)]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    while process.stdout and (line := await process.stdout.readline()):
        attack = json.loads(line)
        alone, beside = attack["alone"], attack["beside"]
        figures = f"{alone['p99']:12.1f}{alone['longest']:9.0f}{beside['p99']:15.1f}{beside['longest']:9.0f}"
        print(f"{attack['name']:46}{figures}", flush=True)
        targets.at_most(f"{attack['name']}: longest wait in ms", beside["longest"], attack["limit"])
    if await process.wait():
        raise RuntimeError("the attacks could not be run; see above")


if __name__ == "__main__":
    sys.exit(main())
