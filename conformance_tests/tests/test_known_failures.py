"""The file of known failures: what it hides, and when it is itself a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagewire_conformance.known_failures import KnownFailure, apply_known_failures, read_known_failures
from pagewire_conformance.report.records import CaseRecord
from pagewire_conformance.verdicts import Verdict


def record(case: str, verdict: Verdict) -> CaseRecord:
    """Return the record of a case."""
    return CaseRecord(case=case, title="", requirements=["EVAL-4"], profile="core", verdict=verdict)


def test_lines_have_a_glob_and_a_reason(tmp_path: Path) -> None:
    """Comments and empty lines are passed over."""
    file = tmp_path / "known"
    file.write_text("# ours\n\neval_js/*  # no promises yet\n")
    assert read_known_failures(file) == [KnownFailure("eval_js/*", "no promises yet", 3)]


def test_a_line_without_a_reason_is_refused_with_its_number(tmp_path: Path) -> None:
    """A failure that nobody can explain is not known."""
    file = tmp_path / "known"
    file.write_text("eval_js/*\n")
    with pytest.raises(ValueError, match=r"known:1: a known failure needs a reason"):
        read_known_failures(file)


def test_a_failure_that_is_known_gets_its_own_verdict() -> None:
    """It says so, with the reason."""
    found = record("eval_js/test_values.py::test_a[x]", Verdict.FAILED)
    assert apply_known_failures([KnownFailure("eval_js/test_values.py::test_a[x]", "later", 1)], [found]) == []
    assert (found.verdict, found.message) == (Verdict.KNOWN_FAILURE, "Known: later\n")


def test_a_known_failure_that_passes_is_a_problem() -> None:
    """It would hide the next failure."""
    known = [KnownFailure("eval_js/*", "later", 7)]
    problems = apply_known_failures(known, [record("eval_js/a", Verdict.PASSED)])
    assert problems == ["known failures, line 7: eval_js/a passes; take it off the list"]


def test_a_line_that_matches_nothing_is_a_problem() -> None:
    """It is a typing error, or its case was renamed."""
    problems = apply_known_failures([KnownFailure("eval/*", "later", 2)], [record("eval_js/a", Verdict.FAILED)])
    assert problems == ["known failures, line 2: eval/* matches no case"]
