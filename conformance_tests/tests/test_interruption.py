"""One signal ends the command, whenever it comes: with a report that says so, exit code 2, and no process left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pagewire_browsers import find_headless_browser

TESTS = Path(__file__).parent
CORRECT = f"{sys.executable} {TESTS / 'broken_clients' / 'run_client.py'} Client {{url}}"
COMMAND = (sys.executable, "-m", "pagewire_conformance")
PATIENCE = 50.0


class Clients:
    """Tells of each client that the command starts: its process id."""

    def __init__(self, folder: Path) -> None:
        self.pids: list[int] = []
        self._path = folder / "started"
        os.mkfifo(self._path)
        # Open both ways: it has no end while no client is there.
        self._fifo = os.fdopen(os.open(self._path, os.O_RDWR), "rb", buffering=0)
        self._rest = b""

    def command(self, client: str) -> str:
        """Return the command that tells of itself, and then is `client`."""
        return f"sh -c 'echo $$ >{self._path}; exec {client}' {{url}}"

    def program(self, path: Path, program: str) -> Path:
        """Write a program that tells of itself, and then is `program`; return its path."""
        path.write_text(f'#!/bin/sh\necho $$ >{self._path}\nexec {program} "$@"\n')
        path.chmod(0o755)
        return path

    def wait_for(self, count: int) -> None:
        while len(self.pids) < count:
            *lines, self._rest = (self._rest + self._fifo.read(1000)).split(b"\n")
            self.pids += map(int, lines)

    def close(self) -> None:
        self._fifo.close()


@pytest.fixture
def clients(tmp_path: Path) -> Iterator[Clients]:
    started = Clients(tmp_path)
    yield started
    started.close()


def start(folder: Path, *arguments: str, command: tuple[str, ...] = COMMAND) -> subprocess.Popen[str]:
    """Start the command in a folder, as the leader of a group of processes."""
    return subprocess.Popen(
        [*command, "--report", str(folder / "report"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        start_new_session=True,
    )


def expect_interrupted(folder: Path, process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for the end of the command, and return its report."""
    out, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2, out + error
    assert "pagewire-conformance: interrupted" in error
    assert "RUN FAILED" in out
    assert "Traceback" not in out + error
    found: dict[str, Any] = json.loads((folder / "report" / "report.json").read_text())
    assert (found["interrupted"], found["exit_code"], found["verdict"]) == (True, 2, "run failed")
    (problem,) = found["problems"]
    assert problem == f"the run was interrupted after {found['executed']} of {found['expected']} cases"
    assert not [case for case in found["cases"] if case["verdict"] in {"failed", "error"}]
    expect_no_process(-process.pid)  # neither a worker nor a browser's driver
    return found


def expect_no_process(*pids: int) -> None:
    """Expect processes to have ended; a negative id means a group."""
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_what_was_done_is_in_the_report(tmp_path: Path, clients: Clients) -> None:
    """The case that was running is given up, and counts as one that did not run."""
    arguments = ("--command", clients.command(CORRECT), "-n", "1", "-k", "test_invalid")
    with start(tmp_path, *arguments) as process:
        clients.wait_for(3)
        process.send_signal(signal.SIGINT)
        found = expect_interrupted(tmp_path, process)
    assert 2 <= found["executed"] < found["expected"]
    assert found["executed"] + len(found["missing"]) == found["expected"]
    assert (tmp_path / "report" / "junit.xml").is_file()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_case_that_waits_is_given_up(tmp_path: Path, clients: Clients, workers: int, number: signal.Signals) -> None:
    """Its patience would be minutes. The clients, which do nothing, are ended."""
    arguments = ("--command", clients.command("sleep 1000"), "-n", str(workers), "--timeout-factor", "100")
    with start(tmp_path, *arguments) as process:
        clients.wait_for(workers)
        process.send_signal(number)
        found = expect_interrupted(tmp_path, process)
    assert found["executed"] == 0
    assert len(clients.pids) == workers
    expect_no_process(*clients.pids)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_reach_workers_as_well(tmp_path: Path, clients: Clients, number: signal.Signals) -> None:
    """A terminal and a supervisor send them to every process of the group. For a worker that is no crash."""
    arguments = ("--command", clients.command("sleep 1000"), "-n", "2", "--timeout-factor", "100")
    with start(tmp_path, *arguments) as process:
        clients.wait_for(2)
        os.killpg(process.pid, number)
        expect_interrupted(tmp_path, process)
    expect_no_process(*clients.pids)


def test_browsers_are_ended(tmp_path: Path, clients: Clients) -> None:
    """Their driver is told by the terminal too, and leaves it to the command."""
    found = find_headless_browser()
    assert found is not None
    browser = str(clients.program(tmp_path / "browser", found))
    with start(tmp_path, "--page", "builtin", "--browser", browser, "-n", "1") as process:
        clients.wait_for(1)
        os.killpg(process.pid, signal.SIGINT)
        expect_interrupted(tmp_path, process)
    expect_no_process(*clients.pids)


