"""EVAL-4 to EVAL-8: what an expression's value becomes on the wire."""

from __future__ import annotations

from typing import Any

from pagewire_conformance.messages import eval_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement

VALUES: dict[str, tuple[str, Any]] = {
    "true": ("true", True),
    "zero": ("0", 0),
    "minus_zero": ("-0", 0),
    "nan": ("NaN", None),
    "infinity": ("-Infinity", None),
    "2_53_plus_1": ("2 ** 53 + 1", 9007199254740992),
    "largest": ("Number.MAX_VALUE", 1.7976931348623157e308),
    "smallest": ("5e-324", 5e-324),
    "tenth": ("0.1 + 0.2", 0.30000000000000004),
    "empty_string": ("''", ""),
    "control_characters": ("'\\u0000\\n\\u007f\\u2028'", "\x00\n\x7f\u2028"),
    "beyond_the_basic_plane": ("'\\u{1F9EA}'", "\U0001f9ea"),
    "null": ("null", None),
    "empty_object": ("{}", {}),
    "empty_array": ("[]", []),
    "holes": ("[1, , 3]", [1, None, 3]),
    "undefined_in_array": ("[undefined, () => 1, Symbol()]", [None, None, None]),
    "undefined_in_object": ("{a: undefined, b: () => 1, c: 1}", {"c": 1}),
    "date": ("new Date(0)", "1970-01-01T00:00:00.000Z"),
    "map": ("new Map([[1, 2]])", {}),
    "set": ("new Set([1])", {}),
    "regexp": ("/x/g", {}),
    "error": ("new Error('x')", {}),
    "boxed": ("[new Number(1), new String('s'), new Boolean(false)]", [1, "s", False]),
    "typed_array": ("new Uint8Array([7, 8])", {"0": 7, "1": 8}),
    "to_json": ("({toJSON: () => ({x: 1})})", {"x": 1}),
    "to_json_gets_an_empty_key": ("({toJSON: key => `[${key}]`})", "[]"),
    "own_proto": ('JSON.parse(\'{"__proto__": {"a": 1}}\')', {"__proto__": {"a": 1}}),
    "inherited": ("Object.create({inherited: 1})", {}),
    "getter": ("({get a() { return 1 }})", {"a": 1}),
    "order": ("JSON.stringify({b: 1, a: 2})", '{"b":1,"a":2}'),
    "megabyte": ("'é'.repeat(500000)", "é" * 500_000),
    "many": ("Array.from({length: 10000}, (_, i) => i)", list(range(10_000))),
}


@requirement("EVAL-5")
def test_value_is_what_json_stringify_makes_of_it(peer: Peer) -> None:
    """EVAL-5: the value is the text that JSON.stringify makes of it alone."""
    for name, (expression, value) in VALUES.items():
        with peer.part(name):
            arrived = peer.value(expression)
            assert (arrived, type(arrived)) == (value, type(value)) or (
                arrived == value and not isinstance(value, bool)
            )


@requirement("EVAL-5")
def test_message_is_not_touched_by_what_the_page_does_to_prototypes(peer: Peer) -> None:
    """EVAL-5: a toJSON on Object.prototype changes the value, as JSON.stringify has it, and not the message."""
    peer.send(eval_js("(Object.prototype.toJSON = () => 'hijacked', {a: 1})"))
    reply = peer.receive("result")
    peer.send(eval_js("delete Object.prototype.toJSON"))
    assert reply["params"] == {"value": "hijacked"}


@requirement("EVAL-4")
def test_promise_is_awaited(peer: Peer) -> None:
    """EVAL-4: a promise is awaited and what it resolves to is the value."""
    for expression, value in [
        ("Promise.resolve(1)", 1),
        ("Promise.resolve().then(() => ({a: [1]}))", {"a": [1]}),
        ("({then(resolve) { resolve('thenable') }})", "thenable"),
        ("Promise.resolve(Promise.resolve(2))", 2),
        ("(async () => 3)()", 3),
        ("Promise.all([Promise.resolve(1), 2])", [1, 2]),
        ("[Promise.resolve(1)]", [{}]),
    ]:
        with peer.part(expression):
            assert peer.value(expression) == value


@requirement("EVAL-4")
def test_promise_that_settles_later_is_answered_then(peer: Peer) -> None:
    """EVAL-4: the reply waits until the promise has settled."""
    id_ = peer.send(eval_js("new Promise(resolve => { globalThis.go = resolve })"))
    assert peer.value("1") == 1
    peer.send(eval_js("go('now')"))
    assert peer.reply(id_)["params"] == {"value": "now"}


@requirement("EVAL-6")
def test_what_has_no_json_is_null(peer: Peer) -> None:
    """EVAL-6: where JSON.stringify makes undefined of the value, it is null, and stands in the message."""
    for expression in ["undefined", "() => 1", "Symbol('s')", "void 0", "({toJSON() {}})", "class {}"]:
        with peer.part(expression), peer.own_verdict():
            assert peer.result(eval_js(expression)) == {"value": None}


@requirement("EVAL-7")
def test_what_json_stringify_throws_on_is_not_serializable(peer: Peer) -> None:
    """EVAL-7: the answer is `error not_serializable`, and the session goes on."""
    for expression in [
        "10n",
        "[1, {a: 2n}]",
        "(() => { const x = {}; x.x = x; return x })()",
        "({toJSON() { throw new Error('no') }})",
        "({toJSON() { throw null }})",
        "({get a() { throw 'no' }})",
        "new Proxy({}, {ownKeys() { throw new Error('no') }})",
        "Promise.resolve(1n)",
    ]:
        with peer.part(expression):
            peer.error(eval_js(expression), "not_serializable")
            assert peer.value("1 + 1") == 2


@requirement("EVAL-8")
def test_lone_surrogates_are_replaced(peer: Peer) -> None:
    """EVAL-8: each lone surrogate arrives as U+FFFD, and nothing else is touched."""
    for expression, value in [
        ("'\\ud800'", "\ufffd"),
        ("'a\\udc00b'", "a\ufffdb"),
        ("'\\ud83e\\uddea'", "\U0001f9ea"),
        ("'\\udc00\\ud800'", "\ufffd\ufffd"),
        ("'\\ud800\\ud83e\\uddea'", "\ufffd\U0001f9ea"),
        ("({'\\ud800': '\\udfff'})", {"\ufffd": "\ufffd"}),
        ("'\\\\ud800'", "\\ud800"),
        ("'\\\\\\ud800'", "\\\ufffd"),
    ]:
        with peer.part(expression), peer.own_verdict():
            assert peer.value(expression) == value
