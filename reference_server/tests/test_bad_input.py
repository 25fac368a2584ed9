"""Bad input on a session: each kind gets the code that SPEC says, and the session beside it notices nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from live_server import Serve
from scripted_client import Connect

from pagewire_server.session import eval_js, hold

LIMIT = 65536


def app() -> None:
    """Ask once, then stay."""
    eval_js("1")
    hold()


def event(**changes: Any) -> str:
    """Return a good first event as text, with fields of the envelope changed; None removes one."""
    message = {"type": "event", "seq": 1, "params": {"name": "x", "data": None}} | changes
    return json.dumps({name: value for name, value in message.items() if value is not None})


INVALID = {
    "no JSON": "{",
    "two objects": event() + event(),
    "an array": "[]",
    "a number that overflows": '{"type":"event","seq":1,"params":{"name":"x","data":1e999}}',
    "NaN": '{"type":"event","seq":1,"params":{"name":"x","data":NaN}}',
    "a lone surrogate": '{"type":"event","seq":1,"params":{"name":"x","data":"\\ud800"}}',
    "nested without end": "[" * 50_000,
    "no type": json.dumps({"seq": 1, "params": {}}),
    "a type that is no string": event(type=7),
    "an empty type": event(type=""),
    "a seq that is a string": event(seq="1"),
    "a seq that is true": event(seq=True),
    "a seq of 0": event(seq=0),
    "a seq beyond 2^53-1": event(seq=2**53),
    "a gap": event(seq=2),
    "a session message without seq": event(seq=None),
    "an id without seq": event(seq=None, id=1),
    "a control message with seq": json.dumps({"type": "ack", "seq": 1, "params": {"seq": 0}}),
    "a type of the server": json.dumps(
        {"type": "eval_js", "seq": 1, "id": 1, "params": {"expression": "1", "args": {}}}
    ),
    "a welcome": json.dumps({"type": "welcome", "params": {}}),
    "a ping": json.dumps({"type": "ping", "params": {}}),
    "a reply to nothing": json.dumps({"type": "result", "seq": 1, "id": 99, "params": {}}),
    "a reply without id": json.dumps({"type": "result", "seq": 1, "params": {}}),
    "a result without its value": json.dumps({"type": "result", "seq": 1, "id": 1, "params": {}}),
    "an error without code": json.dumps({"type": "error", "seq": 1, "id": 1, "params": {"message": ""}}),
    "params that are missing": event(params=None),
    "params that are an array": event(params=[]),
    "an event without data": event(params={"name": "x"}),
    "an event with a name too long": event(params={"name": "x" * 129, "data": 1}),
    "an ack above what was sent": json.dumps({"type": "ack", "params": {"seq": 2}}),
    "an ack that is null": json.dumps({"type": "ack", "params": {"seq": None}}),
    "a bye without retry": json.dumps({"type": "bye", "params": {"code": "client_left", "message": ""}}),
    "a binary frame too short": b"123456789012345",
    "a binary frame beyond 2^53-1": b"\xff" * 17,
    "an unknown command with an old id": json.dumps({"type": "v:x", "seq": 1, "id": 0, "params": {}}),
}


@pytest.mark.parametrize("frame", INVALID.values(), ids=INVALID.keys())
def test_invalid_message_ends_its_session_only(serve: Serve, connect: Connect, frame: str | bytes) -> None:
    """WIRE-21: `bye invalid_message` and 4400; the neighbour's command is answered afterwards."""
    live = serve(app)
    neighbour, client = connect(live), connect(live)
    asked = neighbour.receive("eval_js")
    client.receive("eval_js")
    client.connection.send(frame)
    assert client.receive_bye() == ("invalid_message", 4400)
    neighbour.result(asked, value=1)
    neighbour.leave()
    assert neighbour.close_code() == 1000


def test_second_hello_is_invalid(serve: Serve, connect: Connect) -> None:
    """A hello is only the first message."""
    client = connect(serve(app))
    client.receive("eval_js")
    client.send(client.hello)
    assert client.receive_bye() == ("invalid_message", 4400)


@pytest.mark.parametrize(("size", "verdict"), [(LIMIT + 1, ("too_large", 4413)), (LIMIT + 65536 * 2, None)])
def test_message_over_the_limit_is_too_large(
    serve: Serve, connect: Connect, size: int, verdict: tuple[str, int] | None
) -> None:
    """WIRE-23: 4413; far beyond, the WebSocket layer itself says 1009."""
    client = connect(serve(app, max_message_bytes=LIMIT))
    client.receive("eval_js")
    client.connection.send(event().ljust(size))
    if verdict:
        assert client.receive_bye() == verdict
    else:
        assert client.close_code() == 1009


def test_message_of_just_the_limit_is_taken(serve: Serve, connect: Connect) -> None:
    """WIRE-23: up to the limit it is received."""
    client = connect(serve(app, max_message_bytes=LIMIT))
    client.receive("eval_js")
    client.connection.send(event().ljust(LIMIT))
    assert client.receive_any() == {"type": "ack", "params": {"seq": 1}}


