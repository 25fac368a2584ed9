"""How many files a reader opens to follow one call: calls, files and changes of file along six walks.

    .venv/bin/python reference_server/benchmarks/walks.py [--check] [--json] [--verbose]     (or: make walks)

What is counted in Python is what the interpreter tells a profiler (`sys.setprofile`): each event `call` of a function
whose file belongs to `pagewire_server` or `pagewire_protocol`. So a generator or coroutine counts each time it is
resumed, and lambdas, properties and generator expressions count as functions of the file where they stand; Python 3.12
and later run list, set and dict comprehensions without a call. What a walk passes in libraries (asyncio, websockets,
pydantic) is not counted.

- **calls**: how many such events there are;
- **files**: in how many different files these functions are;
- **changes**: how often the next function called is in another file than the one before. Each thread has an order of
  its own; they are put one after the other by their first call, so that it does not matter how threads take turns.

A walk begins with what its name says (the program calls `eval_js`; the client sends the reply, or connects) and goes on
until the server is at rest, so that what is done after the last write is counted too. Its clock stands still meanwhile:
no timer fires. The calls are `eval_js` with one argument in a thread, a download of 300,000 bytes (two full chunks, the
rest, and the end) and a resume with one message to be replayed. Each walk is done several times after a warm-up; the
most frequent count is shown, and `varies` if there was another.

What is counted in JavaScript `js_client/scripts/walks.mjs` says.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final, NamedTuple, TypeVar

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

import pagewire_protocol
import pagewire_server
from pagewire_server.session import download, eval_js, hold, run_js

Value = TypeVar("Value")

WARM_UPS: Final = 3
REPETITIONS: Final = 7
PATIENCE: Final = 30.0
CONTENT: Final = bytes(300_000)
CHUNKS: Final = 4
"""Binary frames of that content, its end included."""
TURNS: Final = 100
"""Of the event loop, after which the server is at rest."""
JAVASCRIPT: Final = Path(__file__).parents[2] / "js_client" / "scripts" / "walks.mjs"


class Call(NamedTuple):
    """One function of ours that was called."""

    file: str
    function: str


@dataclass(frozen=True)
class Target:
    """What a walk may come to at most; None is not measured."""

    files: int
    changes: int | None


TARGETS: Final = {
    "eval_js in a thread -> socket": Target(9, 16),
    "result in -> value returned": Target(9, 16),
    "download -> two chunks out": Target(12, 50),
    # Accepting a connection and reading its request is part of it: nothing of that is a library's but h11's parsing.
    # What a client may make the server parse before its welcome is counted on the way.
    "resume: accept -> first replayed frame": Target(19, 80),
    "JS: run_js in -> result out": Target(12, None),
    "JS: close -> reconnect -> replay": Target(12, None),
}


# -- counting ----------------------------------------------------------------------------------


class Recorder:
    """Records the calls of functions in some packages, on every thread that has `profile` as its profiler."""

    def __init__(self, packages: Iterable[Path]) -> None:
        self._roots = {f"{folder}/": folder.parent for folder in packages}
        self._threads: dict[int, list[Call]] = {}
        self._names: dict[str, str | None] = {}
        self._is_on = False

    def begin(self) -> None:
        """Forget what was recorded, and record from now on."""
        self._threads = {}
        self._is_on = True

    def end(self) -> list[Call]:
        """Stop; return the calls of each thread, one thread after the other in the order of their first calls."""
        self._is_on = False
        return list(itertools.chain.from_iterable(self._threads.values()))

    def profile(self, frame: FrameType, event: str, _argument: object) -> None:
        """Record an event of the interpreter's."""
        if event != "call" or not self._is_on:
            return
        file = self._name(frame.f_code.co_filename)
        if file is not None:
            self._threads.setdefault(threading.get_ident(), []).append(Call(file, frame.f_code.co_qualname))

    def _name(self, path: str) -> str | None:
        if path not in self._names:
            found = (folder for root, folder in self._roots.items() if path.startswith(root))
            folder = next(found, None)
            self._names[path] = None if folder is None else Path(path).relative_to(folder).as_posix()
        return self._names[path]


