"""DELIVERY-4 to DELIVERY-7: what a client acknowledges, and when; and what it makes of the server's acks."""

from __future__ import annotations

import time

import pytest

from pagewire_conformance.messages import ack, eval_js, run_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement
from pagewire_conformance.verdicts import Broken

MARGIN = 1.0
"""Seconds by which an ack may be late, before --timeout-factor: it has to travel, and machines are busy."""


@requirement("DELIVERY-4")
def test_ack_is_of_the_highest_seq_received(peer: Peer) -> None:
    """DELIVERY-4: an ack covers all that was received, and no more."""
    seen = [peer.ping()]
    for _ in range(3):
        peer.value("1")
        seen.append(peer.ping())
    assert seen == [0, 1, 2, 3]


@requirement("DELIVERY-5")
def test_ack_comes_after_32_messages(peer: Peer) -> None:
    """DELIVERY-5: at no time are more than 32 messages received and not acknowledged."""
    for _ in range(5):
        ids = [peer.send(eval_js("1")) for _ in range(32)]
        for id_ in ids:
            peer.reply(id_)
        peer.value("'fence'")
        behind = peer.seq - peer.last_ack
        assert behind <= 32, f"{behind} messages are not acknowledged"


@requirement("DELIVERY-5")
def test_ack_comes_after_262144_bytes(peer: Peer) -> None:
    """DELIVERY-5: nor are more than 262144 bytes of them."""
    for _ in range(3):
        assert peer.value("a.length", a="x" * 50_000) == 50_000
    for _ in range(3):
        peer.value("a.length", a="x" * 50_000)
    peer.value("'fence'")
    assert peer.last_ack >= 1, "300,000 bytes were received and none was acknowledged"


@requirement("DELIVERY-6")
@pytest.mark.long
def test_ack_comes_within_2_s(peer: Peer) -> None:
    """DELIVERY-6: a message is acknowledged within 2 s, though nothing else happens."""
    peer.value("1")
    peer.receive("ack", within=2 + MARGIN)
    assert peer.last_ack == 1


@requirement("DELIVERY-6")
@pytest.mark.long
def test_further_messages_do_not_put_the_ack_off(peer: Peer) -> None:
    """DELIVERY-6: the timer is set when the first message comes, not again with each one."""
    begin = time.monotonic()
    limit = 2 + MARGIN * max(1.0, peer.line.factor)
    while time.monotonic() - begin < limit and not peer.last_ack:
        peer.send(eval_js("1"))
        try:
            peer.receive_timed("ack", within=0.5)
        except Broken:
            continue
    assert peer.last_ack, f"no ack came within {limit:.1f} s while messages came every half second"


@requirement("DELIVERY-7")
def test_lower_ack_is_ignored(peer: Peer) -> None:
    """DELIVERY-7: an ack lower than an earlier one, or the same again, changes nothing."""
    for seqs in [[2, 1], [2, 0], [0, 0], [2, 2]]:
        with peer.part(seqs):
            for _ in range(3):
                peer.value("1")
            for seq in seqs:
                peer.send(ack(seq))
            peer.expect_nothing_more()


@requirement("DELIVERY-7")
@pytest.mark.parametrize("beyond", [1, 1000, 2**52])
def test_invalid_ack_of_what_was_never_written(peer: Peer, beyond: int) -> None:
    """DELIVERY-7: an ack above what was written is answered by invalid_message and 4400."""
    peer.value("1")
    peer.send(ack(1 + beyond))
    peer.expect_bye("invalid_message", 4400)


@requirement("DELIVERY-5", "DELIVERY-4")
def test_old_messages_are_not_counted(peer: Peer) -> None:
    """DELIVERY-6: only new messages count: duplicates bring no ack beyond what was received."""
    peer.result(run_js("1"))
    for _ in range(40):
        peer.replay(0)
    assert peer.ping() == 1
