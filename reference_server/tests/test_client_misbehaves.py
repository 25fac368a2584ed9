"""Clients that do not read, that come twice, that close oddly: bounded, told so, and nobody else is disturbed."""

from __future__ import annotations

import json
import logging
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from live_server import PATIENCE, LiveServer, Serve
from results import Results
from scripted_client import Connect, make_hello, scripted_client
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from pagewire_server.backends.default.websocket import DefaultWebSocket
from pagewire_server.session import SessionClosed, download, eval_js, hold, on_event, run_js
from pagewire_server.transports.websocket import WebSocketConnection

INSTANCE = "an-instance-that-is-odd"

UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: pagewire.v1\r\n\r\n"
)


def endless() -> Iterator[bytes]:
    """Give more than any buffer takes."""
    while True:
        yield b"x" * 65536


def test_client_that_does_not_read_is_judged_dead(serve: Serve, connect: Connect, results: Results) -> None:
    """BEAT-1, RESUME-12: nothing leaves for an interval, so the connection is a break; then its session ends."""

    def app() -> None:
        for _ in range(4):
            download("endless.bin", endless())
        try:
            eval_js("1")
        except SessionClosed as error:
            results.put(str(error))

    live = serve(app, heartbeat_interval=0.2, heartbeat_timeout=0.2, resume_window=0.1, stream_window_bytes=8 << 20)
    client = connect(live, hello=False)
    client.connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connection.recv_messages.high = 1
    client.send(make_hello(capabilities={"streams": {}}))
    assert results.next().endswith("The client was away for too long.")


