"""Which names a script's arguments may have (ARGS-2)."""

from __future__ import annotations

from typing import Final, TypeVar

Value = TypeVar("Value")

_WORDS: Final = """
    await break case catch class const continue debugger default delete do else enum export extends false finally for
    function if import in instanceof new null return super switch this throw true try typeof var void while with
"""

RESERVED_WORDS: Final = frozenset(_WORDS.split())
"""What cannot be a parameter of a sloppy async function."""

PORTABLE_PATTERN: Final = r"^[^\x00-#%-@\[-^`{-\x7f][^\x00-#%-/:-@\[-^`{-\x7f]*$"
r"""Identifiers as far as every JSON Schema validator and generator reads them.

Within ASCII it is the rule, except for reserved words, which need a lookahead. Beyond ASCII it accepts every character,
since `\p{ID_Start}` is beyond Python's `re`. The classes are complements, so that they need no flag `u` for characters
beyond U+FFFF, and contain no `$`, which fastjsonschema rewrites.
"""

_ID_BEYOND_XID: Final = frozenset(
    chr(point)
    for first, last in (
        (0x037A, 0x037A),
        (0x0E33, 0x0E33),
        (0x0EB3, 0x0EB3),
        (0x309B, 0x309C),
        (0xFC5E, 0xFC63),
        (0xFDFA, 0xFDFB),
        (0xFE70, 0xFE70),
        (0xFE72, 0xFE72),
        (0xFE74, 0xFE74),
        (0xFE76, 0xFE76),
        (0xFE78, 0xFE78),
        (0xFE7A, 0xFE7A),
        (0xFE7C, 0xFE7C),
        (0xFE7E, 0xFE7E),
        (0xFF9E, 0xFF9F),
    )
    for point in range(first, last + 1)
)
"""Characters of ID_Start that `str.isidentifier`, which goes by XID_Start, does not take."""

_JOINERS: Final = frozenset("\u200c\u200d")


def is_argument_name(name: str) -> bool:
    """Whether `name` may be an argument's."""
    if name in RESERVED_WORDS or not name or name[0] in _JOINERS:
        return False
    if name.isascii():
        return name.replace("$", "_").isidentifier()
    allowed = _ID_BEYOND_XID | _JOINERS | {"$"}
    return "".join("_" if character in allowed else character for character in name).isidentifier()


def check_argument_names(arguments: dict[str, Value]) -> dict[str, Value]:
    """Return `arguments` as they are; `ValueError` names the first that cannot be a JavaScript parameter."""
    for name in arguments:
        if not is_argument_name(name):
            why = "a reserved word of JavaScript" if name in RESERVED_WORDS else "no identifier of JavaScript"
            raise ValueError(f"{name!r} is {why}, so it can't name an argument (ARGS-2)")
    return arguments
