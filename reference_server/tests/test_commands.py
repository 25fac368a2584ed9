"""The five commands from the program's side: what is sent, what comes back, in threads and in coroutines."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest
from live_server import PATIENCE, Serve
from results import Results
from scripted_client import Connect

from pagewire_server.session import (
    CommandError,
    JavaScriptError,
    SessionClosed,
    eval_js,
    go_app,
    hold,
    run_js,
    set_env,
)

EXCEPTION = {"name": "TypeError", "message": "no", "stack": "TypeError: no\n    at eval:1:1"}


def test_eval_js_returns_the_value_in_a_thread(serve: Serve, connect: Connect, results: Results) -> None:
    """The command goes out as SPEC has it, and the value comes back."""

    def app() -> None:
        results.put(eval_js("a + b", a=1, b=[True, None, "ü", 1.5, {"k": []}]))

    client = connect(serve(app))
    command = client.receive()
    assert command == {
        "type": "eval_js",
        "seq": 1,
        "id": 1,
        "params": {"expression": "a + b", "args": {"a": 1, "b": [True, None, "ü", 1.5, {"k": []}]}},
    }
    client.result(command, value={"x": [1, None]})
    assert results.next() == {"x": [1, None]}


def test_eval_js_is_awaited_in_a_coroutine(serve: Serve, connect: Connect, results: Results) -> None:
    """The same, by await; asyncio's tools work on it."""

    async def app() -> None:
        results.put(await eval_js("1"))
        results.put(await asyncio.gather(eval_js("2"), eval_js("3")))
        results.put(await asyncio.wait_for(eval_js("4"), PATIENCE))
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            task = group.create_task(eval_js("5"))
        results.put(task.result())
        results.put(await asyncio.to_thread(eval_js, "6"))
        results.put(asyncio.current_task() is not None)

    client = connect(serve(app))
    for _ in range(6):
        command = client.receive("eval_js")
        client.result(command, value=int(command["params"]["expression"]))
    assert [results.next() for _ in range(6)] == [1, [2, 3], 4, 5, 6, True]


def test_replies_are_matched_by_id_in_any_order(serve: Serve, connect: Connect, results: Results) -> None:
    """WIRE-12: many in flight, answered backwards."""

    async def app() -> None:
        results.put(await asyncio.gather(*(eval_js("n", n=n) for n in range(40))))

    client = connect(serve(app))
    for command in reversed([client.receive("eval_js") for _ in range(40)]):
        client.result(command, value=command["params"]["args"]["n"])
    assert results.next() == list(range(40))


@pytest.mark.parametrize("code", ["exception", "not_serializable", "a_code_of_the_future"])
def test_failed_eval_is_none_and_logged(
    serve: Serve,
    connect: Connect,
    results: Results,
    caplog: pytest.LogCaptureFixture,
    code: str,
) -> None:
    """By default a failure gives None; the log has the JavaScript stack."""

    def app() -> None:
        results.put(eval_js("nope"))

    client = connect(serve(app))
    details = {"exception": EXCEPTION} if code == "exception" else {}
    client.error(client.receive("eval_js"), code, "it did not work", **details)
    assert results.next() is None
    assert ("at eval:1:1" if code == "exception" else "it did not work") in caplog.text


