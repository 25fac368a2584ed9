"""Delivery over real connections: acks, breaks, resumes, takeovers, windows, backpressure, and the end."""

from __future__ import annotations

import gc
import threading
from contextlib import suppress
from typing import Any

import pytest
from live_server import PATIENCE, Serve
from results import Results
from scripted_client import Connect, Message, ScriptedClient, make_hello
from websockets.exceptions import ConnectionClosed

from pagewire_protocol.handshake_messages import HelloParams
from pagewire_server.session import SessionBusy, SessionClosed, eval_js, hold, run_js

INSTANCE = "an-instance-that-comes-back"


def resume(connect: Connect, live: Any, older: ScriptedClient, *, last_seq: int | None = None) -> ScriptedClient:
    """Come back as the same instance."""
    seq = older.last_seq if last_seq is None else last_seq
    client = connect(live, instance=INSTANCE, resume={"last_seq": seq, "streams": []})
    client.seq, client.last_seq = client.welcome["last_seq"], seq
    return client


def test_value_arrives_once_though_the_socket_was_cut_while_the_page_was_asked(
    serve: Serve, connect: Connect, results: Results
) -> None:
    """The command is not sent again, and the reply that was lost is taken from the next connection."""

    def app() -> None:
        results.put(eval_js("1"))
        results.put(eval_js("2"))

    live = serve(app)
    client = connect(live, instance=INSTANCE)
    command = client.receive("eval_js")
    client.break_connection()
    again = resume(connect, live, client)
    assert again.welcome["resumed"] is True
    assert again.welcome["last_seq"] == 0
    again.result(command, value="one")
    assert results.next() == "one"
    assert again.receive()["params"]["expression"] == "2"


def test_command_that_was_lost_is_sent_again_as_it_was(serve: Serve, connect: Connect, results: Results) -> None:
    """RESUME-4: in order and unchanged, before new ones."""

    def app() -> None:
        for code in "abc":
            run_js(code)
        results.put("sent")
        hold()

    live = serve(app)
    client = connect(live, instance=INSTANCE)
    sent = [client.receive("run_js") for _ in range(3)]
    assert results.next() == "sent"
    client.break_connection()
    again = resume(connect, live, client, last_seq=1)
    assert [again.receive(), again.receive()] == sent[1:]


def test_takeover_replaces_the_older_connection(serve: Serve, connect: Connect, results: Results) -> None:
    """RESUME-8: the older gets 4409, and what it still says is discarded."""

    def app() -> None:
        results.put(eval_js("1"))
        hold()

    live = serve(app)
    older = connect(live, instance=INSTANCE)
    command = older.receive("eval_js")
    newer = resume(connect, live, older)
    with suppress(ConnectionClosed):
        older.send({"type": "result", "seq": 1, "id": command["id"], "params": {"value": "old"}})
    newer.result(command, value="new")
    assert results.next() == "new"
    assert older.receive_bye() == ("replaced", 4409)
    assert live.server.session_count == 1


@pytest.mark.parametrize("last_seq", [0, 9])
def test_resume_where_it_cannot_be_ends_the_session(serve: Serve, connect: Connect, last_seq: int) -> None:
    """RESUME-6: below what was acknowledged, or above what was written."""

    def app() -> None:
        run_js("1")
        run_js("2")
        hold()

    live = serve(app)
    client = connect(live, instance=INSTANCE)
    client.receive(), client.receive()
    client.ack()
    client.emit("fence")
    assert client.receive_any()["type"] == "ack"
    client.break_connection()
    again = connect(live, hello=False)
    again.send(make_hello(instance=INSTANCE, resume={"last_seq": last_seq, "streams": []}))
    assert again.receive_bye() == ("invalid_message", 4400)
    assert live.server.session_count == 0


def test_ack_comes_after_32_messages_and_otherwise_by_the_timer(serve: Serve, connect: Connect) -> None:
    """DELIVERY-5, DELIVERY-6."""
    client = connect(serve(hold))
    for _ in range(32):
        client.emit("x")
    assert client.receive_any() == {"type": "ack", "params": {"seq": 32}}
    client.emit("x")
    assert client.receive_any() == {"type": "ack", "params": {"seq": 33}}