@dataclass(frozen=True)
class Walk:
    """What one walk came to. `changes` is None where the order of calls is unknown."""

    name: str
    files: int
    changes: int | None
    calls: int
    varies: bool
    steps: list[tuple[str, str, int]]
    """File, function and how often it was called in a row."""

    @property
    def target(self) -> Target:
        """What it may come to."""
        return TARGETS[self.name]

    @property
    def is_ok(self) -> bool:
        """Whether it meets its target."""
        most = self.target
        return self.files <= most.files and (
            most.changes is None or (self.changes is not None and self.changes <= most.changes)
        )


def summarize(name: str, runs: list[list[Call]]) -> Walk:
    """Return what the most frequent of several runs came to."""
    counts = Counter((_count_files(run), _count_changes(run), len(run)) for run in runs)
    usual, _ = counts.most_common(1)[0]
    run = next(run for run in runs if (_count_files(run), _count_changes(run), len(run)) == usual)
    steps = [(file, function, len(list(group))) for (file, function), group in itertools.groupby(run)]
    return Walk(name, *usual, varies=len(counts) > 1, steps=steps)


def _count_files(run: list[Call]) -> int:
    return len({call.file for call in run})


def _count_changes(run: list[Call]) -> int:
    return sum(before.file != after.file for before, after in itertools.pairwise(run))


# -- the server that is walked through -----------------------------------------------------------


