"""How a hello is answered: every check of SPEC section 4, in its order."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any, cast

import pytest
from live_server import PATIENCE, Serve
from results import Results
from scripted_client import Connect, make_hello, scripted_client
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection

from pagewire_server import Options
from pagewire_server.backends.default.websocket import DefaultWebSocket
from pagewire_server.session import eval_js, hold

INSTANCE = "an-instance-of-the-tests"


def app() -> None:
    """Stay until the page is closed."""
    hold()


def test_welcome_says_all_that_a_client_needs(serve: Serve, connect: Connect) -> None:
    """HELLO-11: the version is the highest in common, and the limits are the server's."""
    live = serve(app, heartbeat_interval=3, heartbeat_timeout=4, resume_window=5)
    client = connect(live, versions=["0.9", "1.0", "1.7", "2.0"])
    session = client.welcome.pop("session")
    server = client.welcome.pop("server")
    assert client.welcome == {
        "version": "1.0",
        "resumed": False,
        "last_seq": 0,
        "capabilities": {},
        "heartbeat": {"interval_ms": 3000, "timeout_ms": 4000},
        "limits": {"max_message_bytes": 4194304, "max_values": 50000, "stream_window_bytes": 2097152},
        "resume_window_ms": 5000,
    }
    assert server["name"] == "pagewire-server"
    assert session.startswith("s-")
    assert INSTANCE not in session


@pytest.mark.parametrize(
    ("changes", "code", "close"),
    [
        ({"versions": ["2.0"]}, "unsupported_version", 4406),
        ({"versions": ["1.1"]}, "unsupported_version", 4406),
        ({"versions": []}, "invalid_message", 4400),
        ({"versions": ["1"]}, "invalid_message", 4400),
        ({"versions": None}, "invalid_message", 4400),
        ({"instance": "short"}, "invalid_message", 4400),
        ({"attempt": None}, "invalid_message", 4400),
        ({"attempt": 0}, "invalid_message", 4400),
        ({"app": "nowhere"}, "unknown_app", 4404),
        ({"app": ""}, "invalid_message", 4400),
        ({"limits": {"max_message_bytes": 1}}, "invalid_message", 4400),
        ({"resume": {"last_seq": 0, "streams": []}}, "session_gone", 4410),
        ({"versions": ["2.0"], "app": "nowhere"}, "unsupported_version", 4406),
        ({"resume": {"last_seq": 0, "streams": []}, "app": "nowhere"}, "session_gone", 4410),
    ],
)
def test_hello_is_refused_with_the_code_of_the_first_failed_check(
    serve: Serve, connect: Connect, changes: dict[str, Any], code: str, close: int
) -> None:
    """HELLO-10: the order of the checks decides which bye comes."""
    client = connect(serve(app), hello=False)
    client.send(make_hello(**changes))
    assert client.receive_bye() == (code, close)


def test_version_of_the_future_is_told_what_is_supported(serve: Serve, connect: Connect) -> None:
    """The bye names both sides' versions."""
    client = connect(serve(app), hello=False)
    client.send(make_hello(versions=["2.0", "2.1"]))
    bye = client.receive("bye")["params"]
    assert bye["data"] == {"supported": ["1.0"], "requested": ["2.0", "2.1"]}
    assert bye["retry"] == "never"


@pytest.mark.parametrize("offers", [(), ("pagewire.v2",), ("chat", "pagewire.v9")])
def test_foreign_subprotocol_is_answered_by_a_bye_not_by_a_failed_handshake(
    serve: Serve, offers: tuple[str, ...]
) -> None:
    """WIRE-3: the first offer is selected, so that a page learns why it is refused."""
    with scripted_client(serve(app).socket_url, offers) as client:
        assert client.connection.subprotocol == (offers[0] if offers else None)
        assert client.receive_bye() == ("unsupported_version", 4406)


