"""How signals end a server: the first one asks, the second one ends the process, whatever the program does."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest
from live_server import PATIENCE
from scripted_client import ScriptedClient, make_hello, scripted_client
from server_process import server_process

APPS: Final = """
import asyncio, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from pagewire_server.session import defer_call, hold

def say(line):
    print(line, flush=True)

def thread_waits():
    say("running")
    threading.Event().wait()

def thread_spins():
    say("running")
    while True:
        pass

async def loop_sleeps():
    say("running")
    time.sleep(100_000)

async def loop_spins():
    say("running")
    while True:
        pass

async def swallows():
    say("running")
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            say("swallowed")

async def pool_waits():
    say("running")
    await asyncio.to_thread(threading.Event().wait)

async def holds():
    say("running")
    await hold()

def holds_in_thread():
    defer_call(lambda: say("deferred"))
    say("running")
    hold()

async def own_thread():
    threading.Thread(target=threading.Event().wait, name="mine").start()
    say("running")
    await hold()

async def own_pool():
    ThreadPoolExecutor().submit(int).result()
    say("running")
    await hold()

async def fills_the_log():
    say("running")
    while True:
        sys.stderr.write("x" * 10_000)
"""

SERVE: Final = """
import os, signal, sys
from app import *
from pagewire_server import Options, serve
"""

SIGINT, SIGTERM, SIGHUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
ENDS: Final = [SIGINT, SIGTERM, SIGHUP]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Hold the program `app.py`."""
    (tmp_path / "app.py").write_text(APPS, encoding="utf-8")
    return tmp_path


@contextmanager
def running(folder: Path, app: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command until `app` runs in it."""
    with (
        server_process(folder, "run", f"app:{app}", *arguments) as (process, port),
        scripted_client(f"ws://127.0.0.1:{port}/ws") as client,
    ):
        client.send(make_hello())
        assert next_line(process) == "running"
        yield process


@contextmanager
def program(folder: Path, text: str, *, ignored: Sequence[signal.Signals] = ()) -> Iterator[subprocess.Popen[str]]:
    """Run a program that calls `serve`, as far as its first line; it inherits some signals as ignored."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ignored}
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE + text],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    with process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def opened(process: subprocess.Popen[str], *apps: str) -> Iterator[list[ScriptedClient]]:
    """Say hello to a program that says where it is: once for each app, by default for `index`."""
    line = next_line(process)
    port = int(line.split(":")[2].split("/")[0])
    with ExitStack() as stack:
        clients = [stack.enter_context(scripted_client(f"ws://127.0.0.1:{port}/ws")) for _ in apps or ("index",)]
        for client, app in zip(clients, apps or ("index",), strict=True):
            client.send(make_hello(app=app))
        yield clients


def next_line(process: subprocess.Popen[str]) -> str:
    """Return the next line of the standard output."""
    assert process.stdout
    return process.stdout.readline().rstrip("\n")


def wait_for(process: subprocess.Popen[str], part: str) -> None:
    """Read the log until a line has `part`."""
    assert process.stderr
    assert any(part in line for line in process.stderr)


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return the exit code of a process that ends, and the last line of its error output."""
    _, errors = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in errors
    return process.returncode, (errors.splitlines() or [""])[-1]


def interrupted(folder: Path, app: str) -> tuple[int, str]:
    """Run an app, send one SIGINT, and return what `end` does."""
    with running(folder, app) as process:
        process.send_signal(SIGINT)
        return end(process)


# -- the second signal ------------------------------------------------------------------------------


def ends_at_once(process: subprocess.Popen[str], numbers: Sequence[signal.Signals], rest: str) -> None:
    """Check that the process has ended by one of two signals, which it may have seen in any order."""
    code, line = end(process)
    assert code - 128 in numbers
    name = signal.Signals(code - 128).name
    assert line == f"pagewire: second signal ({name}), exiting at once; left behind: {rest}"


@pytest.mark.parametrize("app", ["loop_sleeps", "loop_spins"])
@pytest.mark.parametrize("numbers", [(SIGINT, SIGTERM), (SIGTERM, SIGHUP), (SIGHUP, SIGINT)])
def test_second_signal_ends_the_process_though_the_loop_is_blocked(
    folder: Path, app: str, numbers: tuple[signal.Signals, ...]
) -> None:
    """The first one cannot be acted on."""
    with running(folder, app) as process:
        for number in numbers:
            process.send_signal(number)
        ends_at_once(process, numbers, "1 session (index: 1)")


@pytest.mark.parametrize("numbers", [(SIGINT, SIGINT), (SIGTERM, SIGTERM), (SIGHUP, SIGTERM)])
@pytest.mark.parametrize("app", ["thread_waits", "thread_spins", "swallows"])
def test_second_signal_ends_the_process_while_it_waits_for_an_app(
    folder: Path, app: str, numbers: tuple[signal.Signals, ...]
) -> None:
    """Of a session that has ended, and of one that may still go on."""
    with running(folder, app, "--drain-window", "1000") as process:
        process.send_signal(numbers[0])
        wait_for(process, "ended: server_shutdown" if numbers[0] == SIGINT else "draining: sessions left: 1")
        process.send_signal(numbers[1])
        ends_at_once(process, numbers[1:], "1 session (index: 1)")


def test_second_signal_ends_the_process_while_deferred_functions_run(folder: Path) -> None:
    """Nothing is left behind but those."""
    text = """
