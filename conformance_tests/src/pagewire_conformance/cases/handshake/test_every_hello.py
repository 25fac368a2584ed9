"""HELLO-2 to HELLO-24 as far as they are about the next hello of an instance, RESUME-1, WIRE-4."""

from __future__ import annotations

import pytest

from pagewire_conformance.messages import run_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import Profile, profile, requirement

pytestmark = profile(Profile.RESUME)

LARGEST = 65536
DIGITS = 8
"""By how much a hello may be larger than the one before, for its `attempt` and its `last_seq` have more digits."""


def room_in_hello(peer: Peer, text: str) -> int:
    """Return how many times `text` fits into the `auth` of the next hello; something has to be left for more digits."""
    peer.needs_capability("test")  # no other client can be told its auth
    sizes = []
    for times in (1, 2):
        peer.seen.use_auth(text, times)
        peer.line.break_connection()
        peer.resume()
        sizes.append(peer.line.judge.hello_bytes)
    per_text = sizes[1] - sizes[0]
    return 1 + (LARGEST - DIGITS - sizes[0]) // per_text


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


@requirement("RESUME-1")
def test_hello_that_just_fits_is_sent(peer: Peer) -> None:
    """RESUME-1: a client whose hello has at most 65536 bytes connects again, whatever fills it."""
    times = room_in_hello(peer, "x")
    peer.seen.use_auth("x", times)
    peer.line.break_connection()
    assert peer.resume()["auth"] == "x" * times


@requirement("HELLO-21", "HELLO-24")
@pytest.mark.parametrize("text", ["x", "\u00e9"], ids=["ascii", "two_bytes"])
def test_hello_that_is_too_large_is_not_sent(peer: Peer, text: str) -> None:
    """HELLO-21, HELLO-24: the session ends instead, without a connection; sizes are counted in bytes."""
    times = room_in_hello(peer, text) + 2 * DIGITS
    peer.seen.use_auth(text, times + len(peer.hello["page"].get("url", "")) + len('"url":  ,'))
    peer.line.break_connection()
    peer.line.expect_no_connection()


@requirement("HELLO-21", "HELLO-23")
def test_url_of_the_page_goes_first(peer: Peer) -> None:
    """HELLO-21, HELLO-23: a hello that has no room for the page's URL is sent without it."""
    peer.needs_page()
    times = room_in_hello(peer, "x") + 2 * DIGITS
    peer.seen.use_auth("x", times)
    peer.line.break_connection()
    hello = peer.resume()
    assert hello["auth"] == "x" * times
    assert "url" not in hello["page"]