def test_ours_is_selected_among_several_subprotocols(serve: Serve) -> None:
    """WIRE-2: `pagewire.v1` is selected wherever it stands."""
    with scripted_client(serve(app).socket_url, ("chat", "pagewire.v1")) as client:
        assert client.say_hello()["version"] == "1.0"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_foreign_origin_is_told_so_and_makes_no_session(serve: Serve, origin: str) -> None:
    """SEC-1: the handshake is completed, then 4403."""
    live = serve(app)
    with scripted_client(live.socket_url, origin=origin) as client:
        assert client.receive_bye() == ("forbidden_origin", 4403)
    assert live.server.session_count == 0


def test_own_origin_and_those_allowed_by_name_are_let_in(serve: Serve) -> None:
    """SEC-1: the host and port of the request, or the option."""
    live = serve(app, allowed_origins=frozenset({"https://friend.example"}))
    for origin in (f"http://127.0.0.1:{live.server.port}", "https://friend.example"):
        with scripted_client(live.socket_url, origin=origin) as client:
            assert client.say_hello()["resumed"] is False


def test_origin_is_checked_before_the_subprotocol(serve: Serve) -> None:
    """HELLO-10: the origin comes first."""
    with scripted_client(serve(app).socket_url, ("chat",), origin="null") as client:
        assert client.receive_bye() == ("forbidden_origin", 4403)


def test_no_hello_in_time_is_told_so(serve: Serve, connect: Connect) -> None:
    """HELLO-16: 4408, and the client may try again."""
    live = serve(app)
    client = connect(live, hello=False)
    live.skip(Options().hello_timeout)
    assert client.receive_bye() == ("hello_timeout", 4408)


@pytest.mark.parametrize(
    "frame",
    ["", "{", "[]", "1", "null", '{"params":{}}', '{"type":"ack","params":{"seq":0}}', '{"type":"hello"}', b"\0" * 20],
)
def test_first_message_that_is_no_hello_is_invalid(serve: Serve, connect: Connect, frame: str | bytes) -> None:
    """HELLO-16: 4400."""
    client = connect(serve(app), hello=False)
    client.connection.send(frame)
    assert client.receive_bye() == ("invalid_message", 4400)