@pytest.mark.parametrize("type_", ["event", "result", "error", "an unknown type", "an ack"])
def test_message_with_too_many_values_ends_its_session_only(serve: Serve, connect: Connect, type_: str) -> None:
    """WIRE-26: `bye too_large` names the limit; a neighbour that speaks afterwards is heard."""
    live = serve(app, max_values=1000)
    neighbour, client = connect(live), connect(live)
    asked = neighbour.receive("eval_js")
    id_ = client.receive("eval_js")["id"]
    many: list[object] = [[]] * 1000
    message: dict[str, Any] = {
        "event": {"type": "event", "seq": 1, "params": {"name": "x", "data": many}},
        "result": {"type": "result", "seq": 1, "id": id_, "params": {"value": many}},
        "error": {"type": "error", "seq": 1, "id": id_, "params": {"code": "x:y", "message": "", "data": many}},
        "an unknown type": {"type": "x:y", "seq": 1, "params": many},
        "an ack": {"type": "ack", "params": {"seq": 0}, "unknown": many},
    }[type_]
    client.send(message)
    bye = client.receive("bye")["params"]
    assert (bye["code"], bye["message"]) == ("too_large", "a message of more than 1000 values, the server's max_values")
    assert client.close_code() == 4413
    neighbour.result(asked, value=1)
    neighbour.leave()
    assert neighbour.close_code() == 1000


def test_message_with_as_many_values_as_the_limit_is_accepted(serve: Serve, connect: Connect) -> None:
    """WIRE-29: the message, its type, seq, params, name and data count; names do not."""
    client = connect(serve(app, max_values=1000))
    client.receive("eval_js")
    client.connection.send(event(params={"name": "x", "data": [{"a": 1}] * 497}))
    assert client.receive_any() == {"type": "ack", "params": {"seq": 1}}
    client.connection.send(event(seq=2, params={"name": "x", "data": [{"a": 1}] * 497 + [0]}))
    assert client.receive_bye() == ("too_large", 4413)


def test_table_in_a_text_is_one_value(serve: Serve, connect: Connect) -> None:
    """WIRE-29: commas, quotes and brackets in a text are not values, however many there are."""
    client = connect(serve(app, max_values=1000))
    client.receive("eval_js")
    client.connection.send(event(params={"name": "x", "data": '1,"[2]",{3}\r\n' * 100_000}))
    assert client.receive_any() == {"type": "ack", "params": {"seq": 1}}


def test_hello_may_have_more_values(serve: Serve, connect: Connect) -> None:
    """WIRE-26: the limit is for what comes after the hello, whose client does not know it yet."""
    client = connect(serve(app, max_values=1000), unknown=[0] * 2000)
    assert client.receive("eval_js")["seq"] == 1


def test_instance_of_a_session_ended_by_its_fault_is_told_the_same_again(serve: Serve, connect: Connect) -> None:
    """END-11: else the bad message would come back with each replay."""
    live = serve(app)
    client = connect(live, instance="an-instance-at-fault")
    client.receive("eval_js")
    client.connection.send("{")
    assert client.receive_bye() == ("invalid_message", 4400)
    again = connect(live, hello=False)
    again.send(client.hello)
    assert again.receive_bye() == ("invalid_message", 4400)


def test_unknown_fields_and_types_are_ignored(serve: Serve, connect: Connect) -> None:
    """WIRE-15, WIRE-16, WIRE-18: at every level; a seq is consumed."""
    live = serve(app)
    client = connect(live, future=1)
    asked = client.receive("eval_js")
    client.send({"type": "vendor:control", "params": 5})
    client.send({"type": "vendor:session", "seq": 1})
    client.send({"type": "result", "seq": 2, "id": asked["id"], "params": {"value": 1, "more": {}}, "more": []})
    client.send({"type": "ack", "params": {"seq": 1, "more": 1}})
    client.seq = 2
    client.emit("fence")
    assert client.receive_any() == {"type": "ack", "params": {"seq": 3}}
    client.leave()
    live.until(lambda: live.server.session_count == 0)


def test_unknown_command_of_the_client_is_answered_unsupported(serve: Serve, connect: Connect) -> None:
    """WIRE section 3.1, row 8: replies to a client's commands come from the server."""
    client = connect(serve(app))
    client.receive("eval_js")
    client.send({"type": "vendor:ask", "seq": 1, "id": 7, "params": {}})
    error = client.receive("error")
    assert (error["id"], error["params"]["code"]) == (7, "unsupported")


def test_duplicate_is_dropped_before_it_acts(serve: Serve, connect: Connect) -> None:
    """DELIVERY-2: even one that would be invalid."""
    client = connect(serve(app))
    client.result(client.receive("eval_js"), value=1)
    client.send({"type": "result", "seq": 1, "id": 1, "params": {"value": 2}})
    client.send({"type": "nonsense", "seq": 1, "id": "x"})
    client.emit("fence")
    assert client.receive_any() == {"type": "ack", "params": {"seq": 2}}
