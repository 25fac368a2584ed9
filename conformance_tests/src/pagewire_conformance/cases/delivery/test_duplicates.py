"""DELIVERY-2, DELIVERY-3, CMD-5: what was received before has no effect again, and what is missing is noticed."""

from __future__ import annotations

import pytest

from pagewire_conformance.messages import cancel, download, eval_js, run_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement


@requirement("DELIVERY-2", "CMD-5")
def test_duplicate_command_does_not_run_again(peer: Peer) -> None:
    """DELIVERY-2: on one connection too: the command has no effect, and no second reply comes."""
    peer.result(run_js("globalThis.counter = (globalThis.counter ?? 0) + 1"))
    peer.replay(0)
    peer.replay(0)
    assert peer.value("counter") == 1
    peer.expect_nothing_more()


@requirement("DELIVERY-2")
def test_duplicate_that_still_waits_is_dropped(peer: Peer) -> None:
    """DELIVERY-2: also while the first one is not answered."""
    id_ = peer.send(eval_js("new Promise(resolve => { (globalThis.goes ??= []).push(resolve) })"))
    peer.replay(0)
    assert peer.value("goes.length") == 1
    peer.send(eval_js("goes[0]('once')"))
    assert peer.reply(id_)["params"] == {"value": "once"}


@requirement("DELIVERY-2")
def test_duplicate_cancel_is_dropped(peer: Peer) -> None:
    """DELIVERY-2: a cancel that comes again cancels nothing else."""
    first = peer.send(eval_js("new Promise(() => {})"))
    peer.send(cancel(first))
    peer.reply(first)
    peer.replay(0)
    peer.expect_nothing_more()


@requirement("DELIVERY-2")
def test_duplicate_download_saves_nothing(peer: Peer) -> None:
    """DELIVERY-2: a file is saved once."""
    peer.result(download(b"abc", "once.bin"))
    peer.replay(0)
    peer.value("'fence'")
    assert [file.name for file in peer.seen.files(1)] == ["once.bin"]


@requirement("DELIVERY-3", "WIRE-10")
@pytest.mark.parametrize("seq", [2, 3, 2**53 - 1])
def test_invalid_gap(peer: Peer, seq: int) -> None:
    """DELIVERY-3: a `seq` that is not the next one is answered by invalid_message and 4400."""
    peer.send_raw({**eval_js("1"), "seq": seq, "id": 1})
    peer.expect_bye("invalid_message", 4400)
    peer.line.expect_no_connection()
