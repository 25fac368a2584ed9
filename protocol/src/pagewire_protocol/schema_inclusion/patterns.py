"""Patterns of JSON Schema as languages: ECMAScript's regular expressions with the flag `u`.

A pattern may match anywhere in a text, `^` and `$` are the ends of the text only. Understood is what is regular:
classes, groups, alternatives, repetitions, and lookaheads that stand outside of groups. Of everything else (assertions
inside groups, back references, word boundaries, classes of Unicode) `language_of` says that it is not decided.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NoReturn

from pagewire_protocol.schema_inclusion.languages import (
    ANY,
    LAST,
    Language,
    Ranges,
    Undecided,
    characters,
    complement,
    intersection,
    invert,
    repeat,
    sequence,
    union,
)

_DIGITS: Final = ((0x30, 0x39),)
_WORD: Final = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: Final[Ranges] = (
    *((0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029)),
    *((0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
)
_LINE_ENDS: Final = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
_CLASSES: Final[dict[str, Ranges]] = {
    "d": _DIGITS,
    "D": invert(_DIGITS),
    "w": _WORD,
    "W": invert(_WORD),
    "s": _SPACE,
    "S": invert(_SPACE),
}
_CONTROLS: Final = {"t": 0x09, "n": 0x0A, "v": 0x0B, "f": 0x0C, "r": 0x0D, "0": 0x00}
_HEX_LENGTHS: Final = {"x": 2, "u": 4}
_SYNTAX: Final = frozenset("^$\\.*+?()[]{}|/-")
_HIGH_SURROGATES: Final = range(0xD800, 0xDC00)
_LOW_SURROGATE: Final = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_LOOKAHEADS: Final = ("(?=", "(?!")


@cache
def language_of(pattern: str) -> Language:
    """Return the strings that `pattern` accepts; Undecided says what in it is not understood."""
    reader = _Reader(pattern)
    found = reader.disjunction(whole=True)
    if not reader.at_end():
        raise Undecided(f"the pattern {pattern!r} is not valid at {reader.at}")
    return found


class _Reader:
    """Reads one pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def at_end(self) -> bool:
        return self.at == len(self.pattern)

    def disjunction(self, *, whole: bool, anchored: bool = False) -> Language:
        """Read alternatives: of the whole pattern or a lookahead (`whole`), or of a group.

        A lookahead is `anchored`: it begins where it stands.
        """
        found = [self._alternative(whole=whole, anchored=anchored)]
        while self._skip("|"):
            found.append(self._alternative(whole=whole, anchored=anchored))
        return union(*found)

    def _alternative(self, *, whole: bool, anchored: bool) -> Language:
        is_anchored = anchored or (whole and self._skip("^"))
        rest = self._terms(whole=whole)
        return rest if is_anchored or not whole else sequence(ANY, rest)

    def _terms(self, *, whole: bool) -> Language:
        """Read what follows one after the other up to a `|`, a `)` or the end."""
        parts: list[Language] = []
        while not self.at_end() and self.pattern[self.at] not in "|)":
            if whole and self._skip("$"):
                if not self.at_end() and self.pattern[self.at] not in "|)":
                    self._give_up("`$` before the end")
                return sequence(*parts)
            if whole and self.pattern.startswith(_LOOKAHEADS, self.at):
                return sequence(*parts, self._lookahead())
            parts.append(self._repeated(self._atom()))
        return sequence(*parts, ANY) if whole else sequence(*parts)

    def _lookahead(self) -> Language:
        is_negative = self.pattern.startswith("(?!", self.at)
        self.at += 3
        ahead = self.disjunction(whole=True, anchored=True)
        self._expect(")")
        rest = self._terms(whole=True)
        return intersection(complement(ahead) if is_negative else ahead, rest)

    def _atom(self) -> Language:
        character = self._next()
        if character == "(":
            return self._group()
        if character == "[":
            return characters(self._class())
        if character == ".":
            return characters(invert(_LINE_ENDS))
        if character == "\\":
            return characters(self._escape())
        if character in "^$*+?{}])":
            self._give_up(f"`{character}` at {self.at - 1}")
        return characters([(ord(character), ord(character))])

    def _group(self) -> Language:
        if self._skip("?"):
            if self._skip("<") and self.pattern[self.at : self.at + 1] not in ("=", "!"):
                self.at = self.pattern.find(">", self.at) + 1
            elif not self._skip(":"):
                self._give_up("an assertion in a group")
        found = self.disjunction(whole=False)
        self._expect(")")
        return found

    def _repeated(self, one: Language) -> Language:
        bounds = self._bounds()
        if bounds is None:
            return one
        self._skip("?")  # lazy or not, it accepts the same
        return repeat(one, *bounds)

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._skip(sign):
                return bounds
        if not self._skip("{"):
            return None
        inside = self.pattern[self.at : self.pattern.find("}", self.at)]
        self.at += len(inside)
        self._expect("}")
        least, comma, most = inside.partition(",")
        if not least.isdecimal() or (most and not most.isdecimal()):
            self._give_up(f"`{{{inside}}}`")
        return int(least), int(most) if most else None if comma else int(least)

    def _class(self) -> Ranges:
        is_inverted = self._skip("^")
        found: list[tuple[int, int]] = []
        while not self._skip("]"):
            low = self._class_member()
            is_single = len(low) == 1 and low[0][0] == low[0][1]
            is_range = is_single and self._peek("-") and not self._peek("-]")
            if is_range and self._skip("-"):
                high = self._class_member()
                if len(high) != 1 or high[0][0] != high[0][1] or high[0][0] < low[0][0]:
                    self._give_up("a range without two ends")
                found.append((low[0][0], high[0][0]))
            else:
                found.extend(low)
        return invert(found) if is_inverted else tuple(found)

    def _class_member(self) -> Ranges:
        character = self._next()
        if character != "\\":
            return ((ord(character), ord(character)),)
        return ((0x08, 0x08),) if self._skip("b") else self._escape()

    def _escape(self) -> Ranges:
        character = self._next()
        if character in _CLASSES:
            return _CLASSES[character]
        if character in _CONTROLS and not (character == "0" and self.pattern[self.at : self.at + 1].isdecimal()):
            code = _CONTROLS[character]
        elif character in _HEX_LENGTHS:
            code = self._code_point(_HEX_LENGTHS[character])
        elif character in _SYNTAX:
            code = ord(character)
        else:
            self._give_up(f"`\\{character}`")
        return ((code, code),)

    def _code_point(self, length: int) -> int:
        if self._skip("{"):
            length = self.pattern.find("}", self.at) - self.at
        digits = self.pattern[self.at : self.at + length]
        self.at += length
        self._skip("}")
        try:
            code = int(digits, 16)
        except ValueError:
            self._give_up(f"the escape {digits!r}")
        # A pair of escaped surrogates is one character.
        if code in _HIGH_SURROGATES and (pair := _LOW_SURROGATE.match(self.pattern, self.at)):
            self.at = pair.end()
            code = ord(bytes.fromhex(f"{code:04x}{pair[1]}").decode("utf-16-be"))
        return min(code, LAST)

    def _next(self) -> str:
        if self.at_end():
            self._give_up("its end")
        self.at += 1
        return self.pattern[self.at - 1]

    def _peek(self, text: str) -> bool:
        return self.pattern.startswith(text, self.at)

    def _skip(self, text: str) -> bool:
        if not self._peek(text):
            return False
        self.at += len(text)
        return True

    def _expect(self, text: str) -> None:
        if not self._skip(text):
            self._give_up(f"a missing `{text}`")

    def _give_up(self, what: str) -> NoReturn:
        raise Undecided(f"{what} in the pattern {self.pattern!r} is not understood")
