"""The command as its users run it: selections, exit codes, reports, clients that hang, lie, or never come."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pagewire_conformance.report.report_files import report_schema
from pagewire_conformance.requirements import TOPICS

CLIENT = Path(__file__).parent / "broken_clients" / "run_client.py"
CORRECT = f"{sys.executable} {CLIENT} Client {{url}}"


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start the command in a folder."""
    command = [sys.executable, "-m", "pagewire_conformance", "--report", str(folder / "report"), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run the command; return its exit code, and what it said."""
    with start(folder, *arguments) as process:
        out, error = process.communicate(timeout=100)
    return process.returncode, out + error


def report(folder: Path) -> dict[str, Any]:
    """Return the JSON report of a run, which is as its schema says."""
    found: dict[str, Any] = json.loads((folder / "report" / "report.json").read_text())
    jsonschema.validate(found, report_schema())
    return found


def client(name: str) -> str:
    """Return the command of a client with a defect."""
    return f"{sys.executable} {CLIENT} {name} {{url}}"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_correct_client_is_conformant(tmp_path: Path, workers: str) -> None:
    """Exit code 0, and every file of the report."""
    code, said = run(tmp_path, "--command", CORRECT, "--requirement", "EVAL-4", "-n", workers)
    assert code == 0, said
    assert "CONFORMANT: correct-client 1 (core)" in said
    found = report(tmp_path)
    assert (found["verdict"], found["expected"], found["executed"]) == ("conformant", 2, 2)
    assert {path.name for path in (tmp_path / "report").iterdir()} == {
        "report.html",
        "report.json",
        "junit.xml",
        "badge.svg",
    }
    assert ET.parse(tmp_path / "report" / "junit.xml").getroot().find("testsuite") is not None  # noqa: S314 - we wrote it
    assert "conformant" in (tmp_path / "report" / "badge.svg").read_text()


def test_a_broken_client_is_not_conformant(tmp_path: Path) -> None:
    """Exit code 1; the failure names the requirement, what was expected and what came, and has its transcript."""
    code, said = run(tmp_path, "--command", client("DoesNotAwait"), "-k", "test_promise_is_awaited")
    assert code == 1, said
    assert "FAILED eval_js/test_values.py::test_promise_is_awaited" in said
    (case,) = report(tmp_path)["cases"]
    assert (case["verdict"], case["broken"]) == ("failed", ["EVAL-4"])
    assert "Promise.resolve(1)" in case["message"]
    assert any('"eval_js"' in entry["text"] for entry in case["transcript"])
    assert case["repeat"].startswith("pagewire-conformance --command ")


def test_a_should_that_is_not_kept_is_a_warning(tmp_path: Path) -> None:
    """Exit code 0 all the same."""
    code, said = run(tmp_path, "--command", client("TellsNoTimezone"), "--requirement", "HELLO-9")
    assert code == 0, said
    assert "WARNING handshake/test_hello.py::test_page_describes_itself" in said


def test_what_could_not_be_verified_fails_only_if_that_is_asked_for(tmp_path: Path) -> None:
    """`--strict` makes it a failure."""
    arguments = ("--command", CORRECT, "-k", "test_page_goes_to_the_app_itself")
    assert run(tmp_path, *arguments)[0] == 0
    code, said = run(tmp_path, *arguments, "--strict")
    assert code == 1, said
    assert report(tmp_path)["counts"] == {"unverified": 1}


def test_a_client_that_never_connects_ends_the_run_soon(tmp_path: Path) -> None:
    """Exit code 2 after a few cases, not after each case's patience."""
    code, said = run(tmp_path, "--command", f"{sys.executable} -c pass {{url}}", "--timeout-factor", "0.1", "-n", "1")
    assert code == 2, said
    assert "PROBLEM the client never connected" in said
    assert report(tmp_path)["executed"] == 3


def test_a_client_that_hangs_costs_its_case_only(tmp_path: Path) -> None:
    """The others are judged, and the report is whole."""
    chosen = "test_hundred_commands or test_promise_that_settles"
    code, said = run(tmp_path, "--command", client("LosesEveryFiftiethReply"), "-k", chosen)
    assert code == 1, said
    found = report(tmp_path)
    assert (found["counts"]["failed"], found["expected"] - found["executed"]) == (1, 0)


def test_pytest_alone_does_not_compile_the_cases_without_their_counts(tmp_path: Path) -> None:
    """What it left on the disk would have the command say that no case checks anything."""
    arguments = ("-p", "pagewire_conformance.plugin", "--collect-only", "-c", os.devnull, str(TOPICS))
    command = [sys.executable, "-m", "pytest", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "set enable_assertion_pass_hook = true" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "one of --command, --page and --wait is needed"),
        (("--command", "no-such-program {url}"), "there is no program 'no-such-program'"),
        (("--command", "true"), "--command has no {url}"),
        (("--page", "http://localhost/"), "--page has no {url}"),
        (("--command", "true {url}", "-k", "no_such_case"), "no case is selected"),
        (("--command", "true {url}", "--requirement", "EVAL-99"), "no client is bound by EVAL-99"),
        (("--command", "true {url}", "--known-failures", "missing"), "No such file"),
        (("--command", "true {url}", "--repeat", "0"), "--repeat takes a number from 1"),
        (("--command", "true {url}", "--profile", "none"), "invalid choice: 'none'"),
    ],
)
def test_bad_usage_is_told(tmp_path: Path, arguments: tuple[str, ...], why: str) -> None:
    """Exit code 2, with what was wrong."""
    code, said = run(tmp_path, *arguments)
    assert code == 2
    assert why in said


