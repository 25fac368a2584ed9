"""ARGS-2, ARGS-3: which names an argument may have."""

from __future__ import annotations

from pagewire_conformance.messages import eval_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement
from pagewire_protocol.json_values import RESERVED_WORDS

GOOD = ["a", "_", "$", "$_9", "name", "é", "日本", "ª", "a\u200db", "let", "static", "async", "of", "get", "yield",
        "arguments", "eval", "undefined", "NaN", "implements", "package", "constructor", "toString", "𠮷"]  # fmt: skip

BAD = ["", "1a", "a b", "a-b", "a.b", "a=alert", "{a}", "[a]", "...a", "a,b", "a/**/", "a)", "a\n", " a", "a ",
       "\\u0061", "a;", "'a'", "\u200ca", "#a", "a\u0000", "(a)", "💾", "a//", "a=1}){globalThis.ran=1}//"]  # fmt: skip


@requirement("ARGS-2")
def test_good_name_is_taken(peer: Peer) -> None:
    """ARGS-2: an identifier that is not reserved in a sloppy async function is taken."""
    for name in GOOD:
        with peer.part(name):
            assert peer.result(eval_js("arguments[0]" if name == "arguments" else name, **{name: 5})) == (
                {"value": None} if name == "arguments" else {"value": 5}
            )


@requirement("ARGS-3", "ARGS-2")
def test_invalid_name(peer: Peer) -> None:
    """ARGS-3: another name is answered by invalid_command, and no code is run."""
    for name in BAD:
        with peer.part(name):
            peer.error(eval_js("globalThis.ran = 1", **{name: 5}), "invalid_command")
            assert peer.value("typeof ran") == "undefined"


@requirement("ARGS-3", "ARGS-2")
def test_invalid_reserved_word(peer: Peer) -> None:
    """ARGS-2: so are the reserved words."""
    for word in sorted(RESERVED_WORDS):
        with peer.part(word):
            peer.error(eval_js("1", **{word: 5}), "invalid_command")
