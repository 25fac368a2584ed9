"""What a stranger can take of a server: each limit has its clear answer, and nobody else is disturbed."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

import pytest
from live_server import PATIENCE, LiveServer, Serve
from neighbour import Neighbour, ask_for_ever
from results import Results
from scripted_client import Connect, Message, ScriptedClient, make_hello, scripted_client
from websockets.frames import Frame, Opcode

from pagewire_protocol.byes import make_bye
from pagewire_protocol.codes import ByeCode
from pagewire_server import Options
from pagewire_server.backends.default.websocket import DefaultWebSocket
from pagewire_server.core.directory import SessionDirectory
from pagewire_server.session import SessionBusy, download, eval_js, hold, on_event
from pagewire_server.web.files import FileTags
from pagewire_server.web.requests import counted_address

FULL = ("too_many_sessions", 4429)
LET_GO = ("hello_timeout", 4408)


@contextmanager
def forwarded_for(live: LiveServer, address: str) -> Iterator[ScriptedClient]:
    """Connect as a proxy does for a user."""
    headers = [("X-Forwarded-For", address)]
    with scripted_client(live.socket_url, additional_headers=headers) as client:
        client.send(make_hello())
        yield client


def socket_of(live: LiveServer) -> DefaultWebSocket:
    """Return the server's end of the connection of the youngest session."""
    connection: Any = live.sessions[-1]._connection
    found: DefaultWebSocket = connection._socket
    return found


# -- sessions ----------------------------------------------------------------------------------


def test_session_beyond_those_of_its_address_is_refused(serve: Serve, connect: Connect) -> None:
    """Until one of them has ended."""
    live = serve({"index": hold, "ask": ask_for_ever}, max_sessions_per_address=2)
    neighbour, second = Neighbour(connect(live, app="ask")), connect(live)
    refused = connect(live, hello=False)
    refused.send(make_hello())
    assert refused.receive_bye() == FULL
    assert neighbour.is_served()
    second.leave()
    live.until(lambda: live.server.session_count == 1)
    assert connect(live).welcome["resumed"] is False


def test_session_whose_client_is_away_counts_for_its_address(serve: Serve, connect: Connect) -> None:
    """It takes as much of the server as the others; and its client comes back to it."""
    live = serve(hold, max_sessions_per_address=1)
    away = connect(live, instance="an-instance-that-is-away")
    away.break_connection()
    live.until(lambda: live.is_detached)
    refused = connect(live, hello=False)
    refused.send(make_hello())
    assert refused.receive_bye() == FULL
    resume = {"last_seq": 0, "streams": []}
    assert connect(live, instance="an-instance-that-is-away", resume=resume).welcome["resumed"] is True


def test_sessions_behind_a_trusted_proxy_count_for_their_users(serve: Serve) -> None:
    """The users' addresses, not the proxy's, and without the ports that some proxies write."""
    live = serve(hold, max_sessions_per_address=1, trusted_proxies=("127.0.0.1",))
    with ExitStack() as stack:
        first, again, other = (
            stack.enter_context(forwarded_for(live, address)) for address in ("192.0.2.1:1", "192.0.2.1:2", "192.0.2.2")
        )
        assert other.receive()["type"] == "welcome"
        byes = [message for message in (first.receive(), again.receive()) if message["type"] == "bye"]
        assert [bye["params"]["code"] for bye in byes] == ["too_many_sessions"]


def test_forwarded_address_of_a_stranger_is_not_believed(serve: Serve) -> None:
    """Else whoever writes the header is without limit."""
    live = serve(hold, max_sessions_per_address=1)
    with forwarded_for(live, "192.0.2.1") as first, forwarded_for(live, "192.0.2.2") as second:
        kinds = {first.receive()["type"], second.receive()["type"]}
    assert kinds == {"welcome", "bye"}


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_address_counts_as_what_one_user_has(address: str, group: str) -> None:
    """Of IPv6 that is a network of 64 bits."""
    assert counted_address(address) == group