def test_ack_comes_after_256_kib(serve: Serve, connect: Connect) -> None:
    """DELIVERY-5: by bytes too."""
    client = connect(serve(hold))
    client.emit("x", "x" * 262144)
    client.emit("x")
    assert client.receive_any() == {"type": "ack", "params": {"seq": 1}}


def test_lower_ack_is_ignored(serve: Serve, connect: Connect, results: Results) -> None:
    """DELIVERY-7."""

    def app() -> None:
        run_js("1")
        results.put(eval_js("2"))

    client = connect(serve(app))
    client.receive("run_js")
    command = client.receive("eval_js")
    client.ack()
    client.send({"type": "ack", "params": {"seq": 1}})
    client.send({"type": "ack", "params": {"seq": 0}})
    client.result(command, value=2)
    assert results.next() == 2


def test_ping_comes_at_every_interval(serve: Serve, connect: Connect) -> None:
    """BEAT-2."""
    client = connect(serve(hold, heartbeat_interval=0.05))
    assert [client.receive_any(), client.receive_any()] == [{"type": "ping", "params": {}}] * 2


def test_unacknowledged_messages_stay_within_the_window(serve: Serve, connect: Connect) -> None:
    """DELIVERY-9: the next comes once there is room."""

    def app() -> None:
        for _ in range(4):
            run_js("x" * 400_000)
        hold()

    client = connect(serve(app))
    received = [client.receive(), client.receive()]
    client.emit("fence")
    assert client.receive_any()["type"] == "ack"
    client.ack()
    received += [client.receive(), client.receive()]
    assert [message["seq"] for message in received] == [1, 2, 3, 4]


def test_message_larger_than_the_window_goes_alone(serve: Serve, connect: Connect) -> None:
    """DELIVERY-9: so it is not stuck for ever."""

    def app() -> None:
        run_js("x" * 2_000_000)
        run_js("next")
        hold()

    client = connect(serve(app))
    assert client.receive()["seq"] == 1
    client.emit("fence")
    assert client.receive_any()["type"] == "ack"
    client.ack()
    assert client.receive()["params"]["code"] == "next"


def test_thread_waits_for_room_and_a_coroutine_is_told(serve: Serve, connect: Connect, results: Results) -> None:
    """DELIVERY-10: a client that reads and never acknowledges."""
    size, window, outbox = 100_000, 200_000, 500_000

    def app() -> None:
        for count in range(1, 100):
            run_js("x" * size)
            results.put(count)

    async def async_app() -> None:
        count = 0
        try:
            while True:
                run_js("x" * size)
                count += 1
        except SessionBusy as error:
            results.put((count, str(error)))
        await hold()

    live = serve({"index": app, "other": async_app}, window_bytes=window, outbox_bytes=outbox)
    client = connect(live)
    counts = [results.next() for _ in range(5)]
    assert counts == [1, 2, 3, 4, 5]
    client.receive()
    client.ack()
    assert results.next() in {6, 7}
    client.leave()
    connect(live, app="other")
    count, text = results.next()
    assert count in {4, 5}
    assert "the page is slow or away" in text


def test_thread_that_waits_for_room_is_woken_by_the_end(serve: Serve, connect: Connect, results: Results) -> None:
    """No thread is left behind."""

    def app() -> None:
        try:
            while True:
                run_js("x" * 10_000)
        except SessionClosed:
            results.put("closed")

    live = serve(app, window_bytes=1000, outbox_bytes=50_000)
    client = connect(live)
    client.receive()
    client.leave()
    assert results.next() == "closed"


def test_session_drains_through_a_break_before_it_ends(serve: Serve, connect: Connect) -> None:
    """END-10: the app is done while its page is away."""
    gone = threading.Event()

    def app() -> None:
        gone.wait(PATIENCE)
        run_js("last words")

    live = serve(app)
    client = connect(live, instance=INSTANCE)
    client.break_connection()
    live.until(lambda: live.is_detached)
    gone.set()
    again = resume(connect, live, client)
    command = again.receive("run_js")
    assert again.receive("cancel")["params"] == {"id": command["id"]}
    again.result(command)
    again.ack()
    assert again.receive_bye() == ("session_ended", 1000)


