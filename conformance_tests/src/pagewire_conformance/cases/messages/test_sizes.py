"""WIRE-23 to WIRE-28: how large a message may be, how many values it may have, and how deep a value may nest."""

from __future__ import annotations

import json
from typing import Any

from pagewire_conformance.messages import Message, eval_js
from pagewire_conformance.peer.line import encode
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement

SMALL = {"max_message_bytes": 65536, "max_values": 50000, "stream_window_bytes": 262144}
FEW = {"max_message_bytes": 4194304, "max_values": 1000, "stream_window_bytes": 262144}


def padded(size: int) -> Message:
    """Return an eval of the length of its argument, as large as `size` says when it is written."""
    command: Message = {"type": "eval_js", "seq": 1, "id": 1, "params": {"expression": "a.length", "args": {"a": ""}}}
    command["params"]["args"]["a"] = "x" * (size - len(encode(command)))
    return command


@requirement("WIRE-23")
def test_message_as_large_as_announced_is_taken(peer: Peer) -> None:
    """WIRE-23: a message of max_message_bytes is taken, to the byte."""
    limit = min(peer.hello["limits"]["max_message_bytes"], 2**26)
    command = padded(limit)
    assert peer.result(command, within=15) == {"value": len(command["params"]["args"]["a"])}


@requirement("WIRE-23", "END-9")
def test_message_larger_than_announced_ends_the_session(peer: Peer) -> None:
    """WIRE-23: one byte more is answered by too_large and 4413."""
    limit = peer.hello["limits"]["max_message_bytes"]
    if limit > 2**26:
        raise peer.unverified(f"the client takes {limit} bytes, more than the suite sends")
    peer.send_raw(padded(limit + 1))
    peer.expect_bye("too_large", 4413)
    peer.line.expect_no_connection()


