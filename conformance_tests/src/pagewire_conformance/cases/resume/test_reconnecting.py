"""RESUME-9 to RESUME-13: when a client tries again, and when it gives up."""

from __future__ import annotations

from itertools import pairwise

import pytest

from pagewire_conformance.messages import eval_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import Profile, profile, requirement

pytestmark = profile(Profile.RESUME)

MARGIN = 1.0
"""Seconds by which an attempt may be later than its limit, before --timeout-factor."""


@requirement("RESUME-10")
def test_first_attempt_is_made_at_once(peer: Peer) -> None:
    """RESUME-10: the first attempt after the first break is made at once."""
    peer.value("1")
    cut = peer.line.break_connection()
    waited = peer.line.await_connection() - cut
    assert waited < 0.4 * max(1.0, peer.line.factor), f"the first attempt came after {waited:.2f} s"


@requirement("RESUME-10")
@pytest.mark.long
def test_failures_make_the_waits_longer(peer: Peer) -> None:
    """RESUME-10: the waits are random, up to 0.5 s, 1 s, 2 s, 4 s: together they are not next to nothing."""
    peer.value("1")
    times = peer.line.refused_attempts(5)
    waits = [later - earlier for earlier, later in pairwise(times)]
    for wait, limit in zip(waits, (0.5, 1, 2, 4), strict=True):
        assert wait < limit + MARGIN * max(1.0, peer.line.factor), (
            f"waits of {waits}: one is over its limit of {limit} s"
        )
    # Less than this by chance: once in 200,000 runs.
    assert sum(waits) > 0.15, f"waits of {waits}: the client does not wait"


@requirement("RESUME-10")
@pytest.mark.long
def test_waits_are_random(peer: Peer) -> None:
    """RESUME-10: the waits are not the limits themselves, which would bring all clients back together."""
    peer.value("1")
    times = peer.line.refused_attempts(5)
    waits = [later - earlier for earlier, later in pairwise(times)]
    # By chance: once in 160,000 runs.
    steady = [wait > 0.95 * limit for wait, limit in zip(waits, (0.5, 1, 2, 4), strict=True)]
    assert not all(steady), f"waits of {waits}: always the limit"


@requirement("RESUME-10")
@pytest.mark.long
def test_welcome_alone_is_no_progress(peer: Peer) -> None:
    """RESUME-10: a connection on which no session message came is a failure, welcomed or not."""
    waits = []
    for _ in range(5):
        cut = peer.line.break_connection()
        waits.append(peer.line.await_connection(within=10) - cut)
        peer.receive_hello()
        peer.welcome()
        peer.ping()
    assert sum(waits[1:]) > 0.15, f"waits of {waits}: the client does not wait"


@requirement("RESUME-10")
@pytest.mark.long
def test_session_message_sets_the_wait_back(peer: Peer) -> None:
    """RESUME-10: once a new session message has come, the next break is a first one."""
    peer.line.refused_attempts(3)
    peer.accept(within=10)
    peer.welcome()
    peer.value("1")
    cut = peer.line.break_connection()
    waited = peer.line.await_connection() - cut
    assert waited < 0.4 * max(1.0, peer.line.factor), f"the attempt came after {waited:.2f} s"


@requirement("RESUME-11")
@pytest.mark.long
def test_client_gives_up_after_the_window(unconnected: Peer) -> None:
    """RESUME-11: after resume_window_ms without a welcome it tries once more, and then no more."""
    unconnected.connect(resume_window_ms=700)
    unconnected.value("1")
    last = unconnected.line.refused_attempts_until_quiet(window=0.7)
    assert last > 0.7, f"the last attempt came after {last:.2f} s, before the window of 0.7 s was over"


@requirement("RESUME-11")
@pytest.mark.long
def test_client_does_not_give_up_within_the_window(peer: Peer) -> None:
    """RESUME-11: while the window lasts it goes on."""
    peer.result(eval_js("globalThis.kept = 1"))
    peer.line.refused_attempts(4)
    peer.accept(within=10)
    peer.welcome()
    assert peer.value("kept") == 1


@requirement("RESUME-11")
@pytest.mark.long
def test_client_that_was_never_welcomed_does_not_give_up(unconnected: Peer) -> None:
    """RESUME-11: before its first welcome it tries without end."""
    unconnected.line.await_connection()
    unconnected.line.refused_attempts(4)
    unconnected.accept(within=10)
    unconnected.welcome()
    assert unconnected.value("1 + 1") == 2


@requirement("RESUME-9")
def test_older_connection_is_ignored(unconnected: Peer) -> None:
    """RESUME-9: what still comes from a connection that the client has given up has no effect."""
    unconnected.connect(heartbeat={"interval_ms": 200, "timeout_ms": 200})
    older = unconnected.line.connection
    older.refuse_frames()
    unconnected.accept()
    unconnected.line.send_on(older, {**eval_js("globalThis.ghost = 1"), "seq": 1, "id": 1})
    unconnected.welcome(heartbeat={"interval_ms": 15000, "timeout_ms": 15000})
    unconnected.value("'fence'")
    assert unconnected.value("typeof ghost") == "undefined"


@requirement("RESUME-13")
def test_page_that_is_loaded_again_is_a_new_instance(peer: Peer) -> None:
    """RESUME-13: it has another instance, and nothing to resume."""
    peer.needs_page()
    peer.value("globalThis.old = 1")
    instance = peer.hello["instance"]
    peer.seen.reload()
    peer.begin_anew()
    hello = peer.connect()
    assert hello["instance"] != instance
    assert "resume" not in hello
    assert peer.value("typeof old") == "undefined"
