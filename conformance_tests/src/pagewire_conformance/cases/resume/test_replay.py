"""RESUME-1 to RESUME-7, DELIVERY-1, DELIVERY-8, CMD-5: what each side sends again after a break."""

from __future__ import annotations

import pytest

from pagewire_conformance.messages import download, eval_js, run_js
from pagewire_conformance.peer.client_under_test import SavedFile
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import Profile, profile, requirement

pytestmark = profile(Profile.RESUME)

COUNT = "globalThis.counter = (globalThis.counter ?? 0) + 1"


@requirement("RESUME-1")
def test_client_comes_back_as_the_same_instance(peer: Peer) -> None:
    """RESUME-1: after a break the client connects again, and the page is as it was."""
    peer.result(run_js("globalThis.kept = 5"))
    instance = peer.hello["instance"]
    peer.line.break_connection()
    assert peer.resume()["instance"] == instance
    assert peer.value("kept") == 5


@requirement("RESUME-1")
def test_client_comes_back_again_and_again(peer: Peer) -> None:
    """RESUME-1: ten breaks, with a command between them, lose nothing."""
    for number in range(10):
        assert peer.value("globalThis.counter = (globalThis.counter ?? 0) + 1") == number + 1
        peer.line.break_connection()
        peer.resume()


@requirement("RESUME-2")
def test_last_seq_is_that_of_the_last_message_received(peer: Peer) -> None:
    """RESUME-2: `resume.last_seq` is the `seq` of the last session message received, acknowledged or not."""
    for number in range(4):
        peer.value("1")
        peer.line.break_connection()
        hello = peer.resume()
        assert hello["resume"] == {"last_seq": number + 1, "streams": []}


@requirement("RESUME-2")
def test_last_seq_is_0_before_anything_came(peer: Peer) -> None:
    """RESUME-2: a client that was welcomed and has received nothing says 0."""
    peer.line.break_connection()
    assert peer.accept()["resume"] == {"last_seq": 0, "streams": []}


@requirement("RESUME-4", "DELIVERY-1")
def test_replies_that_did_not_arrive_are_sent_again(peer: Peer) -> None:
    """RESUME-4: all that the server has not received, in order and unchanged."""
    for number in range(5):
        peer.send(eval_js("[n, Math.random()]", n=number))
        peer.receive("result")
    peer.line.break_connection()
    peer.accept()
    peer.welcome(last_seq=2)
    assert [peer.receive("result")["params"]["value"][0] for _ in range(3)] == [2, 3, 4]
    peer.expect_nothing_more()


@requirement("RESUME-4")
def test_new_messages_come_after_the_replay(peer: Peer) -> None:
    """RESUME-4: what was made while the connection was down comes after what was written before."""
    peer.send(eval_js("new Promise(resolve => { globalThis.go = resolve })"))
    peer.send(run_js("go('late'); for (let n = 0; n < 3; n++) await null; pagewire.emit('new', 1)"))
    peer.receive_timed("event")
    peer.line.break_connection()
    peer.accept()
    peer.welcome(last_seq=0)
    peer.replay(peer.hello["resume"]["last_seq"])
    seqs = [peer.receive_first_of("event", "result")["seq"] for _ in range(3)]
    assert seqs == [1, 2, 3]
    assert peer.value("1") == 1


@requirement("DELIVERY-1", "RESUME-5")
def test_what_was_acknowledged_is_not_sent_again(peer: Peer) -> None:
    """DELIVERY-1: an ack, or a `last_seq`, ends a message's life at the sender."""
    for _ in range(3):
        peer.value("1")
    peer.ack()
    peer.value("2")
    peer.line.break_connection()
    with peer.own_verdict():
        peer.resume()
        peer.expect_nothing_more()