def test_code_that_still_waits_is_cancelled_when_the_app_is_done(serve: Serve, connect: Connect) -> None:
    """END-10: its reply completes the drain, whatever it is."""

    def app() -> None:
        run_js("new Promise(() => {})")

    client = connect(serve(app))
    command = client.receive("run_js")
    assert client.receive("cancel")["params"] == {"id": command["id"]}
    client.error(command, "cancelled")
    client.ack()
    assert client.receive_bye() == ("session_ended", 1000)


def test_session_that_is_away_for_too_long_is_gone(serve: Serve, connect: Connect, results: Results) -> None:
    """RESUME-12: callers are told, and the instance is too."""

    def app() -> None:
        try:
            eval_js("1")
        except SessionClosed as error:
            results.put(str(error))

    live = serve(app, resume_window=0.05)
    client = connect(live, instance=INSTANCE)
    client.receive("eval_js")
    client.break_connection()
    assert results.next().endswith("The client was away for too long.")
    again = connect(live, hello=False)
    again.send(make_hello(instance=INSTANCE, resume={"last_seq": 1, "streams": []}))
    assert again.receive_bye() == ("session_gone", 4410)


def test_session_whose_client_came_back_stays(serve: Serve, connect: Connect) -> None:
    """RESUME-12: the window of an absence ends with it. Another session, left later, tells when it would be over."""
    live = serve(hold, resume_window=10)
    first = connect(live, instance=INSTANCE)
    first.break_connection()
    live.until(lambda: live.is_detached)
    (session,) = live.sessions
    again = resume(connect, live, first)
    connect(live).break_connection()
    live.until(lambda: sum(session.is_attached for session in live.sessions) == 1)
    live.skip(10)
    live.until(lambda: live.server.session_count == 1)
    assert live.sessions == [session]
    again.emit("fence")
    assert again.receive_any() == {"type": "ack", "params": {"seq": 1}}


@pytest.mark.parametrize(("code", "is_over"), [(1000, True), (1001, False), (4000, False), (3000, False)])
def test_close_code_decides_whether_the_session_goes_on(
    serve: Serve, connect: Connect, code: int, *, is_over: bool
) -> None:
    """END-8: 1000 ends it, 1001 and all else is a break at first."""
    live = serve(hold)
    client = connect(live, instance=INSTANCE)
    client.connection.close(code)
    live.until(lambda: live.is_detached)
    assert (live.server.session_count == 0) is is_over


def test_close_with_1001_waits_only_shortly(serve: Serve, connect: Connect) -> None:
    """END-8: a tab that crashed is not waited for as long as one whose network broke."""
    live = serve(hold, going_away_window=0.01)
    connect(live).connection.close(1001)
    live.until(lambda: live.server.session_count == 0)


def test_client_that_left_is_told_that_its_session_ended(serve: Serve, connect: Connect) -> None:
    """END-11: for the resume window."""
    live = serve(hold)
    client = connect(live, instance=INSTANCE)
    client.leave()
    live.until(lambda: live.server.session_count == 0)
    again = connect(live, hello=False)
    again.send(make_hello(instance=INSTANCE))
    assert again.receive_bye() == ("session_ended", 1000)


def test_shutdown_says_bye_to_everyone(serve: Serve, connect: Connect) -> None:
    """1012, and the clients come back as new instances."""
    live = serve(hold)
    clients = [connect(live), connect(live)]
    live.stop()
    for client in clients:
        bye: Message = client.receive("bye")["params"]
        assert (bye["code"], bye["retry"]) == ("server_shutdown", "reconnect")
        assert client.close_code() == 1012


def test_server_keeps_no_hello_once_the_client_is_welcomed(serve: Serve, connect: Connect) -> None:
    """SEC-2: it holds the instance's secret."""

    async def count_hellos() -> int:
        gc.collect()
        return sum(isinstance(each, HelloParams) for each in gc.get_objects())

    async def app() -> None:
        await hold()

    live = serve(app)
    before = live.run(count_hellos())
    connect(live)
    live.until(lambda: not live.is_detached)
    assert live.run(count_hellos()) == before
