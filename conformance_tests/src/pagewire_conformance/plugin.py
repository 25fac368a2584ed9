"""The suite's part in pytest: fixtures for cases, which cases are chosen, and a record of each."""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

import pytest

from pagewire_conformance.clients.choice import launcher_for
from pagewire_conformance.clients.launcher import Launcher, RunningClient
from pagewire_conformance.execution import Outcome, perform
from pagewire_conformance.interruption import INTERRUPTION, WORKER_GRACE, Interrupted
from pagewire_conformance.options import Options
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.report.records import CaseRecord
from pagewire_conformance.requirements import TOPICS, Profile, specification
from pagewire_conformance.verdicts import ClientFailure, Verdict

PROPERTY: Final = "pagewire"
"""Under which name a record travels with pytest's report of a case."""

_ROUND: Final = "_round"
_launcher_key: Final = pytest.StashKey[Launcher]()
_running_key: Final = pytest.StashKey["_Running"]()
_record_key: Final = pytest.StashKey[CaseRecord]()


@dataclass
class _Running:
    peer: Peer
    client: RunningClient | None = None
    failure: ClientFailure | None = None
    assertions: int = 0


def case_id(item: pytest.Item) -> str:
    """Return how a case is called: its path below the cases, and its name, without the round of `--repeat`."""
    path = item.path.relative_to(TOPICS).as_posix()
    return f"{path}::{item.name}".replace(f"{_ROUND}-", "")


def requirements_of(item: pytest.Item) -> tuple[str, ...]:
    """Return the ids that a case names."""
    marker = item.get_closest_marker("requirement")
    return cast("tuple[str, ...]", marker.args) if marker is not None else ()


def profile_of(item: pytest.Item) -> Profile:
    """Return the profile of a case."""
    marker = item.get_closest_marker("profile")
    return Profile(marker.args[0]) if marker is not None else Profile.CORE


# --- Which cases ---


def pytest_configure(config: pytest.Config) -> None:
    """Announce the suite's marks."""
    if not config.getini("enable_assertion_pass_hook"):
        # Compiled cases stay on the disk: made without the calls of the hook, they would count none in any later run.
        raise pytest.UsageError("the cases count their checks: set enable_assertion_pass_hook = true")
    config.addinivalue_line("markers", "requirement(*ids): the requirements of SPEC.md that a case is about")
    config.addinivalue_line("markers", "long: the case takes seconds, since it is about waiting")
    config.addinivalue_line("markers", "full_browser: the case needs a browser with a blocker of popups")
    config.addinivalue_line("markers", "profile(name): the profile that a case belongs to")
    if _is_worker(config):
        INTERRUPTION.listen(grace=WORKER_GRACE, is_worker=True)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each case as often as `--repeat` says."""
    rounds = Options.received().repeat
    if rounds > 1 and _ROUND in metafunc.fixturenames:
        metafunc.parametrize(_ROUND, range(rounds), indirect=True, ids=[f"round{number}" for number in range(rounds)])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what `--profile` and `--requirement` ask for."""
    options = Options.received()
    # The long ones first, so that nobody waits for them at the end.
    ordered = sorted(items, key=lambda item: item.get_closest_marker("long") is None)
    kept = [item for item in ordered if _is_chosen(item, options)]
    chosen = set(map(id, kept))
    config.hook.pytest_deselected(items=[item for item in items if id(item) not in chosen])
    items[:] = kept


def _is_chosen(item: pytest.Item, options: Options) -> bool:
    by_profile = not options.profiles or profile_of(item) in options.profiles
    return by_profile and (not options.requirements or bool(set(options.requirements) & set(requirements_of(item))))


# --- Fixtures ---


@pytest.fixture
def _round(request: pytest.FixtureRequest) -> int:
    return int(getattr(request, "param", 0))


@pytest.fixture
def unconnected(request: pytest.FixtureRequest, _round: int) -> Iterator[Peer]:
    """Start the client; the case itself waits for it to connect."""
    options = Options.received()
    launcher = _launcher(request.config, options)
    listener = launcher.listener()
    jitter = random.Random(f"{options.seed}-{_round}-{request.node.nodeid}") if options.jitter else None  # noqa: S311 - to be repeated
    running = _Running(Peer(listener, _NoClient(), factor=options.timeout_factor, jitter=jitter))
    request.node.stash[_running_key] = running
    with INTERRUPTION.on_request(listener.interrupt):
        try:
            full_browser = request.node.get_closest_marker("full_browser") is not None
            with _skipped_if_interrupted():
                running.client = launcher.start(listener, full_browser=full_browser)
            running.peer.line.subject = running.client
        except ClientFailure as failure:
            running.failure = failure
        yield running.peer
        if running.client is not None:
            running.client.stop()
        if not options.wait:
            listener.close()


