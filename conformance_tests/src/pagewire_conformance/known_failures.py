"""The file of known failures: which cases a client is known to fail, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pagewire_conformance.report.records import CaseRecord
from pagewire_conformance.verdicts import Verdict


@dataclass(frozen=True)
class KnownFailure:
    """One line of the file."""

    pattern: str
    """A glob over the ids of cases: `download/test_names.py::*`."""
    reason: str
    line: int

    def matches(self, case: str) -> bool:
        """Whether a case is meant. Brackets stand for themselves, as they do in the names of cases."""
        return fnmatchcase(case, self.pattern.replace("[", "[[]"))


def read_known_failures(path: Path) -> list[KnownFailure]:
    """Return the lines of the file: `GLOB  # REASON`; ValueError names one that has no reason."""
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        pattern, mark, reason = line.partition(" #")
        if not mark or not reason.strip():
            raise ValueError(f"{path}:{number}: a known failure needs a reason: GLOB  # REASON")
        found.append(KnownFailure(pattern.strip(), reason.strip(), number))
    return found


def apply_known_failures(known: list[KnownFailure], records: Iterable[CaseRecord]) -> list[str]:
    """Give failures that are known their own verdict; return what is wrong with the list itself.

    Wrong are a line that matches no case, and one of whose cases none fails any more: it would hide the next failure.
    """
    problems = []
    all_records = list(records)
    for entry in known:
        own = [record for record in all_records if entry.matches(record.case)]
        failed = [record for record in own if record.verdict in {Verdict.FAILED, Verdict.KNOWN_FAILURE}]
        for record in failed:
            record.verdict = Verdict.KNOWN_FAILURE
            record.message = f"Known: {entry.reason}\n{record.message}"
        if not own:
            problems.append(f"known failures, line {entry.line}: {entry.pattern} matches no case")
        problems += [
            f"known failures, line {entry.line}: {record.case} passes; take it off the list"
            for record in own
            if record.verdict in {Verdict.PASSED, Verdict.WARNING}
        ]
    return problems