def main():
    defer_call(lambda: say("deferring") or threading.Event().wait())
    say("running")

serve(main, port=0, options=Options(deferred_window=1000))
"""
    with program(folder, text) as process, opened(process):
        assert next_line(process) == "running"
        process.send_signal(SIGINT)
        assert next_line(process) == "deferring"
        process.send_signal(SIGINT)
        ends_at_once(process, [SIGINT], "no session")


def test_second_signal_names_each_app_with_the_number_of_its_sessions(folder: Path) -> None:
    """Names are the program's own: they are cut and escaped all the same."""
    name = "\x1b" + "x" * 127
    text = f"serve({{'index': holds, {name!r}: holds}}, port=0, options=Options(drain_window=1000))"
    with program(folder, text) as process, opened(process, "index", "index", name):
        for _ in range(3):
            assert next_line(process) == "running"
        process.send_signal(SIGTERM)
        process.send_signal(SIGINT)
        ends_at_once(process, [SIGTERM, SIGINT], f"3 sessions (index: 2, \\u001b{'x' * 39}... (88 more characters): 1)")


def test_second_signal_ends_a_process_whose_log_nobody_reads(folder: Path) -> None:
    """The line is left out where it would have to wait for room."""
    with running(folder, "fills_the_log") as process:
        process.send_signal(SIGINT)
        process.send_signal(SIGTERM)
        assert process.wait(PATIENCE) - 128 in {SIGINT, SIGTERM}


@pytest.mark.parametrize("kind", ["async def", "def"])
def test_authenticate_that_never_returns_holds_up_nobody(folder: Path, kind: str) -> None:
    """One signal suffices, whether it is a thread's or swallows its cancellation."""
    body = "await swallows()" if kind == "async def" else "thread_waits()"
    text = f"""
{kind} authenticate(auth, request):
    {body}

serve(holds, port=0, options=Options(authenticate=authenticate, hello_timeout=1000))
"""
    with program(folder, text) as process, opened(process) as (client,):
        assert next_line(process) == "running"
        process.send_signal(SIGINT)
        assert client.receive_bye() == ("server_shutdown", 1012)
        code, _ = end(process)
    assert code == 0


# -- the first signal -------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ENDS)
def test_first_signal_ends_a_process_without_sessions(folder: Path, number: signal.Signals) -> None:
    """With 0, and nothing more on the error output than the log has."""
    with server_process(folder, "run", "app:holds") as (process, _):
        process.send_signal(number)
        code, line = end(process)
    assert code == 0
    assert line.endswith("pagewire.server: stopping")


@pytest.mark.parametrize("app", ["thread_waits", "thread_spins", "swallows"])
def test_first_signal_leaves_an_app_behind_that_does_not_end(folder: Path, app: str) -> None:
    """After the grace that apps have, and with a line that says so."""
    code, line = interrupted(folder, app)
    assert code == 0
    assert line.endswith("stopped, though code of the program still runs: 1 session (index: 1)")


def test_first_signal_does_not_wait_for_the_threads_of_asyncio(folder: Path) -> None:
    """Of `asyncio.to_thread`, for which both `asyncio.run` and the interpreter would wait for ever."""
    code, line = interrupted(folder, "pool_waits")
    assert (code, "still run" in line) == (0, False)


def test_first_signal_leaves_threads_of_the_program_behind(folder: Path) -> None:
    """The command ends, with a line that names them."""
    code, line = interrupted(folder, "own_thread")
    assert code == 0
    assert line.endswith("stopped, though threads of the program still run: mine")


def test_threads_that_end_with_the_interpreter_are_not_complained_of(folder: Path) -> None:
    """Those of an idle pool."""
    code, line = interrupted(folder, "own_pool")
    assert (code, "still run" in line) == (0, False)