@requirement("RESUME-5")
def test_last_seq_of_a_welcome_acknowledges(peer: Peer) -> None:
    """RESUME-5: `welcome.last_seq` makes room in the client's buffer."""
    fill = "(() => { let n = 0; try { for (;; n++) pagewire.emit('fill', 'x'.repeat(200000)) } catch { return n } })()"
    count = peer.value(fill)
    assert count == 5
    peer.line.left_over()
    peer.line.break_connection()
    peer.resume()
    assert peer.value(fill) == 5
    assert len(peer.line.left_over()) == 5


@requirement("CMD-5", "RESUME-4")
def test_command_that_is_sent_again_is_not_run_again(peer: Peer) -> None:
    """CMD-5: commands that the server sends again have no second effect, and replies stay as they were."""
    for _ in range(3):
        peer.send(eval_js(f"({COUNT})"))
        peer.receive("result")
    peer.line.break_connection()
    peer.accept()
    peer.welcome(last_seq=0)
    peer.replay(0)
    assert [peer.receive("result")["params"]["value"] for _ in range(3)] == [1, 2, 3]
    assert peer.value("counter") == 3


@requirement("DELIVERY-2", "RESUME-4")
def test_file_is_saved_once_through_a_break(peer: Peer) -> None:
    """DELIVERY-2: a download whose result is lost is not saved again."""
    peer.result(download(b"abc", "once.bin"))
    peer.line.break_connection()
    peer.accept()
    peer.welcome(last_seq=0)
    peer.replay(0)
    peer.receive("result")
    peer.value("'fence'")
    assert peer.seen.files(1) == [SavedFile.of("once.bin", b"abc")]


@requirement("RESUME-4", "CMD-3")
def test_command_that_waits_is_answered_after_the_break(peer: Peer) -> None:
    """RESUME-4: a promise that settles after a break is answered on the new connection."""
    id_ = peer.send(eval_js("new Promise(resolve => { globalThis.go = resolve })"))
    peer.value("1")
    peer.line.break_connection()
    peer.resume()
    peer.send(eval_js("go('after')"))
    assert peer.reply(id_)["params"] == {"value": "after"}


@requirement("DELIVERY-8")
def test_replies_find_room_while_the_connection_is_down(peer: Peer) -> None:
    """DELIVERY-8: megabytes of replies wait for the connection."""
    ids = [peer.send(eval_js("Promise.resolve('x'.repeat(300000))")) for _ in range(6)]
    peer.line.break_connection()
    peer.resume()
    for id_ in ids:
        assert len(peer.reply(id_)["params"]["value"]) == 300_000


@requirement("RESUME-4")
def test_break_at_any_point(peer: Peer) -> None:
    """RESUME-4: wherever the connection breaks, each command runs once and each value arrives."""
    for received in range(7):
        with peer.part(f"after {received} of 6 replies"):
            ids = [peer.send(eval_js(f"({COUNT})")) for _ in range(6)]
            for _ in range(received):
                peer.receive("result")
            peer.line.break_connection()
            peer.resume()
            values = [peer.reply_so_far(id_)["params"]["value"] for id_ in ids]
            assert values == list(range(received * 6 + 1, received * 6 + 7))
    assert peer.value("counter") == 42


@requirement("RESUME-7")
@pytest.mark.parametrize("last_seq", [4, 1000, 1, 0])
def test_invalid_last_seq_in_a_welcome(peer: Peer, last_seq: int) -> None:
    """RESUME-7: above what was written, or below what was acknowledged: invalid_message and 4400."""
    for _ in range(3):
        peer.value("1")
    peer.send({"type": "ack", "params": {"seq": 2}})
    peer.value("2")
    peer.ack_up_to(2)
    peer.line.break_connection()
    peer.accept()
    peer.welcome_unjudged(last_seq=last_seq if last_seq < 4 else last_seq + 1)
    peer.expect_bye("invalid_message", 4400)


@requirement("HELLO-17")
def test_welcome_that_does_not_resume_is_invalid(peer: Peer) -> None:
    """HELLO-17: `resumed` false in answer to a resume is answered by invalid_message."""
    peer.line.break_connection()
    peer.accept()
    peer.welcome(resumed=False)
    peer.expect_bye("invalid_message", 4400)
