"""What comes at once is handled a little at a time: others are served in between, and nothing is lost or overtaken.

What a client sends is handed to its connection as the event loop does it: so all of it is there in one turn.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any, Final

import pytest
from live_server import LiveServer, Serve
from results import Results
from scripted_client import Connect
from websockets.frames import Close, Frame, Opcode

from pagewire_server.backends.default import turns as turns_module
from pagewire_server.backends.default.websocket import FRAMES_AT_ONCE, DefaultWebSocket
from pagewire_server.session import eval_js, on_event

MANY: Final = 2_000


def frame(opcode: Opcode, data: bytes = b"", *, is_final: bool = True) -> bytes:
    """Return a frame of a client."""
    return Frame(opcode, data, is_final).serialize(mask=True)


def message(**fields: Any) -> bytes:
    """Return the frame of a message."""
    return frame(Opcode.TEXT, json.dumps(fields).encode())


def event(data: object, seq: int) -> bytes:
    """Return the frame of an event."""
    return message(type="event", seq=seq, params={"name": "tick", "data": data})


def events(count: int = MANY) -> bytes:
    """Return the frames of many events, whose data are their numbers."""
    return b"".join(event(number, number + 1) for number in range(count))


def event_in_fragments(data: str) -> bytes:
    """Return a single event in fragments of a byte, between many empty ones."""
    text = json.dumps({"type": "event", "seq": 1, "params": {"name": "tick", "data": data}}).encode()
    pieces = [*[b""] * MANY, *(text[at : at + 1] for at in range(len(text)))]
    rest = b"".join(frame(Opcode.CONT, piece, is_final=False) for piece in pieces)
    return frame(Opcode.TEXT, is_final=False) + rest + frame(Opcode.CONT)


LAST: Final = event("last", 1)

FLOODS: Final = {
    "events": events() + event("last", MANY + 1),
    "acks": message(type="ack", params={"seq": 0}) * MANY + LAST,
    "messages of an unknown type": message(type="x") * MANY + LAST,
    "binary messages": frame(Opcode.BINARY, bytes(7) + b"\1" + bytes(8)) * MANY + LAST,
    "Pings": frame(Opcode.PING) * MANY + LAST,
    "fragments": event_in_fragments("last"),
}


class Ticks:
    """An app that notes the data of its events, in the order of their handling."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    async def __call__(self) -> None:
        """Run it."""
        on_event("tick", self.seen.append)


def socket_of(live: LiveServer, number: int) -> DefaultWebSocket:
    """Return the server's end of the connection of a session, by its number."""
    connection: Any = live.sessions[number]._connection
    found: DefaultWebSocket = connection._socket
    return found


def arrive_together(*received: tuple[DefaultWebSocket, bytes]) -> Any:
    """Hand over what came to several connections, in one turn of the event loop; await it there."""

    async def hand_over() -> None:
        for socket, data in received:
            socket.data_received(data)

    return hand_over()


@pytest.mark.parametrize("kind", FLOODS)
def test_neighbour_is_served_between_small_messages(serve: Serve, connect: Connect, kind: str) -> None:
    """Whatever they are: thousands of them fit into what is read at once."""
    ticks = Ticks()
    live = serve(ticks, max_messages_per_second=None)
    _clients = connect(live), connect(live)
    live.run(arrive_together((socket_of(live, 0), FLOODS[kind]), (socket_of(live, 1), event("neighbour", 1))))
    live.until(lambda: "last" in ticks.seen)
    assert ticks.seen.index("neighbour") < MANY // 2
    assert ticks.seen[-1] == "last"


def test_neighbour_is_served_between_large_messages(serve: Serve, connect: Connect) -> None:
    """Each may be expensive to parse, and two of 100 KB fit into what is read at once."""
    ticks = Ticks()
    live = serve(ticks, max_messages_per_second=None)
    _clients = connect(live), connect(live)
    large = [event([number, "x" * 100_000], number) for number in (1, 2)]
    live.run(arrive_together((socket_of(live, 0), b"".join(large)), (socket_of(live, 1), event("neighbour", 1))))
    live.until(lambda: len(ticks.seen) == 3)
    assert [data if data == "neighbour" else data[0] for data in ticks.seen] == [1, "neighbour", 2]  # type: ignore[index]  # they are lists


def test_small_messages_of_several_sessions_take_turns(serve: Serve, connect: Connect) -> None:
    """None of them waits until all of another's are handled."""
    ticks = Ticks()
    live = serve(ticks, max_messages_per_second=None)
    _clients = connect(live), connect(live)
    floods = [b"".join(event([name, seq], seq) for seq in range(1, MANY + 1)) for name in ("first", "second")]
    live.run(arrive_together(*((socket_of(live, number), flood) for number, flood in enumerate(floods))))
    live.until(lambda: len(ticks.seen) == 2 * MANY)
    for name in ("first", "second"):
        assert [data for data in ticks.seen if data[0] == name] == [[name, seq] for seq in range(1, MANY + 1)]  # type: ignore[index]  # they are lists
    behind = ticks.seen[: ticks.seen.index(["first", MANY])]
    assert sum(data[0] == "second" for data in behind) > MANY * 0.8  # type: ignore[index]  # they are lists