def test_sighup_lets_the_session_end(folder: Path) -> None:
    """As SIGTERM does; what was deferred is called."""
    with running(folder, "holds_in_thread", "--drain-window", "0.1") as process:
        process.send_signal(SIGHUP)
        assert next_line(process) == "deferred"
        code, _ = end(process)
    assert code == 0


# -- whose handlers they are ------------------------------------------------------------------------


def test_handlers_of_the_program_are_restored(folder: Path) -> None:
    """Those that it had before, and those that it installs meanwhile; the wakeup descriptor too."""
    text = """
def own(*_):
    pass

def later(*_):
    pass

def start(server):
    signal.signal(signal.SIGTERM, later)
    os.kill(os.getpid(), signal.SIGINT)

for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, own)
serve(holds, port=0, quiet=True, on_start=start)
print([signal.getsignal(number).__name__ for number in (signal.SIGINT, signal.SIGTERM)])
print(signal.getsignal(signal.SIGHUP) == signal.SIG_DFL, signal.set_wakeup_fd(-1))
"""
    with program(folder, text) as process:
        assert next_line(process) == "['own', 'later']"
        assert next_line(process) == "True -1"
        assert end(process) == (0, "")


def test_create_server_touches_no_signal(folder: Path) -> None:
    """Nor the limit on open files."""
    text = """
import asyncio, resource
from pagewire_server import create_server

def state():
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return [signal.getsignal(number) for number in numbers], resource.getrlimit(resource.RLIMIT_NOFILE)

async def main():
    before = state()
    async with create_server(holds, port=0):
        print(state() == before)

asyncio.run(main())
"""
    with program(folder, text) as process:
        assert next_line(process) == "True"
        assert end(process) == (0, "")


@pytest.mark.parametrize("number", [SIGINT, SIGTERM])
def test_signal_that_was_inherited_as_ignored_ends_the_server(folder: Path, number: signal.Signals) -> None:
    """Shells start background jobs with SIGINT ignored."""
    with program(folder, "serve(holds, port=0)", ignored=[number]) as process:
        assert next_line(process).startswith("Pagewire is at ")
        process.send_signal(number)
        assert end(process) == (0, "")


def test_sighup_that_was_inherited_as_ignored_stays_so(folder: Path) -> None:
    """That is what `nohup` asks for."""
    text = """
def start(server):
    signal.raise_signal(signal.SIGHUP)
    print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN, flush=True)

serve(holds, port=0, quiet=True, on_start=start)
"""
    with program(folder, text, ignored=[SIGHUP]) as process:
        assert next_line(process) == "True"
        process.send_signal(SIGTERM)
        assert end(process) == (0, "")


def test_signal_during_the_start_is_not_lost(folder: Path) -> None:
    """It comes before there is anything to stop."""
    text = """
def start(server):
    raise AssertionError

signal.signal(signal.SIGINT, signal.SIG_IGN)
original = asyncio.new_event_loop
def new_event_loop():
    loop = original()
    loop.call_soon(signal.raise_signal, signal.SIGINT)
    return loop
asyncio.new_event_loop = new_event_loop
serve(holds, port=0)
"""
    with program(folder, text) as process:
        assert next_line(process).startswith("Pagewire is at ")
        assert end(process) == (0, "")


# -- descriptors ------------------------------------------------------------------------------------

LIMITED: Final = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
serve(
    holds,
    port=0,
    quiet=True,
    options=Options(max_sessions=500, max_waiting_connections=100),
    on_start=lambda server: print(*resource.getrlimit(resource.RLIMIT_NOFILE), flush=True),
)
"""


@pytest.mark.parametrize(
    ("soft", "hard", "limits"),
    [(100, 2000, "956 2000"), (100, 956, "956 956"), (1000, 2000, "1000 2000")],
)
def test_limit_on_open_files_is_raised_as_far_as_needed(folder: Path, soft: int, hard: int, limits: str) -> None:
    """For every session, every connection that waits, and some more."""
    with program(folder, LIMITED.format(soft=soft, hard=hard)) as process:
        assert next_line(process) == limits
        process.send_signal(SIGINT)
        assert end(process) == (0, "")


def test_limit_on_open_files_that_does_not_suffice_is_warned_of(folder: Path) -> None:
    """Once, with the numbers, and what to do."""
    with program(folder, LIMITED.format(soft=100, hard=300)) as process:
        assert next_line(process) == "300 300"
        process.send_signal(SIGINT)
        code, line = end(process)
    assert code == 0
    assert line == (
        "this process may open 300 files, and needs 956 for max_sessions=500 and max_waiting_connections=100; raise "
        "the limit (`ulimit -n 956`, or LimitNOFILE=956 for systemd), or lower max_sessions"
    )
