"""WIRE-14, WIRE-20, WIRE-22: what is no valid message ends the session, with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from pagewire_conformance.messages import ack, bye, cancel, eval_js, notice, ping
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement

TEXTS = {
    "empty": "",
    "no_json": "{",
    "two_objects": "{}{}",
    "array": '[{"type": "ping", "params": {}}]',
    "string": '"ping"',
    "null": "null",
    "overflow": '{"type": "ping", "params": {}, "x": 1e999}',
    "nan": '{"type": "ping", "params": {}, "x": NaN}',
    "single_quotes": "{'type': 'ping', 'params': {}}",
    "trailing_comma": '{"type": "ping", "params": {},}',
}

SHAPES: dict[str, dict[str, Any]] = {
    "type_missing": {"params": {}},
    "type_null": {"type": None, "params": {}},
    "type_number": {"type": 1, "params": {}},
    "type_empty": {"type": "", "params": {}},
    "type_too_long": {"type": "x" * 129, "params": {}},
    "seq_zero": {**eval_js("1"), "seq": 0, "id": 1},
    "seq_negative": {**eval_js("1"), "seq": -1, "id": 1},
    "seq_string": {**eval_js("1"), "seq": "1", "id": 1},
    "seq_null": {**eval_js("1"), "seq": None, "id": 1},
    "seq_true": {**eval_js("1"), "seq": True, "id": 1},
    "seq_fraction": {**eval_js("1"), "seq": 1.5, "id": 1},
    "seq_beyond_2_53": {**eval_js("1"), "seq": 2**53, "id": 1},
    "id_without_seq": {**eval_js("1"), "id": 1},
    "id_without_seq_of_an_unknown_type": {"type": "novelty", "id": 1, "params": {}},
    "unknown_command_with_id_zero": {"type": "novelty", "seq": 1, "id": 0, "params": {}},
    "unknown_command_with_id_string": {"type": "novelty", "seq": 1, "id": "1", "params": {}},
    "hello": {"type": "hello", "params": {}},
    "event": {"type": "event", "seq": 1, "params": {"name": "a", "data": None}},
    "stream_ack": {"type": "stream_ack", "params": {"id": 1, "offset": 0}},
    "ping_with_seq": {**ping(), "seq": 1},
    "ack_with_seq": {**ack(0), "seq": 1},
    "command_without_seq": eval_js("1"),
    "cancel_without_seq": cancel(1),
    "command_without_id": {**eval_js("1"), "seq": 1},
    "command_with_id_zero": {**eval_js("1"), "seq": 1, "id": 0},
    "command_with_id_string": {**eval_js("1"), "seq": 1, "id": "1"},
    "command_with_id_null": {**eval_js("1"), "seq": 1, "id": None},
    "command_with_id_beyond_2_53": {**eval_js("1"), "seq": 1, "id": 2**53},
    "result_of_nothing": {"type": "result", "seq": 1, "id": 1, "params": {"value": 1}},
    "error_of_nothing": {"type": "error", "seq": 1, "id": 1, "params": {"code": "unsupported", "message": ""}},
    "ack_without_params": {"type": "ack"},
    "ack_params_array": {"type": "ack", "params": []},
    "ack_without_seq_in_params": {"type": "ack", "params": {}},
    "ack_of_a_string": {"type": "ack", "params": {"seq": "0"}},
    "ack_of_minus_one": ack(-1),
    "ping_without_params": {"type": "ping"},
    "ping_params_null": {"type": "ping", "params": None},
    "notice_with_seq": {**notice("draining", ends_in_ms=1000), "seq": 1},
    "notice_without_params": {"type": "notice"},
    "notice_without_code": {"type": "notice", "params": {"ends_in_ms": 1000}},
    "notice_with_code_null": {"type": "notice", "params": {"code": None}},
    "notice_with_time_null": notice("draining", ends_in_ms=None),
    "notice_with_time_negative": notice("draining", ends_in_ms=-1),
    "notice_with_time_string": notice("draining", ends_in_ms="1000"),
    "cancel_without_params": {"type": "cancel", "seq": 1},
    "cancel_of_zero": {**cancel(0), "seq": 1},
    "cancel_of_a_string": {"type": "cancel", "seq": 1, "params": {"id": "1"}},
    "bye_without_params": {"type": "bye"},
    "bye_with_unknown_retry": bye("session_ended", "later"),
    "bye_without_code": {"type": "bye", "params": {"message": "", "retry": "never"}},
    "bye_with_message_null": {"type": "bye", "params": {"code": "session_ended", "message": None, "retry": "never"}},
}


@requirement("WIRE-20", "WIRE-5")
@pytest.mark.parametrize("name", TEXTS)
def test_invalid_text(peer: Peer, name: str) -> None:
    """WIRE-20: a text frame that holds no JSON object is answered by invalid_message and 4400."""
    peer.line.send_text(TEXTS[name])
    peer.expect_bye("invalid_message", 4400)


@requirement("WIRE-20", "WIRE-10", "WIRE-13", "WIRE-14")
@pytest.mark.parametrize("name", SHAPES)
def test_invalid_shape(peer: Peer, name: str) -> None:
    """WIRE-20: an invalid message that is no command is answered by invalid_message and 4400."""
    peer.send_raw(SHAPES[name])
    peer.expect_bye("invalid_message", 4400)


@requirement("WIRE-22")
@pytest.mark.parametrize("size", [0, 1, 15])
def test_invalid_binary_frame(peer: Peer, size: int) -> None:
    """WIRE-22: a binary frame under 16 bytes is answered by invalid_message and 4400."""
    peer.line.send_binary(bytes(size))
    peer.expect_bye("invalid_message", 4400)


@requirement("WIRE-11", "WIRE-14")
@pytest.mark.parametrize("id_", [5, 4, 1])
def test_invalid_id_that_was_used(peer: Peer, id_: int) -> None:
    """WIRE-11: the id of a command is greater than every earlier one."""
    peer.result({**eval_js("1"), "id": 5})
    peer.send_raw({**eval_js("1"), "seq": 2, "id": id_})
    peer.expect_bye("invalid_message", 4400)


@requirement("WIRE-20")
def test_session_is_over_after_an_invalid_message(peer: Peer) -> None:
    """WIRE-20: the client does not come back after it."""
    peer.line.send_text("{")
    peer.expect_bye("invalid_message", 4400)
    peer.line.expect_no_connection()
