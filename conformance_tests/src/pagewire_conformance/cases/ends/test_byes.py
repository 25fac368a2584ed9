"""END-2 to END-5, END-9: what a client does when the server ends a connection."""

from __future__ import annotations

import pytest

from pagewire_conformance.messages import bye, eval_js, run_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import Profile, profile, requirement
from pagewire_protocol.codes import BYE_RULES, ByeCode

pytestmark = profile(Profile.RESUME)

NEVER = {code: rule.close for code, rule in BYE_RULES.items() if rule.retry == "never" and rule.sent_by != "client"}
RECONNECT = {code: rule.close for code, rule in BYE_RULES.items() if rule.retry == "reconnect"}
BREAKS = [None, 1001, 1003, 1008, 1011, 1012, 1013, 3000, 4000, 4100, 4408, 4429, 4999]
ENDS = [1000, 1007, 1009, 4400, 4401, 4403, 4404, 4406, 4409, 4410, 4413, 4500]


def end(peer: Peer, code: str, retry: str, close: int) -> None:
    """Say bye and close."""
    peer.send(bye(code, retry))
    peer.line.close(close)
    peer.line.await_end()


@requirement("END-3")
@pytest.mark.parametrize("code", NEVER)
def test_never_ends_the_session(peer: Peer, code: ByeCode) -> None:
    """END-3: after `never` the client stops."""
    peer.value("1")
    end(peer, code, "never", NEVER[code])
    peer.line.expect_no_connection()


@requirement("END-3")
def test_resume_brings_the_same_instance_back(peer: Peer) -> None:
    """END-3: after `resume` the client reconnects as the same instance."""
    peer.value("globalThis.kept = 1")
    instance = peer.hello["instance"]
    end(peer, "hello_timeout", "resume", 4408)
    with peer.own_verdict():
        hello = peer.resume()
    assert (hello["instance"], hello["resume"]["last_seq"]) == (instance, 1)
    assert peer.value("kept") == 1


@requirement("END-3")
@pytest.mark.parametrize("code", RECONNECT)
def test_reconnect_brings_a_new_instance(peer: Peer, code: ByeCode) -> None:
    """END-3: after `reconnect` the client comes back as a new instance, whose numbers begin again."""
    peer.value("1")
    instance = peer.hello["instance"]
    end(peer, code, "reconnect", RECONNECT[code])
    peer.begin_anew()
    with peer.own_verdict():
        hello = peer.accept(within=10)
    assert hello["instance"] != instance
    assert "resume" not in hello
    peer.welcome()
    assert peer.value("2") == 2


@requirement("END-3")
def test_old_code_has_no_effect_on_the_new_instance(peer: Peer) -> None:
    """END-3: neither an old promise nor an old event is heard of in the new session."""
    peer.send(eval_js("new Promise(resolve => { globalThis.go = resolve })"))
    peer.value("1")
    end(peer, "server_shutdown", "reconnect", 1012)
    peer.begin_anew()
    with peer.own_verdict():
        peer.accept(within=10)
        peer.welcome()
        peer.send(run_js("globalThis.go?.('old')"))
        peer.receive("result")
        peer.expect_nothing_more()


@requirement("END-3", "RESUME-10")
@pytest.mark.long
def test_reconnect_counts_as_a_failure(peer: Peer) -> None:
    """END-3: the new instances of a server that is full come with growing waits."""
    waits = []
    for _ in range(5):
        peer.send(bye("too_many_sessions", "reconnect"))
        begin = peer.line.now
        peer.line.close(4429)
        peer.begin_anew()
        waits.append(peer.line.await_connection(within=15) - begin)
        peer.receive_hello()
    if peer.has_page:
        return  # a page that loads itself begins with its waits anew
    assert sum(waits) > 0.15, f"waits of {waits}: the client does not wait"


@requirement("END-4")
@pytest.mark.parametrize("code", ["novelty", "acme:closed"])
def test_unknown_code_with_never(peer: Peer, code: str) -> None:
    """END-4: of a code that it does not know, the client obeys the `retry`: never."""
    end(peer, code, "never", 4999)
    peer.line.expect_no_connection()


@requirement("END-4")
def test_code_with_resume(peer: Peer) -> None:
    """END-4: so of a code that is known with another `retry` than the registry's: resume."""
    instance = peer.hello["instance"]
    for code in ("novelty", "acme:closed", "session_ended", "internal_error"):
        with peer.part(code):
            peer.value("1")
            end(peer, code, "resume", 4999)
            assert peer.resume()["instance"] == instance


