"""The arguments of `pagewire-conformance`, and what is done with them."""

from __future__ import annotations

import argparse
import io
import os
import socket
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import segno

from pagewire_conformance.clients.choice import launcher_for
from pagewire_conformance.clients.waiting import WaitingLauncher
from pagewire_conformance.interruption import INTERRUPTION
from pagewire_conformance.known_failures import KnownFailure, apply_known_failures, read_known_failures
from pagewire_conformance.options import Options
from pagewire_conformance.progress import Progress
from pagewire_conformance.report.report_files import write_report
from pagewire_conformance.requirements import Profile, specification
from pagewire_conformance.run import Run, SelectedCase
from pagewire_conformance.version import VERSION

_EXAMPLES: Final = """examples:
  pagewire-conformance --command "node client.mjs {url}"
  pagewire-conformance --page "http://localhost:5173/?server={url}" --profile core
  pagewire-conformance --page builtin
  pagewire-conformance --wait --host 0.0.0.0 --port 9000

exit codes: 0 conformant, 1 not conformant, 2 the run itself failed.
"""

CASES_OF_A_WORKER: Final = 8
"""A worker takes a second or two to begin: for fewer cases another one is not worth it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    given = _parser().parse_args(arguments)
    with INTERRUPTION.on_request(_say_that_it_ends):
        return _perform(given)


def _perform(given: argparse.Namespace) -> int:
    try:
        options = _options(given)
        known = read_known_failures(Path(options.known_failures)) if options.known_failures else []
        if not given.list:
            launcher_for(replace(options, port=0)).close()
    except (OSError, ValueError, ImportError) as error:
        return _fail(str(error))
    run = Run(options, given.keyword)
    run.select()
    if INTERRUPTION.requested:
        return _fail("interrupted") if given.list else _Reporter(run, known, Progress(0)).finish()
    if not run.cases:
        return _fail("no case is selected: see --list")
    if given.list:
        return _list(run.cases)
    if options.wait:
        options = _invite(options)
    progress = Progress(len(run.cases))
    reporter = _Reporter(run, known, progress)
    INTERRUPTION.before_forced_end(reporter.finish)
    run.perform(options, _workers(given, options, len(run.cases)), progress.tell)
    return reporter.finish()


class _Reporter:
    """Writes the report and tells the verdict, once: at the end of the run, or before it is ended by force."""

    def __init__(self, run: Run, known: list[KnownFailure], progress: Progress) -> None:
        self._run = run
        self._known = known
        self._progress = progress
        self._lock = threading.Lock()
        self._exit_code: int | None = None

    def finish(self) -> int:
        with self._lock:
            if self._exit_code is None:
                self._exit_code = self._finish()
            return self._exit_code

    def _finish(self) -> int:
        report = self._run.report()
        problems = apply_known_failures(self._known, report.records)
        if not report.interrupted:  # else the cases that did not run are no fault of the list
            report.problems += problems
        files = write_report(report)
        if INTERRUPTION.requested and not report.interrupted:
            return self._finish()  # it came while the report was written
        self._progress.finish(report, files)
        return report.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pagewire-conformance",
        description="Tells of any client of Pagewire, in any language, whether it keeps the protocol.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pagewire-conformance {VERSION}")
    client = parser.add_argument_group("the client (one of the three)").add_mutually_exclusive_group()
    client.add_argument(
        "--command",
        metavar="COMMAND",
        help="run it as a process, one per case; {url} is where it connects, {downloads} a new folder for its files",
    )
    client.add_argument(
        "--page",
        metavar="URL",
        help="open it in a browser, a new tab per case; {url} as above; `builtin`: our own page",
    )
    client.add_argument("--wait", action="store_true", help="print a URL; somebody's client connects again and again")
    parser.add_argument("--browser", metavar="PATH", help="a Chromium (default: the one of this machine)")
    parser.add_argument("--host", default="127.0.0.1", help="for --wait (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="for --wait (default: a free one)")
    parser.add_argument(
        "--downloads", metavar="DIR", help="where the client saves files, to compare them byte for byte"
    )
    _add_selection(parser)
    _add_running(parser)
    return parser


def _add_selection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which cases (default: all)")
    group.add_argument(
        "--profile", action="append", default=[], choices=[profile.value for profile in Profile], help="may be repeated"
    )
    group.add_argument("--requirement", action="append", default=[], metavar="ID", help="EVAL-4; may be repeated")
    group.add_argument("-k", dest="keyword", default="", metavar="EXPRESSION", help="by name, as in pytest")
    group.add_argument("--list", action="store_true", help="list the cases, and run none")


def _add_running(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how they run")
    group.add_argument("-n", dest="workers", type=int, metavar="WORKERS", help="at once (default: by cores and cases)")
    group.add_argument("--timeout-factor", type=float, default=1.0, metavar="X", help="of the suite's patience")
    group.add_argument("--strict", action="store_true", help="what could not be verified is a failure")
    group.add_argument("--known-failures", metavar="FILE", help="lines of GLOB  # REASON; one that passes is an error")
    group.add_argument("--repeat", type=int, default=1, metavar="N", help="run each case N times, with jitter")
    group.add_argument("--jitter", action="store_true", help="split and delay what is sent, by chance")
    group.add_argument("--seed", type=int, default=0, help="of the jitter (default: %(default)s)")
    group.add_argument("--report", default="pagewire-report", metavar="DIR", help="default: %(default)s")


def _options(given: argparse.Namespace) -> Options:
    unknown = sorted(set(given.requirement) - set(specification()))
    if unknown:
        raise ValueError(f"--requirement: no client is bound by {', '.join(unknown)}: see SPEC.md")
    if given.repeat < 1 or given.timeout_factor <= 0:
        raise ValueError("--repeat takes a number from 1, --timeout-factor one above 0")
    if not given.list and given.command is None and given.page is None and not given.wait:
        raise ValueError("one of --command, --page and --wait is needed: see --help")
    if given.page is not None and given.page != "builtin" and "{url}" not in given.page:
        raise ValueError("--page has no {url}, where the URL to connect to is put in")
    return Options(
        command=given.command,
        page=given.page,
        wait=given.wait,
        host=given.host,
        port=given.port,
        browser=given.browser,
        profiles=tuple(given.profile),
        requirements=tuple(given.requirement),
        strict=given.strict,
        timeout_factor=given.timeout_factor,
        downloads=given.downloads,
        known_failures=given.known_failures,
        repeat=given.repeat,
        seed=given.seed,
        jitter=given.jitter or given.repeat > 1,
        report=given.report,
    )


def _workers(given: argparse.Namespace, options: Options, cases: int) -> int:
    if options.wait or options.downloads is not None:
        return 1  # one client, or one folder, for all cases
    if given.workers is not None:
        return max(1, int(given.workers))
    # Most of a case is waiting; a browser takes more of a core than a process does.
    cores = os.cpu_count() or 1
    most = cores + 1 if options.page is not None else 2 * cores
    return min(most, -(-cases // CASES_OF_A_WORKER))


def _list(cases: list[SelectedCase]) -> int:
    for case in cases:
        sys.stdout.write(f"{case.id}  [{case.profile}; {', '.join(case.requirements)}]\n    {case.title}\n")
    sys.stdout.write(f"{len(cases)} cases\n")
    return 0


def _invite(options: Options) -> Options:
    """Choose the port now, so that the URL can be told."""
    launcher = WaitingLauncher(options.host, options.port, options.downloads)
    url = launcher.url
    launcher.close()
    sys.stdout.write(_invitation(url))
    sys.stdout.flush()
    return replace(options, port=int(url.rsplit(":", 1)[1].split("/")[0]))


def _invitation(url: str) -> str:
    """Return what tells people where their clients are to connect, with a QR code for phones.

    Where the URL is of this machine only, it says how to reach it from others.
    """
    code = io.StringIO()
    segno.make(url, micro=False).terminal(out=code, compact=True)
    lines = [
        f"Connect the client to {url}",
        "It is to connect again for each case: after `bye server_shutdown`, and whenever its session has ended.",
        code.getvalue(),
    ]
    if "127.0.0.1" in url:
        lines.append("This is this machine only; with --host 0.0.0.0 others reach it, by the name "
                     f"{socket.gethostname()}.")  # fmt: skip
    return "\n".join(lines) + "\n"


def _say_that_it_ends() -> None:
    sys.stderr.write("\npagewire-conformance: interrupted; the run ends, and a second signal ends it at once\n")


def _fail(message: str) -> int:
    sys.stderr.write(f"pagewire-conformance: {message}\n")
    return 2
