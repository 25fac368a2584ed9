"""HELLO-2, HELLO-17: what a client does until it is welcomed."""

from __future__ import annotations

from typing import Any

import pytest

from pagewire_conformance.messages import ack, bye, eval_js, ping
from pagewire_conformance.peer.peer import WELCOME, Peer
from pagewire_conformance.requirements import requirement

UNWELCOME: dict[str, dict[str, Any]] = {
    "command": {**eval_js("1"), "seq": 1, "id": 1},
    "ack": ack(0),
    "ping": ping(),
    "unknown_type_with_seq": {"type": "novelty", "seq": 1, "params": {}},
    "unknown_type_with_id": {"type": "novelty", "id": 1, "params": {}},
    "type_missing": {"params": {}},
    "welcome_without_params": {"type": "welcome"},
    "welcome_with_seq": {"type": "welcome", "seq": 1, "params": WELCOME},
    "welcome_with_id": {"type": "welcome", "id": 1, "params": WELCOME},
    "welcome_of_a_version_not_offered": {"type": "welcome", "params": WELCOME | {"version": "1.99"}},
    "welcome_with_negative_seq": {"type": "welcome", "params": WELCOME | {"last_seq": -1}},
    "welcome_without_heartbeat": {
        "type": "welcome",
        "params": {key: value for key, value in WELCOME.items() if key != "heartbeat"},
    },
    "bye_without_retry": {"type": "bye", "params": {"code": "session_ended", "message": ""}},
}


@requirement("HELLO-17")
@pytest.mark.parametrize("name", UNWELCOME)
def test_invalid(unconnected: Peer, name: str) -> None:
    """HELLO-17: whatever is neither a valid welcome nor a valid bye is answered by invalid_message."""
    unconnected.accept()
    unconnected.send_raw(UNWELCOME[name])
    unconnected.expect_bye("invalid_message", 4400)


@requirement("HELLO-17")
def test_invalid_text_that_is_no_json(unconnected: Peer) -> None:
    """HELLO-17: text that is no JSON is answered by invalid_message."""
    unconnected.accept()
    unconnected.line.send_text("{")
    unconnected.expect_bye("invalid_message", 4400)


@requirement("HELLO-17")
def test_invalid_binary_frame(unconnected: Peer) -> None:
    """HELLO-17: a binary frame is answered by invalid_message, even one that could be a chunk."""
    unconnected.accept()
    unconnected.line.send_binary(bytes(20))
    unconnected.expect_bye("invalid_message", 4400)


@requirement("HELLO-17")
def test_unknown_type_without_seq_and_id_is_ignored(unconnected: Peer) -> None:
    """HELLO-17: a message of an unknown type without seq and id is ignored, and the welcome after it is taken."""
    unconnected.accept()
    unconnected.send_raw({"type": "novelty", "params": {}})
    unconnected.welcome()
    assert unconnected.value("1 + 1") == 2


@requirement("HELLO-17")
def test_bye_is_obeyed(unconnected: Peer) -> None:
    """HELLO-17: a bye in the place of a welcome is obeyed: the client does not come back."""
    unconnected.accept()
    unconnected.send(bye("unknown_app", "never"))
    unconnected.line.close(4404)
    unconnected.line.await_end()
    unconnected.line.expect_no_connection()


@requirement("HELLO-17")
def test_second_welcome_is_invalid(peer: Peer) -> None:
    """HELLO-17: a second welcome on one connection is answered by invalid_message."""
    peer.send_raw({"type": "welcome", "params": WELCOME})
    peer.expect_bye("invalid_message", 4400)


@requirement("HELLO-17")
def test_resumed_may_be_true_where_no_resume_was_asked_for(unconnected: Peer) -> None:
    """HELLO-17: `resumed` true in answer to a hello without resume is good: a welcome was lost."""
    unconnected.accept()
    unconnected.welcome(resumed=True)
    assert unconnected.value("1 + 1") == 2


@requirement("HELLO-2")
def test_nothing_is_sent_before_the_welcome(unconnected: Peer) -> None:
    """HELLO-2: between hello and welcome the client sends nothing."""
    unconnected.accept()
    unconnected.expect_no_text()


@requirement("HELLO-3", "HELLO-17")
def test_no_version_in_common(unconnected: Peer) -> None:
    """HELLO-17: a server that speaks none of the client's versions says so, and the client stops."""
    hello = unconnected.accept()
    unconnected.send_raw(
        {
            "type": "bye",
            "params": {
                "code": "unsupported_version",
                "message": "This server speaks 9.9.",
                "retry": "never",
                "data": {"supported": ["9.9"], "requested": hello["versions"]},
            },
        }
    )
    unconnected.line.close(4406)
    unconnected.line.await_end()
    unconnected.line.expect_no_connection()