def test_waiting_for_somebody_is_given_up(tmp_path: Path) -> None:
    """`--wait`: nobody has come yet."""
    with start(tmp_path, "--wait", "--timeout-factor", "100") as process:
        assert process.stdout is not None
        assert "Connect the client to" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert expect_interrupted(tmp_path, process)["executed"] == 0


@pytest.mark.parametrize(
    ("event", "text", "workers"),
    [
        ("import", "pagewire_conformance.command_line", "1"),
        ("import", "segno", "1"),
        ("open", "cases/eval_js/test_values.py", "1"),
        ("open", "report/junit.xml", "1"),
        ("open", "report/junit.xml", "2"),
        ("open", "report/report.html", "1"),
        ("open", "report/report.json", "2"),
        ("open", "report/badge.svg", "1"),
        ("subprocess.Popen", "sys.stdin.readline", "2"),
    ],
)
def test_interrupts_are_not_lost(tmp_path: Path, event: str, text: str, workers: str) -> None:
    """At the moment named, in a finalizer, where Python ignores exceptions. The last one starts a worker."""
    command = (sys.executable, str(TESTS / "interrupting.py"), event, text)
    arguments = ("--command", CORRECT, "--requirement", "EVAL-4", "-n", workers)
    with start(tmp_path, *arguments, command=command) as process:
        expect_interrupted(tmp_path, process)


@pytest.mark.parametrize(("event", "text"), [("socket.bind", "127.0.0.1"), ("subprocess.Popen", "run_client.py")])
def test_interrupts_within_a_case_are_not_lost(tmp_path: Path, event: str, text: str) -> None:
    """The same, while a case prepares for its client, or starts it."""
    command = (sys.executable, str(TESTS / "interrupting.py"), event, text)
    with start(tmp_path, "--command", CORRECT, "--requirement", "EVAL-4", "-n", "1", command=command) as process:
        assert expect_interrupted(tmp_path, process)["executed"] == 0


def test_a_run_that_lists_is_interrupted_without_a_report(tmp_path: Path) -> None:
    """There is nothing to report."""
    command = (sys.executable, str(TESTS / "interrupting.py"), "open", "cases/eval_js/test_values.py")
    with start(tmp_path, "--list", command=command) as process:
        out, error = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (2, "")
    assert error.endswith("pagewire-conformance: interrupted\n")


def test_sigint_that_was_ignored_by_the_parent_ends_the_run(tmp_path: Path, clients: Clients) -> None:
    """A shell without job control starts background jobs so."""
    command = ("sh", "-c", "trap '' INT; exec \"$@\"", "sh", *COMMAND)
    arguments = ("--command", clients.command("sleep 1000"), "-n", "1", "--timeout-factor", "100")
    with start(tmp_path, *arguments, command=command) as process:
        clients.wait_for(1)
        process.send_signal(signal.SIGINT)
        expect_interrupted(tmp_path, process)
    expect_no_process(*clients.pids)


def test_a_second_signal_ends_a_run_that_is_stuck(tmp_path: Path, clients: Clients) -> None:
    """With a report, and without its clients."""
    command = (sys.executable, str(TESTS / "interrupting.py"), "stuck", "")
    arguments = ("--command", clients.command("sleep 1000"), "-n", "1")
    with start(tmp_path, *arguments, command=command) as process:
        clients.wait_for(1)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while "interrupted" not in (line := process.stderr.readline()):
            assert not line.strip()
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "RUN FAILED" in out, error
    assert json.loads((tmp_path / "report" / "report.json").read_text())["interrupted"]
    expect_no_process(*clients.pids)


STUCK = """
import os, signal, threading
from pagewire_conformance.interruption import Interruption
interruption = Interruption()
interruption.before_forced_end(lambda: print("last", flush=True))
interruption.before_forced_end(lambda: print("first", flush=True))
interruption.before_forced_end(lambda: 1 / 0)
interruption.listen(grace={grace}, is_worker={is_worker})
with interruption.on_request(lambda: print("told", flush=True)):
    for number in {numbers}:
        os.kill(os.getpid(), number)
    threading.Event().wait()
"""


@pytest.mark.parametrize(
    ("grace", "is_worker", "numbers", "said"),
    [
        (0.1, False, "[signal.SIGINT]", ["told", "first", "last"]),
        (1000, False, "[signal.SIGINT, signal.SIGTERM]", ["told", "first", "last"]),
        (0.1, True, "[signal.SIGINT, signal.SIGINT]", ["told", "first", "last"]),
        (1000, True, "[signal.SIGINT, signal.SIGTERM, signal.SIGUSR1]", ["told", "first", "last"]),
        (1000, True, "[signal.SIGUSR1]", ["first", "last"]),
    ],
)
def test_a_process_that_is_stuck_is_ended_by_force(
    grace: float, is_worker: bool, numbers: str, said: list[str]
) -> None:
    """When its time is over, or when it is told again; what fails before that is shown, and no obstacle."""
    script = STUCK.format(grace=grace, is_worker=is_worker, numbers=numbers)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout.split()) == (2, said)
    assert "ZeroDivisionError" in done.stderr
