"""The requirements of SPEC.md, read by machine: id, who is bound, level, text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast

Party = Literal["client", "server", "both"]
Level = Literal["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY"]

_LINE: Final = re.compile(
    r"^- \*\*(?P<id>[A-Z]+-[1-9][0-9]*)\*\* "
    r"\((?P<party>client|server|both), (?P<level>MUST NOT|MUST|SHOULD NOT|SHOULD|MAY)\) "
    r"(?P<text>.+(?:\n  .+)*)",
    re.MULTILINE,
)
_ATTEMPT: Final = re.compile(r"^[ \t]*- \*\*.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement of the specification."""

    id: str
    """For example `EVAL-4`."""
    party: Party
    """Who is bound by it."""
    level: Level
    text: str
    """In one line."""


def spec_text() -> str:
    """Return the text of SPEC.md: the one in the installed package, or the one of the checkout."""
    package = Path(__file__).parent
    installed = package / "SPEC.md"
    return (installed if installed.is_file() else package.parents[1] / "SPEC.md").read_text(encoding="utf-8")


def read_requirements(spec: str) -> tuple[Requirement, ...]:
    """Return the requirements in `spec`, the text of SPEC.md, in its order.

    ValueError names a line that is out of form, or an id that is used twice.
    """
    found = tuple(
        Requirement(
            id=match["id"],
            party=cast("Party", match["party"]),
            level=cast("Level", match["level"]),
            text=" ".join(match["text"].split()),
        )
        for match in _LINE.finditer(spec)
    )
    starts = {match.start() for match in _LINE.finditer(spec)}
    for attempt in _ATTEMPT.finditer(spec):
        if attempt.start() not in starts and "**ID**" not in attempt[0]:
            raise ValueError(f"a requirement out of form: {attempt[0]!r}")
    ids = [requirement.id for requirement in found]
    for id_ in ids:
        if ids.count(id_) > 1:
            raise ValueError(f"{id_} stands twice")
    return found
