"""Arrays and objects: which of them a schema accepts. See `value_sets` for how shapes are put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from pagewire_protocol.schema_inclusion.languages import complement, words
from pagewire_protocol.schema_inclusion.plain_shapes import LONGEST_EXAMPLE, Boolean, Null, Number, Text, cut, lesser
from pagewire_protocol.schema_inclusion.value_sets import (
    ANYTHING,
    NOTHING,
    Branch,
    Json,
    Piece,
    Shape,
    Values,
    register_all,
)

MISSING: Final = "be missing"
"""Why, of a field that is required."""
UNKNOWN: Final = "be present"
"""Why, of a field that is not known."""
MORE_FIELDS: Final = "have more fields than"
"""How it begins why, of an object with too many."""
OTHER_FIELDS: Final = "*"
"""The place of fields without a name in the schema."""


@dataclass(frozen=True)
class Array(Shape):
    """Arrays."""

    first: tuple[Values, ...] = ()
    """What the first items are, one by one."""
    rest: Values = ANYTHING
    """What each item after them is."""
    least: int = 0
    most: int | None = None
    type_name = "array"

    def item(self, index: int) -> Values:
        """Return what the item at `index` may be."""
        return self.first[index] if index < len(self.first) else self.rest

    def meet(self, other: Shape) -> Shape:  # noqa: D102
        that = cast("Array", other)
        count = max(len(self.first), len(that.first))
        first = tuple(self.item(index).meet(that.item(index)) for index in range(count))
        most = lesser(self.most, that.most)
        return Array(first, self.rest.meet(that.rest), max(self.least, that.least), most)

    def minus(self, other: Shape) -> Iterator[Piece]:  # noqa: D102
        that = cast("Array", other)
        if that.least > self.least:
            yield Piece(replace(self, most=lesser(self.most, that.least - 1)), _count(that.least - 1, "at most"))
        if that.most is not None:
            yield Piece(replace(self, least=max(self.least, that.most + 1)), _count(that.most, "more than"))
        count = max(len(self.first), len(that.first))
        for index in range(count + 1):
            for each in self.item(index).differences(that.item(index)):
                first = (
                    *(self.item(before) for before in range(index)),
                    Values((each.branch,)),
                    *self.first[index + 1 :],
                )
                shape = replace(self, first=first, least=max(self.least, index + 1))
                yield Piece(shape, each.why, join("[]" if index == count else f"[{index}]", each.at), index == count)

    def is_empty(self) -> bool:  # noqa: D102
        if self.most is not None and self.least > self.most:
            return True
        needed = range(min(self.least, len(self.first)))
        return any(self.item(index).is_empty() for index in needed) or (
            self.least > len(self.first) and self.rest.is_empty()
        )

    def examples(self) -> Iterator[Json]:  # noqa: D102
        for count in (self.least, self.least + 1, self.least + 2):
            if count > LONGEST_EXAMPLE or (self.most is not None and count > self.most):
                return
            tail = next(self.rest.examples(), None)
            heads = [list(self.item(index).examples()) for index in range(min(count, len(self.first)))]
            if not all(heads) or (count > len(self.first) and self.rest.is_empty()):
                return
            for choice in range(max((len(each) for each in heads), default=1)):
                chosen = [each[min(choice, len(each) - 1)] for each in heads]
                yield chosen + [tail] * (count - len(chosen))


def _count(count: int, than: str) -> str:
    return "be empty" if (count, than) == (0, "at most") else f"have {than} {count} item{'s' * (count != 1)}"


@dataclass(frozen=True)
class Object(Shape):
    """Objects."""

    fields: Mapping[str, Values] = field(default_factory=dict)
    """What the fields are that have a name here; `NOTHING` if a field must be missing."""
    rest: Values = ANYTHING
    """What every other field is."""
    required: frozenset[str] = frozenset()
    names: Text = field(default_factory=Text)
    """What the names of fields are."""
    least: int = 0
    most: int | None = None
    type_name = "object"

    def value(self, name: str) -> Values:
        """Return what a field may be."""
        return self.fields.get(name, self.rest) if name in self.names else NOTHING

    def having(self, name: str, value: Values) -> Object:
        """Return those in which the field `name` is there, and is one of `value`."""
        return replace(self, fields={**self.fields, name: value}, required=self.required | {name})

    def meet(self, other: Shape) -> Shape:  # noqa: D102
        that = cast("Object", other)
        fields = {name: self.value(name).meet(that.value(name)) for name in {**self.fields, **that.fields}}
        names = cast("Text", self.names.meet(that.names))
        required, most = self.required | that.required, lesser(self.most, that.most)
        return Object(fields, self.rest.meet(that.rest), required, names, max(self.least, that.least), most)

    def minus(self, other: Shape) -> Iterator[Piece]:  # noqa: D102
        that = cast("Object", other)
        for name in sorted(that.required - self.required):
            yield Piece(replace(self, fields={**self.fields, name: NOTHING}), MISSING, name)
        known = dict.fromkeys([*self.fields, *that.fields, *sorted(self.required | that.required)])
        for name in known:
            yield from self._differences_at(name, that)
        yield from self._other_fields(that, frozenset(known))
        if that.least > self.least:
            yield Piece(replace(self, most=lesser(self.most, that.least - 1)), _fewer_fields(that.least))
        if that.most is not None:
            yield Piece(replace(self, least=max(self.least, that.most + 1)), f"{MORE_FIELDS} {that.most}")

    def _differences_at(self, name: str, that: Object) -> Iterator[Piece]:
        mine, its = self.value(name), that.value(name)
        if its.is_empty():
            yield Piece(self.having(name, mine), UNKNOWN, name)
            return
        for each in mine.differences(its):
            yield Piece(self.having(name, Values((each.branch,))), each.why, join(name, each.at))

    def _other_fields(self, that: Object, known: frozenset[str]) -> Iterator[Piece]:
        """Yield what differs in fields without a name in either, shown by one with a name of its own."""
        if self.rest.is_empty():
            return
        new = cast("Text", self.names.meet(Text(complement(words(known)))))
        for part in new.minus(that.names):
            if (name := _new_name(cast("Text", part.shape))) is not None:
                yield Piece(self.having(name, self.rest), f"have the name {cut(name)!r}", OTHER_FIELDS, True)
        both = _new_name(cast("Text", new.meet(that.names)))
        if both is None:
            return
        if that.rest.is_empty():
            yield Piece(self.having(both, self.rest), UNKNOWN, OTHER_FIELDS, is_doubtful=True)
            return
        for each in self.rest.differences(that.rest):
            shape = self.having(both, Values((each.branch,)))
            yield Piece(shape, each.why, join(OTHER_FIELDS, each.at), is_doubtful=True)

    def conflict(self, other: Shape) -> str:  # noqa: D102
        that = cast("Object", other)
        needed = sorted(self.required & that.required)
        return next((name for name in needed if self.value(name).meet(that.value(name)).is_empty()), "")

    def is_empty(self) -> bool:  # noqa: D102
        if any(self.value(name).is_empty() for name in self.required):
            return True
        possible = [name for name in self.fields if not self.value(name).is_empty()]
        is_open = not self.rest.is_empty() and not self.names.is_empty()
        most = lesser(self.most, None if is_open else len({*possible, *self.required}))
        return most is not None and max(self.least, len(self.required)) > most

    def examples(self) -> Iterator[Json]:  # noqa: D102
        needed = [name for name in {**self.fields, **dict.fromkeys(sorted(self.required))} if name in self.required]
        choices = [list(self._some(name)) for name in needed]
        if not all(choices):
            return
        for choice in range(max((len(each) for each in choices), default=1)):
            made = {name: each[min(choice, len(each) - 1)] for name, each in zip(needed, choices, strict=True)}
            yield from self._filled(made)

    def _some(self, name: str) -> Iterator[Json]:
        yield from self.value(name).examples()

    def _filled(self, made: dict[str, Json]) -> Iterator[Json]:
        """Yield an object with as few fields more as it needs, and one with all that it may have."""
        optional = {name: next(self._some(name), None) for name in self.fields if name not in made}
        optional = {name: value for name, value in optional.items() if not self.value(name).is_empty()}
        filled = dict(made)
        for name in optional:
            if len(filled) < self.least:
                filled[name] = optional[name]
        while len(filled) < self.least:
            new = cast("Text", self.names.meet(Text(complement(words([*filled, *self.fields]))))).example()
            if new is None or len(filled) > LONGEST_EXAMPLE:
                return
            filled[new] = next(self.rest.examples(), None)
        yield filled
        whole = {**filled, **optional}
        if whole != filled and (self.most is None or len(whole) <= self.most):
            yield whole


def _new_name(names: Text) -> str | None:
    """Return one of the names, not the empty one if there is another."""
    longer = replace(names, least=max(names.least, 1)).example()
    return names.example() if longer is None else longer


def _fewer_fields(least: int) -> str:
    return "be empty" if least == 1 else f"have fewer fields than {least}"


def join(at: str, name: str) -> str:
    """Return the place of a field or an item within what is at `at`."""
    if not at or not name:
        return at or name
    return f"{at}{name}" if name.startswith("[") else f"{at}.{name}"


def exactly(value: Any) -> Values:
    """Return the set of one value."""
    return Values((Branch(_shape_of(value)),))


def _shape_of(value: Any) -> Shape:
    if value is None:
        return Null()
    if isinstance(value, bool):
        return Boolean(frozenset((value,)))
    if isinstance(value, int | float):
        return Number(value, value)
    if isinstance(value, str):
        return Text(words((value,)))
    if isinstance(value, list):
        return Array(tuple(exactly(item) for item in value), NOTHING, len(value), len(value))
    return Object({name: exactly(item) for name, item in value.items()}, NOTHING, frozenset(value))


ALL_SHAPES: Final = (Null(), Boolean(), Number(), Text(), Array(), Object())
register_all(*ALL_SHAPES)
