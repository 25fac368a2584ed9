"""RUN-3, RUN-4: when the result is sent, and what code finds."""

from __future__ import annotations

from pagewire_conformance.messages import eval_js, run_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement


@requirement("RUN-3")
def test_value_is_not_sent(peer: Peer) -> None:
    """RUN-3: the result is empty, whatever the code returns, a function or a cycle too."""
    for code in ("return 1", "return () => {}", "const x = {}; x.x = x; return x", "return 10n"):
        assert peer.result(run_js(code)) == {}


@requirement("RUN-3")
def test_result_waits_for_what_the_code_returns(peer: Peer) -> None:
    """RUN-3: a promise that the code returns is awaited."""
    id_ = peer.send(run_js("return new Promise(resolve => { globalThis.go = resolve })"))
    peer.value("'fence'")
    assert not peer.is_answered(id_), "the result came before the promise was settled"
    peer.send(eval_js("go()"))
    assert peer.reply(id_)["params"] == {}


@requirement("RUN-3")
def test_result_waits_for_the_code(peer: Peer) -> None:
    """RUN-3: so is what the code itself awaits: its last line has run when the result comes."""
    id_ = peer.send(run_js("await new Promise(resolve => { globalThis.go = resolve }); globalThis.done = 1"))
    peer.value("'fence'")
    assert not peer.is_answered(id_), "the result came before the code was done"
    peer.send(eval_js("go()"))
    peer.reply(id_)
    assert peer.value("done") == 1


@requirement("RUN-3", "REPLY-2")
def test_rejection_of_what_the_code_returns_is_an_exception(peer: Peer) -> None:
    """RUN-3: a promise that rejects later makes an error."""
    error = peer.error(run_js("return Promise.resolve().then(() => { throw new RangeError('late') })"), "exception")
    assert (error["exception"]["name"], error["exception"]["message"]) == ("RangeError", "late")


@requirement("RUN-4")
def test_scripts_find_emit(peer: Peer) -> None:
    """RUN-4: `pagewire.emit` is there for both kinds of scripts, and sends an event."""
    peer.send(run_js("pagewire.emit('one', {x: 1})"))
    assert peer.receive("event")["params"] == {"name": "one", "data": {"x": 1}}
    peer.receive("result")
    peer.send(eval_js("pagewire.emit('two', [2])"))
    assert peer.receive("event")["params"] == {"name": "two", "data": [2]}


@requirement("RUN-4")
def test_emit_needs_no_this(peer: Peer) -> None:
    """RUN-4: it is a function, which may be taken and called later, by code that runs on."""
    peer.send(run_js("const {emit} = globalThis.pagewire; globalThis.later = () => emit('later', 1)"))
    peer.receive("result")
    peer.send(eval_js("later()"))
    assert peer.receive("event")["params"] == {"name": "later", "data": 1}
