"""Where a fuzzed conversation has its choices from: a random number generator, or the bytes of a fuzzer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol, TypeVar

Value = TypeVar("Value")


class Source(Protocol):
    """What gives numbers and bytes."""

    def below(self, limit: int) -> int:
        """Return a number from 0 to `limit` - 1."""

    def data(self, size: int) -> bytes:
        """Return at most `size` bytes."""


class RandomSource:
    """Choices by a generator of random numbers; the same seed gives the same ones."""

    def __init__(self, generator: random.Random) -> None:
        self._generator = generator

    def below(self, limit: int) -> int:
        """Return a number from 0 to `limit` - 1."""
        return self._generator.randrange(limit)

    def data(self, size: int) -> bytes:
        """Return `size` bytes."""
        return bytes(self._generator.randrange(256) for _ in range(size))


class BytesSource:
    """Choices by the bytes that a fuzzer gives; 0 once they are used up, so that a conversation ends."""

    def __init__(self, given: bytes) -> None:
        self._given = given
        self._at = 0

    def below(self, limit: int) -> int:
        """Return a number from 0 to `limit` - 1."""
        size = 1 if limit <= 256 else 2
        return int.from_bytes(self.data(size)) % limit

    def data(self, size: int) -> bytes:
        """Return the next `size` bytes, or what there is of them."""
        piece = self._given[self._at : self._at + size]
        self._at += size
        return piece


class Choices:
    """Choices of a conversation."""

    def __init__(self, source: Source) -> None:
        self.below = source.below
        self.data = source.data

    def one_in(self, number: int) -> bool:
        """Be true once in so many times."""
        return self.below(number) == number - 1

    def of(self, values: Sequence[Value]) -> Value:
        """Return one of `values`."""
        return values[self.below(len(values))]
