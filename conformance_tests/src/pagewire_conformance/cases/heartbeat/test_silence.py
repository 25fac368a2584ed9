"""BEAT-3 to BEAT-7: how a client notices that nobody is there."""

from __future__ import annotations

import pytest

from pagewire_conformance.messages import eval_js, run_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import Profile, profile, requirement

pytestmark = profile(Profile.RESUME)

SHORT = {"interval_ms": 150, "timeout_ms": 150}
LONG = {"interval_ms": 15000, "timeout_ms": 15000}
LIMIT = 0.3
EARLY = 0.9
"""How much earlier than its limit a client may count a connection as silent: clocks are read, and messages travel."""


@requirement("BEAT-3")
@profile(Profile.CORE)
def test_each_ping_is_answered(peer: Peer) -> None:
    """BEAT-3: by an ack of the highest `seq` received, 0 if there was none."""
    assert peer.ping() == 0
    peer.value("1")
    assert [peer.ping() for _ in range(3)] == [1, 1, 1]


@requirement("BEAT-3")
@profile(Profile.CORE)
def test_ping_is_answered_while_code_waits(peer: Peer) -> None:
    """BEAT-3: a command that waits does not hold up the answer."""
    peer.send(run_js("await new Promise(() => {})"))
    assert [peer.ping(), peer.ping()] == [1, 1]


@requirement("BEAT-6")
@profile(Profile.CORE)
def test_client_sends_no_ping(unconnected: Peer) -> None:
    """BEAT-6: the client sends no ping, not in a second silence either."""
    unconnected.connect(heartbeat={"interval_ms": 300, "timeout_ms": 15000})
    unconnected.watch(0.8)
    assert unconnected.value("1 + 1") == 2


@requirement("BEAT-4")
def test_silence_ends_the_connection(unconnected: Peer) -> None:
    """BEAT-4: after interval_ms + timeout_ms without a frame the client closes with 4000, without bye, and returns."""
    unconnected.accept()
    # The client's silence begins no earlier than this, however late the suite looks at its clock again.
    begin = unconnected.line.now
    unconnected.welcome(heartbeat=SHORT)
    with unconnected.own_verdict():
        waited = unconnected.expect_close(4000, within=LIMIT + 3) - begin
    assert waited > LIMIT * EARLY, f"the client gave up after {waited:.2f} s, before {LIMIT} s were over"
    unconnected.resume(heartbeat=LONG)
    assert unconnected.value("1 + 1") == 2


@requirement("BEAT-4")
def test_client_does_not_wait_for_the_closing_handshake(unconnected: Peer) -> None:
    """BEAT-4: the other side may be gone: the client connects again, though its Close is never answered."""
    unconnected.connect(heartbeat=SHORT)
    unconnected.line.connection.refuse_frames()
    hello = unconnected.accept(within=LIMIT + 3)
    assert "resume" in hello


@requirement("BEAT-4")
@pytest.mark.long
def test_any_frame_ends_the_silence(unconnected: Peer) -> None:
    """BEAT-4: pings keep the connection alive, though no session message comes."""
    heartbeat = {"interval_ms": 500, "timeout_ms": 500}
    unconnected.connect(heartbeat=heartbeat)
    number = unconnected.line.connection.number
    for _ in range(8):
        unconnected.ping()
        unconnected.watch(0.25)
    assert unconnected.line.connection.number == number
    unconnected.ping()


@requirement("BEAT-5")
@pytest.mark.long
def test_limit_doubles_with_each_silence(unconnected: Peer) -> None:
    """BEAT-5: the second silence must last twice as long, the third four times."""
    for factor in (1, 2, 4):
        unconnected.accept(within=10 if factor > 1 else None)
        begin = unconnected.line.now
        unconnected.welcome(heartbeat=SHORT)
        waited = unconnected.expect_close(4000, within=LIMIT * factor + 3) - begin
        assert waited > LIMIT * factor * EARLY, f"silence number {factor} was {waited:.2f} s long"


@requirement("BEAT-5")
@pytest.mark.long
def test_session_message_sets_the_limit_back(unconnected: Peer) -> None:
    """BEAT-5: once a new session message has come, the limit is the usual one."""
    unconnected.connect(heartbeat={"interval_ms": 400, "timeout_ms": 400})
    for _ in range(2):
        unconnected.expect_close(4000, within=6)
        unconnected.accept(within=10)
        unconnected.welcome()
    unconnected.result(eval_js("1"))
    begin = unconnected.line.now
    waited = unconnected.expect_close(4000, within=6) - begin
    # Not set back, it would be four times 0.8 s.
    assert waited < 0.8 + 1.6 * max(1.0, unconnected.line.factor), f"the silence was {waited:.2f} s long"


@requirement("BEAT-7")
@pytest.mark.long
def test_attempt_that_brings_no_welcome_is_given_up(unconnected: Peer) -> None:
    """BEAT-7: a hello that is never answered is given up after some time of the client's choice: 45 s are too long."""
    unconnected.accept()
    unconnected.accept(within=45)
