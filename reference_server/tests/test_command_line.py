"""The command `pagewire-server`: what it serves, how it says no, and how Ctrl-C ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from live_server import PATIENCE
from scripted_client import scripted_client

from pagewire_server.__main__ import main

PROGRAM = """
from pagewire_server.session import defer_call, eval_js, hold

def main():
    defer_call(lambda: print("deferred", flush=True))
    eval_js("new Promise(() => {})")

apps = {"index": main, "other": main}
number = 5
"""


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run the command in `folder`, on a port that it finds; gives the process and the port."""
    command = [sys.executable, "-m", "pagewire_server", *arguments, "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            line = process.stdout.readline()
            assert line.startswith("Pagewire is at http://127.0.0.1:"), line
            yield process, int(line.split(":")[2].split("/")[0])
        finally:
            process.kill()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Hold the program `app.py`."""
    (tmp_path / "app.py").write_text(PROGRAM, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("target", ["app:main", "app:apps"])
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_signal_says_bye_calls_deferred_functions_and_exits_with_0(
    folder: Path, target: str, stop: signal.Signals
) -> None:
    """At once, though a command is pending."""
    with (
        running(folder, "run", target) as (process, port),
        scripted_client(f"ws://127.0.0.1:{port}/ws") as client,
    ):
        client.say_hello()
        client.receive("eval_js")
        process.send_signal(stop)
        assert client.receive_bye() == ("server_shutdown", 1012)
        output, errors = process.communicate(timeout=PATIENCE)
        assert (process.returncode, output) == (0, "deferred\n")
        assert "Traceback" not in errors


def test_demo_is_served(tmp_path: Path) -> None:
    """`pagewire-server demo`, from any folder."""
    with (
        running(tmp_path, "demo", "--no-browser") as (_, port),
        scripted_client(f"ws://127.0.0.1:{port}/ws") as client,
    ):
        assert client.say_hello()["resumed"] is False


@pytest.mark.parametrize("command", [["demo", "--no-browser"], ["run", "app:main"]], ids=["demo", "run"])
def test_strict_csp_is_served(tmp_path: Path, command: list[str]) -> None:
    """`--strict-csp`, of both commands."""
    (tmp_path / "app.py").write_text(PROGRAM, encoding="utf-8")
    with running(tmp_path, *command, "--strict-csp") as (_, port), urlopen(f"http://127.0.0.1:{port}/") as page:
        policy = page.headers["Content-Security-Policy"]
        nonce = policy.partition("'nonce-")[2].partition("'")[0]
        assert "'unsafe-eval'" not in policy
        assert f'nonce="{nonce}"' in page.read().decode()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "app"], "'app' has not the form module:app"),
        (["run", "nowhere_at_all:main"], "can't import nowhere_at_all"),
        (["run", "app:nothing"], "app has no app 'nothing'"),
        (["run", "app:number"], "app has no app 'number'"),
        (["run", "app:main", "--static", "/nowhere/at/all"], "there is no folder /nowhere/at/all"),
    ],
)
def test_what_cannot_be_served_is_said_in_a_line(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    """Exit 1, no traceback."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "app", raising=False)
    assert main(arguments) == 1
    errors = capsys.readouterr().err
    assert errors.startswith("pagewire-server: ")
    assert message in errors
    monkeypatch.delitem(sys.modules, "app", raising=False)


@pytest.mark.parametrize("arguments", [[], ["run"], ["serve"], ["run", "a:b", "--port", "x"]])
def test_bad_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """With the usage."""
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: pagewire-server" in capsys.readouterr().err
