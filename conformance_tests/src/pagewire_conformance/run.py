"""One run of the suite: collects the cases, lets pytest run them, and gathers the records."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from pagewire_conformance.options import Options
from pagewire_conformance.plugin import PROPERTY, case_id, profile_of, requirements_of
from pagewire_conformance.report.records import CaseRecord
from pagewire_conformance.report.run_report import RunReport
from pagewire_conformance.requirements import TOPICS
from pagewire_conformance.version import VERSION

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


@dataclass
class _Collector:
    cases: list[SelectedCase] = field(default_factory=list)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            title = (getattr(item, "obj", item).__doc__ or item.name).strip().splitlines()[0]
            self.cases.append(SelectedCase(case_id(item), title, requirements_of(item), profile_of(item).value))


class _Recorder:
    def __init__(self, tell: Callable[[CaseRecord], None]) -> None:
        self._tell = tell
        self.records: list[CaseRecord] = []
        self.problems: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = [value for name, value in report.user_properties if name == PROPERTY]
        if report.when == "call" and found and isinstance(found[0], dict):
            record = CaseRecord.from_json(found[0])
            self.records.append(record)
            self._tell(record)
            self._stop_if_nobody_connects()
        elif report.failed:
            self.problems.append(f"{report.nodeid}: the suite failed in {report.when}: {report.longreprtext[-500:]}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.problems.append(f"{report.nodeid}: could not be collected: {report.longreprtext[-500:]}")

    def _stop_if_nobody_connects(self) -> None:
        if len(self.records) >= ATTEMPTS and not any(record.connected for record in self.records):
            self.problems.append(f"the client never connected. {self.records[0].message}")
            raise KeyboardInterrupt


def select(options: Options, expression: str) -> list[SelectedCase]:
    """Return the cases of a run, in their order; `expression` is that of -k."""
    collector = _Collector()
    with _settings() as arguments:
        options.publish()
        pytest.main([*arguments, *_keyword(expression), "--collect-only", "-p", "no:terminal"], plugins=[collector])
    return collector.cases


def run(
    options: Options, cases: list[SelectedCase], expression: str, workers: int, tell: Callable[[CaseRecord], None]
) -> RunReport:
    """Run cases; `tell` hears of each. Ctrl-C ends the run, and the report has what was done by then."""
    recorder = _Recorder(tell)
    begin = time.monotonic()
    started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    options.report_folder.mkdir(parents=True, exist_ok=True)
    with _settings() as arguments:
        options.publish()
        parallel = ["-n", str(workers), "--dist", "load", "--maxschedchunk", "1"] if workers > 1 else []
        junit = ["--junitxml", str(options.report_folder / "junit.xml"), "-o", "junit_suite_name=pagewire-conformance"]
        code = pytest.main([*arguments, *_keyword(expression), *parallel, *junit, "-p", "no:terminal"], [recorder])
    problems = recorder.problems
    interrupted = code == pytest.ExitCode.INTERRUPTED
    if code in {pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR}:
        problems.append(f"pytest ended with {pytest.ExitCode(code).name}")
    expected = [case.id for case in cases]
    return RunReport(
        options, VERSION, started, time.monotonic() - begin, expected, recorder.records, problems, interrupted
    )


def _keyword(expression: str) -> list[str]:
    return ["-k", expression] if expression else []


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
