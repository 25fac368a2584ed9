"""Recorded conversations: handshakes, good ones and every refusal (SPEC section 4)."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from golden_stage import Stage, conversation

from pagewire_server.session import hold

_SMALL: Final = 65536


def idle() -> None:
    """Do nothing until the client leaves."""
    hold()


@conversation("handshake")
def good(stage: Stage) -> None:
    """With the least that a hello needs."""
    stage.serve(idle)
    stage.connect()


@conversation("handshake")
def everything_in_it(stage: Stage) -> None:
    """All fields, and some that nobody knows; a higher version beside ours; options that show in the welcome."""
    stage.serve(
        {"index": idle, "störung": idle},
        heartbeat_interval=7.5,
        heartbeat_timeout=2.25,
        resume_window=33.3,
        max_message_bytes=100_000,
        stream_window_bytes=70_000,
    )
    stage.connect(
        versions=["3.7", "1.0", "1.99", "0.1"],
        app="störung",
        capabilities={"streams": {"later": True}, "vendor:x": {}},
        page={"url": "http://x/?app=y", "language": "de", "languages": ["de", "en"], "timezone": "Asia/Tokyo"},
        auth={"token": [1, 2.5, None]},
        unknown={"a": 1},
    )
    other = stage.connect(hello=False, subprotocols=("pagewire.v9", "pagewire.v1"), path="/ws")
    other.send({**other.hello(), "unknown": 1})
    other.receive("welcome")


@conversation("handshake")
def other_subprotocols(stage: Stage) -> None:
    """WIRE-3: with none of ours, and with none at all."""
    stage.serve(idle)
    for offered in (("pagewire.v2", "chat"), ("chat",), ()):
        stage.connect(hello=False, subprotocols=offered).read_to_end()


@conversation("handshake")
def origins(stage: Stage) -> None:
    """SEC-1: foreign ones, the server's own, one that is allowed; before the subprotocol is looked at."""
    stage.serve(idle, allowed_origins=frozenset({"https://good.example"}))
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1", "not an origin"):
        stage.connect(hello=False, origin=origin).read_to_end()
    stage.connect(hello=False, origin="https://evil.example", subprotocols=()).read_to_end()
    for origin in ("https://good.example", "http://127.0.0.1:PORT"):
        stage.connect(origin=origin)


@conversation("handshake")
def first_message_is_no_hello(stage: Stage) -> None:
    """HELLO-16; an unknown type without seq and id is ignored (row 7)."""
    stage.serve(idle)
    hello = '{"type": "hello", "params": {}%s}'
    for text in (
        "no JSON",
        "[]",
        "{}",
        '{"type": 5}',
        '{"type": "ack", "params": {"seq": 0}}',
        '{"type": "result", "seq": 1, "id": 1, "params": {}}',
        '{"type": "run_js", "seq": 1, "id": 1, "params": {}}',
        '{"type": "welcome", "params": {}}',
        '{"type": "bye", "params": {"code": "client_left", "message": "", "retry": "never"}}',
        '{"type": "later", "seq": 1, "params": {}}',
        '{"type": "later", "id": 1, "params": {}}',
        '{"type": "hello"}',
        '{"type": "hello", "params": []}',
        hello % "",
        hello % ', "seq": 1',
        hello % ', "seq": 0',
        hello % ', "id": 1',
    ):
        client = stage.connect(hello=False)
        client.send_text(text)
        client.read_to_end()
    client = stage.connect(hello=False)
    client.send_binary(bytes(16))
    client.read_to_end()
    client = stage.connect(hello=False)
    client.send({"type": "later", "params": {"x": 1}})
    client.send({"type": "later"})
    client.say_hello()