@requirement("WIRE-23")
def test_size_is_counted_in_bytes(peer: Peer) -> None:
    """WIRE-23: the size is that of the frame in UTF-8, not the number of characters."""
    limit = peer.hello["limits"]["max_message_bytes"]
    if limit > 2**26:
        raise peer.unverified(f"the client takes {limit} bytes, more than the suite sends")
    command = padded(limit * 2 // 5)
    command["params"]["args"]["a"] = "€" * len(command["params"]["args"]["a"])
    peer.send_raw(command)
    peer.expect_bye("too_large", 4413)


@requirement("WIRE-24")
def test_reply_larger_than_the_server_takes_is_too_large(unconnected: Peer) -> None:
    """WIRE-24: in its place comes `error too_large`, and the session goes on."""
    unconnected.connect(limits=SMALL)
    unconnected.error(eval_js("'x'.repeat(70000)"), "too_large")
    assert unconnected.value("1 + 1") == 2


@requirement("WIRE-24")
def test_size_of_a_reply_is_counted_in_bytes(unconnected: Peer) -> None:
    """WIRE-24: 30,000 euro signs take 90,000 bytes."""
    unconnected.connect(limits=SMALL)
    unconnected.error(eval_js("'€'.repeat(30000)"), "too_large")


@requirement("WIRE-24")
def test_reply_that_just_fits_is_sent(unconnected: Peer) -> None:
    """WIRE-24: what fits with the digits of `seq` counted as 16 is not refused."""
    unconnected.connect(limits=SMALL)
    frame = {"type": "result", "seq": 10**15, "id": 1, "params": {"value": ""}}
    length = 65536 - len(json.dumps(frame, separators=(",", ":")))
    assert unconnected.value("'x'.repeat(length)", length=length - 32) == "x" * (length - 32)


@requirement("WIRE-24")
def test_error_that_is_too_large_is_cut(unconnected: Peer) -> None:
    """WIRE-24: an error keeps its code, loses its stack and its data, and has its texts cut."""
    unconnected.connect(limits=SMALL)
    params = unconnected.error(eval_js("(() => { throw new Error('x'.repeat(200000)) })()"), "exception")
    assert params["exception"]["name"] == "Error"
    assert "stack" not in params["exception"]
    assert set(params["exception"]["message"]) <= {"x"}


@requirement("WIRE-24", "EVENT-3")
def test_event_that_is_too_large_throws(unconnected: Peer) -> None:
    """WIRE-24: `emit` throws on an event that is larger than the server takes; nothing is sent."""
    unconnected.connect(limits=SMALL)
    caught = "(() => { try { pagewire.emit('e', 'x'.repeat(70000)); return 'sent' } catch { return 'thrown' } })()"
    assert unconnected.value(caught) == "thrown"
    unconnected.expect_nothing_more()


@requirement("WIRE-28")
def test_result_of_as_many_values_as_the_server_accepts_is_sent(unconnected: Peer) -> None:
    """WIRE-28: the names of members do not count, nor does what is in a string."""
    unconnected.connect(limits=FEW)
    # The message, its type, seq, id and params, and the array.
    for expression, value in [
        ("Array(994).fill(0)", [0] * 994),
        ("Array(497).fill({a: 'b'})", [{"a": "b"}] * 497),
        ("Array(497).fill([[]])", [[[]]] * 497),
        ("'[{,\\x22'.repeat(2000)", '[{,"' * 2000),
    ]:
        with unconnected.part(expression):
            assert unconnected.value(expression) == value


@requirement("WIRE-27", "WIRE-28")
def test_result_of_more_values_than_the_server_accepts_is_too_large(unconnected: Peer) -> None:
    """WIRE-28: one value more, of whatever kind, and `error too_large` comes in its place; the session goes on."""
    unconnected.connect(limits=FEW)
    for expression in [
        "Array(995).fill(0)",
        "Array(995).fill('')",
        "Array(995).fill([])",
        "[...Array(497).fill({a: 'b'}), null]",
        "[...Array(497).fill([{}]), true]",
    ]:
        with unconnected.part(expression):
            unconnected.error(eval_js(expression), "too_large")
            assert unconnected.value("1 + 1") == 2


@requirement("WIRE-27", "EVENT-5")
def test_event_that_has_too_many_parts_throws(unconnected: Peer) -> None:
    """EVENT-5: `emit` sends as many values as the server accepts, throws on one more, and sends nothing then."""
    unconnected.connect(limits=FEW)
    caught = "(() => {{ try {{ pagewire.emit('e', {}); return 'sent' }} catch {{ return 'thrown' }} }})()"
    # The message, its type, seq, params, name and data.
    unconnected.send(eval_js(caught.format("Array(497).fill({a: 0})")))
    assert unconnected.receive("event")["params"] == {"name": "e", "data": [{"a": 0}] * 497}
    unconnected.receive("result")
    for data in ["Array(995).fill(0)", "Array(995).fill([])", "[...Array(497).fill({a: 0}), 0]"]:
        with unconnected.part(data):
            assert unconnected.value(caught.format(data)) == "thrown"
            unconnected.expect_nothing_more()


def nested(levels: int) -> str:
    """Return an expression whose value nests that deep."""
    return f"(() => {{ let v = 1; for (let i = 0; i < {levels}; i++) v = i % 2 ? [v] : {{v}}; return v }})()"


@requirement("WIRE-25")
def test_value_that_nests_too_deep_is_not_serializable(peer: Peer) -> None:
    """WIRE-25: beyond 128 levels the answer is not_serializable."""
    for levels in [129, 1000, 5000]:
        with peer.part(levels):
            peer.error(eval_js(nested(levels)), "not_serializable")
            assert peer.value("1 + 1") == 2


@requirement("WIRE-25")
def test_value_that_nests_128_levels_arrives(peer: Peer) -> None:
    """WIRE-25: 128 levels are allowed."""
    value: Any = peer.value(nested(128))
    levels = 0
    while isinstance(value, (list, dict)):
        value = value[0] if isinstance(value, list) else value["v"]
        levels += 1
    assert (levels, value) == (128, 1)


@requirement("WIRE-25", "EVENT-3")
def test_event_that_nests_too_deep_throws(peer: Peer) -> None:
    """WIRE-25: `emit` throws on it."""
    caught = f"(() => {{ try {{ pagewire.emit('e', {nested(129)}); return 'sent' }} catch {{ return 'thrown' }} }})()"
    assert peer.value(caught) == "thrown"


@requirement("WIRE-25")
def test_arguments_that_nest_deep_are_taken(peer: Peer) -> None:
    """WIRE-25: an argument may nest 128 levels, counted alone."""
    value: Any = 1
    for _ in range(128):
        value = [value]
    assert peer.value("JSON.stringify(a)", a=value) == "[" * 128 + "1" + "]" * 128
