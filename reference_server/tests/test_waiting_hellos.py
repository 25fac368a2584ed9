"""Before `welcome` nobody makes the server parse more than a little: hellos beyond that wait, and are let in later."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any, cast

import pytest
from live_server import PATIENCE, LiveServer, Serve
from scripted_client import Connect, make_hello, scripted_client

from pagewire_server import Options
from pagewire_server.backends.default.websocket import DefaultWebSocket
from pagewire_server.session import hold
from pagewire_server.transports import handshake
from pagewire_server.transports.websocket import WebSocket

WAIT = 16
"""Seconds that a short message costs; one may be parsed at once. It is longer than `hello_timeout`."""

IGNORED = {"type": "vendor:greeting", "params": {}}


@pytest.fixture(autouse=True)
def little_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one address make a server parse one short message in 16 seconds."""
    monkeypatch.setattr(handshake, "PARSED_BYTES_PER_SECOND", 64)
    monkeypatch.setattr(handshake, "PARSED_BURST_BYTES", 1024)


def until_one_waits(live: LiveServer) -> None:
    """Wait until the server reads nothing from a connection that it has not let in."""
    sockets = cast("set[DefaultWebSocket]", live.server._handshake.sockets)
    live.until(lambda: any(not each.transport.is_reading() for each in sockets))


def test_hello_beyond_the_rate_is_let_in_later(serve: Serve, connect: Connect) -> None:
    """SEC-8: after a restart everybody comes at once; `hello_timeout` stands still for those who wait."""
    live = serve(hold)
    connect(live)
    client = connect(live, hello=False)
    client.send(make_hello())
    until_one_waits(live)
    live.skip(Options().hello_timeout + 1)
    until_one_waits(live)
    assert live.server.session_count == 1
    live.skip(WAIT - Options().hello_timeout - 1)
    assert client.receive("welcome")["params"]["resumed"] is False


def test_ignored_messages_count_and_do_not_put_the_timeout_off(serve: Serve, connect: Connect) -> None:
    """WIRE-16: else a client could send them for ever."""
    live = serve(hold)
    client = connect(live, hello=False)
    client.send(IGNORED)
    client.send(IGNORED)
    until_one_waits(live)
    live.skip(WAIT)
    assert client.receive_bye() == ("hello_timeout", 4408)


def test_message_between_hello_and_welcome_waits_as_well(serve: Serve, connect: Connect) -> None:
    """Else a short hello would bring a large message with it."""
    is_asked, may_answer = threading.Event(), threading.Event()

    async def authenticate(_auth: Any, _request: Any) -> bool:
        is_asked.set()
        return await asyncio.to_thread(may_answer.wait, PATIENCE)

    live = serve(hold, authenticate=authenticate)
    client = connect(live, hello=False)
    client.send(make_hello())
    assert is_asked.wait(PATIENCE)
    client.send({"type": "ack", "params": {"seq": 0}})
    live.until(lambda: any(each.unread for each in live.server._handshake.sockets))
    may_answer.set()
    until_one_waits(live)
    live.skip(WAIT)
    assert client.receive_bye() == ("invalid_message", 4400)


def test_client_that_waits_is_not_let_go_for_a_newcomer(serve: Serve, connect: Connect) -> None:
    """It has said something; the newcomer comes again."""
    live = serve(hold, max_waiting_connections_per_address=1)
    connect(live)
    client = connect(live, hello=False)
    client.send(make_hello())
    until_one_waits(live)
    assert connect(live, hello=False).receive_bye() == ("hello_timeout", 4408)
    live.skip(WAIT)
    assert client.receive("welcome")["params"]["resumed"] is False


def test_server_that_closes_does_not_wait_for_clients_that_wait(serve: Serve, connect: Connect) -> None:
    """They are told, and come again."""
    live = serve(hold)
    connect(live)
    client = connect(live, hello=False)
    client.send(make_hello())
    until_one_waits(live)
    closing = live.begin(live.server.close())
    assert client.receive_bye() == ("server_shutdown", 1012)
    closing.result(PATIENCE)


def test_client_that_is_gone_when_its_turn_comes_starts_no_session(serve: Serve, connect: Connect) -> None:
    """Its hello is there all the same."""
    live = serve(hold)
    connect(live)
    client = connect(live, hello=False)
    client.send(make_hello())
    until_one_waits(live)
    (waiting,) = live.server._handshake.sockets
    live.run(abort(waiting))
    live.until(lambda: not live.server._handshake.sockets)
    assert live.server.session_count == 1


async def abort(waiting: WebSocket) -> None:
    """Break the connection, as a network does."""
    waiting.abort()


def test_timeout_runs_from_the_connection_to_the_hello(serve: Serve) -> None:
    """Once, and not once for the request and once more for the hello."""
    live = serve(hold)
    with socket.create_connection(("127.0.0.1", live.server.port)) as end:
        live.until(lambda: len(live.server._door.limiter) == 1)
        live.skip(Options().hello_timeout * 0.6)
        with scripted_client(live.socket_url, sock=end) as client:
            live.skip(Options().hello_timeout * 0.4)
            assert client.receive_bye() == ("hello_timeout", 4408)


class _Ready:
    """As much of a WebSocket as a handshake needs, with a message that has come."""

    is_open = True

    async def receive(self) -> str:
        return "{}"


def test_messages_that_come_at_once_are_parsed_one_a_turn(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two of them whoever else waits for the event loop is served."""
    monkeypatch.setattr(handshake, "PARSED_BURST_BYTES", 1 << 20)
    live = serve(hold)
    turn = 0
    parsed_in: list[int] = []
    monkeypatch.setattr(handshake, "read_hello", lambda *_: parsed_in.append(turn))

    async def count_turns() -> None:
        nonlocal turn
        while len(parsed_in) < 5:
            turn += 1
            await asyncio.sleep(0)

    async def parse_many() -> None:
        async with asyncio.timeout(PATIENCE) as limit, asyncio.TaskGroup() as group:
            group.create_task(count_turns())
            for _ in range(5):
                listening = handshake._Listening("192.0.2.1", limit, limit.when() or 0)
                group.create_task(live.server._handshake._next_hello(cast("WebSocket", _Ready()), listening))

    live.run(parse_many())
    assert parsed_in == sorted(set(parsed_in))