@requirement("END-4")
def test_close_code_after_a_bye_is_not_looked_at(peer: Peer) -> None:
    """END-4: after a bye with `resume`, a close code that would end the session does not."""
    end(peer, "hello_timeout", "resume", 1000)
    assert "resume" in peer.resume()


@requirement("END-5")
def test_close_without_bye_is_a_break(peer: Peer) -> None:
    """END-5: a close without bye is a break, as if `retry` were `resume`."""
    for code in BREAKS:
        with peer.part(code):
            peer.value("1")
            peer.line.close(code)
            assert peer.resume()["resume"]["last_seq"] == peer.seq


@requirement("END-5", "RESUME-1")
@pytest.mark.parametrize("how", ["reset", "end"])
def test_end_without_close_is_a_break(peer: Peer, how: str) -> None:
    """END-5: so is a TCP connection that is reset, or ends without a Close frame."""
    peer.value("1")
    peer.line.break_connection() if how == "reset" else peer.line.connection.end()
    assert peer.resume()["resume"]["last_seq"] == 1


@requirement("END-5", "END-9")
@pytest.mark.parametrize("code", ENDS)
def test_close_without_bye_may_end_the_session(peer: Peer, code: int) -> None:
    """END-5: 1000, 1007, 1009 and the codes of the registry that mean `never` end it."""
    peer.value("1")
    peer.line.close(code)
    peer.line.await_end()
    peer.line.expect_no_connection()


@requirement("END-9")
@pytest.mark.parametrize(("code", "close"), [("invalid_message", 4400), ("too_large", 4413)])
@pytest.mark.parametrize("retry", ["resume", "reconnect"])
def test_some_codes_end_the_session_whatever_their_retry(peer: Peer, code: str, close: int, retry: str) -> None:
    """END-9: otherwise they would come back with each replay."""
    peer.value("1")
    end(peer, code, retry, close)
    peer.line.expect_no_connection()


@requirement("END-2")
def test_nothing_after_a_bye_has_an_effect(peer: Peer) -> None:
    """END-2: a command behind a bye is not received."""
    peer.value("1")
    peer.send(bye("hello_timeout", "resume"))
    peer.expect_no_text(or_end=True)
    peer.line.send_on(peer.line.connection, {**eval_js("globalThis.ghost = 1"), "seq": 2, "id": 2})
    peer.expect_no_text(or_end=True)
    peer.line.close(4408)
    assert peer.resume()["resume"]["last_seq"] == 1
    assert peer.value("typeof ghost") == "undefined"


@requirement("END-2")
def test_nothing_is_sent_after_a_bye(peer: Peer) -> None:
    """END-2: replies that are ready after it wait for the next connection."""
    id_ = peer.send(eval_js("new Promise(resolve => { globalThis.go = resolve })"))
    peer.send(run_js("Promise.resolve().then(() => go('after'))"))
    peer.receive("result")
    peer.reply(id_)
    peer.send(bye("hello_timeout", "resume"))
    peer.expect_no_text(or_end=True)
    peer.line.send_on(peer.line.connection, {"type": "ping", "params": {}})
    peer.expect_no_text(or_end=True)
    peer.line.close(4408)
    peer.resume()
    assert peer.value("1 + 1") == 2


@requirement("END-13")
@profile(Profile.PAGE)
def test_page_says_why_the_session_has_ended(peer: Peer) -> None:
    """END-13: the page tells its user that the session has ended, and the reason that it was given."""
    peer.needs_page()
    peer.send(bye("internal_error", "never", "The kettle has boiled over."))
    peer.line.close(4500)
    peer.line.await_end()
    assert "The kettle has boiled over." in peer.seen.notice()


@requirement("END-13")
@profile(Profile.PAGE)
def test_page_offers_to_start_again(peer: Peer) -> None:
    """END-13: a page that is told session_gone offers to start again."""
    peer.needs_page()
    before = peer.seen.notice()
    peer.send(bye("session_gone", "never", "It is gone."))
    peer.line.close(4410)
    peer.line.await_end()
    assert peer.seen.notice().replace("It is gone.", "").strip(), "nothing but the reason is shown"
    assert peer.seen.notice() != before