def test_failed_eval_raises_what_was_thrown_if_asked(
    serve: Serve, connect: Connect, results: Results, caplog: pytest.LogCaptureFixture
) -> None:
    """`on_error_="raise"`: JavaScriptError with name, message and stack; other codes are CommandError."""

    async def app() -> None:
        for _ in range(2):
            try:
                await eval_js("nope", on_error_="raise")
            except CommandError as error:
                results.put(error)

    client = connect(serve(app))
    client.error(client.receive("eval_js"), "exception", exception=EXCEPTION)
    client.error(client.receive("eval_js"), "blocked_by_csp", "no eval here", data={"hint": 1})
    thrown, blocked = results.next(), results.next()
    assert isinstance(thrown, JavaScriptError)
    assert (thrown.name, thrown.message, thrown.stack) == ("TypeError", "no", EXCEPTION["stack"])
    assert (blocked.code, blocked.message, blocked.data) == ("blocked_by_csp", "no eval here", {"hint": 1})
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("is_async", [False, True])
def test_timeout_raises_and_tells_the_page_to_stop(
    serve: Serve, connect: Connect, results: Results, *, is_async: bool
) -> None:
    """CANCEL-5: whichever reply then comes is taken without complaint."""

    def app() -> None:
        try:
            eval_js("new Promise(() => {})", timeout_=0.01)
        except TimeoutError as error:
            results.put(str(error))
        results.put(eval_js("2"))

    async def async_app() -> None:
        try:
            await eval_js("new Promise(() => {})", timeout_=0.01)
        except TimeoutError as error:
            results.put(str(error))
        results.put(await eval_js("2"))

    client = connect(serve(async_app if is_async else app))
    stuck = client.receive("eval_js")
    assert client.receive("cancel")["params"] == {"id": stuck["id"]}
    client.result(stuck, value="too late")
    client.result(client.receive("eval_js"), value=2)
    assert results.next() == "eval_js() had no value after 0.01 s"
    assert results.next() == 2


def test_cancelled_await_tells_the_page_to_stop(serve: Serve, connect: Connect) -> None:
    """wait_for cancels the call; the page is told."""

    async def app() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(eval_js("new Promise(() => {})"), 0.01)
        await hold()

    client = connect(serve(app))
    stuck = client.receive("eval_js")
    assert client.receive("cancel")["params"] == {"id": stuck["id"]}


def test_timeout_before_the_page_is_there_withdraws_the_command(
    serve: Serve, connect: Connect, results: Results
) -> None:
    """DELIVERY-1: what was never written has no seq; `timeout_` covers waiting for a reconnect."""
    is_away = threading.Event()

    def app() -> None:
        eval_js("1")
        is_away.wait(PATIENCE)
        with pytest.raises(TimeoutError):
            eval_js("2", timeout_=0.01)
        results.put("timeout")
        results.put(eval_js("3"))

    live = serve(app)
    client = connect(live, instance="an-instance-that-is-away")
    first = client.receive("eval_js")
    client.result(first, value=1)
    client.break_connection()
    live.until(lambda: live.is_detached)
    is_away.set()
    assert results.next() == "timeout"
    again = connect(live, instance="an-instance-that-is-away", resume={"last_seq": 1, "streams": []})
    again.seq = again.welcome["last_seq"]
    command = again.receive()
    assert (command["seq"], command["params"]["expression"]) == (2, "3")
    again.result(command, value=3)
    assert results.next() == 3


@pytest.mark.parametrize("is_async", [False, True])
def test_run_js_returns_at_once_and_can_be_waited_for(
    serve: Serve, connect: Connect, results: Results, *, is_async: bool
) -> None:
    """What it returns is done once the page has answered, and raises what the code threw."""

    def app() -> None:
        first, second = run_js("one()", a=1), run_js("two()")
        results.put(first.done())
        first.wait()
        results.put("ran")
        try:
            second.wait(PATIENCE)
        except JavaScriptError as error:
            results.put(error.name)

    async def async_app() -> None:
        first, second = run_js("one()", a=1), run_js("two()")
        results.put(first.done())
        await first
        results.put("ran")
        try:
            await second
        except JavaScriptError as error:
            results.put(error.name)

    client = connect(serve(async_app if is_async else app))
    one, two = client.receive("run_js"), client.receive("run_js")
    assert one["params"] == {"code": "one()", "args": {"a": 1}}
    assert results.next() is False
    client.error(two, "exception", exception=EXCEPTION)
    client.result(one)
    assert [results.next(), results.next()] == ["ran", "TypeError"]


