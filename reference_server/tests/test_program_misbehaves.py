"""Whatever a program's own code does, the server goes on, and the session ends as it should."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from live_server import PATIENCE, LiveServer, Serve
from results import Results
from scripted_client import Connect

from pagewire_server.session import defer_call, eval_js, hold, on_event, run_js


def still_serves(live: LiveServer, connect: Connect) -> None:
    """Check that a new session is served."""
    client = connect(live, app="sound")
    client.result(client.receive("eval_js"), value=1)
    client.ack()
    assert client.receive_bye() == ("session_ended", 1000)


def sound() -> None:
    """Ask once."""
    eval_js("1")


def leave_by(error: BaseException) -> Callable[[], None]:
    """Return a plain app that raises."""

    def app() -> None:
        raise error

    return app


def leave_coroutine_by(error: BaseException) -> Callable[[], Any]:
    """Return a coroutine app that raises."""

    async def app() -> None:
        raise error

    return app


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
@pytest.mark.parametrize("make", [leave_by, leave_coroutine_by])
def test_app_that_raises_anything_ends_its_own_session_only(
    serve: Serve, connect: Connect, make: Callable[[BaseException], Any], error: BaseException
) -> None:
    """The page is told, the log has it, the server serves on."""
    live = serve({"index": make(error), "sound": sound})
    assert connect(live).receive_bye() == ("internal_error", 4500)
    still_serves(live, connect)


@pytest.mark.parametrize("is_async", [False, True])
def test_app_that_fails_is_told_to_the_page_though_it_has_handlers(
    serve: Serve, connect: Connect, *, is_async: bool
) -> None:
    """Handlers hold a session whose app has returned, not one whose app has failed."""

    def app() -> None:
        on_event("x", print)
        raise ValueError("x")

    async def async_app() -> None:
        app()

    client = connect(serve(async_app if is_async else app))
    assert client.receive_bye() == ("internal_error", 4500)


@pytest.mark.parametrize("is_async", [False, True])
def test_handler_that_exits_is_logged_and_the_next_event_is_handled(
    serve: Serve, connect: Connect, results: Results, caplog: pytest.LogCaptureFixture, *, is_async: bool
) -> None:
    """In the thread of handlers, and on the event loop."""

    def handle(data: Any) -> None:
        if data == "exit":
            sys.exit(3)
        results.put(data)

    def app() -> None:
        on_event("x", handle)

    async def async_app() -> None:
        on_event("x", handle)

    client = connect(serve(async_app if is_async else app))
    client.emit("x", "exit")
    client.emit("x", "next")
    assert results.next() == "next"
    assert "a handler of the event 'x' failed" in caplog.text


def test_deferred_functions_are_called_whatever_the_one_before_did(
    serve: Serve, connect: Connect, results: Results
) -> None:
    """SystemExit, StopIteration, CancelledError, and the usual way to cancel a task."""

    async def clean_up() -> None:
        task = asyncio.create_task(asyncio.Event().wait())
        task.cancel()
        await task

    def stop_iteration() -> None:
        next(iter(()))

    def app() -> None:
        defer_call(lambda: sys.exit(3))
        defer_call(stop_iteration)
        defer_call(leave_by(asyncio.CancelledError()))
        defer_call(leave_coroutine_by(SystemExit(3)))
        defer_call(clean_up)
        defer_call(lambda: results.put("last"))

    live = serve({"index": app, "sound": sound})
    assert connect(live).receive_bye() == ("session_ended", 1000)
    assert results.next() == "last"
    still_serves(live, connect)


def test_handler_and_app_that_give_coroutines_are_run_as_such(serve: Serve, connect: Connect, results: Results) -> None:
    """A lambda, and an object whose call is a coroutine function."""

    async def work(data: Any) -> None:
        results.put((data, await eval_js("1")))

    class App:
        async def __call__(self) -> None:
            await work("object")

    def handled() -> None:
        on_event("x", lambda data: work(data))  # noqa: PLW0108 - a plain function that gives a coroutine

    live = serve({"lambda": lambda: work("lambda"), "object": App(), "handled": handled})
    for name in ("lambda", "object", "handled"):
        client = connect(live, app=name)
        if name == "handled":
            client.emit("x", "handled")
        client.result(client.receive("eval_js"), value=1)
        assert results.next() == (name, 1)


def test_handlers_that_do_not_finish_are_bounded(serve: Serve, connect: Connect) -> None:
    """The program is behind by so many events that its session ends, with the reason."""
    go_on = threading.Event()

    def app() -> None:
        on_event("x", lambda _: go_on.wait(PATIENCE))

    client = connect(serve(app, max_waiting_events=10))
    for _ in range(12):
        client.emit("x")
    bye = client.receive("bye")["params"]
    go_on.set()
    assert (bye["code"], bye["message"]) == ("internal_error", "11 events wait for the program, which takes no more.")


def test_handlers_tasks_end_with_their_session(
    serve: Serve, connect: Connect, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the grace that all tasks have, also while a deferred function blocks."""
    monkeypatch.setattr("pagewire_server.apps.runner.TASK_GRACE", 0.01)
    go_on = threading.Event()

    async def wait(_data: Any) -> None:
        results.put("waiting")
        try:
            await asyncio.Event().wait()
        finally:
            results.put("cancelled")

    def app() -> None:
        defer_call(lambda: go_on.wait(PATIENCE))
        on_event("x", wait)

    client = connect(serve(app))
    client.emit("x")
    assert results.next() == "waiting"
    client.leave()
    assert results.next() == "cancelled"
    go_on.set()


