"""Sets of JSON values: what a schema accepts, as a union of branches that can be intersected and subtracted.

Every branch has values of one type (`plain_shapes`, `shapes`). What a shape cannot express, a keyword that is not
understood, is an *atom* of a branch: a condition with a name, of which only its name is known. So a difference that is
empty is proven to be empty. One that is not may still be, if its branches have atoms or are doubtful.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar, Final, NamedTuple, TypeAlias

Json: TypeAlias = Any
"""A JSON value."""

_MOST_PIECES: Final = 400
_PAIR: Final = ("mine", "its")
"""With more branches than that of one type, there is a choice between branches."""
_shapes_of_all: list[Shape] = []


class Atom(NamedTuple):
    """A condition that is not understood."""

    text: str
    """The keyword, and its value as JSON."""
    holds: bool = True

    def negated(self) -> Atom:
        """Return the opposite condition."""
        return Atom(self.text, not self.holds)


class Piece(NamedTuple):
    """Part of a difference of two shapes."""

    shape: Shape
    why: str
    """What its values may be that the other's may not: `be missing`."""
    at: str = ""
    """The field or item that is different; empty if it is the value itself."""
    is_doubtful: bool = False
    """Whether it stands for more values than it has, so that nothing is proven if another shape has all of it."""


class Shape(ABC):
    """Values of one type."""

    type_name: ClassVar[str]

    @abstractmethod
    def meet(self, other: Shape) -> Shape:
        """Return the values of both; `other` is of the same type."""

    @abstractmethod
    def minus(self, other: Shape) -> Iterator[Piece]:
        """Yield the values that `other` does not have; `other` is of the same type."""

    def conflict(self, other: Shape) -> str:  # noqa: ARG002 - a value without fields has none
        """Return a field that no value of both can have; empty if there is none."""
        return ""

    @abstractmethod
    def is_empty(self) -> bool:
        """Whether it is certain that there is no such value."""

    @abstractmethod
    def examples(self) -> Iterator[Json]:
        """Yield some of the values, the smallest first."""


class Difference(NamedTuple):
    """Values of one branch that a set does not have."""

    branch: Branch
    why: str
    at: str = ""


@dataclass(frozen=True)
class Branch:
    """Values of one type, with conditions that are not understood."""

    shape: Shape
    atoms: frozenset[Atom] = frozenset()
    is_doubtful: bool = False

    def is_empty(self) -> bool:
        """Whether it is certain that no value is in it."""
        return any(atom.negated() in self.atoms for atom in self.atoms) or self.shape.is_empty()

    def meet(self, other: Branch) -> Branch | None:
        """Return the values of both, None if they are of different types."""
        if self.shape.type_name != other.shape.type_name:
            return None
        shape = self.shape.meet(other.shape)
        return Branch(shape, self.atoms | other.atoms, self.is_doubtful or other.is_doubtful)

    def overlaps(self, other: Branch) -> bool:
        """Whether a value may be in both."""
        met = self.meet(other)
        return met is not None and not met.is_empty()

    def minus(self, other: Branch) -> list[Difference]:
        """Return the values that `other` does not have; it is of the same type."""
        found = [
            Difference(
                replace(self, shape=piece.shape, is_doubtful=self.is_doubtful or piece.is_doubtful), piece.why, piece.at
            )
            for piece in self.shape.minus(other.shape)
        ]
        for atom in sorted(other.atoms - self.atoms):
            branch = replace(self, atoms=self.atoms | {atom.negated()})
            found.append(Difference(branch, f"be something that {'' if atom.holds else 'not '}{atom.text} excludes"))
        return [each for each in found if not each.branch.is_empty()]