def test_error_of_run_js_that_nobody_waits_for_is_logged(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has the JavaScript stack."""

    def app() -> None:
        run_js("nope()")
        eval_js("1")

    client = connect(serve(app))
    client.error(client.receive("run_js"), "exception", exception=EXCEPTION)
    client.result(client.receive("eval_js"), value=1)
    client.ack()
    assert client.receive_bye() == ("session_ended", 1000)
    assert "run_js failed in the page: TypeError: no\n  TypeError: no\n      at eval:1:1" in caplog.text


def test_set_env_sends_the_settings_and_tells_what_became_of_them(
    serve: Serve, connect: Connect, results: Results
) -> None:
    """Only what is named is sent."""

    def app() -> None:
        done = set_env(title="Report", output_animation=False, http_pull_interval=5).wait()
        results.put((done.applied, done.ignored))

    client = connect(serve(app))
    command = client.receive("set_env")
    assert command["params"] == {"title": "Report", "output_animation": False, "http_pull_interval": 5}
    client.result(command, applied=["title", "output_animation"], ignored=["http_pull_interval"])
    assert results.next() == (["title", "output_animation"], ["http_pull_interval"])


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        ({"titel": "x"}, TypeError, "no setting 'titel'; it takes title, output_animation"),
        ({"title": 5}, ValueError, "title is 5; it takes a str"),
        ({"output_animation": 1}, ValueError, "output_animation is 1; it takes a bool"),
        ({"http_pull_interval": 0}, ValueError, "http_pull_interval is 0; it takes an int of milliseconds"),
        (
            {"input_panel_min_height": 75},
            ValueError,
            "height is 75; it takes an int of pixels, above 75",
        ),
        ({"input_panel_init_height": 175}, ValueError, "input_panel_init_height is 175"),
        ({"output_max_width": "wide"}, ValueError, "output_max_width is 'wide'; it takes a str of pixels or percent"),
        ({"title": "x", "input_auto_focus": None}, ValueError, "input_auto_focus is None; it takes a bool"),
    ],
)
def test_bad_setting_is_refused_by_name_before_anything_is_sent(
    serve: Serve,
    connect: Connect,
    results: Results,
    settings: dict[str, Any],
    kind: type[Exception],
    message: str,
) -> None:
    """The error says what the setting takes."""

    def app() -> None:
        with pytest.raises(kind, match=message):
            set_env(**settings)
        results.put("refused")
        run_js("fence")

    client = connect(serve(app))
    assert results.next() == "refused"
    assert client.receive()["type"] == "run_js"


def test_go_app_names_an_app_of_this_server(serve: Serve, connect: Connect, results: Results) -> None:
    """An unknown one is an error at once; a blocked popup is raised where it is waited for."""

    def app() -> None:
        with pytest.raises(ValueError, match="no app 'nowhere' on this server; it has index, other"):
            go_app("nowhere")
        go_app("other", new_window=False).wait()
        try:
            go_app("other").wait()
        except CommandError as error:
            results.put(error.code)

    client = connect(serve({"index": app, "other": app}))
    command = client.receive("go_app")
    assert command["params"] == {"app": "other", "new_window": False}
    client.result(command)
    client.error(client.receive("go_app"), "popup_blocked")
    assert results.next() == "popup_blocked"


def test_message_larger_than_the_client_takes_is_an_error_of_the_call(
    serve: Serve, connect: Connect, results: Results
) -> None:
    """WIRE-24: nothing is queued, and no seq is used."""

    def app() -> None:
        with pytest.raises(ValueError, match="this client takes at most 65536"):
            run_js("x" * 65536)
        run_js("fence")
        results.put("refused")

    client = connect(serve(app), limits={"max_message_bytes": 65536})
    assert results.next() == "refused"
    assert client.receive()["seq"] == 1


def test_call_after_the_end_raises_session_closed(serve: Serve, connect: Connect, results: Results) -> None:
    """Every pending call and every later one; the message says how the session ended."""

    def app() -> None:
        for call in (lambda: eval_js("1"), lambda: run_js("1"), lambda: set_env(title="x"), lambda: go_app("index")):
            try:
                call()
            except SessionClosed as error:
                results.put(str(error))

    client = connect(serve(app))
    client.receive("eval_js")
    client.leave()
    for _ in range(4):
        assert results.next().endswith("has ended: The client left.")


def test_wait_on_the_event_loop_is_refused(serve: Serve, connect: Connect, results: Results) -> None:
    """It would block every session."""

    async def app() -> None:
        with pytest.raises(RuntimeError, match="await it instead"):
            run_js("1").wait()
        results.put("refused")

    connect(serve(app))
    assert results.next() == "refused"