def test_app_that_cannot_be_started_leaves_no_session(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the machine has no thread left."""
    live = serve(sound)

    def start(thread: threading.Thread) -> None:
        if thread.name.startswith("pagewire-app"):
            raise RuntimeError("can't start new thread")
        started(thread)

    started = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", start)
    client = connect(live, hello=False)
    client.send({**client.hello, "type": "hello", "params": {}})
    assert client.receive_bye() == ("invalid_message", 4400)
    client = connect(live, hello=False)
    with pytest.raises(AssertionError, match="internal_error"):
        client.say_hello()
    assert live.server.session_count == 0


def test_wait_that_is_polled_leaves_nothing_behind(serve: Serve, connect: Connect, results: Results) -> None:
    """Each wait with a timeout takes its lock with it."""

    def app() -> None:
        handle = run_js("new Promise(() => {})")
        for _ in range(100):
            with pytest.raises(TimeoutError):
                handle.wait(0)
        results.put(len(handle._threads))
        hold()

    connect(serve(app))
    assert results.next() == 0


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_timeout_that_is_none_is_refused(serve: Serve, connect: Connect, results: Results, seconds: float) -> None:
    """Before anything is sent."""

    def app() -> None:
        with pytest.raises(ValueError, match="timeout_ is"):
            eval_js("1", timeout_=seconds)
        results.put("refused")

    connect(serve(app))
    assert results.next() == "refused"


def test_secrets_stand_in_no_log(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture, results: Results
) -> None:
    """SEC-2: not even where everything is logged; nor does the session keep them."""
    caplog.set_level(logging.DEBUG)
    live = serve(lambda: results.put(hold()), authenticate=lambda _auth, _request: True)
    client = connect(live, instance="a-secret-of-the-client", auth="hunter2")
    live.until(lambda: live.server.session_count == 1)
    kept = repr([vars(session._core) for session in live.sessions])
    client.leave()
    results.next()
    # The client of this test logs, too, what it sends.
    logged = " ".join(record.getMessage() for record in caplog.records if record.name.startswith("pagewire"))
    assert "began: app index" in logged
    assert "a-secret-of-the-client" not in logged + kept
    assert "hunter2" not in logged + kept
