"""SEC-2, SEC-3: the instance is a secret."""

from __future__ import annotations

from pagewire_conformance.messages import run_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import Profile, profile, requirement


@requirement("SEC-2")
def test_instance_is_not_in_the_url(peer: Peer) -> None:
    """SEC-2: not of the first connection, and not of the second."""
    instance = peer.hello["instance"]
    assert instance not in peer.line.path
    assert instance != peer.line.key


@requirement("SEC-2")
@profile(Profile.RESUME)
def test_instance_is_in_no_log(peer: Peer) -> None:
    """SEC-2: not in what the client writes to its stderr or its console, through a break and an error neither."""
    instance = peer.hello["instance"]
    peer.ask(run_js("throw new Error('for the log')"))
    peer.line.break_connection()
    peer.resume()
    peer.value("1")
    assert instance not in peer.line.subject.output()


@requirement("SEC-3")
@profile(Profile.PAGE)
def test_instance_is_not_stored(peer: Peer) -> None:
    """SEC-3: no storage and no cookie of the page holds it."""
    peer.needs_page()
    peer.value("1")
    assert peer.hello["instance"] not in peer.seen.stored()