def hello_of(size: int) -> str:
    """Return the text of a good hello of so many bytes, half of them in characters of two."""
    hello = make_hello(auth="")
    room = size - len(json.dumps(hello))
    hello["params"]["auth"] = "\u00e9" * (room // 2) + "x" * (room % 2)
    return json.dumps(hello, ensure_ascii=False)


def in_fragments(text: str) -> Iterator[bytes]:
    """Cut a text into pieces of some bytes."""
    data = text.encode()
    return (data[start : start + 1000] for start in range(0, len(data), 1000))


@pytest.mark.parametrize("cut", [str, in_fragments], ids=["whole", "in fragments"])
def test_hello_of_65536_bytes_is_accepted(
    serve: Serve, connect: Connect, cut: Callable[[str], str | Iterator[bytes]]
) -> None:
    """HELLO-25: up to the limit, counted in bytes."""
    client = connect(serve(app), hello=False)
    client.connection.send(cut(hello_of(65536)), text=True)
    assert client.receive("welcome")["params"]["resumed"] is False


@pytest.mark.parametrize("cut", [str, in_fragments], ids=["whole", "in fragments"])
@pytest.mark.parametrize("size", [65537, 131072])
def test_larger_hello_is_too_large(
    serve: Serve, connect: Connect, cut: Callable[[str], str | Iterator[bytes]], size: int
) -> None:
    """HELLO-25: whatever `max_message_bytes` is, until `welcome` it does not count."""
    client = connect(serve(app), hello=False)
    client.connection.send(cut(hello_of(size)), text=True)
    assert client.receive_bye() == ("too_large", 4413)


@pytest.mark.parametrize("cut", [str, in_fragments], ids=["whole", "in fragments"])
def test_hello_far_beyond_the_limit_is_not_read_to_its_end(
    serve: Serve, connect: Connect, cut: Callable[[str], str | Iterator[bytes]]
) -> None:
    """WIRE-23: the WebSocket layer says 1009 as soon as it sees the size."""
    client = connect(serve(app), hello=False)
    with suppress(ConnectionClosed):
        client.connection.send(cut(hello_of(131073)), text=True)
    assert client.close_code() == 1009


def test_first_message_is_refused_before_its_last_fragment(serve: Serve, connect: Connect) -> None:
    """HELLO-25: fragments of a message that is never whole fill no memory."""
    client = connect(serve(app), hello=False)

    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 1000

    with pytest.raises(ConnectionClosed):
        client.connection.send(endless(), text=True)
    assert client.close_code() == 1009


def test_after_the_welcome_a_message_may_be_as_large_as_was_announced(
    serve: Serve, connect: Connect, results: Results
) -> None:
    """HELLO-25 ends with the welcome."""

    def measure() -> None:
        results.put(len(eval_js("text")))

    client = connect(serve(measure))
    client.result(client.receive("eval_js"), value="x" * 4_000_000)
    assert results.next() == 4_000_000


def accept_after(may_answer: threading.Event) -> Callable[[Any, Any], Awaitable[bool]]:
    """Return an `authenticate` that accepts everybody once that is set."""

    async def authenticate(_auth: Any, _request: Any) -> bool:
        return await asyncio.to_thread(may_answer.wait, PATIENCE)

    return authenticate


def test_messages_between_hello_and_welcome_fill_no_memory(serve: Serve, connect: Connect) -> None:
    """What comes before the server is ready for it is not read."""
    may_answer = threading.Event()
    live = serve(app, authenticate=accept_after(may_answer))
    client = connect(live, hello=False)
    client.send(make_hello())
    flood = threading.Thread(target=send_until_it_ends, args=(client.connection,), daemon=True)
    flood.start()
    live.until(lambda: any(socket.unread > 0 for socket in live.server._handshake.sockets))
    (socket,) = live.server._handshake.sockets
    live.until(lambda: not cast("DefaultWebSocket", socket).transport.is_reading())
    assert socket.unread == 1
    may_answer.set()
    live.until(lambda: not live.server._handshake.sockets)
    assert live.server.session_count == 0
    client.break_connection()
    flood.join(PATIENCE)


def test_no_more_frames_are_looked_at_than_are_received(serve: Serve, connect: Connect) -> None:
    """A client can put thousands of messages into what is read at once."""
    may_answer = threading.Event()
    live = serve(app, authenticate=accept_after(may_answer))
    client = connect(live, hello=False)
    bye = {"type": "bye", "params": {"code": "client_left", "message": "", "retry": "never"}}
    frames = [Frame(Opcode.TEXT, json.dumps(text).encode()).serialize(mask=True) for text in (make_hello(), bye)]
    client.connection.socket.sendall(frames[0] + frames[1] * 2000)
    live.until(lambda: any(socket.unread > 0 for socket in live.server._handshake.sockets))
    (socket,) = live.server._handshake.sockets
    assert socket.unread <= 4096 // len(frames[1]) + 1
    may_answer.set()
    live.until(lambda: not live.server._handshake.sockets)
    assert live.server.session_count == 0


def test_fragments_that_come_at_once_become_one_hello(serve: Serve, connect: Connect) -> None:
    """However many there are, and whatever is not looked at yet when the first ones are received."""
    client = connect(serve(app, max_messages_per_second=None), hello=False)
    data = hello_of(60_000).encode()
    pieces = [data[start : start + 50] for start in range(0, len(data), 50)]
    frames = [Frame(Opcode.CONT if index else Opcode.TEXT, piece, fin=False) for index, piece in enumerate(pieces)]
    frames.append(Frame(Opcode.CONT, b""))
    client.connection.socket.sendall(b"".join(frame.serialize(mask=True) for frame in frames))
    assert client.receive("welcome")["params"]["resumed"] is False


def send_until_it_ends(connection: ClientConnection) -> None:
    """Send messages, one after the other, until the connection is closed."""
    with suppress(ConnectionClosed):
        while True:
            connection.send("x" * 60_000)


def test_unknown_type_before_the_hello_is_ignored(serve: Serve, connect: Connect) -> None:
    """WIRE-16: also as the first message."""
    client = connect(serve(app), hello=False)
    client.send({"type": "vendor:greeting", "params": {}})
    assert client.say_hello()["resumed"] is False


def test_lost_welcome_starts_no_second_app(serve: Serve, connect: Connect) -> None:
    """HELLO-12: a known instance without `resume` is resumed."""
    started: list[int] = []

    def count() -> None:
        started.append(1)
        hold()

    live = serve(count)
    first = connect(live, instance=INSTANCE)
    first.break_connection()
    second = connect(live, instance=INSTANCE)
    assert second.welcome["resumed"] is True
    assert second.welcome["session"] == first.welcome["session"]
    assert started == [1]


def test_full_server_says_so(serve: Serve, connect: Connect) -> None:
    """Check 12: one session too many is told to come back."""
    live = serve(app, max_sessions=1)
    connect(live)
    client = connect(live, hello=False)
    client.send(make_hello())
    assert client.receive_bye() == ("too_many_sessions", 4429)


@pytest.mark.parametrize("is_async", [False, True])
def test_authentication_is_the_programs_own(serve: Serve, connect: Connect, *, is_async: bool) -> None:
    """Check 6: what `authenticate` refuses is told 4401; it sees `auth` and the request."""
    seen: list[tuple[Any, str]] = []

    def check(auth: Any, request: Any) -> bool:
        seen.append((auth, request.path))
        return bool(auth == {"token": "good"})

    async def check_later(auth: Any, request: Any) -> bool:
        return check(auth, request)

    live = serve(app, authenticate=check_later if is_async else check)
    connect(live, auth={"token": "good"})
    client = connect(live, hello=False)
    client.send(make_hello())
    assert client.receive_bye() == ("unauthorized", 4401)
    assert seen == [({"token": "good"}, "/ws?key=test"), (None, "/ws?key=test")]


def test_several_apps_are_chosen_by_name(serve: Serve, connect: Connect) -> None:
    """HELLO-5: `app` decides what runs."""
    ran = threading.Event()

    def other() -> None:
        ran.set()

    client = connect(serve({"index": app, "other": other}), app="other")
    assert ran.wait(PATIENCE)
    assert client.receive_bye() == ("session_ended", 1000)


@pytest.mark.parametrize(
    ("early", "outcome"),
    [
        ({"type": "event", "seq": 1, "params": {"name": "x", "data": None}}, ("invalid_message", 4400)),
        ({"type": "ack", "params": {"seq": 0}}, ("invalid_message", 4400)),
    ],
)
def test_message_between_hello_and_welcome_is_invalid(
    serve: Serve, connect: Connect, early: dict[str, Any], outcome: tuple[str, int]
) -> None:
    """HELLO-2: only a bye may come there, however long the server takes."""
    has_come = threading.Event()

    async def authenticate(_auth: Any, _request: Any) -> bool:
        return await asyncio.to_thread(has_come.wait, PATIENCE)

    live = serve(app, authenticate=authenticate)
    client = connect(live, hello=False)
    client.send(make_hello())
    client.send(early)
    live.until(lambda: any(socket.unread > 0 for socket in live.server._handshake.sockets))
    has_come.set()
    assert client.receive_bye() == outcome
    assert live.server.session_count == 0


def test_client_that_leaves_before_it_is_let_in_starts_no_app(serve: Serve, connect: Connect) -> None:
    """By a bye, while the server still checks."""
    has_come = threading.Event()
    started: list[int] = []

    async def authenticate(_auth: Any, _request: Any) -> bool:
        return await asyncio.to_thread(has_come.wait, PATIENCE)

    live = serve(lambda: started.append(1), authenticate=authenticate)
    client = connect(live, hello=False)
    client.send(make_hello())
    client.leave()
    has_come.set()
    live.until(lambda: not live.server._handshake.sockets)
    assert started == []
