"""The report of a whole run, as data: verdicts by profile and by requirement, and the record of each case."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pagewire_conformance.options import Options
from pagewire_conformance.report.records import CaseRecord
from pagewire_conformance.requirements import Profile, specification
from pagewire_conformance.verdicts import Verdict
from pagewire_protocol.versions import LATEST_VERSION

FORMAT: Final = 1
"""Of report.json; see report.schema.json."""

CONFORMANT: Final = "conformant"
NOT_CONFORMANT: Final = "not conformant"
RUN_FAILED: Final = "run failed"

_SEVERITY: Final = (
    Verdict.ERROR,
    Verdict.FAILED,
    Verdict.KNOWN_FAILURE,
    Verdict.WARNING,
    Verdict.UNVERIFIED,
    Verdict.PASSED,
    Verdict.NOT_OFFERED,
)
"""The worst first. What was not offered says nothing, so that it stands last."""


@dataclass
class RunReport:
    """Everything that is known after a run. `problems` are the run's own: with one, nothing is proven."""

    options: Options
    version: str
    started: str
    """When, in ISO 8601."""
    seconds: float
    expected: Sequence[str]
    """The cases that were selected, by id; with --repeat as often as they were to run."""
    records: list[CaseRecord]
    problems: list[str] = field(default_factory=list)
    interrupted: bool = False
    """Whether a signal ended the run."""

    @property
    def missing(self) -> list[str]:
        """The cases that were selected and left no record."""
        missing = Counter(self.expected) - Counter(record.case for record in self.records)
        return sorted(missing.elements())

    @property
    def exit_code(self) -> int:
        """0 conformant, 1 not, 2 the run itself failed."""
        verdicts = {record.verdict for record in self.records}
        if self.interrupted or self.problems or self.missing or not self.records or Verdict.ERROR in verdicts:
            return 2
        if Verdict.FAILED in verdicts or (self.options.strict and Verdict.UNVERIFIED in verdicts):
            return 1
        return 0

    @property
    def verdict(self) -> str:
        """The same in words."""
        return (CONFORMANT, NOT_CONFORMANT, RUN_FAILED)[self.exit_code]

    @property
    def profiles(self) -> list[str]:
        """The profiles in which something was shown, and nothing was broken."""
        return [
            name for name, (verdict, _) in self._by_profile().items() if verdict in {Verdict.PASSED, Verdict.WARNING}
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the report as report.json has it."""
        first = next((record for record in self.records if record.client), None)
        return {
            "format": FORMAT,
            "suite": self.version,
            "protocol": LATEST_VERSION,
            "started": self.started,
            "seconds": round(self.seconds, 1),
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "interrupted": self.interrupted,
            "problems": self.problems,
            "mode": self.options.mode,
            "client": first.client if first is not None else {},
            "capabilities": first.capabilities if first is not None else [],
            "expected": len(self.expected),
            "executed": len(self.records),
            "missing": self.missing,
            "counts": {verdict.value: count for verdict, count in count_verdicts(self.records).items()},
            "profiles": [
                {"name": name, "verdict": verdict.value, "counts": counts}
                for name, (verdict, counts) in self._by_profile().items()
            ],
            "requirements": self._requirements(),
            "cases": [{**record.as_json(), "repeat": self.repeat_line(record)} for record in self.records],
        }

    def repeat_line(self, record: CaseRecord) -> str:
        """Return the command that runs one case again."""
        path, _, name = record.case.partition("::")
        function = name.split("[")[0]
        topic = path.removesuffix(".py").split("/")[-1]
        return f"pagewire-conformance {self._mode_flags()} -k {shlex.quote(f'{topic} and {function}')}"

    def _mode_flags(self) -> str:
        options = self.options
        if options.command is not None:
            return f"--command {shlex.quote(options.command)}"
        return "--wait" if options.wait else f"--page {shlex.quote(str(options.page))}"

    def _by_profile(self) -> dict[str, tuple[Verdict, dict[str, int]]]:
        found = {}
        for profile in Profile:
            records = [record for record in self.records if record.profile == profile.value]
            counts = {verdict.value: count for verdict, count in count_verdicts(records).items()}
            found[profile.value] = (worst(record.verdict for record in records), counts)
        return found

    def _requirements(self) -> list[dict[str, Any]]:
        rows = []
        for id_, requirement in specification().items():
            own = [record for record in self.records if id_ in record.requirements]
            verdicts = [record.verdict for record in own if not record.broken or id_ in record.broken]
            verdicts += [record.verdict for record in self.records if id_ in record.broken]
            # A case that failed for the sake of another requirement has not shown this one.
            verdicts += [Verdict.UNVERIFIED for record in own if record.broken and id_ not in record.broken]
            rows.append(
                {
                    "id": id_,
                    "level": requirement.level,
                    "text": requirement.text,
                    "verdict": worst(verdicts).value,
                    "cases": sorted({record.case for record in own}),
                }
            )
        return rows


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of some verdicts; of none, that nothing was offered."""
    return min(verdicts, key=_SEVERITY.index, default=Verdict.NOT_OFFERED)


def count_verdicts(records: Iterable[CaseRecord]) -> dict[Verdict, int]:
    """Return how often each verdict was given, the worst first."""
    counts = Counter(record.verdict for record in records)
    return {verdict: counts[verdict] for verdict in _SEVERITY if counts[verdict]}
