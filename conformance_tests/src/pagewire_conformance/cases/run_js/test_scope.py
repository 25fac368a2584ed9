"""RUN-1, RUN-2, RUN-5: the scope in which code runs."""

from __future__ import annotations

from pagewire_conformance.messages import eval_js, run_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement


@requirement("RUN-1")
def test_declared_names_stay_local(peer: Peer) -> None:
    """RUN-1: what code declares is gone with it."""
    for declaration in ["var x = 1", "let x = 1", "const x = 1", "function x() {}", "class x {}"]:
        with peer.part(declaration):
            peer.result(run_js(declaration))
            assert peer.value("typeof x") == "undefined"


@requirement("RUN-1")
def test_names_that_are_not_declared_are_global(peer: Peer) -> None:
    """RUN-1: code is sloppy: an assignment to an unknown name makes a global."""
    peer.result(run_js("made = 7"))
    assert peer.value("[made, globalThis.made]") == [7, 7]


@requirement("RUN-1")
def test_code_is_the_body_of_a_sloppy_async_function(peer: Peer) -> None:
    """RUN-1: `this` is the global object, `await` and `return` work, and code is sloppy."""
    for code, seen in [
        ("seen = this === globalThis", True),
        ("seen = typeof this", "object"),
        ("with ({inner: 5}) seen = inner", 5),
        ("seen = (function () { return this === globalThis })()", True),
        ("seen = typeof arguments", "object"),
        ("seen = 1; return; seen = 2", 1),
        ("seen = await Promise.resolve(3)", 3),
        ("for await (const x of [Promise.resolve(4)]) seen = x", 4),
    ]:
        with peer.part(code):
            peer.result(run_js(f"globalThis.seen = undefined; {code}"))
            assert peer.value("globalThis.seen") == seen


@requirement("RUN-1")
def test_code_does_not_see_the_client(peer: Peer) -> None:
    """RUN-1: the scope is the global one: no name of the client's own functions is in reach."""
    names = ["code", "args", "params", "command", "message", "socket", "client", "session", "event"]
    local = [peer.value(f"typeof {name} === typeof globalThis.{name}") for name in names]
    assert local == [True] * len(names)


@requirement("RUN-2")
def test_args_are_variables(peer: Peer) -> None:
    """RUN-2: each argument is a variable of its name, with its JSON value."""
    peer.result(run_js("globalThis.seen = [a, b, c]; a = 2", a=1, b={"x": [None, True]}, c="text"))
    assert peer.value("seen") == [1, {"x": [None, True]}, "text"]
    assert peer.value("typeof a") == "undefined"


@requirement("RUN-5")
def test_beginning_runs_at_once(peer: Peer) -> None:
    """RUN-5: code up to its first await runs in the task that received the command: no other command gets between."""
    peer.send(run_js("globalThis.log = []; log.push('a1'); log.push('a2'); await null; log.push('a3')"))
    peer.send(run_js("log.push('b1'); Promise.resolve().then(() => log.push('b2')); log.push('b3')"))
    log = peer.value("log")
    assert log[:2] == ["a1", "a2"]
    assert log.index("b1") + 1 == log.index("b3")
    assert log.index("b3") < log.index("b2")


@requirement("RUN-5")
def test_event_of_the_beginning_comes_before_the_reply_of_an_earlier_promise(peer: Peer) -> None:
    """RUN-5: the beginning of the code is not put off to a later task."""
    peer.send(eval_js("new Promise(resolve => { globalThis.go = resolve })"))
    peer.send(run_js("go(1); pagewire.emit('begun', null)"))
    assert peer.receive_first_of("event", "result")["type"] == "event"
    peer.line.left_over()
