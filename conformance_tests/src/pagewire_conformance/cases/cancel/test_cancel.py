"""CANCEL-1 to CANCEL-4: the server gives up waiting."""

from __future__ import annotations

from pagewire_conformance.messages import cancel, eval_js, run_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement


@requirement("CANCEL-1")
def test_command_that_waits_is_answered_by_cancelled(peer: Peer) -> None:
    """CANCEL-1: a command that has not been answered is answered by `error cancelled`."""
    for command in (eval_js("new Promise(() => {})"), run_js("await new Promise(() => {})")):
        id_ = peer.send(command)
        peer.send(cancel(id_))
        peer.as_error(peer.reply(id_), "cancelled")


@requirement("CANCEL-1")
def test_cancel_picks_its_command(peer: Peer) -> None:
    """CANCEL-1: others go on waiting, and are answered when they are done."""
    first = peer.send(eval_js("new Promise(resolve => { globalThis.go = resolve })"))
    second = peer.send(eval_js("new Promise(() => {})"))
    peer.send(cancel(second))
    peer.as_error(peer.reply(second), "cancelled")
    peer.send(eval_js("go(1)"))
    assert peer.reply(first)["params"] == {"value": 1}


@requirement("CANCEL-2")
def test_nothing_more_comes_for_a_cancelled_command(peer: Peer) -> None:
    """CANCEL-2: a promise that resolves or rejects afterwards is not heard of."""
    ids = [peer.send(eval_js("new Promise((yes, no) => { (globalThis.ends ??= []).push(yes, no) })")) for _ in range(2)]
    for id_ in ids:
        peer.send(cancel(id_))
        peer.as_error(peer.reply(id_), "cancelled")
    peer.result(run_js("ends[0]('late'); ends[3](new Error('late'))"))
    peer.expect_nothing_more()


@requirement("CANCEL-2")
def test_code_of_a_cancelled_command_goes_on(peer: Peer) -> None:
    """CANCEL-2: a cancel stops no code that runs: what comes after its await still has its effect."""
    id_ = peer.send(run_js("await new Promise(resolve => { globalThis.go = resolve }); globalThis.went = 1"))
    peer.send(cancel(id_))
    peer.as_error(peer.reply(id_), "cancelled")
    peer.result(run_js("go()"))
    assert peer.value("went") == 1


@requirement("CANCEL-3")
def test_cancel_of_what_is_not_under_way_is_ignored(peer: Peer) -> None:
    """CANCEL-3: an id that was answered, was cancelled, or never was."""
    peer.result(eval_js("1"))
    waiting = peer.send(eval_js("new Promise(() => {})"))
    peer.send(cancel(waiting))
    peer.as_error(peer.reply(waiting), "cancelled")
    for id_ in (1, waiting, 99, 2**53 - 1):
        peer.send(cancel(id_))
    with peer.own_verdict():
        peer.expect_nothing_more()


@requirement("CANCEL-3", "CMD-1")
def test_race_of_a_cancel_with_the_reply(peer: Peer) -> None:
    """CANCEL-3: whichever is first, one reply comes: the value or `cancelled`, in twenty tries."""
    for number in range(20):
        id_ = peer.send(eval_js("Promise.resolve(n)", n=number))
        peer.send(cancel(id_))
        reply = peer.reply(id_)
        assert reply["params"] == {"value": number} or reply["params"]["code"] == "cancelled"
    peer.expect_nothing_more()
