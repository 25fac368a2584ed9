"""HELLO-2, HELLO-4, HELLO-6, HELLO-8, HELLO-19, WIRE-4: from one hello of an instance to the next."""

from __future__ import annotations

from pagewire_conformance.messages import run_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import Profile, profile, requirement

pytestmark = profile(Profile.RESUME)


@requirement("HELLO-8")
def test_what_was_agreed_on_stays(peer: Peer) -> None:
    """HELLO-8: versions, app, capabilities and limits are the same in every hello."""
    first = peer.hello
    peer.line.break_connection()
    again = peer.resume()
    names = ("versions", "app", "capabilities", "limits")
    assert [again[name] for name in names] == [first[name] for name in names]


@requirement("HELLO-4")
def test_instance_stays(peer: Peer) -> None:
    """HELLO-4: the instance is the same in every hello."""
    first = peer.hello["instance"]
    peer.line.break_connection()
    assert peer.resume()["instance"] == first


@requirement("WIRE-4")
def test_key_stays(peer: Peer) -> None:
    """WIRE-4: every connection carries the same key."""
    first = peer.line.key
    peer.line.break_connection()
    peer.resume()
    assert peer.line.key == first


@requirement("HELLO-6")
def test_resume_stands_in_a_hello_once_the_client_was_welcomed(unconnected: Peer) -> None:
    """HELLO-6: without a welcome there is nothing to resume; after one there is, whatever came since."""
    assert "resume" not in unconnected.accept()
    unconnected.line.break_connection()
    assert "resume" not in unconnected.accept()
    unconnected.welcome()
    assert unconnected.value("1") == 1
    unconnected.line.break_connection()
    assert "resume" in unconnected.accept()
    unconnected.line.break_connection()
    assert "resume" in unconnected.accept()


@requirement("HELLO-19")
def test_attempt_grows_though_no_welcome_came(unconnected: Peer) -> None:
    """HELLO-19: the attempt is greater in each hello than in every earlier one, also before the first welcome."""
    attempts = [unconnected.accept()["attempt"]]
    for _ in range(2):
        unconnected.line.break_connection()
        attempts.append(unconnected.accept()["attempt"])
    assert attempts == sorted(set(attempts))


@requirement("HELLO-19")
def test_attempt_grows_over_the_whole_session(peer: Peer) -> None:
    """HELLO-19: the attempt never falls back, neither after a welcome nor after attempts that were refused."""
    attempts = [peer.hello["attempt"]]
    for _ in range(2):
        peer.value("1")
        peer.line.break_connection()
        attempts.append(peer.resume()["attempt"])
    peer.value("1")
    peer.line.refused_attempts(2)
    attempts.append(peer.resume()["attempt"])
    assert attempts == sorted(set(attempts))


@requirement("HELLO-2")
def test_replies_wait_for_the_welcome(peer: Peer) -> None:
    """HELLO-2: replies that were lost are sent again after the welcome, not after the hello."""
    peer.send(run_js("await new Promise(resolve => { globalThis.go = resolve })"))
    assert peer.value("go() ?? 'gone'") == "gone"
    peer.line.break_connection()
    peer.accept()
    peer.expect_no_text()