@conversation("handshake")
def invalid_hellos(stage: Stage) -> None:
    """Each field missing or bad."""
    stage.serve(idle)
    required = ("versions", "client", "instance", "attempt", "app", "capabilities", "page", "limits")
    changes: list[dict[str, Any]] = [
        *({name: None} for name in required),
        {"versions": []},
        {"versions": ["1"]},
        {"versions": ["1.0\n"]},
        {"client": {"name": "", "version": "1"}},
        {"instance": "too-short"},
        {"instance": "with a space in it"},
        {"attempt": 0},
        {"attempt": 1.0},
        {"attempt": True},
        {"app": ""},
        {"app": "x" * 129},
        {"capabilities": {"streams": True}},
        {"page": {"language": 5}},
        {"limits": {"max_message_bytes": 65535}},
        {"resume": {"last_seq": -1, "streams": []}},
        {"resume": {"last_seq": 0, "streams": [{"id": 0, "offset": 0}]}},
        {"resume": {"last_seq": 0}},
    ]
    for change in changes:
        client = stage.connect(hello=False)
        client.send(client.hello(**change))
        client.read_to_end()


@conversation("handshake")
def versions(stage: Stage) -> None:
    """None in common, with what was asked for."""
    stage.serve(idle)
    for offered in (["2.0"], ["0.9", "1.1"], ["999999.0"]):
        client = stage.connect(hello=False)
        client.send(client.hello(versions=offered))
        client.read_to_end()


@conversation("handshake")
def unknown_app(stage: Stage) -> None:
    """Also one that would have to be quoted."""
    stage.serve(idle)
    for app in ("other", 'a "b"\n\u2028 \U0001f600', "INDEX"):
        client = stage.connect(hello=False)
        client.send(client.hello(app=app))
        client.read_to_end()


@conversation("handshake")
def auth_of_a_plain_function(stage: Stage) -> None:
    """Good, bad, absent, and one on which it raises."""

    def check(auth: Any, request: Any) -> bool:
        stage.tell((auth, request.path))
        if auth == "raise":
            raise RuntimeError("of the program")
        return bool(auth == "good")

    stage.serve(idle, authenticate=check)
    for auth in ("good", "bad", None, "raise"):
        client = stage.connect(hello=False)
        client.send(client.hello(auth=auth))
        stage.told()
        if auth == "good":
            client.receive("welcome")
        else:
            client.read_to_end()


@conversation("handshake")
def auth_of_a_coroutine(stage: Stage) -> None:
    """Good, bad, and one that never comes to an end."""

    async def check(auth: Any, _request: Any) -> bool:
        stage.tell(auth)
        if auth == "wait":
            await asyncio.Event().wait()
        return bool(auth == "good")

    stage.serve(idle, authenticate=check, hello_timeout=2.5)
    for auth in ("good", {"not": ["good"]}, "wait"):
        client = stage.connect(hello=False)
        client.send(client.hello(auth=auth))
        stage.told()
        if auth == "good":
            client.receive("welcome")
            continue
        if auth == "wait":
            stage.advance(2.5)
        client.read_to_end()


@conversation("handshake")
def something_between_hello_and_welcome(stage: Stage) -> None:
    """HELLO-2: nothing but a bye."""
    go: list[asyncio.Event] = []

    async def check(_auth: Any, _request: Any) -> bool:
        go.append(asyncio.Event())
        stage.tell("checks")
        await go[-1].wait()
        return True

    async def let_go() -> None:
        go[-1].set()

    stage.serve(idle, authenticate=check)
    bye = '{"type": "bye", "params": {"code": "client_left", "message": "", "retry": "never"}}'
    for text in ('{"type": "event", "seq": 1, "params": {"name": "x", "data": 1}}', "no JSON", bye):
        client = stage.connect(hello=False)
        client.send(client.hello())
        stage.told()
        client.send_text(text)
        stage.settle()
        stage.run(let_go())
        client.read_to_end()


@conversation("handshake")
def too_large(stage: Stage) -> None:
    """By one byte; and by so much that the library refuses it."""
    stage.serve(idle, max_message_bytes=_SMALL)
    for size in (_SMALL, _SMALL + 1, 2 * _SMALL + 1):
        client = stage.connect(hello=False)
        start = '{"type": "later", "params": {"x": "'
        client.send_text(start + "x" * (size - len(start) - 3) + '"}}')
        if size > _SMALL:
            client.read_to_end()
        else:
            client.say_hello()


