"""What can be told of a JSON text without its values: how many it has (WIRE-26), and whether a number overflows.

Values are expensive, to make and to look at: that is what the limit on them protects from. So each step here must cost
much less than parsing, whatever the text is. Methods of `str` and `bytes` look at the characters.

Outside strings, each value is the first thing in the text, follows a comma, or is the first in an array or an object.
So a text has as many values as it has commas and opening brackets, plus one, minus its empty arrays and objects; and
at most so many if commas and brackets in strings are counted too. That bound decides for most texts.
"""

from __future__ import annotations

import math
from typing import Final

_WHITE_SPACE: Final = b" \t\r\n"
_BLOCK: Final = 65536

_ONE_DIGIT: Final = bytes.maketrans(b"123456789E", b"000000000e")
_LARGE_NUMBERS: Final = (b"e000", b"0" * 210)
"""One of which a number contains that overflows a double, if all its digits are zeros and it has no plus sign.

With fewer digits and an exponent of two digits it is below 10^308."""
_BETWEEN_NUMBERS: Final = bytes.maketrans(b'[]{}:"E', b",,,,,,e")
_LETTERS: Final = b"truefalsn".replace(b"e", b"")
"""Of `true`, `false` and `null`, without which no more than an `e` is left of them."""
_MAX_DIGITS: Final = 308


class JsonScan:
    """One JSON text. What is outside its strings is looked for once, and only if an answer needs it."""

    def __init__(self, text: str | bytes) -> None:
        self._text = text
        self._structure: bytes | None = None
        """What is outside the strings."""

    def has_more_values(self, limit: int) -> bool:
        """Whether the text contains more than `limit` values; the names of members do not count.

        Of a text that is not JSON, this says whether the part before its first error has more than about `limit`.
        """
        # The shortest values are `0` and `[]`, with a comma or a bracket beside them.
        if len(self._text) < 2 * limit:
            return False
        if self.most_values() <= limit:
            return False
        bare = _without_escapes(_encoded(self._text))
        # Each string is a value or the name of one.
        if bare.count(b'"') // 2 > 2 * limit:
            return True
        self._structure = _outside_strings(bare)
        return self.count_values() > limit

    def most_values(self) -> int:
        """Return a bound on how many values the text contains, which costs less than to count them."""
        return _bound(_encoded(self._text))

    def count_values(self) -> int:
        """Return how many values the text contains; the names of members do not count."""
        if self._structure is None:
            self._structure = _outside_strings(_without_escapes(_encoded(self._text)))
        return _bound(self._structure) - self._structure.count(b"[]") - self._structure.count(b"{}")

    def may_have_overflow(self) -> bool:
        """Whether the text contains, perhaps in a string, what every number contains that overflows a double."""
        return _may_overflow(_encoded(self._text))

    def has_overflow(self) -> bool:
        """Whether a number in the text overflows a double; ValueError for some texts that are not JSON."""
        if self._structure is None:
            data = _encoded(self._text)
            if not _may_overflow(data):
                return False
            self._structure = _outside_strings(_without_escapes(data))
        if not _may_overflow(self._structure):
            return False
        numbers = self._structure.translate(_BETWEEN_NUMBERS, _LETTERS).split(b",")
        return any(
            math.isinf(float(number))
            for number in numbers
            if len(number) > _MAX_DIGITS or (b"e" in number and len(number) > 1)
        )


def _bound(data: bytes) -> int:
    return 1 + data.count(b",") + data.count(b"[") + data.count(b"{")


def _may_overflow(data: bytes) -> bool:
    zeros = data.translate(_ONE_DIGIT, b"+")
    return any(number in zeros for number in _LARGE_NUMBERS)


def _encoded(text: str | bytes) -> bytes:
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text


def _without_escapes(data: bytes) -> bytes:
    """Return `data` without backslashes and quotes that are escaped, so that a quote begins or ends a string."""
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
