"""Names of arguments: what JavaScript takes as a parameter of a sloppy async function, and nothing else (ARGS-2)."""

from __future__ import annotations

import re
from typing import Final

import pytest

from pagewire_protocol.json_values import (
    PORTABLE_PATTERN,
    RESERVED_WORDS,
    check_argument_names,
    is_argument_name,
)

GOOD: Final = (
    *("a", "A", "_", "$", "$$", "a1", "a$b", "__proto__", "constructor", "arguments", "eval", "let", "static", "yield"),
    *("async", "of", "undefined", "Await", "ünï", "変数", "𠮷", "ª", "a\u200c", "a\u200d", "a\u0301", "a·", "a٣", "ゝ"),
    *("゛", "ำ", "\uff9e", "\ufe70"),
)
BAD_ASCII: Final = (
    *("", " ", "a b", " a", "a ", "1", "1a", "a-b", "a.b", "a=alert", "{a}", "[a]", "...a", "a,b", "a/**/", "a){}//"),
    *("a\n", "\na", "a\u0000", "@a", "#a", "a'", "a`", "`", "a;", "\\u0061"),
)
BAD_BEYOND_ASCII: Final = (
    *("a\u00d7b", "\u00d7", "\u200ca", "\u200d", "٣a", "\u0301a", "a\u2028", "a\u00a0b", "a…", "a😀", "😀", "a\ud800"),
    *("a\ufeff", "a\u2000"),
)


@pytest.mark.parametrize("name", GOOD)
def test_identifier_is_a_name(name: str) -> None:
    """Every identifier that is no reserved word can be a parameter."""
    assert is_argument_name(name)


@pytest.mark.parametrize("name", [*BAD_ASCII, *BAD_BEYOND_ASCII])
def test_what_is_no_identifier_is_no_name(name: str) -> None:
    """`AsyncFunction` itself takes `a=alert` and `{a}`, so nothing but an identifier may pass."""
    assert not is_argument_name(name)


@pytest.mark.parametrize("word", sorted(RESERVED_WORDS))
def test_reserved_word_is_no_name(word: str) -> None:
    """Reserved words are refused as they stand, and taken as part of a name or in capitals."""
    assert not is_argument_name(word)
    assert is_argument_name(f"{word}_")
    assert is_argument_name(word.upper())


def test_schema_pattern_takes_all_that_the_rule_takes() -> None:
    """What a JSON Schema says of names is looser than the rule, and never tighter."""
    assert [name for name in GOOD if not re.search(PORTABLE_PATTERN, name)] == []


def test_schema_pattern_is_the_rule_within_ascii() -> None:
    """Within ASCII every validator refuses the same names, but for the line feed that Python's `$` lets pass."""
    assert [name for name in BAD_ASCII if re.search(PORTABLE_PATTERN, name)] == ["a\n"]


def test_ascii_agrees_with_the_pattern_of_the_spec_in_every_two_characters() -> None:
    """The fast way for ASCII is the rule of ARGS-2."""
    rule = re.compile(r"[A-Za-z$_][A-Za-z0-9$_]*")
    ascii_ = [chr(point) for point in range(128)]
    names = [first + second for first in ascii_ for second in (*ascii_, "")]
    assert [
        name for name in names if is_argument_name(name) != (bool(rule.fullmatch(name)) and name not in RESERVED_WORDS)
    ] == []


def test_arguments_are_returned_as_they_are() -> None:
    """Checking changes nothing."""
    arguments = {"__proto__": 1, "ünï": None}
    assert check_argument_names(arguments) is arguments


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("class", "'class' is a reserved word of JavaScript, so it can't name an argument (ARGS-2)"),
        ("{a}", "'{a}' is no identifier of JavaScript, so it can't name an argument (ARGS-2)"),
        ("a\u00d7b", "'a\u00d7b' is no identifier of JavaScript, so it can't name an argument (ARGS-2)"),
    ],
)
def test_first_bad_name_is_told(name: str, complaint: str) -> None:
    """The complaint has the name and the reason."""
    with pytest.raises(ValueError, match=f"^{re.escape(complaint)}$"):
        check_argument_names({"fine": 1, name: 2, "if": 3})
