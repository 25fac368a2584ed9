"""What someone meets first: where the server is, and a line that says what is wrong with a call."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest
from live_server import PATIENCE, Serve
from results import Results
from scripted_client import Connect

from pagewire_server import create_server, serve
from pagewire_server.__main__ import main
from pagewire_server.session import (
    defer_call,
    download,
    eval_js,
    go_app,
    info,
    on_event,
    run_async,
    run_js,
)

SERVE = """
import os, signal, sys
from pagewire_server import serve

def main():
    pass

serve(main, port=0, on_start=lambda server: os.kill(os.getpid(), signal.SIGINT){more})
"""


def app() -> None:
    """Do nothing."""


def run_program(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    command = [sys.executable, "-c", text]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)


# -- where the server is ----------------------------------------------------------------------------


def test_serve_says_in_one_line_where_the_page_is(tmp_path: Path) -> None:
    """On the standard output, before `on_start` is called; nothing else is said."""
    done = run_program(SERVE.format(more=""), tmp_path)
    assert done.stdout.startswith("Pagewire is at http://127.0.0.1:")
    assert done.stdout.endswith("/ - Ctrl-C stops it.\n")
    assert (done.stdout.count("\n"), done.stderr, done.returncode) == (1, "", 0)


def test_quiet_server_says_nothing(tmp_path: Path) -> None:
    """`quiet=True`, and `on_start` is called all the same."""
    done = run_program(SERVE.format(more=", quiet=True"), tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.parametrize("output", ["None", "open(os.devnull)"])
def test_server_needs_no_output(tmp_path: Path, output: str) -> None:
    """Under pythonw there is none; nor does one that cannot be written to matter."""
    program = SERVE.format(more="").replace("\ndef main", f"\nsys.stdout = {output}\ndef main")
    done = run_program(program, tmp_path)
    assert (done.stderr, done.returncode) == ("", 0)


def test_command_line_says_it_once_without_output_too(tmp_path: Path) -> None:
    """An error that nobody can read is no traceback: the exit status says it."""
    program = "import sys\nsys.stdout = sys.stderr = None\nfrom pagewire_server.__main__ import main\n"
    done = run_program(f"{program}sys.exit(main(['run', 'nowhere_at_all:main']))", tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 1)


# -- where it cannot run ----------------------------------------------------------------------------


def test_serve_in_another_thread_names_create_server() -> None:
    """Instead of what asyncio says of wakeup descriptors."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            serve(app, port=0)
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(PATIENCE)
    assert [str(error) for error in errors] == [
        "serve() handles Ctrl-C, so it runs in the main thread only; elsewhere use create_server() in asyncio.run()"
    ]


def test_serve_in_an_event_loop_names_create_server() -> None:
    """As in Jupyter; no coroutine is left that nobody awaited."""

    async def cell() -> None:
        serve(app, port=0)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeError, match=r"as in Jupyter; there use `async with create_server\(apps\):`$"):
            asyncio.run(cell())
        gc.collect()


# -- what it cannot serve ---------------------------------------------------------------------------

NOT_APPS = [
    ([app], TypeError, "apps is of type list; pass a function, without calling it, or a dict of functions by name"),
    (None, TypeError, "apps is of type NoneType; pass a function, without calling it, or a dict of functions by name"),
    ({5: app}, TypeError, "the name of an app is 5; it is a str of 1 to 128 characters"),
    ({"": app}, ValueError, "the name of an app has 0 characters; it has 1 to 128: ''"),
    ({"a" * 129: app}, ValueError, f"the name of an app has 129 characters; it has 1 to 128: '{'a' * 40}'"),
    ({"a": None}, TypeError, "the app 'a' is of type NoneType; an app is a function"),
]


@pytest.mark.parametrize("call", [serve, create_server])
@pytest.mark.parametrize(("apps", "kind", "message"), NOT_APPS)
def test_what_is_not_an_app_is_refused(call: Any, apps: Any, kind: type[Exception], message: str) -> None:
    """In a line that says what is accepted."""
    with pytest.raises(kind) as caught:
        call(apps)
    assert str(caught.value) == message


