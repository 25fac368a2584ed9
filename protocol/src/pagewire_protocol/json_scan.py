"""How many values a JSON text contains, told without parsing it (SPEC section 3, WIRE-26).

Parsing is what the limit on values protects from, so that the count must cost much less, whatever the text is. Only
methods of `str` and `bytes` look at its characters, and no step makes an object for each value.

Outside strings, each value is the first thing in the text, follows a comma, or is the first in an array or an object.
So a text has as many values as it has commas and opening brackets, plus one, minus its empty arrays and objects; and
at most so many if commas and brackets in strings are counted too. That bound decides for most texts.
"""

from __future__ import annotations

from typing import Final

_WHITE_SPACE: Final = b" \t\r\n"
_BLOCK: Final = 65536


def has_more_values(text: str, limit: int) -> bool:
    """Whether the JSON `text` contains more than `limit` values; the names of members do not count.

    Of a text that is not JSON, this says whether the part before its first error has more than about `limit`.
    """
    # The shortest values are `0` and `[]`, with a comma or a bracket beside them.
    if len(text) < 2 * limit:
        return False
    if 1 + text.count(",") + text.count("[") + text.count("{") <= limit:
        return False
    bare = _without_escapes(text)
    # Each string is a value or the name of one.
    if bare.count(b'"') // 2 > 2 * limit:
        return True
    structure = _outside_strings(bare)
    separators = structure.count(b",") + structure.count(b"[") + structure.count(b"{")
    return 1 + separators - structure.count(b"[]") - structure.count(b"{}") > limit


def _without_escapes(text: str) -> bytes:
    """Return `text` without backslashes and quotes that are escaped, so that a quote begins or ends a string."""
    data = text.encode("utf-8", "surrogatepass")
    if b"\\" not in data:
        return data
    return data.replace(b"\\\\", b"").replace(b'\\"', b"")


def _outside_strings(bare: bytes) -> bytes:
    """Return what is outside the strings of a text without escapes, without white space; each string becomes a quote.

    It is split block by block: a text may contain a million strings.
    """
    outside: list[bytes] = []
    is_inside = False
    for start in range(0, len(bare), _BLOCK):
        pieces = bare[start : start + _BLOCK].split(b'"')
        outside.append(b'"'.join(pieces[is_inside::2]))
        is_inside ^= len(pieces) % 2 == 0
        if is_inside:
            outside.append(b'"')
    return b"".join(outside).translate(None, _WHITE_SPACE)
