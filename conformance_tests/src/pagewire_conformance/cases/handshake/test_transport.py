"""WIRE-1, WIRE-4, WIRE-9: how a client opens its WebSocket."""

from __future__ import annotations

from pagewire_conformance.messages import eval_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement


@requirement("WIRE-1")
def test_subprotocol_is_offered(unconnected: Peer) -> None:
    """WIRE-1: the client offers the subprotocol pagewire.v1."""
    unconnected.line.await_connection()
    assert "pagewire.v1" in unconnected.line.offered


@requirement("WIRE-1")
def test_handshake_without_the_subprotocol_is_a_failed_attempt(unconnected: Peer) -> None:
    """WIRE-1: where the server selects no subprotocol and says no bye, the client tries again."""
    if unconnected.line.has_connected:
        raise unconnected.unverified("the client has connected before the case could begin")
    selected = iter([None])
    unconnected.line.listener.behavior.select = lambda offered: next(selected, offered[0])
    unconnected.line.await_connection()
    unconnected.expect_no_text(or_end=True)
    unconnected.line.connection.cut()
    unconnected.connect()
    assert unconnected.value("1 + 1") == 2


@requirement("WIRE-4")
def test_url_carries_one_key(unconnected: Peer) -> None:
    """WIRE-4: the URL has the query parameter `key`, 1 to 64 characters of a set that needs no escaping."""
    unconnected.line.await_connection()
    assert len(unconnected.line.key) in range(1, 65)


@requirement("WIRE-4")
def test_key_is_chosen_at_random(unconnected: Peer) -> None:
    """WIRE-4: the key is chosen at random by the instance: it is none of the words that are written into programs."""
    unconnected.line.await_connection()
    assert len(set(unconnected.line.key)) > 2, f"the key {unconnected.line.key!r} is not random"


@requirement("WIRE-9")
def test_frames_are_not_compressed(peer: Peer) -> None:
    """WIRE-9: no frame is compressed, though its content would lend itself to it."""
    assert peer.value("'a'.repeat(5000)") == "a" * 5000
    peer.result(eval_js("'b'.repeat(5000)"))
