"""What TUTORIAL.md says is true: its blocks stand in the files of its steps, and its commands say what it shows."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest

FOLDER: Final = Path(__file__).parents[1]
STEPS: Final = FOLDER / "examples" / "steps"
CLIENT: Final = FOLDER / "examples" / "minimal_client.html"
TUTORIAL: Final = (FOLDER / "TUTORIAL.md").read_text(encoding="utf-8")
PROMPT: Final = "$ pagewire-conformance "
SHOWN_AT: Final = "127.0.0.1:8000"


@dataclass(frozen=True)
class Step:
    """A section of the tutorial."""

    number: int
    text: str

    @property
    def file(self) -> Path:
        return STEPS / f"step_{self.number}.html"

    @property
    def lines(self) -> list[str]:
        return self.file.read_text(encoding="utf-8").splitlines()

    @property
    def code(self) -> list[str]:
        return re.findall(r"^```(?:js|html)\n(.*?)^```$", self.text, re.DOTALL | re.MULTILINE)

    @property
    def commands(self) -> list[tuple[list[str], list[str]]]:
        """The arguments of each command, and the lines that it is said to write."""
        blocks = re.findall(r"^```console\n(.*?)^```$", self.text, re.DOTALL | re.MULTILINE)
        lines = [block.splitlines() for block in blocks if block.startswith(PROMPT)]
        return [(shlex.split(first.removeprefix(PROMPT)), rest) for first, *rest in lines]


def sections() -> list[Step]:
    parts = re.split(r"^## ", TUTORIAL, flags=re.MULTILINE)
    found = [(re.match(r"Step (\d+): ", part), part) for part in parts]
    return [Step(int(match[1]), part) for match, part in found if match is not None]


ALL: Final = sections()
LAST: Final = ALL[-1]


class _Requests(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Log nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve the files of the steps, from a thread."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Requests, directory=str(STEPS))) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def check_command(step: Step, address: str, report: Path, *, workers: int = 1) -> None:
    """Run the command of a step; what it writes is what is shown, but for the numbers."""
    ((arguments, shown),) = step.commands
    assert f"http://{SHOWN_AT}/{step.file.name}?server={{url}}" in arguments
    own = [argument.replace(SHOWN_AT, address) for argument in arguments]
    command = [sys.executable, "-m", "pagewire_conformance", *own, "-n", str(workers), "--report", str(report)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    written = {without_numbers(line) for line in run.stdout.splitlines()}
    assert shown
    assert {without_numbers(line) for line in shown} <= written


def without_numbers(line: str) -> str:
    return re.sub(r"\d+", "N", line)


@pytest.mark.parametrize("step", ALL[:-1], ids=lambda step: f"step_{step.number}")
def test_command_of_a_step_is_green(step: Step, address: str, tmp_path: Path) -> None:
    """What is built so far passes the cases that its step selects."""
    check_command(step, address, tmp_path)


@pytest.mark.timeout(400)
def test_last_step_keeps_the_profile_core(address: str, tmp_path: Path) -> None:
    """The client that is done passes every case of the profile."""
    assert LAST.commands[0][0][2:] == ["--profile", "core"]
    check_command(LAST, address, tmp_path, workers=2)


@pytest.mark.parametrize("step", ALL, ids=lambda step: f"step_{step.number}")
def test_code_that_is_shown_stands_in_the_file_of_its_step(step: Step) -> None:
    """Each block is there, line by line."""
    file = step.file.read_text(encoding="utf-8")
    assert step.code
    assert [block for block in step.code if block not in file] == []


@pytest.mark.parametrize("step", ALL, ids=lambda step: f"step_{step.number}")
def test_nothing_of_a_step_is_left_unsaid(step: Step) -> None:
    """Each line that is new in a step's file is in one of its blocks."""
    before = ALL[step.number - 2].lines if step.number > 1 else []
    shown = "".join(step.code).splitlines()
    assert [line for line in step.lines if line and line not in before and line not in shown] == []


def test_steps_are_numbered_and_have_their_files() -> None:
    """The steps are numbered from 1, and there is a file for each and no other."""
    assert [step.number for step in ALL] == list(range(1, len(ALL) + 1))
    assert sorted(STEPS.iterdir()) == sorted(step.file for step in ALL)


def test_client_is_small() -> None:
    """The client is the file of the last step, and has at most 150 lines, none of them over 120 characters."""
    text = CLIENT.read_text(encoding="utf-8")
    assert text == LAST.file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert max(map(len, text.splitlines())) <= 120
