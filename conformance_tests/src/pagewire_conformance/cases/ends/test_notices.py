"""NOTICE-4 to NOTICE-6: what the server tells for the user changes nothing about the session."""

from __future__ import annotations

import pytest

from pagewire_conformance.messages import eval_js, notice
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import Profile, profile, requirement


@requirement("NOTICE-4")
@pytest.mark.parametrize("ends_in_ms", [0, 300_000, 2**53 - 1])
def test_session_goes_on_after_a_notice(peer: Peer, ends_in_ms: int) -> None:
    """NOTICE-4: the client neither leaves nor breaks the connection, and runs what comes next."""
    peer.send(notice("draining", ends_in_ms=ends_in_ms))
    assert peer.value("1 + 1") == 2


@requirement("NOTICE-4")
def test_command_that_waits_goes_on_after_a_notice(peer: Peer) -> None:
    """NOTICE-4: what was begun before the notice is answered after it."""
    id_ = peer.send(eval_js("new Promise((resolve) => { globalThis.go_on = resolve; })"))
    peer.fence()
    peer.send(notice("draining", ends_in_ms=1000))
    peer.value("go_on(7)")
    assert peer.reply(id_)["params"] == {"value": 7}


@requirement("NOTICE-4")
def test_session_goes_on_when_its_time_is_over(peer: Peer) -> None:
    """NOTICE-4: it is the server that ends the session, also after `ends_in_ms`."""
    peer.send(notice("draining", ends_in_ms=100))
    peer.watch(0.5)
    assert peer.value("1 + 1") == 2


@requirement("NOTICE-4")
@profile(Profile.RESUME)
def test_session_is_resumed_after_a_notice(peer: Peer) -> None:
    """NOTICE-4: after a break the client comes back as the same instance, and is told once more."""
    peer.value("globalThis.kept = 5")
    instance = peer.hello["instance"]
    peer.send(notice("draining", ends_in_ms=60_000))
    peer.fence()
    peer.line.break_connection()
    with peer.own_verdict():
        hello = peer.accept()
    assert (hello["instance"], "resume" in hello) == (instance, True)
    peer.welcome()
    peer.send(notice("draining", ends_in_ms=59_000))
    assert peer.value("kept") == 5


@requirement("NOTICE-5")
@pytest.mark.parametrize("code", ["novelty", "acme:novelty", "Draining", "session_ended", "x" * 128])
def test_notice_of_an_unknown_code_is_ignored(peer: Peer, code: str) -> None:
    """NOTICE-5: nothing happens, with a time and without."""
    for params in ({}, {"ends_in_ms": 0}):
        peer.send(notice(code, **params))
        peer.expect_nothing_more()
    assert peer.value("1 + 1") == 2


@requirement("NOTICE-6")
def test_notice_is_not_answered(peer: Peer) -> None:
    """NOTICE-6: no message of any kind comes because of it, and it has no place in the numbering."""
    for ends_in_ms in (2000, 1000):
        peer.send(notice("draining", ends_in_ms=ends_in_ms))
        with peer.own_verdict():
            peer.expect_nothing_more()
    assert peer.ping() == peer.seq
    assert peer.value("1 + 1") == 2


@requirement("NOTICE-6")
def test_notice_is_not_acknowledged(peer: Peer) -> None:
    """NOTICE-6: also no ack comes, for which the next ping is the first occasion."""
    peer.ping()
    peer.send(notice("draining", ends_in_ms=1000))
    peer.expect_no_text()
    assert peer.value("1 + 1") == 2


@requirement("WIRE-15")
def test_unknown_fields_in_a_notice_are_ignored(peer: Peer) -> None:
    """WIRE-15: fields that are not known in a notice."""
    peer.send_raw({**notice("draining", ends_in_ms=1000, novelty={"retry": "never"}), "novelty": 1})
    assert peer.value("1 + 1") == 2
