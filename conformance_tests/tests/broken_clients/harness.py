"""Runs cases of the suite against a client in this process, and says what came of them."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import pytest

from broken_clients.client import Client
from pagewire_conformance.execution import Outcome, perform
from pagewire_conformance.peer.client_under_test import ClientDriver, OpenedApp, TestCapability
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.plugin import case_id, requirements_of
from pagewire_conformance.requirements import TOPICS
from pagewire_conformance.wire.listener import Listener

Message = dict[str, Any]

FACTOR: Final = 0.4
"""Of the suite's patience: these clients are in the same process."""


@dataclass(frozen=True)
class Case:
    """One case, as pytest collects it."""

    id: str
    requirements: tuple[str, ...]
    function: Callable[..., object]
    arguments: dict[str, Any]
    greets: bool

    @property
    def name(self) -> str:
        """The id without parameters."""
        return self.id.split("[")[0]


class _Collector:
    def __init__(self) -> None:
        self.cases: list[Case] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            assert isinstance(item, pytest.Function)
            names = item._fixtureinfo.argnames
            arguments = dict(item.callspec.params) if hasattr(item, "callspec") else {}
            self.cases.append(Case(case_id(item), requirements_of(item), item.obj, arguments, "peer" in names))


@cache
def all_cases() -> tuple[Case, ...]:
    """Collect the suite's cases."""
    collector = _Collector()
    arguments = ["--collect-only", "-s", "-c", "/dev/null", "--rootdir", str(TOPICS), "--import-mode=importlib"]
    arguments += ["-o", "enable_assertion_pass_hook=true"]
    quiet = ["-p", "no:terminal", "-p", "no:cacheprovider", "-p", "pagewire_conformance.plugin"]
    assert pytest.main([*arguments, *quiet, str(TOPICS)], plugins=[collector]) == pytest.ExitCode.OK
    return tuple(collector.cases)


class _Window(TestCapability):
    """What the harness sees besides, since the client is at hand."""

    def __init__(self, client: Client, ask: Callable[[Message], Message]) -> None:
        super().__init__(ask, None)
        self._client = client

    def notice(self) -> str:
        self._client.stopped.wait(0.05)
        return self._client.notice

    def apps_after_leaving(self, count: int) -> list[OpenedApp]:
        return [OpenedApp(each["url"], each["new_window"]) for each in self._client.page.apps[:count]]


class InProcessClient:
    """A client in a thread of its own."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._thread = threading.Thread(target=self._run, name=type(client).__name__, daemon=True)
        self._error: BaseException | None = None

    def start(self) -> None:
        """Let it connect."""
        self._thread.start()

    def driver(self, ask: Callable[[Message], Message], hello: Message) -> ClientDriver:
        """See Subject of the peer."""
        return _Window(self._client, ask)

    def describe(self) -> str:
        """See Subject of the peer."""
        return "" if self._error is None else f"The client has died: {self._error!r}"

    def output(self) -> str:
        """See Subject of the peer."""
        return "\n".join(self._client.output)

    def stop(self) -> None:
        """End it."""
        self._client.stopped.set()
        self._thread.join(10)

    def _run(self) -> None:
        try:
            self._client.run()
        except Exception as error:  # noqa: BLE001 - a broken client may break in any way
            self._error = error


def run_case(
    case: Case, client_type: type[Client], *, factor: float = FACTOR, jitter: random.Random | None = None
) -> Outcome:
    """Run one case against a new client of that type."""
    listener = Listener()
    client = client_type(listener.url)
    subject = InProcessClient(client)
    peer = Peer(listener, subject, factor=factor, jitter=jitter)
    name = "peer" if case.greets else "unconnected"
    subject.start()
    try:
        return perform(
            lambda: case.function(**{name: peer}, **case.arguments), peer, case.requirements, greets=case.greets
        )
    finally:
        client.stopped.set()
        listener.close()
        subject.stop()