def test_tombstones_are_bounded_and_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """END-11 within bounds: the oldest goes first, texts are cut, and equal ones are one."""
    monkeypatch.setattr("pagewire_server.core.directory.MAX_TOMBSTONES", 3)
    directory: SessionDirectory[object] = SessionDirectory(resume_window=10)
    for number in range(5):
        directory.bury(b"%d" % number, make_bye(ByeCode.INVALID_MESSAGE, "x" * 999), now=number)
    told = [directory.tombstone(b"%d" % number, now=5) for number in range(5)]
    assert [bye and (bye.code, len(bye.message)) for bye in told] == [None, None, *[("invalid_message", 200)] * 3]
    assert len({id(tombstone.message) for tombstone in directory._tombstones.values()}) == 1
    assert directory.tombstone(b"4", now=14) is None
    assert not directory._tombstones


def test_texts_of_ended_sessions_go_with_the_last_that_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal ones are one; none is interned, since some versions of Python never free what is."""
    monkeypatch.setattr("pagewire_server.core.directory.MAX_TOMBSTONES", 3)
    directory: SessionDirectory[object] = SessionDirectory(resume_window=10)
    for number in range(7):
        text = f"a text of a client, of kind {number % 2}"
        directory.bury(b"%d" % (number % 5), make_bye(ByeCode.INVALID_MESSAGE, text), now=number)
    for kind in range(2):
        copy = f"a text of a client, of kind {kind}"
        assert sys.intern(copy) is copy, "the directory's own was interned"
    assert {text: shared.uses for text, shared in directory._messages.items()} == {
        "a text of a client, of kind 0": 2,
        "a text of a client, of kind 1": 1,
    }
    assert directory.tombstone(b"1", now=99) is None
    assert not directory._messages


# -- connections -------------------------------------------------------------------------------


def test_connections_that_say_nothing_are_few_of_one_address(serve: Serve, connect: Connect) -> None:
    """For one more the oldest is let go, which may come again; nobody who has something to say is sent away."""
    live = serve(ask_for_ever, max_waiting_connections_per_address=2)
    away = connect(live)
    away.break_connection()
    live.until(lambda: live.is_detached)
    oldest = connect(live, hello=False)
    live.until(lambda: len(live.server._handshake.sockets) == 1)
    second = connect(live, hello=False)
    live.until(lambda: len(live.server._handshake.sockets) == 2)
    assert connect(live, instance=away.hello["params"]["instance"]).welcome["resumed"] is True
    assert oldest.receive_bye() == LET_GO
    assert second.say_hello()["resumed"] is False


def test_connections_that_say_nothing_are_few_in_all(serve: Serve, connect: Connect) -> None:
    """Wherever they are from."""
    live = serve(ask_for_ever, max_waiting_connections=2, trusted_proxies=("127.0.0.1",))
    neighbour = Neighbour(connect(live))
    with ExitStack() as stack:

        def connect_silent(address: str) -> ScriptedClient:
            headers = [("X-Forwarded-For", address)]
            return stack.enter_context(scripted_client(live.socket_url, additional_headers=headers))

        oldest = connect_silent("192.0.2.1")
        live.until(lambda: len(live.server._handshake.sockets) == 1)
        connect_silent("192.0.2.2")
        live.until(lambda: len(live.server._handshake.sockets) == 2)
        assert connect(live).welcome["resumed"] is False
        assert oldest.receive_bye() == LET_GO
        assert neighbour.is_served()


def test_sockets_without_a_request_are_few(serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """The next is closed at once, for there is nobody to talk to; it is no error of the server."""
    live = serve(ask_for_ever, max_waiting_connections_per_address=2)
    neighbour = Neighbour(connect(live))
    address = ("127.0.0.1", live.server.port)
    with socket.create_connection(address) as first, socket.create_connection(address):
        live.until(lambda: len(live.server._door.limiter) == 2)
        with socket.create_connection(address, PATIENCE) as third:
            assert was_closed(third)
        assert neighbour.is_served()
        first.close()
        live.until(lambda: len(live.server._door.limiter) == 1)
        assert connect(live).welcome["resumed"] is False
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def was_closed(end: socket.socket) -> bool:
    """Wait for the other side to close, in whatever way."""
    try:
        return end.recv(1) == b""
    except ConnectionError:
        return True


# -- messages ----------------------------------------------------------------------------------


def test_events_beyond_the_rate_are_slowed_down_and_not_lost(serve: Serve, connect: Connect, results: Results) -> None:
    """The server stops reading, and reads on; the neighbour is served meanwhile, and the heartbeat goes on."""

    def listen() -> None:
        on_event("tick", results.put)

    apps = {"index": listen, "ask": ask_for_ever}
    live = serve(apps, max_messages_per_second=1, heartbeat_interval=15, heartbeat_timeout=1000)
    neighbour, client = Neighbour(connect(live, app="ask")), connect(live)
    numbers = list(range(200))
    for number in numbers:
        client.emit("tick", number)
    live.until(lambda: socket_of(live)._is_held)
    assert neighbour.is_served()
    received: list[int] = []
    while len(received) < len(numbers):
        # The heartbeat goes on meanwhile; the clock runs faster than a busy client can answer it.
        live.skip(1)
        while not results.empty():
            received.append(results.next())
        assert neighbour.is_served()
    assert received == numbers
    assert client.connection.protocol.close_rcvd is None


FLOODS = {
    "acks": b'{"type":"ack","params":{"seq":0}}',
    "duplicates": b'{"type":"event","seq":1,"params":{}}',
    "unknown types": b'{"type":"x"}',
    "stream acks": b'{"type":"stream_ack","params":{"id":1,"offset":0}}',
    "binary frames": None,
    "pings": None,
}


@pytest.mark.parametrize("kind", FLOODS)
def test_flood_of_any_kind_is_slowed_down(serve: Serve, connect: Connect, kind: str) -> None:
    """One bucket for all that the server did not ask for."""
    live = serve({"index": hold, "ask": ask_for_ever}, max_messages_per_second=1)
    neighbour, client = Neighbour(connect(live, app="ask")), connect(live)
    client.emit("first")
    for _ in range(20):
        if kind == "pings":
            client.connection.ping()
        else:
            client.connection.send(FLOODS[kind] or bytes(16), text=kind != "binary frames")
    live.until(lambda: socket_of(live)._is_held)
    assert neighbour.is_served()


def test_large_message_counts_for_its_size(serve: Serve, connect: Connect) -> None:
    """Else a few messages a second would be megabytes to parse."""
    live = serve(hold, max_messages_per_second=10)
    client = connect(live)
    client.emit("large", "x" * 65536)
    live.until(lambda: socket_of(live)._is_held)


def test_flood_before_the_hello_is_slowed_down(serve: Serve, connect: Connect) -> None:
    """Unknown types are ignored there, but not without end."""
    live = serve(hold, max_messages_per_second=1)
    client = connect(live, hello=False)
    for _ in range(20):
        client.send({"type": "x"})
    waiting: Any = live.server._handshake.sockets
    live.until(lambda: any(socket._is_held for socket in waiting))


def test_bye_reaches_a_client_that_is_held(serve: Serve, connect: Connect) -> None:
    """What it has sent too much is read and discarded, so that the close is a clean one."""
    live = serve(hold, max_messages_per_second=1)
    client = connect(live)
    for _ in range(20):
        client.send({"type": "x"})
    live.until(lambda: socket_of(live)._is_held)
    connection = socket_of(live)
    live.stop()
    assert client.receive_bye() == ("server_shutdown", 1012)
    assert connection.protocol.close_rcvd, "the client's own close was not read"


def test_answers_do_not_count(serve: Serve, connect: Connect, results: Results) -> None:
    """Replies and acks are as many as the server asked for; at a message per second this would take minutes."""

    def ask() -> None:
        results.put([eval_js("1") for _ in range(200)])

    client = connect(serve(ask, max_messages_per_second=1))
    for number in range(200):
        client.result(client.receive("eval_js"), value=number)
        client.ack()
    assert results.next() == list(range(200))


def test_padded_acks_count_for_their_size(serve: Serve, connect: Connect) -> None:
    """What an ack says is asked for; what a client puts beside it is not."""

    def ask() -> None:
        for _ in range(10):
            eval_js("1")
        hold()

    live = serve(ask, max_messages_per_second=1)
    client = connect(live)
    for _ in range(10):
        client.result(client.receive("eval_js"), value=1)
        client.send({"type": "ack", "params": {"seq": client.last_seq, "padding": "x" * 2048}})
    live.until(lambda: socket_of(live)._is_held)


def fragments(message: Message, size: int = 65536) -> Iterator[str]:
    """Give a message as a browser sends it if it is large."""
    text = json.dumps(message)
    yield from (text[start : start + size] for start in range(0, len(text), size))


def event(seq: int, data: object) -> Message:
    """Return an event."""
    return {"type": "event", "seq": seq, "params": {"name": "x", "data": data}}


def test_answer_in_fragments_does_not_count(serve: Serve, connect: Connect, results: Results) -> None:
    """A browser sends whatever is large in fragments; at a KiB per second this would take hours."""

    def ask() -> None:
        results.put([len(eval_js("1")) for _ in range(5)])

    client = connect(serve(ask, max_messages_per_second=1))
    for seq in range(1, 6):
        id_ = client.receive("eval_js")["id"]
        answer = {"type": "result", "seq": seq, "id": id_, "params": {"value": "x" * 4_000_000}}
        client.connection.send(fragments(answer))
        client.ack()
    assert results.next() == [4_000_000] * 5


def test_message_in_fragments_that_is_no_answer_counts_whole(serve: Serve, connect: Connect) -> None:
    """Once that is known; one of the same size in one frame costs the same."""
    live = serve(hold, max_messages_per_second=10)
    client = connect(live)
    client.connection.send(fragments(event(1, "x" * 200_000)))
    live.until(lambda: socket_of(live)._is_held)
    assert 200_000 / 1024 / 10 - 10 < live.sessions[0].rate.pause(live.time()) < 200_000 / 1024 / 10


def test_small_fragments_without_end_are_slowed_down(serve: Serve, connect: Connect) -> None:
    """Though nobody knows yet what the message will be."""
    live = serve({"index": hold, "ask": ask_for_ever}, max_messages_per_second=1)
    neighbour, client = Neighbour(connect(live, app="ask")), connect(live)
    client.connection.socket.sendall(
        Frame(Opcode.TEXT, b"{", fin=False).serialize(mask=True)
        + Frame(Opcode.CONT, b"", fin=False).serialize(mask=True) * 20
    )
    live.until(lambda: socket_of(live)._is_held)
    assert neighbour.is_served()


def test_message_that_is_never_whole_counts_when_its_connection_is_lost(serve: Serve, connect: Connect) -> None:
    """Else a client that comes again and again would send without limit."""
    live = serve(hold, max_messages_per_second=10)
    client = connect(live, instance="an-instance-that-never-ends")
    client.connection.socket.sendall(Frame(Opcode.TEXT, b"x" * 200_000, fin=False).serialize(mask=True))
    live.until(lambda: socket_of(live)._fragments is not None)
    assert not live.sessions[0].rate.pause(live.time())
    client.break_connection()
    live.until(lambda: live.is_detached)
    assert live.sessions[0].rate.pause(live.time()) > 10


def test_answer_that_waits_behind_a_binary_message_does_not_count(
    serve: Serve, connect: Connect, results: Results
) -> None:
    """Its frame is counted before anybody looks at it, and is given back."""

    def ask() -> None:
        results.put(len(eval_js("1")))
        hold()

    live = serve(ask, max_messages_per_second=1)
    client = connect(live)
    id_ = client.receive("eval_js")["id"]
    answer = {"type": "result", "seq": 1, "id": id_, "params": {"value": "x" * 20_000}}
    client.connection.socket.sendall(
        Frame(Opcode.BINARY, struct.pack(">QQ", 1 << 40, 0)).serialize(mask=True)
        + Frame(Opcode.TEXT, json.dumps(answer).encode()).serialize(mask=True)
    )
    assert results.next() == 20_000
    assert not live.sessions[0].rate.pause(live.time())


def test_invalid_utf_8_in_fragments_closes_with_1007(serve: Serve, connect: Connect) -> None:
    """As it does in one frame (WIRE-5)."""
    client = connect(serve(hold))
    client.connection.socket.sendall(
        Frame(Opcode.TEXT, b"\xff", fin=False).serialize(mask=True) + Frame(Opcode.CONT, b"").serialize(mask=True)
    )
    assert client.close_code() == 1007


# -- streams -----------------------------------------------------------------------------------


def test_download_beyond_max_streams_waits_in_a_thread(serve: Serve, connect: Connect, results: Results) -> None:
    """Until one of the others is answered."""
    may_end = threading.Event()

    def content() -> Iterator[bytes]:
        yield b"x" if may_end.wait(PATIENCE) else b""

    def send() -> None:
        for number in range(3):
            results.put(download(f"{number}.bin", content()).name)

    client = connect(serve(send, max_streams=2), capabilities={"streams": {}})
    first = client.receive("download")
    client.receive("download")
    assert [results.next(), results.next()] == ["0.bin", "1.bin"]
    assert results.empty()
    client.error(first, "save_failed")
    assert client.receive("download")["params"]["name"] == "2.bin"
    assert results.next() == "2.bin"
    may_end.set()


def test_download_beyond_max_streams_is_busy_in_a_coroutine(serve: Serve, connect: Connect, results: Results) -> None:
    """Nothing may block there; small files are no streams."""

    async def send() -> None:
        download("0.bin", iter([b"x"]))
        with pytest.raises(SessionBusy, match="1 downloads are under way"):
            download("1.bin", iter([b"x"]))
        download("small.bin", b"x")
        results.put("done")

    connect(serve(send, max_streams=1), capabilities={"streams": {}})
    assert results.next() == "done"


# -- the program's and the server's own work ---------------------------------------------------


def test_plain_authenticate_that_blocks_holds_up_nobody(serve: Serve, connect: Connect) -> None:
    """It is called in a thread of its own, and has a time limit."""
    begun, never = threading.Event(), threading.Event()

    def check(auth: object, _request: object) -> bool:
        if auth == "good":
            return True
        begun.set()
        return never.wait(PATIENCE)

    live = serve(ask_for_ever, authenticate=check)
    neighbour, slow = Neighbour(connect(live, auth="good")), connect(live, hello=False)
    slow.send(make_hello())
    assert begun.wait(PATIENCE)
    assert neighbour.is_served()
    live.skip(Options().hello_timeout)
    assert slow.receive_bye() == ("internal_error", 4500)
    assert neighbour.is_served()
    never.set()


def test_authenticate_that_never_ends_is_given_up(serve: Serve, connect: Connect) -> None:
    """A coroutine has the same time limit."""
    begun = threading.Event()

    async def check(_auth: object, _request: object) -> bool:
        begun.set()
        return await asyncio.Event().wait()

    live = serve(hold, authenticate=check)
    client = connect(live, hello=False)
    client.send(make_hello())
    assert begun.wait(PATIENCE)
    live.skip(Options().hello_timeout)
    assert client.receive_bye() == ("internal_error", 4500)


@pytest.mark.parametrize("error", [ValueError("boom"), SystemExit(1)])
@pytest.mark.parametrize("is_async", [False, True])
def test_authenticate_that_raises_refuses_that_client_only(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture, error: BaseException, *, is_async: bool
) -> None:
    """It is logged; even what would end the program ends nothing."""

    def check(auth: object, _request: object) -> bool:
        if auth != "good":
            raise error
        return True

    async def check_in_task(auth: object, request: object) -> bool:
        return check(auth, request)

    live = serve(ask_for_ever, authenticate=check_in_task if is_async else check)
    neighbour, client = Neighbour(connect(live, auth="good")), connect(live, hello=False)
    client.send(make_hello())
    assert client.receive_bye() == ("internal_error", 4500)
    assert "authenticate failed" in caplog.text
    assert neighbour.is_served()


def test_file_is_read_beside_the_event_loop(serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for a large one holds up nobody."""
    is_asked, may_read, tag = threading.Event(), threading.Event(), FileTags.tag

    def read_slowly(tags: FileTags, path: Path, file: BufferedReader) -> str:
        is_asked.set()
        assert may_read.wait(PATIENCE)
        return tag(tags, path, file)

    monkeypatch.setattr(FileTags, "tag", read_slowly)
    live = serve(ask_for_ever)
    neighbour = Neighbour(connect(live))
    with socket.create_connection(("127.0.0.1", live.server.port), PATIENCE) as asking:
        asking.sendall(b"GET /pagewire/index.js HTTP/1.1\r\nHost: x\r\n\r\n")
        assert is_asked.wait(PATIENCE)
        assert neighbour.is_served()
        may_read.set()
        assert asking.recv(15) == b"HTTP/1.1 200 OK"
