"""One run of the suite: collects the cases, lets pytest run them, and gathers the records."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from pagewire_conformance.interruption import INTERRUPTION
from pagewire_conformance.options import Options
from pagewire_conformance.plugin import PROPERTY, case_id, profile_of, requirements_of
from pagewire_conformance.report.records import CaseRecord
from pagewire_conformance.report.run_report import RunReport
from pagewire_conformance.requirements import TOPICS
from pagewire_conformance.version import VERSION
from pagewire_conformance.workers import Workers

ATTEMPTS: Final = 3
"""After so many cases to which no client has connected, none will: the run ends."""

_SETTINGS: Final = """[pytest]
enable_assertion_pass_hook = true
python_files = test_*.py
"""


@dataclass(frozen=True)
class SelectedCase:
    """One of the cases of a run."""

    id: str
    title: str
    requirements: tuple[str, ...]
    profile: str


class Run:
    """One run: `select` its cases, `perform` them, and write its `report`."""

    def __init__(self, options: Options, expression: str) -> None:
        """`expression` is that of -k."""
        self.cases: list[SelectedCase] = []
        """In their order; empty before they are selected."""
        self._options = options
        self._expression = expression
        self._records: list[CaseRecord] = []
        self._problems: list[str] = []
        self._begin = time.monotonic()
        self._started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")

    def select(self) -> None:
        """Collect the cases; none if the run is interrupted meanwhile."""
        self._pytest("--collect-only", plugins=[_Collector(self.cases)])

    def perform(self, options: Options, workers: int, tell: Callable[[CaseRecord], None]) -> None:
        """Run the cases; `tell` hears of each. A signal ends this soon, with the records of what was done by then."""
        self._options = options
        junit = options.report_folder / "junit.xml"
        junit.parent.mkdir(parents=True, exist_ok=True)
        junit.unlink(missing_ok=True)
        arguments = ["--junitxml", str(junit), "-o", "junit_suite_name=pagewire-conformance"]
        recorder = _Recorder(self._records, self._problems, tell)
        plugins: list[object] = [recorder]
        if workers > 1:
            arguments += ["-n", str(workers), "--dist", "load", "--maxschedchunk", "1"]
            processes = Workers()
            recorder.stop = processes.stop
            INTERRUPTION.before_forced_end(processes.kill)
            plugins.append(processes)
        code = self._pytest(*arguments, plugins=plugins)
        if code in {pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR}:
            self._problems.append(f"pytest ended with {pytest.ExitCode(code).name}")

    def report(self) -> RunReport:
        """Return the report of what was done by now. May be called in any thread."""
        expected = [case.id for case in self.cases]
        seconds = time.monotonic() - self._begin
        records, problems = list(self._records), list(self._problems)
        interrupted = INTERRUPTION.requested
        if interrupted:
            # What the end itself brings up, workers that are gone and the like, says nothing.
            problems = [f"the run was interrupted after {len(records)} of {len(expected)} cases"]
        return RunReport(self._options, VERSION, self._started, seconds, expected, records, problems, interrupted)

    def _pytest(self, *arguments: str, plugins: list[object]) -> int:
        keyword = ["-k", self._expression] if self._expression else []
        with _settings() as settings:
            self._options.publish()
            return int(
                pytest.main([*settings, *keyword, *arguments, "--capture=no", "-p", "no:terminal"], plugins=plugins)
            )


class _Collector:
    def __init__(self, cases: list[SelectedCase]) -> None:
        self._cases = cases

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            title = (getattr(item, "obj", item).__doc__ or item.name).strip().splitlines()[0]
            self._cases.append(SelectedCase(case_id(item), title, requirements_of(item), profile_of(item).value))


class _Recorder:
    def __init__(self, records: list[CaseRecord], problems: list[str], tell: Callable[[CaseRecord], None]) -> None:
        self._records = records
        self._problems = problems
        self._tell = tell
        self.stop: Callable[[], None] | None = None
        """Stops the run; None where this process runs the cases itself."""

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        if self.stop is None:
            self.stop = partial(setattr, session, "shouldstop", "nobody connects")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = [value for name, value in report.user_properties if name == PROPERTY]
        if report.when == "call" and found and isinstance(found[0], dict):
            record = CaseRecord.from_json(found[0])
            self._records.append(record)
            self._tell(record)
            self._stop_if_nobody_connects()
        elif report.failed:
            self._problems.append(f"{report.nodeid}: the suite failed in {report.when}: {report.longreprtext[-500:]}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._problems.append(f"{report.nodeid}: could not be collected: {report.longreprtext[-500:]}")

    def _stop_if_nobody_connects(self) -> None:
        tried = len(self._records) == ATTEMPTS and not any(record.connected for record in self._records)
        if tried and self.stop is not None:
            self._problems.append(f"the client never connected. {self._records[0].message}")
            self.stop()


@contextmanager
def _settings() -> Iterator[list[str]]:
    """Give pytest settings of our own, so that those of the folder the user stands in have no say."""
    with tempfile.TemporaryDirectory(prefix="pagewire-conformance-") as folder:
        file = Path(folder) / "pytest.ini"
        file.write_text(_SETTINGS)
        kept = os.environ.pop("PYTEST_ADDOPTS", None)
        yield [
            *("-c", str(file), "--rootdir", str(TOPICS), "--import-mode=importlib", "-p", "no:cacheprovider"),
            *("-p", "pagewire_conformance.plugin", str(TOPICS)),
        ]
        if kept is not None:
            os.environ["PYTEST_ADDOPTS"] = kept
