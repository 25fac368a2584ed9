"""Events that wait for their handlers: bounded in bytes by not reading; what the program waits for is still read."""

from __future__ import annotations

import asyncio
import re
import threading
from typing import Any

import pytest
from live_server import PATIENCE, LiveServer, Serve
from neighbour import Neighbour, ask_for_ever
from results import Results
from scripted_client import Connect, ScriptedClient

from pagewire_server.apps.session import Session
from pagewire_server.backends.default.websocket import DefaultWebSocket
from pagewire_server.session import eval_js, hold, on_event

LIMIT = 500_000
EVENT = "x" * 100_000
COUNT = 200
INSTANCE = "an-instance-with-many-events"


def session_of(live: LiveServer) -> Session:
    """Return the session of `index`."""
    return next(session for session in live.sessions if session.info.app == "index")


def socket_of(live: LiveServer) -> DefaultWebSocket:
    """Return the server's end of its connection."""
    connection: Any = session_of(live)._connection
    found: DefaultWebSocket = connection._socket
    return found


def send_events(client: ScriptedClient) -> threading.Thread:
    """Begin to send more than the server and the kernel take at once."""

    def send() -> None:
        for number in range(COUNT):
            client.emit("x", [number, EVENT])

    thread = threading.Thread(target=send)
    thread.start()
    return thread


@pytest.mark.parametrize("is_async", [False, True])
def test_events_beyond_the_limit_are_not_read_until_handlers_are_done(
    serve: Serve, connect: Connect, results: Results, *, is_async: bool
) -> None:
    """Few bytes are held, nothing is lost, others are served, and who does not read waits for no Pong."""
    go_on = threading.Event()
    most = 0

    def handle(data: Any) -> None:
        nonlocal most
        go_on.wait(PATIENCE)
        most = max(most, session_of(live).events.waiting_bytes)
        results.put(data[0])

    async def handle_async(data: Any) -> None:
        await asyncio.to_thread(handle, data)

    def app() -> None:
        on_event("x", handle_async if is_async else handle)
        # It counts once however many handlers it has.
        on_event("x", lambda _: None)

    live = serve(
        {"index": app, "ask": ask_for_ever},
        max_waiting_event_bytes=LIMIT,
        max_messages_per_second=None,
        heartbeat_interval=0.1,
        heartbeat_timeout=2.5,
    )
    neighbour, client = Neighbour(connect(live, app="ask")), connect(live)
    sender = send_events(client)
    live.until(lambda: socket_of(live)._is_paused)
    assert neighbour.is_served()
    assert sender.is_alive()
    go_on.set()
    assert sorted(results.next() for _ in range(COUNT)) == list(range(COUNT))
    sender.join(PATIENCE)
    live.until(lambda: not socket_of(live)._is_paused)
    assert session_of(live).events.waiting_bytes == 0
    assert LIMIT < most < LIMIT + 262_144 + 2 * len(EVENT)
    assert client.connection.protocol.close_rcvd is None


@pytest.mark.parametrize("is_async", [False, True])
def test_handlers_that_wait_for_a_page_that_only_sends_end_their_session(
    serve: Serve, connect: Connect, *, is_async: bool
) -> None:
    """The reply may be the next message, so the server reads on; but not without end."""

    def handle(_data: Any) -> None:
        eval_js("1")

    async def handle_async(_data: Any) -> None:
        await eval_js("1")

    def app() -> None:
        on_event("x", handle_async if is_async else handle)

    live = serve(app, max_waiting_event_bytes=LIMIT, max_messages_per_second=None)
    client = connect(live)
    for number in range(11):
        client.emit("x", [number, EVENT])
    while (message := client.receive())["type"] == "eval_js":
        pass
    assert message["params"]["code"] == "internal_error"
    pattern = r"Events of 100[0-9]{4} bytes wait for the program, which waits for the page\."
    assert re.fullmatch(pattern, message["params"]["message"])