def test_client_that_sends_pings_and_does_not_read_is_cut_off(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """Pongs would pile up without limit, since a client that is not read is not judged by its heartbeat."""
    caplog.set_level(logging.INFO)

    def app() -> None:
        for _ in range(4):
            download("endless.bin", endless())
        hold()

    live = serve(app, max_messages_per_second=None, stream_window_bytes=8 << 20)
    client = connect(live, hello=False)
    client.connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connection.recv_messages.high = 1
    client.send(make_hello(capabilities={"streams": {}}))
    live.until(lambda: bool(live.sessions) and unwritten_by(live) > 0)
    ping = Frame(Opcode.PING, b"x" * 125).serialize(mask=True)
    with suppress(OSError):
        for _ in range(50):
            client.connection.socket.sendall(ping * 20)
    live.until(lambda: live.is_detached)
    assert live.server.session_count == 1
    assert "does not read the Pongs" in caplog.text


def unwritten_by(live: LiveServer) -> int:
    """Return what the server has written to its only client and the kernel does not take."""
    connection: Any = live.sessions[0]._connection
    unwritten: int = connection._socket.unwritten_bytes if connection else 0
    return unwritten


def test_pings_of_a_client_that_reads_are_all_answered(serve: Serve, connect: Connect) -> None:
    """However many they are."""
    client = connect(serve(hold, max_messages_per_second=None))
    for _ in range(20):
        waiters = [client.connection.ping() for _ in range(100)]
        assert all(waiter.wait(PATIENCE) for waiter in waiters)


BEAT: dict[str, Any] = {"heartbeat_interval": 0.1, "heartbeat_timeout": 0.2, "max_messages_per_second": None}


@pytest.mark.parametrize(("opcode", "is_dripping"), [(Opcode.TEXT, False), (Opcode.TEXT, True), (Opcode.BINARY, False)])
def test_message_that_is_not_completed_breaks_its_connection(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture, opcode: Opcode, *, is_dripping: bool
) -> None:
    """Though the client answers Pings, and if it sends next to nothing now and then."""
    caplog.set_level(logging.INFO)
    live = serve(hold, **BEAT)
    client = connect(live)
    client.connection.socket.sendall(Frame(opcode, b"x", fin=False).serialize(mask=True))
    with suppress(OSError):
        while is_dripping and not live.is_detached:
            client.connection.socket.sendall(Frame(Opcode.CONT, b"", fin=False).serialize(mask=True))
    live.until(lambda: live.is_detached)
    assert live.server.session_count == 1
    assert "does not complete a message in fragments" in caplog.text


def test_message_in_fragments_that_is_not_read_is_not_late(serve: Serve, connect: Connect, results: Results) -> None:
    """The client has sent too much before, and its rest waits behind that for longer than it may take."""
    live = serve(lambda: on_event("x", results.put), **BEAT | {"max_messages_per_second": 1000})
    client = connect(live)
    text = json.dumps({"type": "event", "seq": 1, "params": {"name": "x", "data": "whole"}}).encode()
    client.connection.socket.sendall(Frame(Opcode.TEXT, text[:9], fin=False).serialize(mask=True))
    pong = Frame(Opcode.PONG, b"").serialize(mask=True)
    client.connection.socket.sendall(pong * 7000 + Frame(Opcode.CONT, text[9:]).serialize(mask=True))
    assert results.next() == "whole"


@pytest.mark.parametrize(
    ("since_first", "since_last", "is_late"), [(60, 20, False), (60, 40, True), (70, 20, False), (90, 20, True)]
)
def test_message_in_fragments_may_take_longer_the_more_of_it_has_come(
    serve: Serve, connect: Connect, since_first: int, since_last: int, *, is_late: bool
) -> None:
    """30 s since the last fragment, and a second more for each 4 KiB since the first: 200,000 bytes have 78 s."""
    live = serve(hold)
    client = connect(live)
    client.connection.socket.sendall(Frame(Opcode.TEXT, b"x" * 200_000, fin=False).serialize(mask=True))
    live.until(lambda: socket_of(live)._incomplete_bytes == 200_000)

    async def look_later() -> None:
        connection = socket_of(live)
        connection._incomplete_since = live.time() - since_first
        connection._last_fragment_at = live.time() - since_last
        connection._check_fragments()
        assert connection.transport.is_closing() is is_late

    live.run(look_later())


def socket_of(live: LiveServer) -> DefaultWebSocket:
    """Return the server's end of its only connection."""
    connection: Any = live.sessions[0]._connection
    found: DefaultWebSocket = connection._socket
    return found


def test_ack_is_not_tried_again_and_again_while_the_writer_waits(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One timer for one deadline, whatever becomes of it."""
    fired: list[int] = []
    original = WebSocketConnection._ack

    def count(connection: WebSocketConnection) -> None:
        fired.append(1)
        original(connection)

    monkeypatch.setattr(WebSocketConnection, "_ack", count)
    monkeypatch.setattr("pagewire_server.core.delivery.ACK_DELAY", 0.01)
    is_blocked = threading.Event()

    def app() -> None:
        for _ in range(4):
            download("endless.bin", endless())
        is_blocked.set()
        hold()

    live = serve(app, stream_window_bytes=8 << 20)
    client = connect(live, capabilities={"streams": {}})
    assert is_blocked.wait(PATIENCE)
    client.emit("x")
    live.until(lambda: bool(fired))
    for _ in range(50):
        client.connection.recv(PATIENCE)
    assert len(fired) <= 2


def test_connection_that_was_replaced_cannot_end_the_session(serve: Serve, connect: Connect, results: Results) -> None:
    """RESUME-8: its close code means nothing any more."""

    def app() -> None:
        results.put(eval_js("1"))

    live = serve(app)
    older = connect(live, instance=INSTANCE)
    command = older.receive("eval_js")
    newer = connect(live, instance=INSTANCE, resume={"last_seq": 1, "streams": []})
    older.connection.close(4400)
    newer.result(command, value="alive")
    assert results.next() == "alive"


def test_resume_that_acknowledges_the_last_message_ends_a_drained_session(serve: Serve, connect: Connect) -> None:
    """END-10: at once, not with the next message."""
    client_is_away = threading.Event()

    def app() -> None:
        run_js("1").wait()
        client_is_away.wait(PATIENCE)

    live = serve(app)
    client = connect(live, instance=INSTANCE)
    client.result(client.receive("run_js"))
    live.until(lambda: not live.sessions[0]._core.unanswered)
    client.break_connection()
    live.until(lambda: live.is_detached)
    client_is_away.set()
    again = connect(live, instance=INSTANCE, resume={"last_seq": 1, "streams": []})
    assert again.receive_bye() == ("session_ended", 1000)


def test_drained_session_whose_client_stays_away_is_told_as_ended(serve: Serve, connect: Connect) -> None:
    """END-10 before RESUME-12: the app was done."""

    def app() -> None:
        run_js("1")

    live = serve(app, resume_window=0.1)
    client = connect(live, instance=INSTANCE)
    client.receive("run_js")
    client.break_connection()
    live.until(lambda: live.server.session_count == 0)
    late = connect(live, hello=False)
    late.send(make_hello(instance=INSTANCE, resume={"last_seq": 1, "streams": []}))
    assert late.receive_bye()[0] in {"session_ended", "session_gone"}


def test_bye_of_the_client_is_not_answered(serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """END-2: its sender closes; what it said is logged."""
    live = serve(hold)
    client = connect(live)
    client.send({"type": "bye", "params": {"code": "invalid_message", "message": "your seq is odd", "retry": "never"}})
    client.connection.close(4400)
    live.until(lambda: live.server.session_count == 0)
    assert "the client ended it: invalid_message: your seq is odd" in caplog.text
    assert client.connection.protocol.close_sent
    assert client.connection.protocol.close_sent.code == 4400


def test_client_that_says_bye_and_does_not_close_is_cut_off(serve: Serve, connect: Connect) -> None:
    """END-2: after a second."""
    client = connect(serve(hold))
    client.send({"type": "bye", "params": {"code": "client_left", "message": "", "retry": "never"}})
    client.connection.recv_events_thread.join(PATIENCE)
    assert client.connection.protocol.close_rcvd is None


def test_answers_to_unknown_commands_are_bounded(serve: Serve, connect: Connect) -> None:
    """DELIVERY-10: they are not taken, so the session ends."""
    client = connect(serve(hold, window_bytes=1000, outbox_bytes=10_000))
    with suppress(ConnectionClosed):
        for number in range(1, 1000):
            client.send({"type": "vendor:ask", "seq": number, "id": number, "params": {}})
    while (message := client.receive())["type"] == "error":
        pass
    assert message["params"]["message"] == "too many unknown commands, whose answers are not taken"


def test_size_that_the_websocket_layer_refuses_is_remembered_as_such(serve: Serve, connect: Connect) -> None:
    """END-11: 1009 without a bye is `too_large` to whoever asks later."""
    live = serve(hold, max_message_bytes=65536)
    client = connect(live, instance=INSTANCE)
    client.connection.send("x" * 200_000)
    assert client.close_code() == 1009
    late = connect(live, hello=False)
    late.send(make_hello(instance=INSTANCE, resume={"last_seq": 0, "streams": []}))
    assert late.receive_bye() == ("too_large", 4413)


@pytest.mark.parametrize("url", ["http://[", "not a url", "http://x/?a=%zz"])
def test_odd_url_of_a_page_is_taken_as_it_is(serve: Serve, connect: Connect, url: str) -> None:
    """A valid hello is never refused for what it tells of the page."""
    assert connect(serve(hold), page={"url": url}).welcome["resumed"] is False


def test_odd_headers_are_no_failure_of_the_server(serve: Serve) -> None:
    """A malformed Origin is foreign; of a header that comes twice the first counts."""
    live = serve(hold)
    with scripted_client(live.socket_url, origin="http://[::1") as client:
        assert client.receive_bye() == ("forbidden_origin", 4403)
    twice = [("User-Agent", "a"), ("User-Agent", "b")]
    with scripted_client(live.socket_url, additional_headers=twice, user_agent_header=None) as client:
        assert client.say_hello()["resumed"] is False


def test_connection_before_its_hello_is_told_of_the_shutdown(serve: Serve, connect: Connect) -> None:
    """END-1: no close without a bye."""
    live = serve(hold)
    client = connect(live, hello=False)
    live.until(lambda: bool(live.server._handshake.sockets))
    live.stop()
    assert client.receive_bye() == ("server_shutdown", 1012)


def test_older_connection_that_is_reset_while_the_server_waits_to_write_ends_no_session(
    serve: Serve, connect: Connect
) -> None:
    """RESUME-8: the client is connected anew, and what becomes of the connection that it has left is all the same."""

    def app() -> None:
        download("endless.bin", endless())
        hold()

    live = serve(app)
    with socket.socket() as left:
        left.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        # Closing it resets the connection.
        left.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        left.connect(("127.0.0.1", live.server.port))
        left.sendall(UPGRADE)
        assert left.recv(1 << 16).startswith(b"HTTP/1.1 101 ")
        hello = make_hello(instance=INSTANCE, capabilities={"streams": {}})
        left.sendall(Frame(Opcode.TEXT, json.dumps(hello).encode()).serialize(mask=True))
        live.until(lambda: bool(live.sessions) and unwritten_by(live) > 0)
        sessions = live.sessions
        older: Any = sessions[0]._connection
        connect(live, instance=INSTANCE, capabilities={"streams": {}}, resume={"last_seq": 0, "streams": []})
    live.until(older._writer.done)
    assert live.sessions == sessions


@pytest.mark.parametrize("is_whole", [False, True])
def test_connection_that_is_over_keeps_nothing_of_what_the_client_has_sent(
    serve: Serve, connect: Connect, *, is_whole: bool
) -> None:
    """Connections are cycles: until garbage is collected, each would keep megabytes."""
    live = serve(lambda: on_event("x", lambda _: None), max_messages_per_second=None)
    client = connect(live)
    server_end = socket_of(live)
    if is_whole:
        client.emit("x", "x" * 1_000_000)
        client.break_connection()
    else:
        client.connection.socket.sendall(Frame(Opcode.TEXT, b"x" * 500_000, fin=False).serialize(mask=True))
        client.connection.socket.sendall(Frame(Opcode.CONT, b"x" * 500_000).serialize(mask=True)[:400_000])
        live.until(lambda: len(server_end.protocol.reader.buffer) > 300_000)
        client.break_connection()
    live.until(lambda: live.is_detached)
    assert server_end.protocol.parser_exc
    assert server_end.protocol.parser_exc.__traceback__ is None
    assert server_end._fragments is None
    assert not server_end.protocol.reader.buffer


def test_nothing_is_written_to_a_connection_that_was_reset(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """The library is told a turn of the event loop later; until then asyncio would log each write."""
    live = serve(hold)
    connect(live)

    async def write() -> list[bool]:
        server_end = socket_of(live)
        server_end.transport.abort()
        return [server_end.write_text(b"{}") for _ in range(8)]

    assert live.run(write()) == [False] * 8
    assert "socket.send()" not in caplog.text