def test_small_messages_of_many_sessions_share_a_turn(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slice of each may take long together: once the time of a turn is used up, the others have the next."""
    monkeypatch.setattr(turns_module, "SECONDS_PER_TURN", 0)
    ticks, count = Ticks(), 10
    live = serve(ticks, max_messages_per_second=None)
    _clients = [connect(live) for _ in range(count)]
    handled: list[int] = []

    async def watch() -> None:
        await arrive_together(*((socket_of(live, number), events()) for number in range(count)))
        while sum(handled) < count * MANY:
            handled.append(len(ticks.seen) - sum(handled))
            await asyncio.sleep(0)

    live.run(watch())
    assert max(handled) < count * FRAMES_AT_ONCE / 2
    assert sorted(ticks.seen) == sorted(count * list(range(MANY)))  # type: ignore[type-var]  # they are ints


def test_small_messages_beyond_the_rate_are_not_handled_though_they_were_read(serve: Serve, connect: Connect) -> None:
    """They wait where they are, and are handled in order once there is room again."""
    ticks = Ticks()
    live = serve(ticks, max_messages_per_second=10)
    _client = connect(live)
    socket = socket_of(live, 0)
    live.run(arrive_together((socket, events())))
    live.until(lambda: socket._is_held)
    assert len(ticks.seen) < MANY // 10
    while len(ticks.seen) < MANY:
        handled = len(ticks.seen)
        live.skip(5)
        live.until(lambda handled=handled: len(ticks.seen) > handled)  # type: ignore[misc]  # its default is an int
    assert ticks.seen == list(range(MANY))


def test_small_messages_wait_while_their_session_wants_nothing_more(serve: Serve, connect: Connect) -> None:
    """Such as when too many bytes wait for the handlers of events; they come once it wants more."""
    ticks = Ticks()
    live = serve(ticks, max_messages_per_second=None)
    _client = connect(live)
    socket = socket_of(live, 0)

    async def pause_and_receive() -> None:
        socket.pause_reading()
        socket.data_received(events())

    live.run(pause_and_receive())
    live.run(turns(10))
    assert not ticks.seen

    async def resume() -> None:
        socket.resume_reading()

    live.run(resume())
    live.until(lambda: len(ticks.seen) == MANY)
    assert ticks.seen == list(range(MANY))


async def turns(count: int) -> None:
    """Let the event loop have some turns."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("how", ["closes", "ends", "is lost", "ends and is lost"])
def test_what_came_before_the_end_is_handled(serve: Serve, connect: Connect, how: str) -> None:
    """In slices too, whether a Close follows at once, or the end of the stream, or the connection breaks."""
    ticks = Ticks()
    live = serve(ticks, max_messages_per_second=None)
    client, _neighbour = connect(live), connect(live)
    socket, neighbour = socket_of(live, 0), socket_of(live, 1)

    async def receive_and_end() -> None:
        close = frame(Opcode.CLOSE, Close(1001, "").serialize()) if how == "closes" else b""
        socket.data_received(events() + close)
        if "ends" in how:
            socket.eof_received()
        if "lost" in how:
            socket.transport.abort()
        neighbour.data_received(event("neighbour", 1))

    live.run(receive_and_end())
    live.until(lambda: len(ticks.seen) == 1 + MANY)
    if "lost" not in how:
        client.break_connection()
    live.until(lambda: not live.sessions[0].is_attached)
    assert ticks.seen.index("neighbour") < MANY // 2
    ticks.seen.remove("neighbour")
    assert ticks.seen == list(range(MANY))


def test_results_sent_right_before_a_close_reach_the_program(serve: Serve, connect: Connect, results: Results) -> None:
    """All of them, in order, though they come with the Close in one read."""

    async def ask() -> None:
        asked = [asyncio.ensure_future(eval_js("n", n=number)) for number in range(MANY)]
        results.put([await each for each in asked])

    live = serve(ask, window_bytes=10_000_000)
    client = connect(live)
    answers = b"".join(
        message(type="result", seq=seq, id=client.receive("eval_js")["id"], params={"value": seq})
        for seq in range(1, MANY + 1)
    )
    live.run(arrive_together((socket_of(live, 0), answers + frame(Opcode.CLOSE, Close(1000, "").serialize()))))
    assert results.next() == list(range(1, MANY + 1))


def test_connection_that_is_gone_is_not_written_to(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """Else each Pong for what it left behind would be a line of asyncio's log."""
    ticks = Ticks()
    live = serve(ticks, max_messages_per_second=None)
    _client = connect(live)
    socket = socket_of(live, 0)

    async def receive_and_break() -> None:
        socket.data_received(frame(Opcode.PING) * MANY + LAST)
        socket.transport.abort()

    live.run(receive_and_break())
    live.until(lambda: live.is_detached)
    assert ticks.seen == ["last"]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
