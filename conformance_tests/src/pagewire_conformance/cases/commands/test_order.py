"""CMD-2, CMD-4: commands start in order, and have begun before they count as received."""

from __future__ import annotations

from pagewire_conformance.messages import eval_js, ping, run_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement


@requirement("CMD-2")
def test_commands_start_in_order(peer: Peer) -> None:
    """CMD-2: fifty commands of both kinds in one burst start in order of `seq`."""
    for number in range(0, 50, 2):
        peer.send(run_js("(globalThis.order ??= []).push(n)", n=number))
        peer.send(eval_js("(globalThis.order ??= []).push(n)", n=number + 1))
    assert peer.value("order") == list(range(50))


@requirement("CMD-2", "RUN-5")
def test_command_that_awaits_does_not_let_later_ones_overtake_its_beginning(peer: Peer) -> None:
    """CMD-2: what stands before the first await has run when the next command starts."""
    peer.send(run_js("globalThis.begun = 1; await null; globalThis.begun = 2"))
    peer.send(run_js("globalThis.seen = globalThis.begun"))
    assert peer.value("seen") in {1, 2}


@requirement("CMD-4", "RUN-5")
def test_command_has_begun_before_it_is_acknowledged(peer: Peer) -> None:
    """CMD-4: an event that the code sends at once comes before the ack that covers the command."""
    for number in range(10):
        peer.send(run_js("pagewire.emit('begun', n)", n=number))
        peer.send(ping())
        first = peer.receive_first_of("event", "ack")
        while first["type"] == "ack" and first["params"]["seq"] < peer.seq:
            first = peer.receive_first_of("event", "ack")
        assert first["type"] == "event", "the command was acknowledged before its code had begun"
        peer.receive_timed("result")


@requirement("CMD-4")
def test_reply_comes_after_the_synchronous_part(peer: Peer) -> None:
    """CMD-4: events of the synchronous part come before the reply."""
    peer.send(run_js("pagewire.emit('a', 1); pagewire.emit('b', 2)"))
    assert [peer.receive("event")["params"]["name"] for _ in range(2)] == ["a", "b"]
    peer.receive("result")
