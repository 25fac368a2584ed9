"""WIRE-5 to WIRE-8, WIRE-10, WIRE-12, WIRE-13: how messages are written and read."""

from __future__ import annotations

from pagewire_conformance.messages import eval_js
from pagewire_conformance.peer.line import encode
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement

NOTE = "é ± 日本語 ± 🧪"


@requirement("WIRE-5")
def test_message_in_several_frames_is_one_message(peer: Peer) -> None:
    """WIRE-5: however WebSocket fragments a message, it holds one object; the cuts may go through a character."""
    peer.seq = 1
    peer.line.judge.written = 1
    peer.line.judge.wrote_command(1, "eval_js")
    peer.line.send_text(encode({**eval_js("text", text=NOTE), "seq": 1, "id": 1}), fragments=40)
    assert peer.reply(1)["params"] == {"value": NOTE}


@requirement("WIRE-5")
def test_white_space_around_an_object_is_none_of_its_business(peer: Peer) -> None:
    """WIRE-5: a JSON text may have white space wherever JSON has it."""
    peer.line.send_text(' \n\t{ "type" : "ping" ,\r\n "params" : { } } \n')
    assert peer.receive("ack")["params"] == {"seq": 0}


@requirement("WIRE-5")
def test_text_beyond_the_basic_plane_arrives(peer: Peer) -> None:
    """WIRE-5: text is UTF-8 both ways."""
    assert peer.value("text + '💾'", text=NOTE) == NOTE + "💾"


@requirement("WIRE-6", "WIRE-12")
def test_large_integers_are_written_in_full(peer: Peer) -> None:
    """WIRE-6: the largest id is written as 9007199254740991, without fraction and exponent."""
    reply = peer.ask({**eval_js("1"), "id": 2**53 - 1})
    assert reply["id"] == 2**53 - 1
    assert isinstance(reply["id"], int)


@requirement("WIRE-7")
def test_lone_surrogates_in_errors_are_replaced(peer: Peer) -> None:
    """WIRE-7: a lone surrogate in a message that was thrown arrives as U+FFFD."""
    with peer.own_verdict():
        error = peer.error(eval_js("(() => { throw new Error('a\\ud800b') })()"), "exception")
    assert error["exception"]["message"] == "a\ufffdb"


@requirement("WIRE-7", "EVENT-1")
def test_lone_surrogates_in_events_are_replaced(peer: Peer) -> None:
    """WIRE-7: so do those in the name and the data of an event."""
    peer.send(eval_js("pagewire.emit('n\\udc00', {'k\\ud801': ['\\ud802']})"))
    assert peer.receive("event")["params"] == {"name": "n\ufffd", "data": {"k\ufffd": ["\ufffd"]}}


@requirement("WIRE-8", "EVAL-5")
def test_numbers_that_json_has_not_are_not_written(peer: Peer) -> None:
    """WIRE-8: NaN and the infinities are null in a value, wherever they stand."""
    assert peer.value("[NaN, Infinity, -Infinity, {x: NaN}]") == [None, None, None, {"x": None}]


@requirement("WIRE-10")
def test_session_messages_are_numbered_from_one(peer: Peer) -> None:
    """WIRE-10: replies and events are numbered 1, 2, 3 in the order in which they are sent."""
    peer.send(eval_js("pagewire.emit('a', null)"))
    peer.send(eval_js("2"))
    seqs = [peer.receive("event")["seq"], peer.receive("result")["seq"], peer.receive("result")["seq"]]
    assert seqs == [1, 2, 3]
    assert peer.ping() == 2


@requirement("WIRE-13")
def test_every_message_carries_params(peer: Peer) -> None:
    """WIRE-13: the reply to a command without a value carries an empty object."""
    reply = peer.ask({"type": "run_js", "params": {"code": "", "args": {}}})
    assert reply["params"] == {}
