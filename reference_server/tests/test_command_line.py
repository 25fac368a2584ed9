"""The command `pagewire-server`: what it serves, how it says no, and how Ctrl-C ends it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from live_server import PATIENCE
from plain_requests import get_from
from scripted_client import scripted_client
from server_process import server_process

from pagewire_server.__main__ import main

PROGRAM = """
from pagewire_server.session import defer_call, eval_js, hold

def main():
    defer_call(lambda: print("deferred", flush=True))
    eval_js("new Promise(() => {})")

apps = {"index": main, "other": main}
number = 5
"""


def wait_for_line(process: subprocess.Popen[str], part: str) -> None:
    """Read the log of a process until a line has `part`."""
    assert process.stderr
    assert any(part in line for line in process.stderr)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Hold the program `app.py`."""
    (tmp_path / "app.py").write_text(PROGRAM, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("target", ["app:main", "app:apps"])
def test_sigint_says_bye_calls_deferred_functions_and_exits_with_0(folder: Path, target: str) -> None:
    """At once, though a command is pending."""
    with (
        server_process(folder, "run", target, "--drain-window", "1000") as (process, port),
        scripted_client(f"ws://127.0.0.1:{port}/ws") as client,
    ):
        client.say_hello()
        client.receive("eval_js")
        process.send_signal(signal.SIGINT)
        assert client.receive_bye() == ("server_shutdown", 1012)
        output, errors = process.communicate(timeout=PATIENCE)
        assert (process.returncode, output) == (0, "deferred\n")
        assert "Traceback" not in errors


def test_sigterm_lets_the_session_end_and_exits_with_0(folder: Path) -> None:
    """The page gets what its app still says."""
    with (
        server_process(folder, "run", "app:main") as (process, port),
        scripted_client(f"ws://127.0.0.1:{port}/ws") as client,
    ):
        client.say_hello()
        command = client.receive("eval_js")
        process.terminate()
        wait_for_line(process, "draining: sessions left: 1")
        client.result(command, value=None)
        client.ack()
        assert client.receive_bye() == ("session_ended", 1000)
        output, errors = process.communicate(timeout=PATIENCE)
        assert (process.returncode, output) == (0, "deferred\n")
        assert "draining: no session is left" in errors


def test_sigterm_ends_the_session_where_it_outlasts_the_window(folder: Path) -> None:
    """With exit code 0."""
    with (
        server_process(folder, "run", "app:main", "--drain-window", "0.1") as (process, port),
        scripted_client(f"ws://127.0.0.1:{port}/ws") as client,
    ):
        client.say_hello()
        client.receive("eval_js")
        process.terminate()
        assert client.receive_bye() == ("server_shutdown", 1012)
        assert process.wait(PATIENCE) == 0


def test_log_is_lines_of_json_where_that_is_asked_for(folder: Path) -> None:
    """Every line of it, with the session of those that have one."""
    with (
        server_process(folder, "run", "app:main", "--log-format", "json", "--verbose") as (process, port),
        scripted_client(f"ws://127.0.0.1:{port}/ws") as client,
    ):
        session = client.say_hello()["session"]
        client.receive("eval_js")
        process.send_signal(signal.SIGINT)
        assert client.receive_bye() == ("server_shutdown", 1012)
        records = [json.loads(line) for line in process.communicate(timeout=PATIENCE)[1].splitlines()]
    assert {"pagewire.server", "pagewire.session"} <= {record["logger"] for record in records}
    assert {record["session"] for record in records if record["logger"] == "pagewire.session"} == {session}


def test_demo_is_served(tmp_path: Path) -> None:
    """`pagewire-server demo`, from any folder."""
    with (
        server_process(tmp_path, "demo", "--no-browser") as (_, port),
        scripted_client(f"ws://127.0.0.1:{port}/ws") as client,
    ):
        assert client.say_hello()["resumed"] is False


@pytest.mark.parametrize("command", [["demo", "--no-browser"], ["run", "app:main"]], ids=["demo", "run"])
def test_strict_csp_is_served(tmp_path: Path, command: list[str]) -> None:
    """`--strict-csp`, of both commands."""
    (tmp_path / "app.py").write_text(PROGRAM, encoding="utf-8")
    with server_process(tmp_path, *command, "--strict-csp") as (_, port), urlopen(f"http://127.0.0.1:{port}/") as page:
        policy = page.headers["Content-Security-Policy"]
        nonce = policy.partition("'nonce-")[2].partition("'")[0]
        assert "'unsafe-eval'" not in policy
        assert f'nonce="{nonce}"' in page.read().decode()


@pytest.mark.parametrize("command", [["demo", "--no-browser"], ["run", "app:main"]], ids=["demo", "run"])
def test_allowed_host_is_served(folder: Path, command: list[str]) -> None:
    """`--allow-host`, of both commands."""
    with server_process(folder, *command, "--allow-host", "b.example", "--allow-host", ".a.example") as (_, port):
        statuses = [get_from(port, "/", Host=host).status for host in ("x.a.example", "b.example", "c.example")]
    assert statuses == [200, 200, 421]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "app"], "'app' has not the form module:app"),
        (["run", "nowhere_at_all:main"], "can't import nowhere_at_all"),
        (["run", "app:nothing"], "app has no app 'nothing'"),
        (["run", "app:number"], "app has no app 'number'"),
        (["run", "app:main", "--drain-window", "-1"], "drain_window is -1.0; it can't be negative"),
        (["run", "app:main", "--trusted-proxy", "nobody"], "trusted_proxies has 'nobody'"),
        (["run", "app:main", "--allow-host", "http://a.example"], "allowed_hosts has 'http://a.example'"),
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
