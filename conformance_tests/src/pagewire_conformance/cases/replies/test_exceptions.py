"""REPLY-1 to REPLY-4: what a failure looks like."""

from __future__ import annotations

from pagewire_conformance.messages import download, eval_js, run_js, set_env
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement
from pagewire_conformance.verdicts import Broken


@requirement("REPLY-1")
def test_success_is_a_result_of_its_own_shape(peer: Peer) -> None:
    """REPLY-1: each command's result has the params that section 5 gives for it."""
    assert set(peer.result(run_js("1"))) == set()
    assert set(peer.result(eval_js("1"))) == {"value"}
    assert set(peer.result(set_env(title="T"))) == {"applied", "ignored"}
    assert set(peer.result(download(b"x"))) == {"bytes"}


@requirement("REPLY-2")
def test_error_that_is_thrown_is_told(peer: Peer) -> None:
    """REPLY-2: name and message of the error are told, and its stack as it is."""
    for code, name, message in [
        ("throw new Error('plain')", "Error", "plain"),
        ("throw new TypeError('typed')", "TypeError", "typed"),
        ("class Mine extends Error { name = 'Mine' } throw new Mine('own')", "Mine", "own"),
        ("throw Object.assign(new Error('renamed'), {name: 'Other'})", "Other", "renamed"),
        ("await Promise.reject(new RangeError('rejected'))", "RangeError", "rejected"),
        ("throw new Error('')", "Error", ""),
    ]:
        with peer.part(code):
            exception = peer.error(run_js(code), "exception")["exception"]
            assert (exception["name"], exception["message"]) == (name, message)
            assert isinstance(exception.get("stack", ""), str)


@requirement("REPLY-2")
def test_stack_is_told(peer: Peer) -> None:
    """REPLY-2: an error's own stack arrives, to the letter."""
    code = "const e = new Error('x'); e.stack = 'line 1\\nline 2'; throw e"
    assert peer.error(run_js(code), "exception")["exception"]["stack"] == "line 1\nline 2"


@requirement("REPLY-2")
def test_code_that_does_not_parse_is_a_syntax_error(peer: Peer) -> None:
    """REPLY-2: what is no JavaScript is answered as if it had thrown a SyntaxError."""
    for code in ("(", "}", "let x; let x", "} globalThis.ran = 1; {"):
        assert peer.error(run_js(code), "exception")["exception"]["name"] == "SyntaxError"
    assert peer.value("typeof ran") == "undefined"


@requirement("REPLY-3")
def test_anything_can_be_thrown(peer: Peer) -> None:
    """REPLY-3: what is no Error is told by its type and its text, or by no text if that throws."""
    for thrown, name, message in [
        ("'text'", "string", "text"),
        ("7", "number", "7"),
        ("null", "object", "null"),
        ("undefined", "undefined", "undefined"),
        ("10n", "bigint", "10"),
        ("Symbol('s')", "symbol", "Symbol(s)"),
        ("({a: 1})", "object", "[object Object]"),
        ("[1, 2]", "object", "1,2"),
        ("({toString() { return 'mine' }})", "object", "mine"),
        ("({toString() { throw 1 }})", "object", ""),
        ("Object.create(null)", "object", ""),
        ("({name: 'N', message: 'M'})", "N", "M"),
        ("Object.assign(() => 1, {message: 'M'})", "function", "() => 1"),
        ("({name: 1, message: 'M'})", "object", "[object Object]"),
        ("({get name() { throw 1 }, message: 'M'})", "object", "[object Object]"),
    ]:
        with peer.part(thrown):
            exception = peer.error(run_js(f"throw {thrown}"), "exception")["exception"]
            assert (exception["name"], exception["message"]) == (name, message)


@requirement("REPLY-4")
def test_exception_stands_in_exceptions_only(peer: Peer) -> None:
    """REPLY-4: an error of another code has no `exception`."""
    assert "exception" in peer.error(eval_js("nope.nope"), "exception")
    assert "exception" not in peer.error(eval_js("1n"), "not_serializable")
    assert "exception" not in peer.error(eval_js("1", **{"1": 1}), "invalid_command")


@requirement("REPLY-5")
def test_page_that_forbids_code_says_so(peer: Peer) -> None:
    """REPLY-5: where the page's policy forbids it, code is answered by blocked_by_csp."""
    peer.needs_page()
    if peer.seen.forbid_code():
        peer.begin_anew()
        try:
            peer.connect()
        except Broken:
            raise peer.not_offered("the page does not load under the policy script-src 'self'") from None
    peer.error(eval_js("globalThis.ran = 1"), "blocked_by_csp")
    peer.error(run_js("globalThis.ran = 1"), "blocked_by_csp")
    assert peer.result(set_env(title="still here"))["applied"] == ["title"]
