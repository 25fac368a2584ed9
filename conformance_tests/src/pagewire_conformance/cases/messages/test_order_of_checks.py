"""WIRE-14: the checks are made in the order of section 3.1, and the first that applies decides."""

from __future__ import annotations

from typing import Any

import pytest

from pagewire_conformance.messages import ack, bye, cancel, eval_js, run_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement

OLD: dict[str, dict[str, Any]] = {
    "command": {**run_js("globalThis.again = 1"), "seq": 1, "id": 9},
    "command_without_id": {**run_js("globalThis.again = 1"), "seq": 1},
    "unknown_command": {"type": "novelty", "seq": 1, "id": 9, "params": {}},
    "wrong_direction": {"type": "event", "seq": 1, "params": {}},
    "ack": {**ack(99), "seq": 1},
    "bye": {**bye("session_ended", "never"), "seq": 1},
    "cancel": {**cancel(0), "seq": 1},
}

GAPS: dict[str, dict[str, Any]] = {
    "command": {**eval_js("1"), "seq": 3, "id": 9},
    "invalid_command": {"type": "eval_js", "seq": 3, "id": 9},
    "unknown_type": {"type": "novelty", "seq": 3, "params": {}},
    "unknown_command": {"type": "novelty", "seq": 3, "id": 9, "params": {}},
    "cancel": {**cancel(1), "seq": 3},
}


@requirement("WIRE-14", "DELIVERY-2")
def test_old_seq_is_dropped_before_anything_else_is_looked_at(peer: Peer) -> None:
    """WIRE-14: row 4 goes before all that could be wrong with the message: it is dropped."""
    peer.result(eval_js("1"))
    for name, message in OLD.items():
        with peer.part(name):
            peer.send_raw(message)
            assert peer.value("typeof again") == "undefined"
            peer.expect_nothing_more()


@requirement("WIRE-14", "DELIVERY-3")
@pytest.mark.parametrize("name", GAPS)
def test_gap_ends_the_session_before_the_type_is_looked_at(peer: Peer, name: str) -> None:
    """WIRE-14: row 5 goes before the type and the params."""
    peer.result(eval_js("1"))
    peer.send_raw(GAPS[name])
    peer.expect_bye("invalid_message", 4400)


@requirement("WIRE-14", "WIRE-11")
def test_bad_id_goes_before_bad_params(peer: Peer) -> None:
    """WIRE-14: row 11 goes before row 13."""
    peer.result({**eval_js("1"), "id": 5})
    peer.send_raw({"type": "eval_js", "seq": 2, "id": 5, "params": {}})
    peer.expect_bye("invalid_message", 4400)


@requirement("WIRE-14")
def test_invalid_command_consumes_its_id(peer: Peer) -> None:
    """WIRE-14: row 13 consumes the id, so that it may not be used again."""
    peer.error({"type": "eval_js", "id": 5, "params": {}}, "invalid_command")
    peer.send_raw({**eval_js("1"), "seq": 2, "id": 5})
    peer.expect_bye("invalid_message", 4400)


@requirement("WIRE-14", "WIRE-17")
def test_unknown_command_consumes_its_id(peer: Peer) -> None:
    """WIRE-14: row 8 consumes the id too."""
    peer.error({"type": "novelty", "seq": 1, "id": 5, "params": {}}, "unsupported")
    peer.send_raw({**eval_js("1"), "seq": 2, "id": 5})
    peer.expect_bye("invalid_message", 4400)


@requirement("WIRE-14")
def test_id_in_a_cancel_is_an_unknown_field(peer: Peer) -> None:
    """WIRE-14: an `id` beside the params of a cancel is a field like any other that is not known."""
    peer.send_raw({**cancel(77), "seq": 1, "id": "no id at all"})
    peer.expect_nothing_more()


@requirement("WIRE-14", "WIRE-11")
def test_ids_may_leap(peer: Peer) -> None:
    """WIRE-11: an id is greater than the one before, not the next one; the largest is 2^53-1."""
    for id_ in (3, 1000, 2**53 - 1):
        assert peer.reply(peer.send({**eval_js("1"), "id": id_}))["params"] == {"value": 1}