def test_longest_name_of_an_app_is_accepted() -> None:
    """128 characters."""
    create_server({"a" * 128: app})


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        ({"port": "x"}, TypeError, "port is 'x'; it is an int from 0 to 65535"),
        ({"port": True}, TypeError, "port is True; it is an int from 0 to 65535"),
        ({"port": 99_999}, ValueError, "port is 99999; it is an int from 0 to 65535"),
        ({"port": -1}, ValueError, "port is -1; it is an int from 0 to 65535"),
        ({"host": None}, TypeError, "host is None; it is a str, such as '127.0.0.1'"),
        ({"options": {}}, TypeError, "options is of type dict; pass Options(...)"),
    ],
)
def test_bad_setting_is_refused_by_name(settings: Any, kind: type[Exception], message: str) -> None:
    """Before anything is served."""
    with pytest.raises(kind) as caught:
        create_server(app, **settings)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("./ok:main", "'./ok' is not the name of a module; for that file write ok:main"),
        ("ok.py:main", "'ok.py' is not the name of a module; for that file write ok:main"),
        ("sub/ok.py:main", "'sub/ok.py' is not the name of a module; for that file write sub.ok:main"),
        ("my-app.py:main", "'my-app.py' is not the name of a module"),
        (".ok:main", "'.ok' is not the name of a module; for that file write ok:main"),
        ("ok:five", "ok:five: the name of an app is 5; it is a str of 1 to 128 characters"),
        ("ok:nameless", "ok:nameless: the name of an app has 0 characters; it has 1 to 128: ''"),
    ],
)
def test_target_that_is_not_an_app_is_said_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], target: str, message: str
) -> None:
    """Exit 1, with what to write instead."""
    text = "def main(): pass\nfive = {5: main}\nnameless = {'': main}\n"
    (tmp_path / "ok.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "ok", None)  # so that the next line has something to restore
    monkeypatch.delitem(sys.modules, "ok")
    assert main(["run", target]) == 1
    assert capsys.readouterr().err == f"pagewire-server: {message}\n"


@pytest.mark.parametrize("option", ["--port", "--metrics-port"])
@pytest.mark.parametrize("value", ["99999", "-1", "x"])
def test_port_that_there_is_not_is_bad_usage(capsys: pytest.CaptureFixture[str], option: str, value: str) -> None:
    """Exit 2."""
    with pytest.raises(SystemExit) as stopped:
        main(["demo", f"{option}={value}"])
    assert stopped.value.code == 2
    message = f"argument {option}: {value!r} is not a port: an integer from 0 to 65535\n"
    assert capsys.readouterr().err.endswith(message)


# -- arguments of the session API -------------------------------------------------------------------

BAD_CALLS: list[tuple[Any, tuple[Any, ...], str]] = [
    (run_js, (None,), "run_js(): code_ is of type NoneType, not str"),
    (eval_js, (None,), "eval_js(): expression_ is of type NoneType, not str"),
    (download, (b"x", "a.txt"), "download(): name is of type bytes, not str; the order is download(name, content)"),
    (go_app, (["x"],), "go_app(): name is of type list, not str"),
    (on_event, (app,), "on_event(): name is of type function, not str"),
    (on_event, ("x", 5), "on_event(): handler is of type int; pass a function, without calling it"),
    (defer_call, (None,), "defer_call(): function is of type NoneType; pass a function, without calling it"),
]


@pytest.mark.parametrize(("call", "arguments", "message"), BAD_CALLS)
@pytest.mark.parametrize("is_async", [False, True])
def test_argument_of_another_type_is_refused_in_the_call(
    serve: Serve,
    connect: Connect,
    results: Results,
    call: Any,
    arguments: tuple[Any, ...],
    message: str,
    *,
    is_async: bool,
) -> None:
    """TypeError; nothing is sent."""

    def plain() -> None:
        with pytest.raises(TypeError) as caught:
            call(*arguments)
        results.put(str(caught.value))

    async def coroutine() -> None:
        plain()

    client = connect(serve(coroutine if is_async else plain))
    assert results.next() == message
    assert client.receive_bye() == ("session_ended", 1000)


def test_function_in_the_place_of_a_coroutine_is_refused(serve: Serve, connect: Connect, results: Results) -> None:
    """`run_async(work)` for `run_async(work())`."""

    async def work() -> None:
        with pytest.raises(TypeError) as caught:
            run_async(work)  # type: ignore[arg-type]  # what is tested
        results.put(str(caught.value))

    connect(serve(work))
    assert results.next() == "run_async(): coro_obj is of type function, not a coroutine"


def test_forgotten_await_names_the_call(serve: Serve, connect: Connect, results: Results) -> None:
    """Python's own warning says what was not awaited."""

    async def forgetful() -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            eval_js("1")
            gc.collect()
        results.put([str(warning.message) for warning in caught])

    connect(serve(forgetful))
    assert results.next() == ["coroutine 'eval_js' was never awaited"]


@pytest.mark.parametrize(("said", "known"), [("Etc/Unknown", ""), ("Etc/UTC", "Etc/UTC"), ("", "")])
def test_unknown_timezone_is_empty(serve: Serve, connect: Connect, results: Results, said: str, known: str) -> None:
    """Browsers say `Etc/Unknown` where the system's is none that they know."""
    live = serve(lambda: results.put(info.timezone))
    connect(live, page={"timezone": said} if said else {})
    assert results.next() == known
