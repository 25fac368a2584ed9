"""The record of each case, and of the whole run, as the reports show them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from pagewire_conformance.verdicts import Verdict


@dataclass
class CaseRecord:
    """What came of one case."""

    case: str
    """Its path below the suite's cases and its name: `eval_js/test_values.py::test_...`."""
    title: str
    """What it checks, in one sentence."""
    requirements: list[str]
    profile: str
    verdict: Verdict
    message: str = ""
    """What was expected and what came; empty for a pass."""
    broken: list[str] = field(default_factory=list)
    """The requirements that were found broken, which may be others than those of the case."""
    connected: bool = True
    seconds: float = 0.0
    transcript: list[dict[str, Any]] = field(default_factory=list)
    output: str = ""
    """Of the client: its stderr, or the page's console."""
    client: dict[str, str] = field(default_factory=dict)
    """Its name and version, by its hello."""
    capabilities: list[str] = field(default_factory=list)
    has_page: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the record as the report has it."""
        return {**asdict(self), "verdict": self.verdict.value}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> CaseRecord:
        """Return the record that `as_json` gave."""
        return cls(**{**record, "verdict": Verdict(record["verdict"])})
