"""Null, booleans, numbers and strings: which of each a schema accepts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, cast

from pagewire_protocol.schema_inclusion.languages import (
    ANY,
    Language,
    Undecided,
    complement,
    intersection,
    list_words,
    shortest,
    words,
)
from pagewire_protocol.schema_inclusion.value_sets import Json, Piece, Shape

LONGEST_EXAMPLE: Final = 200_000
"""No example is longer, in characters or items."""


@dataclass(frozen=True)
class Null(Shape):
    """Null, of which there is one."""

    type_name = "null"

    def meet(self, other: Shape) -> Shape:  # noqa: ARG002, D102
        return self

    def minus(self, other: Shape) -> Iterator[Piece]:  # noqa: ARG002, D102
        return iter(())

    def is_empty(self) -> bool:  # noqa: D102
        return False

    def examples(self) -> Iterator[Json]:  # noqa: D102
        yield None


@dataclass(frozen=True)
class Boolean(Shape):
    """True, false, or both."""

    values: frozenset[bool] = frozenset((False, True))
    type_name = "boolean"

    def meet(self, other: Shape) -> Shape:  # noqa: D102
        return Boolean(self.values & cast("Boolean", other).values)

    def minus(self, other: Shape) -> Iterator[Piece]:  # noqa: D102
        for value in sorted(self.values - cast("Boolean", other).values):
            yield Piece(Boolean(frozenset((value,))), f"be {str(value).lower()}")

    def is_empty(self) -> bool:  # noqa: D102
        return not self.values

    def examples(self) -> Iterator[Json]:  # noqa: D102
        yield from sorted(self.values)


@dataclass(frozen=True)
class Number(Shape):
    """Numbers between two bounds."""

    low: float = -math.inf
    high: float = math.inf
    is_low_open: bool = False
    """Whether `low` itself is excluded."""
    is_high_open: bool = False
    whole: bool | None = None
    """Whether only integers (1.0 is one), only others, or both."""
    type_name = "number"

    def meet(self, other: Shape) -> Shape:  # noqa: D102
        that = cast("Number", other)
        low, is_low_open = max((self.low, self.is_low_open), (that.low, that.is_low_open))
        high, is_high_closed = min((self.high, not self.is_high_open), (that.high, not that.is_high_open))
        if self.whole is not None and that.whole is not None and self.whole != that.whole:
            return Number(low=0, high=-1)
        whole = that.whole if self.whole is None else self.whole
        return _tidy(Number(low, high, is_low_open, not is_high_closed, whole))

    def minus(self, other: Shape) -> Iterator[Piece]:  # noqa: D102
        that = cast("Number", other)
        if that.whole is not None and self.whole != that.whole:
            rest = self.meet(Number(whole=not that.whole))
            yield Piece(rest, "be a number with a fraction" if that.whole else "be an integer")
        under = self.meet(Number(high=that.low, is_high_open=not that.is_low_open))
        yield Piece(
            under,
            _why_outside(under, f"{plain(that.low)} or less" if that.is_low_open else f"less than {plain(that.low)}"),
        )
        over = self.meet(Number(low=that.high, is_low_open=not that.is_high_open))
        yield Piece(
            over,
            _why_outside(over, f"{plain(that.high)} or more" if that.is_high_open else f"more than {plain(that.high)}"),
        )

    def is_empty(self) -> bool:  # noqa: D102
        if self.low == self.high:
            is_whole = math.isfinite(self.low) and self.low == int(self.low)
            wrong = self.whole is not None and self.whole != is_whole
            return self.is_low_open or self.is_high_open or wrong or math.isinf(self.low)
        return self.low > self.high

    def examples(self) -> Iterator[Json]:  # noqa: D102
        low = self.low if math.isfinite(self.low) else None
        high = self.high if math.isfinite(self.high) else None
        start = low if low is not None else high if high is not None else 0
        near = [start + step for step in (0, 1, -1, 0.5, -0.5)] + [value for value in (high, 0) if value is not None]
        if low is not None and high is not None:
            near.append((low + high) / 2)
        for value in near:
            exact = int(value) if isinstance(value, float) and value == int(value) else value
            if not self.meet(Number(exact, exact)).is_empty():
                yield exact


def plain(number: float) -> str:
    """Return a number as a person writes it."""
    return str(int(number)) if math.isfinite(number) and number == int(number) else str(number)


def _why_outside(part: Shape, bound: str) -> str:
    number = cast("Number", part)
    return f"be {plain(number.low) if number.low == number.high else bound}"


def _tidy(number: Number) -> Number:
    """Return the same numbers; integers with closed bounds that are integers."""
    if number.whole is not True:
        return number
    low, high = number.low, number.high
    if math.isfinite(low):
        low = math.floor(low) + 1 if number.is_low_open else math.ceil(low)
    if math.isfinite(high):
        high = math.ceil(high) - 1 if number.is_high_open else math.floor(high)
    return Number(low, high, is_low_open=False, is_high_open=False, whole=True)


@dataclass(frozen=True)
class Text(Shape):
    """Strings of a language, with a least and a greatest length."""

    language: Language = ANY
    least: int = 0
    most: int | None = None
    type_name = "string"

    def meet(self, other: Shape) -> Shape:  # noqa: D102
        that = cast("Text", other)
        language = intersection(self.language, that.language)
        return Text(language, max(self.least, that.least), lesser(self.most, that.most))

    def minus(self, other: Shape) -> Iterator[Piece]:  # noqa: D102
        that = cast("Text", other)
        if (listed := list_words(self.language)) is not None:
            for word in sorted(listed):
                if word not in that:
                    yield Piece(Text(words((word,)), self.least, self.most), f"be {word!r}")
            return
        if that.least > self.least:
            yield Piece(replace(self, most=lesser(self.most, that.least - 1)), _length(that.least - 1, "at most"))
        if that.most is not None and (self.most is None or self.most > that.most):
            yield Piece(replace(self, least=max(self.least, that.most + 1)), _length(that.most, "more than"))
        rest = Text(intersection(self.language, complement(that.language)), self.least, self.most)
        yield Piece(rest, rest.why_excluded(that))

    def __contains__(self, text: str) -> bool:
        return self.least <= len(text) and (self.most is None or len(text) <= self.most) and text in self.language

    def why_excluded(self, other: Text) -> str:
        """Return how to say that a text is of this language and not of the other."""
        if (listed := list_words(complement(other.language))) is not None and len(listed) == 1:
            return f"be {next(iter(listed))!r}"
        example = self.example()
        return "be a text that the pattern or list excludes" if example is None else f"be {cut(example)!r}"

    def example(self) -> str | None:
        """Return a shortest one; None if there is none, or none is found."""
        if self.most is not None and self.least > self.most:
            return None
        if self.language is ANY and self.least <= LONGEST_EXAMPLE:
            return "a" * self.least
        try:
            return shortest(self.language, self.least, self.most)
        except Undecided:
            return None

    def is_empty(self) -> bool:  # noqa: D102
        if self.language is ANY:
            return self.most is not None and self.least > self.most
        try:
            return shortest(self.language, self.least, self.most) is None
        except Undecided:
            return False

    def examples(self) -> Iterator[Json]:  # noqa: D102
        if (listed := list_words(self.language)) is not None:
            yield from sorted(word for word in listed if word in self)
            return
        first = self.example()
        if first is not None:
            yield first
            longer = replace(self, least=len(first) + 1).example()
            yield from () if longer is None else (longer,)


def cut(text: str, most: int = 40) -> str:
    """Return the beginning of a text."""
    return text if len(text) <= most else f"{text[:most]}..."


def _length(count: int, than: str) -> str:
    return "be empty" if (count, than) == (0, "at most") else f"have {than} {count} character{'s' * (count != 1)}"


def lesser(one: int | None, other: int | None) -> int | None:
    """Return the lesser of two bounds, of which None is no bound."""
    return other if one is None else one if other is None else min(one, other)
