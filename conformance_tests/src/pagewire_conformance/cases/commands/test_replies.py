"""CMD-1, CMD-3, CMD-6: one reply for each command, whenever it is ready."""

from __future__ import annotations

from typing import Any

import pytest

from pagewire_conformance.messages import download_of, eval_js, go_app, run_js, set_env
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement

LATER = "new Promise(resolve => { (globalThis.later ??= {})[n] = resolve })"


@requirement("CMD-1")
@pytest.mark.parametrize(
    "command",
    [
        run_js("1"),
        run_js("throw 1"),
        eval_js("1"),
        eval_js("("),
        eval_js("(() => { const x = []; x.push(x); return x })()"),
        set_env(title="T"),
        {"type": "novelty", "params": {}},
    ],
    ids=["run_js", "run_js_throws", "eval_js", "syntax_error", "not_serializable", "set_env", "unknown"],
)
def test_command_is_answered_once(peer: Peer, command: dict[str, Any]) -> None:
    """CMD-1: exactly one reply comes, whatever becomes of the command."""
    id_ = peer.send({**command, "seq": 1, "id": 1})
    peer.reply(id_)
    peer.expect_nothing_more()


@requirement("CMD-1", "WIRE-12")
def test_hundred_commands_at_once_are_answered_once_each(peer: Peer) -> None:
    """CMD-1: each of a hundred commands under way gets its own reply, with its own value."""
    ids = [peer.send(eval_js("Promise.resolve(n)", n=number)) for number in range(100)]
    assert [peer.reply(id_)["params"]["value"] for id_ in ids] == list(range(100))
    peer.expect_nothing_more()


@requirement("CMD-1")
def test_promise_that_settles_twice_is_answered_once(peer: Peer) -> None:
    """CMD-1: a promise-like that calls its callbacks more than once changes nothing."""
    id_ = peer.send(eval_js("({then(yes, no) { yes(1); yes(2); no(new Error()); throw 3 }})"))
    assert peer.reply(id_)["params"] == {"value": 1}
    peer.expect_nothing_more()


@requirement("CMD-3")
def test_command_that_waits_holds_up_no_later_one(peer: Peer) -> None:
    """CMD-3: behind a promise that never settles, commands go on."""
    peer.send(eval_js("new Promise(() => {})"))
    peer.send(run_js("await new Promise(() => {})"))
    assert peer.value("1 + 1") == 2
    assert peer.result(run_js("1")) == {}


@requirement("CMD-3")
def test_replies_come_as_commands_finish(peer: Peer) -> None:
    """CMD-3: promises that are resolved in another order are answered in that order."""
    ids = [peer.send(eval_js(LATER, n=number)) for number in range(3)]
    order = [2, 0, 1]
    for number in order:
        peer.result(eval_js("later[n](`value ${n}`)", n=number))
        assert peer.receive("result")["id"] == ids[number]


@requirement("CMD-6")
def test_params_are_checked_before_what_the_client_can_do(peer: Peer) -> None:
    """CMD-6: where a command can't be done here and is invalid besides, it is invalid."""
    lacking = []
    if "streams" not in peer.hello["capabilities"]:
        lacking.append({**download_of({"kind": "stream"}, size=-1)})
    if not peer.has_page:
        lacking.append(go_app("", new_window=False))
    if not lacking:
        raise peer.not_offered("this client can do everything")
    for command in lacking:
        peer.error(command, "invalid_command")