@conversation("handshake")
def late_hello(stage: Stage) -> None:
    """HELLO-20: the session goes on where it is."""
    stage.serve(idle)
    client = stage.connect()
    client.emit("x")
    for attempt in (0, -1):
        late = stage.reconnect(client, hello=False)
        late.attempt += attempt - 1
        late.send(late.hello() if attempt + late.attempt >= 0 else late.hello(attempt=1))
        late.read_to_end()
    newer = stage.reconnect(client)
    client.read_to_end()
    again = stage.reconnect(client, hello=False)
    again.send(again.hello(attempt=2, resume={"last_seq": 77, "streams": []}))
    again.read_to_end()
    newer.emit("x")


@conversation("handshake")
def lost_welcome(stage: Stage) -> None:
    """HELLO-12: the same hello once more begins no second app."""
    stage.serve(idle)
    client = stage.connect()
    client.cut()
    again = stage.reconnect(client, resume=None)
    again.cut()
    stage.reconnect(again, resume={"last_seq": 0, "streams": []}, app="another", limits={"max_message_bytes": 65536})


@conversation("handshake")
def session_gone(stage: Stage) -> None:
    """HELLO-13; the app is not looked at."""
    stage.serve(idle)
    for app in ("index", "other"):
        client = stage.connect(hello=False)
        client.send(client.hello(app=app, resume={"last_seq": 5, "streams": [{"id": 1, "offset": 9}]}))
        client.read_to_end()


@conversation("handshake")
def tombstones(stage: Stage) -> None:
    """END-11: as it ended, until the resume window is over."""
    stage.serve({"index": idle, "short": lambda: None}, resume_window=60)
    left = stage.connect()
    left.leave()
    done = stage.connect(app="short")
    done.read_to_end()
    broke = stage.connect()
    broke.send_text("no JSON")
    broke.read_to_end()
    closed = stage.connect()
    closed.close(4413)
    for seconds in (0, 59, 2):
        stage.advance(seconds)
        for older in (left, done, broke, closed):
            again = stage.reconnect(older, hello=False)
            again.send(again.hello(resume={"last_seq": 0, "streams": []}))
            again.read_to_end()
            older.attempt += 1
    for older in (left, done):
        stage.reconnect(older, resume=None)


@conversation("handshake")
def hello_timeout(stage: Stage) -> None:
    """HELLO-16."""
    stage.serve(idle, hello_timeout=4.5)
    silent = stage.connect(hello=False)
    stage.advance(4.5)
    silent.read_to_end()
    talks = stage.connect(hello=False)
    talks.send({"type": "later", "params": {}})
    stage.advance(4.5)
    talks.read_to_end()


@conversation("handshake")
def too_many_sessions(stage: Stage) -> None:
    """In all, and of one address; those who resume are let in."""
    stage.serve(idle, max_sessions=2, max_sessions_per_address=1, trusted_proxies=("127.0.0.1",))
    first = stage.connect(headers={"X-Forwarded-For": "203.0.113.1"})
    for address in ("203.0.113.1", "203.0.113.2", "203.0.113.3"):
        client = stage.connect(hello=False, headers={"X-Forwarded-For": address})
        client.send(client.hello())
        if address.endswith("2"):
            client.receive("welcome")
        else:
            client.read_to_end()
    stage.reconnect(first)


@conversation("handshake")
def too_many_waiting(stage: Stage) -> None:
    """The oldest that says nothing goes."""
    stage.serve(idle, max_waiting_connections=2)
    first, second = stage.connect(hello=False), stage.connect(hello=False)
    stage.settle()
    third = stage.connect(hello=False)
    first.read_to_end()
    second.say_hello()
    third.say_hello()


@conversation("handshake")
def new_sessions_while_it_drains(stage: Stage) -> None:
    """They are sent elsewhere; the others go on, and then the server is gone."""
    server = stage.serve(idle)
    client = stage.connect()
    draining = stage.begin(server.drain())
    stage.settle()
    other = stage.connect(hello=False)
    other.send(other.hello())
    other.read_to_end()
    for path in ("/health", "/", "/nothing", "/ws"):
        stage.get(path)
    again = stage.reconnect(client)
    client.read_to_end()
    # A bye would end the session, and with it the server, before this side has closed.
    again.close()
    draining.result(30)
