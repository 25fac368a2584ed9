"""EVAL-1 to EVAL-3: what counts as an expression."""

from __future__ import annotations

from pagewire_conformance.messages import eval_js
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import requirement


@requirement("EVAL-1")
def test_expression_is_evaluated(peer: Peer) -> None:
    """EVAL-1: one expression is evaluated in the global scope; white space and semicolons at its end do not count."""
    for expression, value in [
        ("1 + 1", 2),
        ("1 + 1;", 2),
        ("1 + 1 ; ;\n;\t", 2),
        ("1, 2", 2),
        ("{a: 1}", {"a": 1}),
        ("function () {}.length", 0),
        ("(await Promise.resolve(2)) + 1", 3),
        ("this === globalThis", True),
        ("\n\n  7  \n", 7),
        ("a => a", None),
        ("'ends in a semicolon;'", "ends in a semicolon;"),
        ("`${'x'};`", "x;"),
        ("undeclared_name = 5", 5),
        ("new Promise(resolve => resolve('PyWebIO ends its example so'));", "PyWebIO ends its example so"),
    ]:
        with peer.part(expression):
            assert peer.value(expression) == value


@requirement("EVAL-2")
def test_what_is_not_one_expression_is_a_syntax_error(peer: Peer) -> None:
    """EVAL-2: statements, and nothing at all, are answered by `error exception` with a SyntaxError."""
    for expression in [
        "",
        ";",
        "  ",
        "var x = 1",
        "1; 2",
        "if (1) 2",
        "return 1",
        "throw 1",
        "let y",
        "1 +",
        "/* only a comment */",
    ]:
        with peer.part(expression):
            assert peer.error(eval_js(expression), "exception")["exception"]["name"] == "SyntaxError"
            assert peer.value("1 + 1") == 2


@requirement("EVAL-2")
def test_nothing_runs_of_what_does_not_parse(peer: Peer) -> None:
    """EVAL-2: a list of statements is not run up to where it goes wrong."""
    peer.error(eval_js("globalThis.ran = 1; 2"), "exception")
    assert peer.value("typeof ran") == "undefined"


@requirement("EVAL-3")
def test_expression_may_end_in_a_comment(peer: Peer) -> None:
    """EVAL-3: a comment at the end does not swallow what the client puts behind the expression."""
    for expression in ["1 + 1 // sum", "1 + 1 /* sum */", "1 // ;", "1 + 1 //"]:
        with peer.part(expression):
            assert peer.value(expression) in {1, 2}


@requirement("EVAL-1", "ARGS-5")
def test_arguments_are_parameters(peer: Peer) -> None:
    """EVAL-1: arguments are seen by their names, and shadow globals."""
    assert peer.value("[a, Math, globalThis.Math !== Math]", a=1, Math="mine") == [1, "mine", True]
