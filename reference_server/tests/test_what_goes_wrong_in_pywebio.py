"""A test for each line of what goes wrong in PyWebIO, and must not here."""

from __future__ import annotations

import asyncio
import threading

import pytest
from live_server import PATIENCE, Serve
from results import Results
from scripted_client import Connect, make_hello

from pagewire_server.session import (
    CommandError,
    SessionBusy,
    SessionClosed,
    defer_call,
    eval_js,
    go_app,
    hold,
    run_js,
)

INSTANCE = "an-instance-with-bad-luck"


def test_never_settling_promise_does_not_leave_eval_js_waiting_for_ever(
    serve: Serve, connect: Connect, results: Results
) -> None:
    """The user's leaving ends the wait, and so does a timeout."""

    def app() -> None:
        with pytest.raises(TimeoutError):
            eval_js("new Promise(() => {})", timeout_=0.01)
        with pytest.raises(SessionClosed):
            eval_js("new Promise(() => {})")
        results.put("woken")

    client = connect(serve(app))
    for type_ in ("eval_js", "cancel", "eval_js"):
        client.receive(type_)
    client.leave()
    assert results.next() == "woken"


def test_argument_that_json_cannot_carry_does_not_leave_eval_js_waiting(
    serve: Serve, connect: Connect, results: Results
) -> None:
    """It raises in the call."""

    def app() -> None:
        with pytest.raises(TypeError, match="a is of type set"):
            eval_js("a", a={1})
        results.put("refused")

    connect(serve(app))
    assert results.next() == "refused"


def test_result_that_settles_while_the_connection_is_down_arrives(
    serve: Serve, connect: Connect, results: Results
) -> None:
    """It is sent on the next connection."""

    def app() -> None:
        results.put(eval_js("later"))

    live = serve(app)
    client = connect(live, instance=INSTANCE)
    command = client.receive("eval_js")
    client.break_connection()
    live.until(lambda: live.is_detached)
    again = connect(live, instance=INSTANCE, resume={"last_seq": 1, "streams": []})
    again.result(command, value="settled")
    assert results.next() == "settled"


def test_commands_written_to_a_connection_that_had_died_are_not_lost(
    serve: Serve, connect: Connect, results: Results
) -> None:
    """What the client has not received is sent again, in order."""
    is_dead = threading.Event()

    def app() -> None:
        is_dead.wait(PATIENCE)
        for number in range(100):
            run_js("n", n=number)
        results.put("written")
        hold()

    live = serve(app)
    client = connect(live, instance=INSTANCE)
    client.connection.socket.close()
    is_dead.set()
    assert results.next() == "written"
    again = connect(live, instance=INSTANCE, resume={"last_seq": 0, "streams": []})
    assert [again.receive("run_js")["params"]["args"]["n"] for _ in range(100)] == list(range(100))


def test_duplicated_reply_does_not_answer_the_next_call(serve: Serve, connect: Connect, results: Results) -> None:
    """It is dropped by its seq."""

    def app() -> None:
        results.put((eval_js("1"), eval_js("2")))

    client = connect(serve(app))
    first = client.receive("eval_js")
    client.result(first, value="first")
    second = client.receive("eval_js")
    client.send({"type": "result", "seq": 1, "id": first["id"], "params": {"value": "first"}})
    client.result(second, value="second")
    assert results.next() == ("first", "second")


def test_unread_socket_does_not_grow_the_server_without_bound(serve: Serve, connect: Connect, results: Results) -> None:
    """The outbox is full after its bytes; the coroutine is told, and nobody else is disturbed."""

    async def flood() -> None:
        for count in range(10_000):
            try:
                run_js("x" * 10_000)
            except SessionBusy:
                results.put(count)
                break
        await hold()

    async def other() -> None:
        results.put(await eval_js("1"))

    live = serve({"index": flood, "other": other})
    connect(live)
    assert results.next() <= (1 + 8) * 1024 * 1024 // 10_000 + 1
    neighbour = connect(live, app="other")
    neighbour.result(neighbour.receive("eval_js"), value=1)
    assert results.next() == 1


def test_deferred_functions_do_not_block_other_users(serve: Serve, connect: Connect, results: Results) -> None:
    """While one blocks, another session is served."""
    go_on = threading.Event()

    def app() -> None:
        defer_call(lambda: results.put(("deferred", go_on.wait(PATIENCE))))
        hold()

    async def other() -> None:
        results.put(await eval_js("1"))

    live = serve({"index": app, "other": other})
    for _ in range(8):
        connect(live).leave()
    neighbour = connect(live, app="other")
    neighbour.result(neighbour.receive("eval_js"), value=1)
    assert results.next() == 1
    go_on.set()
    assert [results.next() for _ in range(8)] == [("deferred", True)] * 8


def test_second_connection_that_resumes_is_not_cut_off_when_the_first_goes(
    serve: Serve, connect: Connect, results: Results
) -> None:
    """The end of an older connection means nothing to the session."""

    def app() -> None:
        results.put(eval_js("1"))

    live = serve(app)
    older = connect(live, instance=INSTANCE)
    command = older.receive("eval_js")
    newer = connect(live, instance=INSTANCE, resume={"last_seq": 1, "streams": []})
    assert older.receive_bye() == ("replaced", 4409)
    newer.result(command, value="alive")
    assert results.next() == "alive"


def test_blocked_popup_is_reported(
    serve: Serve, connect: Connect, results: Results, caplog: pytest.LogCaptureFixture
) -> None:
    """Raised to whoever waits, else logged."""

    def app() -> None:
        try:
            go_app("index").wait()
        except CommandError as error:
            results.put(error.code)
        go_app("index")
        hold()

    live = serve(app)
    client = connect(live)
    client.error(client.receive("go_app"), "popup_blocked", "the browser opened no window")
    assert results.next() == "popup_blocked"
    client.error(client.receive("go_app"), "popup_blocked", "the browser opened no window")
    live.until(lambda: "go_app failed: popup_blocked: the browser opened no window" in caplog.text)


def test_unknown_app_does_not_run_index(serve: Serve, connect: Connect, results: Results) -> None:
    """It is refused by name."""
    client = connect(serve(lambda: results.put("ran")), hello=False)
    client.send(make_hello(app="indx"))
    bye = client.receive("bye")["params"]
    assert (bye["code"], bye["data"]) == ("unknown_app", {"app": "indx"})
    assert "'indx'" in bye["message"]
    assert results.empty()


def test_bad_frame_is_given_a_reason(serve: Serve, connect: Connect) -> None:
    """The bye names the field and what is wrong with it."""
    client = connect(serve(hold))
    client.send({"type": "event", "seq": 1, "params": {"name": 5, "data": None}})
    bye = client.receive("bye")["params"]
    assert bye["code"] == "invalid_message"
    assert bye["message"] == "event: params.name: input should be a valid string"


def test_asyncios_wait_for_and_gather_work_in_coroutine_sessions(
    serve: Serve, connect: Connect, results: Results
) -> None:
    """On eval_js and on what run_js returns."""

    async def app() -> None:
        results.put(await asyncio.wait_for(asyncio.gather(eval_js("1"), run_js("2"), eval_js("3")), PATIENCE))

    client = connect(serve(app))
    for _ in range(3):
        command = client.receive()
        client.result(command, **({"value": command["id"]} if command["type"] == "eval_js" else {}))
    one, two, three = results.next()
    assert two is None
    assert {one, three} <= {1, 2, 3}