@dataclass(frozen=True)
class Values:
    """A set of JSON values."""

    branches: tuple[Branch, ...] | None
    """None for all values that there are."""

    def alternatives(self) -> tuple[Branch, ...]:
        """Return the branches, also those of all values."""
        return _all_branches() if self.branches is None else self.branches

    def is_empty(self) -> bool:
        """Whether it is certain that there is no such value."""
        return self.branches is not None and all(branch.is_empty() for branch in self.branches)

    def join(self, other: Values) -> Values:
        """Return the values of either."""
        if self.branches is None or other.branches is None:
            return ANYTHING
        return Values((*self.branches, *(each for each in other.branches if each not in self.branches)))

    def meet(self, other: Values) -> Values:
        """Return the values of both."""
        if self.branches is None or other.branches is None:
            return other if self.branches is None else self
        met = (one.meet(each) for one in self.branches for each in other.branches)
        return Values(tuple(branch for branch in met if branch is not None and not branch.is_empty()))

    def minus(self, other: Values) -> Values:
        """Return the values that `other` does not have."""
        return Values(tuple(each.branch for each in self.differences(other)))

    def differences(self, other: Values) -> list[Difference]:
        """Return the same, and of each part why `other` does not have it."""
        if other.branches is None or self == other:
            return []
        mine = self.alternatives()
        types = Counter(branch.shape.type_name for branch in (*mine, *other.branches))
        in_union = [name for name, count in types.items() if count > len(_PAIR)]
        return [
            each for branch in mine for each in _left_of(branch, other.branches, branch.shape.type_name in in_union)
        ]

    def with_atom(self, atom: Atom, *types: str) -> Values:
        """Return the values for which a condition holds as well; those of other `types` are not touched."""
        return Values(
            tuple(
                replace(each, atoms=each.atoms | {atom}) if not types or each.shape.type_name in types else each
                for each in self.alternatives()
            )
        )

    def examples(self) -> Iterator[Json]:
        """Yield some of the values, the smallest of each branch first."""
        for branch in self.alternatives():
            yield from branch.shape.examples()


ANYTHING: Final = Values(None)
NOTHING: Final = Values(())


@cache
def _all_branches() -> tuple[Branch, ...]:
    return tuple(Branch(shape) for shape in _shapes_of_all)


def register_all(*shapes: Shape) -> None:
    """Say which shapes together have all values: `shapes` does, which imports this module."""
    _shapes_of_all.extend(shapes)


def _left_of(branch: Branch, others: tuple[Branch, ...], in_union: bool) -> list[Difference]:
    """Return what is left of `branch` without the others, explained by the one that is nearest to it."""
    if branch.is_empty():
        return []
    same = [(branch.minus(each), each) for each in others if each.shape.type_name == branch.shape.type_name]
    if not same:
        return [Difference(branch, f"be {_with_article(branch.shape.type_name)}")]
    if any(not left for left, _ in same):
        return []
    same.sort(key=lambda each: (not branch.overlaps(each[1]), len(each[0])), reverse=True)
    if in_union and not branch.overlaps(same[-1][1]):
        return _one_of(branch, *same[-1])
    left = [Difference(branch, "")]
    for _, other in same:
        left = [piece for each in left for piece in _pieces(each.branch, other)]
        if len(left) > _MOST_PIECES:
            return [Difference(replace(branch, is_doubtful=True), "be of a form that is too complex to compare")]
    return left


def _one_of(branch: Branch, differences: list[Difference], other: Branch) -> list[Difference]:
    """Return all of a branch as one difference, where no value of it is in any other."""
    name = branch.shape.conflict(other.shape)
    chosen = next((each for each in differences if name and each.at.startswith(name)), differences[0])
    return [Difference(branch, chosen.why, chosen.at)]


def _pieces(branch: Branch, other: Branch) -> list[Difference]:
    # If a doubtful branch vanishes, nothing is known of what it stands for: it stays.
    kept = [Difference(branch, "be of a form that cannot be compared")] if branch.is_doubtful else []
    return branch.minus(other) or kept


def _with_article(type_name: str) -> str:
    return type_name if type_name == "null" else f"{'an' if type_name[0] in 'aio' else 'a'} {type_name}"
