"""END-1, END-6, END-7, END-12, END-14: how a client ends a session by itself."""

from __future__ import annotations

from pagewire_conformance.messages import run_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import Profile, profile, requirement


@requirement("END-6")
@profile(Profile.PAGE)
def test_page_that_goes_away_says_so(peer: Peer) -> None:
    """END-6: it sends `bye client_left` and closes with 1000."""
    peer.needs_page()
    peer.value("1")
    peer.seen.leave()
    peer.expect_bye("client_left", 1000)


@requirement("END-6")
@profile(Profile.PAGE)
def test_page_that_comes_back_from_the_cache_loads_itself_again(peer: Peer) -> None:
    """END-6: what the browser kept is a session that was left: the page begins a new one."""
    peer.needs_page()
    instance = peer.hello["instance"]
    peer.seen.restore()
    peer.begin_anew()
    assert peer.connect()["instance"] != instance


@requirement("END-7")
def test_client_that_stops_says_so(peer: Peer) -> None:
    """END-7: a client that stops by its own decision sends `bye client_left` and closes with 1000."""
    peer.value("1")
    peer.seen.leave()
    peer.expect_bye("client_left", 1000)
    peer.line.expect_no_connection()


@requirement("END-12", "END-14")
def test_byes_of_a_client_never_ask_for_a_retry(peer: Peer) -> None:
    """END-12, END-14: `retry` is the registry's, which is `never` in all that a client says."""
    peer.line.send_text("[]")
    assert peer.expect_bye("invalid_message", 4400)["retry"] == "never"


@requirement("END-2")
def test_nothing_follows_the_bye_of_a_client(peer: Peer) -> None:
    """END-2: after its own bye the client sends nothing more, not even what was ready before."""
    for _ in range(5):
        peer.send(run_js("1"))
    peer.line.send_text("no JSON")
    with peer.own_verdict():
        peer.receive_timed("bye")
        peer.expect_close(4400)


@requirement("END-1")
def test_client_says_why_before_it_closes(peer: Peer) -> None:
    """END-1: a bye of the registry, with a message, and then its close code."""
    peer.line.send_text("no JSON")
    params = peer.expect_bye("invalid_message", 4400)
    assert params["message"]
