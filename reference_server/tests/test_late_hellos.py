"""A hello that the network has held up changes nothing: HELLO-20, on a real connection."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from live_server import PATIENCE, Serve
from results import Results
from scripted_client import Connect, ScriptedClient, make_hello

from pagewire_server.session import eval_js, hold

INSTANCE = "an-instance-that-comes-back"
LATE_HELLOS = [
    pytest.param({"attempt": 5}, id="lower, without resume"),
    pytest.param({"attempt": 7}, id="equal, without resume"),
    pytest.param({"attempt": 6, "resume": {"last_seq": 0, "streams": []}}, id="resume below what was acknowledged"),
    pytest.param({"attempt": 6, "resume": {"last_seq": 1, "streams": []}}, id="resume that could be"),
    pytest.param({"attempt": 6, "resume": {"last_seq": 9, "streams": []}}, id="resume above what was written"),
]


def talking_client(connect: Connect, live: Any) -> ScriptedClient:
    """Connect on attempt 7, and acknowledge the first of the server's messages."""
    client = connect(live, instance=INSTANCE, attempt=7)
    client.receive("eval_js")
    client.ack()
    live.until(lambda: live.sessions[0]._core._outbox.acknowledged_seq == 1)
    return client


@pytest.mark.parametrize("late", LATE_HELLOS)
def test_late_hello_is_refused_while_the_client_converses(
    serve: Serve, connect: Connect, results: Results, late: dict[str, Any]
) -> None:
    """HELLO-20: it takes nothing over, and ends nothing."""

    def app() -> None:
        results.put(eval_js("1"))
        results.put(eval_js("2"))

    live = serve(app)
    client = talking_client(connect, live)
    held_up = connect(live, hello=False)
    held_up.send(make_hello(instance=INSTANCE, **late))
    assert held_up.receive_bye() == ("replaced", 4409)
    client.result({"id": 1}, value="one")
    second = client.receive("eval_js")
    assert second["seq"] == 2
    client.result(second, value="two")
    assert [results.next(), results.next()] == ["one", "two"]


@pytest.mark.parametrize("late", LATE_HELLOS)
def test_late_hello_is_refused_while_the_client_is_away(
    serve: Serve, connect: Connect, results: Results, late: dict[str, Any]
) -> None:
    """HELLO-20: the session stays without a connection, and is resumed by the next attempt."""

    def app() -> None:
        results.put(eval_js("1"))

    live = serve(app)
    client = talking_client(connect, live)
    client.break_connection()
    live.until(lambda: live.is_detached)
    held_up = connect(live, hello=False)
    held_up.send(make_hello(instance=INSTANCE, **late))
    assert held_up.receive_bye() == ("replaced", 4409)
    assert live.is_detached
    again = connect(live, instance=INSTANCE, attempt=8, resume={"last_seq": 1, "streams": []})
    assert again.welcome["resumed"] is True
    again.result({"id": 1}, value="one")
    assert results.next() == "one"


def test_late_hello_does_not_give_a_session_more_time(serve: Serve, connect: Connect) -> None:
    """HELLO-20, RESUME-12: the window goes on from the break."""
    live = serve(hold)
    client = connect(live, instance=INSTANCE, attempt=7)
    client.break_connection()
    live.until(lambda: live.is_detached)
    (session,) = live.sessions
    expiry = session._expiry
    held_up = connect(live, hello=False)
    held_up.send(make_hello(instance=INSTANCE, attempt=7))
    assert held_up.receive_bye() == ("replaced", 4409)
    assert expiry is not None
    assert session._expiry is expiry
    assert not expiry.cancelled()


def test_hello_that_waited_longer_for_its_check_is_late(serve: Serve, connect: Connect) -> None:
    """HELLO-20: what counts is which attempt is the greater, not which hello was received first."""
    may_go_on = threading.Event()

    async def authenticate(auth: Any, _request: Any) -> bool:
        if auth == "held up":
            await asyncio.to_thread(may_go_on.wait, PATIENCE)
        return True

    live = serve(hold, authenticate=authenticate)
    held_up = connect(live, hello=False)
    held_up.send(make_hello(instance=INSTANCE, attempt=1, auth="held up"))
    live.until(lambda: len(live.server._handshake.sockets) == 1)
    client = connect(live, instance=INSTANCE, attempt=2)
    may_go_on.set()
    assert held_up.receive_bye() == ("replaced", 4409)
    client.emit("fence")
    assert client.receive_any() == {"type": "ack", "params": {"seq": 1}}
