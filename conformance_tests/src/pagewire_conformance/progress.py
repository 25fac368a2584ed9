"""What is seen in the terminal while the cases run, and when they are done."""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import Final, TextIO

from pagewire_conformance.report.records import CaseRecord
from pagewire_conformance.report.run_report import RunReport
from pagewire_conformance.verdicts import Verdict

_COLORS: Final = {
    Verdict.PASSED: "32",
    Verdict.FAILED: "31;1",
    Verdict.ERROR: "31;1",
    Verdict.WARNING: "33",
    Verdict.KNOWN_FAILURE: "33",
    Verdict.UNVERIFIED: "36",
    Verdict.NOT_OFFERED: "2",
}
_TOLD: Final = frozenset((Verdict.FAILED, Verdict.ERROR, Verdict.WARNING))
_BAR: Final = 30
_EVERY: Final = 50
_LONGEST_MESSAGE: Final = 600


class Progress:
    """A line that is written over in a terminal, and a line now and then elsewhere. Failures are told at once."""

    def __init__(self, total: int, stream: TextIO = sys.stdout) -> None:
        self._total = total
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._counts: Counter[Verdict] = Counter()
        self._begin = time.monotonic()

    def tell(self, record: CaseRecord) -> None:
        """Count a case that is done."""
        self._counts[record.verdict] += 1
        if record.verdict in _TOLD:
            self._clear()
            self._write(f"{self._paint(record.verdict, record.verdict.value.upper())} {record.case}\n")
            self._write(f"    {record.title}\n")
            for line in record.message[:_LONGEST_MESSAGE].splitlines():
                self._write(f"    {line}\n")
        done = sum(self._counts.values())
        if self._is_terminal:
            self._draw(done)
        elif done % _EVERY == 0 or done == self._total:
            self._write(f"{done}/{self._total} cases, {self._summary()}, {self._seconds():.0f} s\n")

    def finish(self, report: RunReport, files: list[str]) -> None:
        """Tell the verdict."""
        self._clear()
        client = report.as_json()["client"]
        name = f"{client['name']} {client['version']}" if client else "the client"
        for profile in report.as_json()["profiles"]:
            counts = ", ".join(f"{count} {verdict}" for verdict, count in profile["counts"].items())
            self._write(f"{profile['name']:<8} {counts or 'no case'}\n")
        for problem in report.problems:
            self._write(f"{self._paint(Verdict.ERROR, 'PROBLEM')} {problem}\n")
        if report.missing:
            self._write(f"{len(report.missing)} of {len(report.expected)} selected cases did not run, the first: ")
            self._write(f"{report.missing[0]}\n")
        verdict = Verdict.PASSED if report.exit_code == 0 else Verdict.FAILED
        shown = f" ({', '.join(report.profiles)})" if report.exit_code == 0 else ""
        word = self._paint(verdict, report.verdict.upper())
        self._write(f"{word}: {name}{shown}, {len(report.records)} cases in {report.seconds:.0f} s\n")
        for file in files:
            self._write(f"  {file}\n")
        passed = report.as_json()["counts"].get("passed", 0)
        others = len(report.records) - passed - report.as_json()["counts"].get("failed", 0)
        failed = len(report.records) - passed - others
        self._write(f"cases: {passed} passed, {failed} failed, {others} skipped\n")

    def _summary(self) -> str:
        return ", ".join(f"{count} {verdict.value}" for verdict, count in self._counts.items())

    def _seconds(self) -> float:
        return time.monotonic() - self._begin

    def _draw(self, done: int) -> None:
        filled = _BAR * done // max(1, self._total)
        bar = "━" * filled + " " * (_BAR - filled)
        self._write(f"\r\x1b[K{bar} {done}/{self._total}  {self._summary()}")

    def _clear(self) -> None:
        if self._is_terminal:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

    def _paint(self, verdict: Verdict, text: str) -> str:
        return f"\x1b[{_COLORS[verdict]}m{text}\x1b[0m" if self._is_terminal else text