@pytest.fixture
def peer(unconnected: Peer) -> Peer:
    """Start the client; it has been welcomed when the case begins."""
    return unconnected


class _NoClient:
    def driver(self, *_: object) -> Any:
        raise ClientFailure("the client could not be started")

    def describe(self) -> str:
        return ""

    def output(self) -> str:
        return ""


def _launcher(config: pytest.Config, options: Options) -> Launcher:
    if _launcher_key not in config.stash:
        launcher = config.stash[_launcher_key] = launcher_for(options)
        INTERRUPTION.before_forced_end(launcher.abandon)
    return config.stash[_launcher_key]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give back what the launcher holds."""
    if (launcher := config.stash.get(_launcher_key, None)) is not None:
        launcher.close()


# --- The end of an interrupted run ---


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Stop collecting if the run is interrupted; a worker ends this in order, or xdist would start another for it."""
    if _is_worker(session.config):
        return (yield)
    with _stopped_by_request(session):
        return (yield)


def pytest_ignore_collect() -> bool | None:
    """Look into no more files if the run is interrupted."""
    return True if INTERRUPTION.requested else None


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Stop after the current case if the run is interrupted."""
    with _stopped_by_request(session):
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol() -> bool | None:
    """Begin no case in an interrupted run."""
    return True if INTERRUPTION.requested else None


@contextmanager
def _stopped_by_request(session: pytest.Session) -> Iterator[None]:
    def stop() -> None:
        session.shouldstop = "the run was interrupted"

    with INTERRUPTION.on_request(stop):
        yield


@contextmanager
def _skipped_if_interrupted() -> Iterator[None]:
    """Give up a case whose run is interrupted: it leaves no record, and counts as one that did not run."""
    try:
        yield
        INTERRUPTION.check()
    except Interrupted:
        pytest.skip("the run was interrupted")


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


# --- Running and recording ---


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool:
    """Run the case itself, judge what is left over, and keep a record; raises what makes pytest fail the case."""
    running = pyfuncitem.stash[_running_key]
    names = pyfuncitem._fixtureinfo.argnames  # noqa: SLF001 - as pytest's own hook does it
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    begin = time.monotonic()
    with _skipped_if_interrupted():
        outcome = _outcome(pyfuncitem, running, arguments)
    pyfuncitem.stash[_record_key] = _record(pyfuncitem, running, outcome, time.monotonic() - begin)
    if outcome.verdict in {Verdict.FAILED, Verdict.ERROR}:
        pytest.fail(outcome.message, pytrace=False)
    return True


def _outcome(item: pytest.Function, running: _Running, arguments: dict[str, Any]) -> Outcome:
    requirements = requirements_of(item)
    if running.failure is not None:
        return Outcome(Verdict.FAILED, str(running.failure), requirements, connected=False)
    outcome = perform(lambda: item.obj(**arguments), running.peer, requirements, greets="peer" in arguments)
    if outcome.verdict is Verdict.PASSED and not running.peer.line.checks + running.assertions:
        return Outcome(Verdict.ERROR, "the case checked nothing")
    return outcome


def pytest_assertion_pass(item: pytest.Item) -> None:
    """Count what a case has checked."""
    if (running := item.stash.get(_running_key, None)) is not None:
        running.assertions += 1


def _record(item: pytest.Function, running: _Running, outcome: Outcome, seconds: float) -> CaseRecord:
    hello = running.peer.hello
    docstring = (item.obj.__doc__ or item.name).strip().splitlines()[0]
    return CaseRecord(
        case=case_id(item),
        title=docstring,
        requirements=list(requirements_of(item)),
        profile=profile_of(item).value,
        verdict=outcome.verdict,
        message=outcome.message,
        broken=[id_ for id_ in outcome.broken if id_ in specification()],
        connected=outcome.connected and running.failure is None,
        seconds=round(seconds, 3),
        transcript=running.peer.line.transcript.as_json(),
        output=_output(running, outcome),
        client=dict(hello.get("client", {})),
        capabilities=sorted(hello.get("capabilities", {})),
        has_page=running.peer.has_page,
    )


def _output(running: _Running, outcome: Outcome) -> str:
    if running.client is None or outcome.verdict in {Verdict.PASSED, Verdict.NOT_OFFERED}:
        return ""
    return running.client.output()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let the record travel with pytest's report."""
    report = yield
    if call.when == "call" and (record := item.stash.get(_record_key, None)) is not None:
        report.user_properties.append((PROPERTY, record.as_json()))
        if record.verdict in {Verdict.UNVERIFIED, Verdict.NOT_OFFERED} and report.passed:
            report.outcome = "skipped"
            report.longrepr = (str(item.path), 0, f"Skipped: {record.verdict.value}: {record.message}")
    return report
