"""ARGS-1, ARGS-5: arguments are values, whatever they hold."""

from __future__ import annotations

from typing import Any

from pagewire_conformance.messages import run_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement

VALUES: dict[str, Any] = {
    "code": "'); globalThis.ran = 1; ('",
    "template": "${globalThis.ran = 1}",
    "script": "</script><script>globalThis.ran = 1</script>",
    "newlines": "a\nb\r\nc\u2028d\u2029e",
    "quotes": "\"'`\\",
    "null_byte": "\x00",
    "emoji": "🧪é日本",
    "number": -1.5e-7,
    "large": 9007199254740991,
    "true": True,
    "null": None,
    "nested": {"a": [1, {"b": None}], "": "", "c d": [[]]},
    "proto_within": {"__proto__": {"polluted": 1}, "constructor": 2},
    "looks_like_a_message": {"type": "bye", "params": {"retry": "never"}},
}


@requirement("ARGS-1")
def test_value_arrives_as_it_is(peer: Peer) -> None:
    """ARGS-1: a value is handed over and never becomes code."""
    for name, value in VALUES.items():
        with peer.part(name):
            assert peer.value("a", a=value) == value
            assert peer.value("[typeof ran, typeof ({}).polluted]") == ["undefined", "undefined"]


@requirement("ARGS-5")
def test_proto_is_a_name_like_any_other(peer: Peer) -> None:
    """ARGS-5: an argument named __proto__ is an argument, and no prototype."""
    command: dict[str, Any] = {
        "type": "eval_js",
        "params": {"expression": "__proto__", "args": {"__proto__": {"a": 1}}},
    }
    assert peer.result(command) == {"value": {"a": 1}}
    assert peer.value("typeof ({}).a") == "undefined"


@requirement("ARGS-1", "RUN-2")
def test_many_arguments(peer: Peer) -> None:
    """ARGS-1: two hundred arguments are two hundred variables."""
    args = {f"name{number}": number for number in range(200)}
    assert peer.value("name0 + name57 + name199", **args) == 256


@requirement("RUN-2")
def test_argument_is_a_copy(peer: Peer) -> None:
    """RUN-2: what code does to an argument, a later command does not see in its own."""
    peer.result(run_js("a.push(1)", a=[]))
    assert peer.value("a", a=[]) == []
