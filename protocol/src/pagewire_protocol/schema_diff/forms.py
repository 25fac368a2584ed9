"""What changed in a schema of two forms, and whom it breaks: the params of a message, or the result of a command.

A sender keeps to the strict form of its version, a receiver accepts the open form of its own. Whatever the one allows
and the other refuses breaks somebody:

| allowed by | refused by | breaks |
|---|---|---|
| old strict | new open | who sends as before |
| new strict | old open | who receives as before |
| new strict | new open | everybody: the version contradicts itself |
| old strict, a field | new strict, and unknown to new open | who sends the field: it is ignored (WIRE-15) |
| old open, what no version sends | new open | who sends what only a later version knows: it must be ignored (WIRE-15) |
| old open, words beyond those that old strict lists (codes) | new open | who sends what only a later version knows |
| new strict, fields of any name | old strict | who receives them: no later version can give them a meaning |

Every other difference of what the forms accept breaks nobody, and is told too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from pagewire_protocol.messages import Side
from pagewire_protocol.schema_diff.changes import EVERYBODY, Change, Example, name_sides
from pagewire_protocol.schema_diff.versions import Forms
from pagewire_protocol.schema_inclusion import Refusal, known_places, listed_places, refusals
from pagewire_protocol.schema_inclusion.shapes import MORE_FIELDS, OTHER_FIELDS, UNKNOWN, join

OPEN: Final = "open"
STRICT: Final = "strict"


def as_it_is(example: Any) -> Any:
    """Return an example that is a message already."""
    return example


@dataclass(frozen=True)
class FormsChange:
    """Two schemas of the same thing, in two forms each."""

    at: str
    old: Forms
    new: Forms
    old_senders: frozenset[Side]
    new_senders: frozenset[Side]
    as_message: Callable[[Any], Any] = as_it_is
    """Makes a message of what the schemas accept."""
    _told: set[tuple[str, str]] = field(default_factory=set, compare=False)

    def changes(self) -> Iterator[Change]:
        """Yield every change of what is sent and accepted, breaks first."""
        if self.old == self.new:
            return
        yield from self._breaks()
        yield from self._sent_no_more()
        yield from self._sent_now()
        yield from self._accepted_no_more()
        yield from self._accepted_now()

    def _breaks(self) -> Iterator[Change]:
        for refusal in self._untold(self.old, STRICT, self.new, OPEN):
            what = f"may {refusal.why}, which {self._new_receivers} no longer accept"
            yield self._break(refusal, what, self.old_senders, Example(self._old_sender, False, None))
        for refusal in self._untold(self.new, STRICT, self.old, OPEN):
            what = f"may now {refusal.why}, which {name_sides(_opposite(self.old_senders))} did not accept"
            yield self._break(refusal, what, _opposite(self.old_senders), Example(self._new_sender, True, None))
        for refusal in self._untold(self.new, STRICT, self.new, OPEN):
            what = f"may {refusal.why}, which the {self._new_receivers} of the same version refuse"
            yield self._break(refusal, what, EVERYBODY)

    def _sent_no_more(self) -> Iterator[Change]:
        known = known_places(self.new.open, self.new.open_root)
        for refusal in self._untold(self.old, STRICT, self.new, STRICT):
            is_gone = refusal.why == UNKNOWN and not _is_of_any_name(refusal) and _place(refusal) not in known
            if not is_gone:
                yield self._change(refusal, f"it may no longer {refusal.why}")
                continue
            what = f"the field is gone: {self._new_receivers} ignore it (WIRE-15)"
            is_refused = refusals({"enum": [refusal.example]}, self.new.open, (None, self.new.open_root))
            then = "refuses" if is_refused else "ignores the field"
            yield self._break(refusal, what, self.old_senders, Example(self._old_sender, False, None, then))

    def _sent_now(self) -> Iterator[Change]:
        for refusal in self._untold(self.new, STRICT, self.old, STRICT):
            if refusal.why == UNKNOWN and _is_of_any_name(refusal):
                what = "fields of any name may be sent now, so no later version can give one a meaning"
                yield self._break(refusal, what, _opposite(self.new_senders))
            else:
                yield self._change(
                    refusal, "the field is new" if refusal.why == UNKNOWN else f"it may now {refusal.why}"
                )

    def _accepted_no_more(self) -> Iterator[Change]:
        known = known_places(self.old.open, self.old.open_root)
        sent = known_places(self.new.strict, self.new.strict_root)
        vocabularies = _vocabularies(self.old)
        for refusal in self._untold(self.old, OPEN, self.new, OPEN):
            place = _place(refusal)
            if place in vocabularies:
                what = (
                    f"{self._new_receivers} no longer accept words that they do not know: a later version may add some"
                )
                yield self._break(refusal, what, self.old_senders)
            elif place in known and refusal.is_certain and not _is_about_unknown_fields(refusal, known):
                yield self._change(
                    refusal, f"{self._new_receivers} no longer accept it to {refusal.why}, which nobody sends"
                )
            elif place in known or place not in sent:
                what = f"{self._new_receivers} do not ignore what they do not know (WIRE-15): it may {refusal.why}"
                yield self._break(refusal, what, self.old_senders)

    def _accepted_now(self) -> Iterator[Change]:
        known = known_places(self.new.open, self.new.open_root)
        for refusal in self._untold(self.new, OPEN, self.old, OPEN):
            if _place(refusal) in known:
                yield self._change(refusal, f"{self._new_receivers} now accept it to {refusal.why}")

    @property
    def _new_receivers(self) -> str:
        return name_sides(_opposite(self.new_senders))

    @property
    def _old_sender(self) -> Side:
        return min(self.old_senders, key=lambda side: side.value)

    @property
    def _new_sender(self) -> Side:
        return min(self.new_senders, key=lambda side: side.value)

    def _untold(self, by: Forms, its_form: str, at: Forms, form: str) -> Iterator[Refusal]:
        """Yield what one form allows and another refuses, unless that was told of other forms."""
        sent, sent_root = (by.open, by.open_root) if its_form == OPEN else (by.strict, by.strict_root)
        accepted, accepted_root = (at.open, at.open_root) if form == OPEN else (at.strict, at.strict_root)
        for refusal in refusals(sent, accepted, (sent_root, accepted_root)):
            if (refusal.at, refusal.why) not in self._told:
                self._told.add((refusal.at, refusal.why))
                yield refusal

    def _change(self, refusal: Refusal, what: str) -> Change:
        return Change(join(self.at, refusal.at), what)

    def _break(self, refusal: Refusal, what: str, sides: frozenset[Side], example: Example | None = None) -> Change:
        """Return a break, with the refused message if it is one that a version sends."""
        at = join(self.at, refusal.at)
        if not refusal.is_certain:
            return Change(at, f"this cannot be decided: {what}", sides, is_certain=False)
        if example is None:
            return Change(at, what, sides)
        message = self.as_message(refusal.example)
        return Change(at, what, sides, Example(example.sender, example.is_of_new, message, example.then))


def _opposite(sides: frozenset[Side]) -> frozenset[Side]:
    return frozenset(side for side in Side if frozenset(Side) - {side} & sides)


def _vocabularies(forms: Forms) -> frozenset[str]:
    """Return where senders choose from a list of words, to which later versions may add: receivers accept any."""
    return listed_places(forms.strict, forms.strict_root) - listed_places(forms.open, forms.open_root)


def _is_of_any_name(refusal: Refusal) -> bool:
    return refusal.at.endswith(OTHER_FIELDS)


def _is_about_unknown_fields(refusal: Refusal, known: frozenset[str]) -> bool:
    """Whether fields are refused that the schema does not name: that there are any, or how many."""
    if refusal.why.startswith(MORE_FIELDS):
        return join(_place(refusal), OTHER_FIELDS) not in known
    return refusal.why == UNKNOWN and _is_of_any_name(refusal)


def _place(refusal: Refusal) -> str:
    """Return the place of a refusal, without the numbers of items."""
    head, *parts = refusal.at.split("[")
    return head + "".join(f"[]{part.partition(']')[2]}" for part in parts)