def test_known_failures_do_not_fail_the_run(tmp_path: Path) -> None:
    """The report shows them as such."""
    (tmp_path / "known").write_text("eval_js/*awaited  # no promises yet\n")
    arguments = ("--command", client("DoesNotAwait"), "-k", "test_promise_is_awaited", "--known-failures", "known")
    code, said = run(tmp_path, *arguments)
    assert code == 0, said
    assert report(tmp_path)["counts"] == {"known failure": 1}


def test_a_known_failure_that_passes_fails_the_run(tmp_path: Path) -> None:
    """Exit code 2: the list is wrong."""
    (tmp_path / "known").write_text("eval_js/*awaited  # no promises yet\n")
    arguments = ("--command", CORRECT, "-k", "test_promise_is_awaited", "--known-failures", "known")
    code, said = run(tmp_path, *arguments)
    assert code == 2, said
    assert "passes; take it off the list" in said


def test_cases_can_be_listed_without_a_client(tmp_path: Path) -> None:
    """With their requirements, profiles and titles."""
    code, said = run(tmp_path, "--list", "--requirement", "EVAL-3")
    assert code == 0
    assert "eval_js/test_expressions.py::test_expression_may_end_in_a_comment  [core; EVAL-3]" in said
    assert said.endswith("1 cases\n")


def test_a_case_can_be_repeated_with_jitter(tmp_path: Path) -> None:
    """Each round counts, and is the same for the same seed."""
    code, said = run(tmp_path, "--command", CORRECT, "--requirement", "EVAL-4", "--repeat", "3", "--seed", "7")
    assert code == 0, said
    assert report(tmp_path)["expected"] == report(tmp_path)["executed"] == 6


def test_a_client_that_is_waited_for_is_given_one_case_after_the_other(tmp_path: Path) -> None:
    """`--wait`: it is told where to connect, and connects again for each case."""
    with start(tmp_path, "--wait", "--requirement", "EVAL-4") as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        loop = [sys.executable, str(CLIENT), "--again", "Client", url]
        with subprocess.Popen(loop) as looping:
            out, error = process.communicate(timeout=100)
            looping.terminate()
    assert process.returncode == 0, out + error
    assert report(tmp_path)["executed"] == 2
