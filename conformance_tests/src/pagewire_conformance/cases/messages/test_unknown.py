"""WIRE-15 to WIRE-18: fields and types of later versions do not disturb a client of this one."""

from __future__ import annotations

import pytest

from pagewire_conformance.messages import ack, download, eval_js, set_env
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement


@requirement("WIRE-15")
def test_unknown_field_in_the_envelope_is_ignored(peer: Peer) -> None:
    """WIRE-15: a field that is not known in the envelope."""
    assert peer.result({**eval_js("1 + 1"), "novelty": {"type": "bye"}}) == {"value": 2}


@requirement("WIRE-15")
def test_unknown_field_in_the_params_is_ignored(peer: Peer) -> None:
    """WIRE-15: a field that is not known in `params`."""
    command = eval_js("1 + 1")
    command["params"]["novelty"] = None
    assert peer.result(command) == {"value": 2}


@requirement("WIRE-15")
def test_unknown_field_deeper_is_ignored(peer: Peer) -> None:
    """WIRE-15: a field that is not known in an object within `params`."""
    command = download(b"abc")
    command["params"]["content"]["novelty"] = 1
    assert peer.result(command) == {"bytes": 3}


@requirement("WIRE-15")
def test_unknown_fields_in_the_welcome_are_ignored(unconnected: Peer) -> None:
    """WIRE-15: fields that are not known in a welcome, at every level."""
    unconnected.accept()
    heartbeat = {"interval_ms": 15000, "timeout_ms": 15000, "novelty": True}
    unconnected.welcome(heartbeat=heartbeat, novelty=[1])
    assert unconnected.value("1 + 1") == 2


@requirement("WIRE-15")
def test_unknown_fields_in_a_control_message_are_ignored(peer: Peer) -> None:
    """WIRE-15: fields that are not known in an ack."""
    peer.send_raw({**ack(0), "novelty": 1, "params": {"seq": 0, "novelty": {}}})
    assert peer.value("1 + 1") == 2


@requirement("WIRE-16")
def test_unknown_type_without_seq_is_ignored(peer: Peer) -> None:
    """WIRE-16: it is a control message of a later version, or of somebody else's."""
    for type_ in ["novelty", "acme:novelty", "Ack", "welcome2", "x" * 128]:
        with peer.part(type_):
            peer.send_raw({"type": type_, "params": {}})
            peer.expect_nothing_more()


@requirement("WIRE-17")
@pytest.mark.parametrize("type_", ["novelty", "acme:novelty"])
def test_unknown_command_is_answered_by_unsupported(peer: Peer, type_: str) -> None:
    """WIRE-17: with `seq` and `id` it is a command, and consumes both."""
    peer.error({"type": type_, "seq": peer.seq + 1, "id": 7, "params": {"any": "thing"}}, "unsupported")
    assert peer.ping() == 1
    assert peer.value("1 + 1") == 2


@requirement("WIRE-17")
def test_unknown_command_needs_no_params(peer: Peer) -> None:
    """WIRE-17: nothing is known of its params, so nothing can be wrong with them."""
    peer.error({"type": "novelty", "seq": 1, "id": 1}, "unsupported")


@requirement("WIRE-18")
def test_unknown_session_message_is_ignored_but_counted(peer: Peer) -> None:
    """WIRE-18: with `seq` and without `id` it consumes its `seq`, and nothing else happens."""
    peer.send_raw({"type": "novelty", "seq": 1, "params": {}})
    assert peer.ping() == 1
    peer.expect_nothing_more()


@requirement("WIRE-15", "ENV-3")
def test_unknown_setting_is_no_error(peer: Peer) -> None:
    """WIRE-15: a setting of a later version is an unknown field."""
    result = peer.result(set_env(title="T", novelty=1))
    assert "novelty" not in result["applied"] + result["ignored"]