class _StillLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock stands still: nothing happens by timer."""

    def time(self) -> float:
        return 0.0


class _Stage:
    """A server in a thread of its own, whose calls are recorded on all its threads."""

    def __init__(self, recorder: Recorder, app: Callable[[], object]) -> None:
        self.recorder = recorder
        self._loop = _StillLoop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server = pagewire_server.create_server(app, port=0)
        self._attempts = itertools.count(1)

    def start(self) -> None:
        """Begin to listen."""
        threading.setprofile(self.recorder.profile)
        self._thread.start()
        self._run(self._server.start())

    def stop(self) -> None:
        """Close the server."""
        threading.setprofile(None)
        self._run(self._server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def rest(self) -> None:
        """Wait until the server has nothing more to do."""

        async def turn() -> None:
            for _ in range(TURNS):
                await asyncio.sleep(0)

        self._run(turn())

    @contextmanager
    def client(self, **hello: object) -> Iterator[ClientConnection]:
        """Connect, say hello, and receive the welcome."""
        params: dict[str, object] = {
            "versions": ["1.0"],
            "client": {"name": "walks", "version": "1"},
            "instance": "an-instance-that-walks",
            "attempt": next(self._attempts),
            "app": "index",
            "capabilities": {"streams": {}},
            "page": {},
            "limits": {"max_message_bytes": 4_194_304},
        }
        url = f"ws://127.0.0.1:{self._server.port}/ws?key=walks"
        offered = [Subprotocol("pagewire.v1")]
        with connect(url, subprotocols=offered, compression=None, max_size=None, close_timeout=1) as connection:
            _send(connection, {"type": "hello", "params": params | hello})
            if (first := _receive(connection))["type"] != "welcome":
                raise RuntimeError(f"the server did not let the client in: {first}")
            yield connection

    def _run(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)


@contextmanager
def _stage(app: Callable[[Recorder], object]) -> Iterator[_Stage]:
    recorder = Recorder(Path(module.__file__ or "").parent for module in (pagewire_server, pagewire_protocol))
    stage = _Stage(recorder, lambda: app(recorder))
    stage.start()
    try:
        yield stage
    finally:
        stage.stop()


def _send(connection: ClientConnection, message: dict[str, Any]) -> None:
    connection.send(json.dumps(message))


def _receive(connection: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(connection.recv(PATIENCE))
    return message


# -- the walks -----------------------------------------------------------------------------------


def walk_eval(repetitions: int) -> list[Walk]:
    """`eval_js` in a thread: on its way out, and its value on the way in."""
    go, returned = threading.Semaphore(0), threading.Semaphore(0)

    def app(recorder: Recorder) -> None:
        while True:
            go.acquire()
            recorder.begin()
            eval_js("number + 1", number=1)
            returned.release()

    out, back = [], []
    with _stage(app) as stage, stage.client() as client:
        for number in range(1, WARM_UPS + repetitions + 1):
            go.release()
            command = _receive(client)
            stage.rest()
            out.append(stage.recorder.end())
            stage.recorder.begin()
            _send(client, {"type": "result", "seq": number, "id": command["id"], "params": {"value": 2}})
            returned.acquire()
            stage.rest()
            back.append(stage.recorder.end())
        go.release()  # so that the app's thread ends with its session
    return [
        summarize("eval_js in a thread -> socket", out[WARM_UPS:]),
        summarize("result in -> value returned", back[WARM_UPS:]),
    ]


def walk_download(repetitions: int) -> list[Walk]:
    """`download` in a thread, until its content has left."""
    go = threading.Semaphore(0)

    def app(recorder: Recorder) -> None:
        while True:
            go.acquire()
            recorder.begin()
            download("report.bin", CONTENT).wait()

    runs = []
    with _stage(app) as stage, stage.client() as client:
        for number in range(1, WARM_UPS + repetitions + 1):
            go.release()
            id_ = _receive(client)["id"]
            for _ in range(CHUNKS):
                client.recv(PATIENCE)
            stage.rest()
            runs.append(stage.recorder.end())
            _send(client, {"type": "stream_ack", "params": {"id": id_, "offset": len(CONTENT)}})
            _send(client, {"type": "result", "seq": number, "id": id_, "params": {"bytes": len(CONTENT)}})
            stage.rest()
        go.release()  # so that the app's thread ends with its session
    return [summarize("download -> two chunks out", runs[WARM_UPS:])]


def walk_resume(repetitions: int) -> list[Walk]:
    """A client that comes back, and gets again what it has not acknowledged."""

    def app(_recorder: Recorder) -> None:
        run_js("work()")
        hold()

    runs = []
    resume = {"last_seq": 0, "streams": []}
    with _stage(app) as stage:
        with stage.client() as client:
            _receive(client)
            _cut(client)
        for _ in range(WARM_UPS + repetitions):
            stage.rest()
            stage.recorder.begin()
            with stage.client(resume=resume) as client:
                _receive(client)
                stage.rest()
                runs.append(stage.recorder.end())
                _cut(client)
    return [summarize("resume: accept -> first replayed frame", runs[WARM_UPS:])]


def _cut(client: ClientConnection) -> None:
    client.socket.shutdown(2)


def walk_python(repetitions: int = REPETITIONS) -> list[Walk]:
    """Do all walks through the server."""
    return [*walk_eval(repetitions), *walk_download(repetitions), *walk_resume(repetitions)]


def walk_javascript() -> list[Walk]:
    """Do all walks through the client, in Node."""
    done = subprocess.run(["node", JAVASCRIPT, "--json"], check=True, capture_output=True, text=True)  # noqa: S603, S607
    return [
        Walk(walk["name"], walk["files"], None, walk["calls"], walk["varies"], [tuple(step) for step in walk["steps"]])
        for walk in json.loads(done.stdout)
    ]


# -- the table -----------------------------------------------------------------------------------


def table(walks: list[Walk]) -> str:
    """Return the walks for people."""
    rows = [("walk", "files", "changes", "calls", "target", "")]
    for walk in walks:
        most = walk.target
        target = f"{most.files}" if most.changes is None else f"{most.files} / {most.changes}"
        verdict = ("ok" if walk.is_ok else "over") + (", varies" if walk.varies else "")
        changes = "-" if walk.changes is None else str(walk.changes)
        rows.append((walk.name, str(walk.files), changes, str(walk.calls), target, verdict))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    numbers = range(1, 4)
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def steps(walk: Walk) -> str:
    """Return the files of a walk in the order in which they were entered, with the functions called in each."""
    lines = [f"\n{walk.name}"]
    for file, group in itertools.groupby(walk.steps, key=lambda step: step[0]):
        called = [function if count == 1 else f"{function} x{count}" for _, function, count in group]
        lines.append(f"  {file}: {', '.join(called)}")
    return "\n".join(lines)


def main() -> int:
    """Print the table; 1 if `--check` is given and a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 if a target is missed")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--verbose", action="store_true", help="list the files of each walk in order, with the calls")
    arguments = parser.parse_args()
    walks = [*walk_python(), *walk_javascript()]
    if arguments.json:
        print(
            json.dumps([{**asdict(walk), "target": asdict(walk.target), "ok": walk.is_ok} for walk in walks], indent=1)
        )
    else:
        print(table(walks))
        if arguments.verbose:
            print("\n".join(steps(walk) for walk in walks))
    return int(arguments.check and not all(walk.is_ok for walk in walks))


if __name__ == "__main__":
    sys.exit(main())