def test_reply_is_read_though_reading_had_paused(serve: Serve, connect: Connect, results: Results) -> None:
    """The command is sent by a handler for whose events reading pauses."""
    go_on = threading.Event()

    def handle(data: Any) -> None:
        go_on.wait(PATIENCE)
        results.put((data[0], eval_js("1")))

    def app() -> None:
        on_event("x", handle)

    live = serve(app, max_waiting_event_bytes=LIMIT, max_messages_per_second=None)
    client = connect(live)
    for number in range(6):
        client.emit("x", [number, EVENT])
    live.until(lambda: socket_of(live)._is_paused)
    go_on.set()
    for number in range(6):
        client.result(client.receive("eval_js"), value=number)
        assert results.next() == (number, number)


def test_next_connection_is_not_read_either(serve: Serve, connect: Connect, results: Results) -> None:
    """Else who comes again and again would fill the memory."""
    go_on = threading.Event()

    def handle(data: Any) -> None:
        go_on.wait(PATIENCE)
        results.put(data[0])

    def app() -> None:
        on_event("x", handle)

    live = serve(app, max_waiting_event_bytes=LIMIT, max_messages_per_second=None)
    client = connect(live, instance=INSTANCE)
    for number in range(6):
        client.emit("x", [number, EVENT])
    live.until(lambda: socket_of(live)._is_paused)
    again = connect(live, instance=INSTANCE, resume={"last_seq": 0, "streams": []})
    live.until(lambda: socket_of(live)._is_paused)
    again.seq = again.welcome["last_seq"]
    again.emit("x", [again.seq, EVENT])
    go_on.set()
    assert [results.next() for _ in range(again.seq)] == list(range(again.seq))


def test_app_that_ends_while_reading_is_paused_is_read_to_its_end(serve: Serve, connect: Connect) -> None:
    """END-10: what ends a session that drains has to be read, also if its handlers never are done."""
    go_on, may_fail = threading.Event(), threading.Event()

    def app() -> None:
        on_event("x", lambda _: go_on.wait(PATIENCE))
        may_fail.wait(PATIENCE)
        eval_js("1")
        raise OSError("the app failed")

    live = serve(app, max_waiting_event_bytes=LIMIT, max_messages_per_second=None)
    client = connect(live)
    for number in range(6):
        client.emit("x", [number, EVENT])
    live.until(lambda: socket_of(live)._is_paused)
    may_fail.set()
    client.result(client.receive("eval_js"), value=1)
    client.ack()
    assert client.receive_bye() == ("internal_error", 4500)
    go_on.set()


def test_page_that_leaves_while_it_is_not_read_is_noticed(serve: Serve, connect: Connect) -> None:
    """What the server writes tells, as it does of any page that is gone without a word."""
    go_on = threading.Event()

    def app() -> None:
        on_event("x", lambda _: go_on.wait(PATIENCE))
        hold()

    live = serve(app, max_waiting_event_bytes=0, heartbeat_interval=0.1, resume_window=0.1)
    client = connect(live)
    client.emit("x")
    live.until(lambda: socket_of(live)._is_paused)
    client.connection.socket.close()
    live.until(lambda: live.server.session_count == 0)
    go_on.set()


def test_events_count_by_their_values_if_those_take_more(serve: Serve, connect: Connect) -> None:
    """10,000 empty arrays take 30 KB of text, and twenty times as much once they are parsed."""
    go_on = asyncio.Event()

    async def handle(_data: Any) -> None:
        await go_on.wait()

    live = serve(lambda: on_event("x", handle), max_waiting_event_bytes=LIMIT)
    client = connect(live)
    client.emit("x", [[]] * 10_000)
    live.until(lambda: socket_of(live)._is_paused)
    assert session_of(live).events.waiting_bytes == 10_006 * 64


def test_events_that_wait_behind_a_handler_go_with_their_session(serve: Serve, connect: Connect) -> None:
    """Though the handler never returns."""
    go_on = threading.Event()

    def handle(_data: Any) -> None:
        go_on.wait()

    live = serve(lambda: on_event("x", handle))
    client = connect(live)
    for _ in range(4):
        client.emit("x", EVENT)
    session = session_of(live)
    live.until(lambda: session.events.waiting == 3)
    client.leave()
    live.until(lambda: not live.sessions)
    # The word that nothing more comes.
    assert session.events.waiting == 1
    go_on.set()
