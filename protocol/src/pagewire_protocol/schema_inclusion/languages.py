"""Sets of strings as regular languages, decided exactly: union, intersection, complement, and a shortest member.

A language is a tree of nodes. Its derivative by a character is the language of what may follow that character
(Brzozowski 1964), so membership is a walk over the characters and emptiness is a search over the derivatives. Equal
trees are the same object: nodes are made by the functions below only, which also simplify, so that a language has few
derivatives.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import Final, TypeAlias

Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""Sorted, disjoint ranges of code points, both ends included."""

LAST: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)
_READABLE: Final = ((0x61, 0x7A), (0x41, 0x5A), (0x30, 0x39), (0x21, 0x7E))
_MOST_STATES: Final = 200_000
"""A search that visits more derivatives than this gives up."""


def merge(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return the same code points as sorted, disjoint ranges."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return tuple(merged)


def invert(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return all other code points."""
    found, start = [], 0
    for low, high in merge(ranges):
        if start < low:
            found.append((start, low - 1))
        start = high + 1
    return (*found, (start, LAST)) if start <= LAST else tuple(found)


class Undecided(Exception):  # noqa: N818 - it is an answer, not an error
    """A question that this module does not answer, and why."""


class Language:
    """A set of strings."""

    __slots__ = ("_derivatives", "cuts", "nullable")

    nullable: bool
    """Whether the empty string is a member."""
    cuts: frozenset[int]
    """Code points at which the derivative may change: it is the same for all characters between two of them."""

    def __init__(self, nullable: bool, cuts: Iterable[int]) -> None:
        self.nullable = nullable
        self.cuts = frozenset(cuts)
        self._derivatives: dict[int, Language] = {}

    def after(self, character: int) -> Language:
        """Return what may follow `character`."""
        found = self._derivatives.get(character)
        if found is None:
            found = self._derivatives[character] = self._derive(character)
        return found

    def _derive(self, character: int) -> Language:
        raise NotImplementedError

    def __contains__(self, text: str) -> bool:
        language = self
        for character in text:
            language = language.after(ord(character))
        return language.nullable


class _Words(Language):
    """The strings of a finite list."""

    __slots__ = ("words",)

    def __init__(self, words: frozenset[str]) -> None:
        firsts = {ord(word[0]) for word in words if word}
        super().__init__("" in words, {cut for first in firsts for cut in (first, first + 1)})
        self.words = words

    def _derive(self, character: int) -> Language:
        return words(word[1:] for word in self.words if word and ord(word[0]) == character)


class _Characters(Language):
    """One character out of some ranges."""

    __slots__ = ("ranges",)

    def __init__(self, ranges: Ranges) -> None:
        super().__init__(nullable=False, cuts={cut for low, high in ranges for cut in (low, high + 1)})
        self.ranges = ranges

    def _derive(self, character: int) -> Language:
        return EMPTY if any(low <= character <= high for low, high in self.ranges) else NOTHING


class _Sequence(Language):
    """A string of the one, then a string of the other."""

    __slots__ = ("first", "rest")

    def __init__(self, first: Language, rest: Language) -> None:
        super().__init__(first.nullable and rest.nullable, first.cuts | (rest.cuts if first.nullable else frozenset()))
        self.first = first
        self.rest = rest

    def _derive(self, character: int) -> Language:
        derived = sequence(self.first.after(character), self.rest)
        return union(derived, self.rest.after(character)) if self.first.nullable else derived


class _Repeat(Language):
    """Between `least` and `most` strings of one language, one after the other."""

    __slots__ = ("least", "most", "one")

    def __init__(self, one: Language, least: int, most: int | None) -> None:
        super().__init__(least == 0 or one.nullable, one.cuts)
        self.one, self.least, self.most = one, least, most

    def _derive(self, character: int) -> Language:
        most = None if self.most is None else self.most - 1
        return sequence(self.one.after(character), repeat(self.one, max(self.least - 1, 0), most))


class _Union(Language):
    __slots__ = ("members",)

    def __init__(self, members: frozenset[Language]) -> None:
        super().__init__(any(each.nullable for each in members), {cut for each in members for cut in each.cuts})
        self.members = members

    def _derive(self, character: int) -> Language:
        return union(*(each.after(character) for each in self.members))


class _Intersection(Language):
    __slots__ = ("members",)

    def __init__(self, members: frozenset[Language]) -> None:
        super().__init__(all(each.nullable for each in members), {cut for each in members for cut in each.cuts})
        self.members = members

    def _derive(self, character: int) -> Language:
        return intersection(*(each.after(character) for each in self.members))


class _Complement(Language):
    __slots__ = ("of",)

    def __init__(self, of: Language) -> None:
        super().__init__(not of.nullable, of.cuts)
        self.of = of

    def _derive(self, character: int) -> Language:
        return complement(self.of.after(character))


_make_words = cache(_Words)
_make_characters = cache(_Characters)
_make_sequence = cache(_Sequence)
_make_repeat = cache(_Repeat)
_make_union = cache(_Union)
_make_intersection = cache(_Intersection)
_make_complement = cache(_Complement)


def words(texts: Iterable[str]) -> Language:
    """Return the language of exactly these strings."""
    return _make_words(frozenset(texts))


NOTHING: Final = words(())
"""No string at all."""
EMPTY: Final = words(("",))
"""The empty string only."""


def characters(ranges: Iterable[tuple[int, int]]) -> Language:
    """Return the strings of one character that is in one of the ranges."""
    merged = merge(ranges)
    return _make_characters(merged) if merged else NOTHING


ANY_CHARACTER: Final = characters([(0, LAST)])


def sequence(*parts: Language) -> Language:
    """Return the strings made of one string of each part."""
    made = EMPTY
    for part in reversed(parts):
        if part is NOTHING or made is NOTHING:
            return NOTHING
        if part is EMPTY or made is EMPTY:
            made = made if part is EMPTY else part
        elif isinstance(part, _Sequence):
            made = sequence(part.first, _make_sequence(part.rest, made))
        else:
            made = _make_sequence(part, made)
    return made


def repeat(one: Language, least: int, most: int | None) -> Language:
    """Return the strings made of `least` to `most` strings of `one`; any number if `most` is None."""
    if most == 0 or one is EMPTY or (one is NOTHING and least == 0):
        return EMPTY
    if one is NOTHING or (least, most) == (1, 1):
        return one
    return _make_repeat(one, least, most)


ANY: Final = repeat(ANY_CHARACTER, 0, None)
"""Every string."""


def union(*members: Language) -> Language:
    """Return the strings of any of them."""
    flat: set[Language] = set()
    for member in members:
        flat |= member.members if isinstance(member, _Union) else {member}
    listed = [each for each in flat if isinstance(each, _Words)]
    flat = {each for each in flat if not isinstance(each, _Words)}
    if word := words(word for each in listed for word in each.words) if listed else None:
        flat |= {word} - {NOTHING}
    if ANY in flat or any(complement(each) in flat for each in flat):
        return ANY
    return next(iter(flat)) if len(flat) == 1 else _make_union(frozenset(flat)) if flat else NOTHING


def intersection(*members: Language) -> Language:
    """Return the strings of all of them."""
    flat: set[Language] = set()
    for member in members:
        flat |= member.members if isinstance(member, _Intersection) else {member}
    flat -= {ANY}
    listed = next((each for each in flat if isinstance(each, _Words)), None)
    if listed is not None:
        return words(word for word in listed.words if all(word in each for each in flat))
    if any(complement(each) in flat for each in flat):
        return NOTHING
    return next(iter(flat)) if len(flat) == 1 else _make_intersection(frozenset(flat)) if flat else ANY


def complement(of: Language) -> Language:
    """Return all other strings."""
    if isinstance(of, _Complement):
        return of.of
    return NOTHING if of is ANY else ANY if of is NOTHING else _make_complement(of)


def list_words(language: Language) -> frozenset[str] | None:
    """Return the members of a language that is a list of words; None for any other."""
    return language.words if isinstance(language, _Words) else None


@cache
def shortest(language: Language, least: int = 0, most: int | None = None) -> str | None:
    """Return a shortest member with `least` to `most` characters, of well-formed Unicode; None if there is none.

    Undecided is raised if the search gets too large.
    """
    steps: list[dict[Language, tuple[Language, int]]] = []
    layer, seen, visited = [language], {language}, 0
    while layer and (most is None or len(steps) <= most):
        if len(steps) >= least and (end := next((each for each in layer if each.nullable), None)) is not None:
            return _spell(steps, end)
        step = _step(layer)
        # Below the least length a state may have to be passed again; from there on never.
        layer = list(step) if len(steps) < least else [each for each in step if each not in seen]
        seen = seen.union(layer) if len(steps) >= least else set(layer)
        steps.append(step)
        visited += len(step)
        if visited > _MOST_STATES:
            raise Undecided("the patterns are too large to compare")
    return None


def _step(layer: list[Language]) -> dict[Language, tuple[Language, int]]:
    """Return the derivatives of all languages of a layer, each with one from which and by which character it comes."""
    step: dict[Language, tuple[Language, int]] = {}
    for state in layer:
        for character in _representatives(state):
            step.setdefault(state.after(character), (state, character))
    step.pop(NOTHING, None)
    return step


def _spell(steps: list[dict[Language, tuple[Language, int]]], end: Language) -> str:
    spelled = []
    for step in reversed(steps):
        end, character = step[end]
        spelled.append(chr(character))
    return "".join(reversed(spelled))


def _representatives(language: Language) -> list[int]:
    """Return one character of each range within which the derivative is the same, readable ones first."""
    edges = sorted({0, LAST + 1, *language.cuts})
    found = (_most_readable(low, end - 1) for low, end in pairwise(edges))
    return [character for _, character in sorted(each for each in found if each is not None)]


def _most_readable(low: int, high: int) -> tuple[int, int] | None:
    """Return how readable a character of the range is, 0 at best, and that character; None of surrogates."""
    for rank, (first, last) in enumerate(_READABLE):
        if max(low, first) <= min(high, last):
            return rank, max(low, first)
    if low in _SURROGATES:
        return None if high in _SURROGATES else (len(_READABLE), _SURROGATES.stop)
    return len(_READABLE), low
