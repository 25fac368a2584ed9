"""Fixtures of all tests of the server: one that runs servers, one that connects scripted clients."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from live_server import LiveServer, Serve, live_server
from results import Results
from scripted_client import Connect, ScriptedClient, scripted_client
from soak import FaultPlan

from pagewire_server import Options
from pagewire_server.apps.running import App
from pagewire_server.ops.logs import line_limit

FAULTS = 25


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say how long the tests on bad lines and of a page's life last."""
    group = parser.getgroup("pagewire", "bad lines and real times")
    group.addoption("--faults", type=int, default=FAULTS, help="faults in each (default: %(default)s); needs --timeout")
    group.addoption("--fault-seed", type=int, help="that draws them (default: another one each time)")
    group.addoption(
        "--real-times", action="store_true", help="keep pages hidden, and dialogs open, for minutes; needs --timeout"
    )
    parser.addoption("--write-golden", action="store_true", help="record the conversations of tests/golden anew")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Run a server of apps; its options are given by name. It stops with the test."""
    with ExitStack() as stack:

        def start(apps: App | Mapping[str, App], **options: Any) -> LiveServer:
            return stack.enter_context(live_server(apps, Options(**options)))

        yield start


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connect a scripted client to a server, and say hello unless `hello=False`; it is closed with the test."""
    with ExitStack() as stack:

        def start(live: LiveServer, *, hello: bool = True, **changes: Any) -> ScriptedClient:
            client = stack.enter_context(scripted_client(live.socket_url))
            if hello:
                client.say_hello(**changes)
            return client

        yield start


@pytest.fixture(autouse=True)
def _logs_have_room() -> None:
    """Let each test see its lines, however many of their kind other tests have caused."""
    line_limit.reset()


@pytest.fixture
def results() -> Results:
    """Carry what an app has seen to the test."""
    return Results()


@pytest.fixture
def fault_plan(pytestconfig: pytest.Config) -> FaultPlan:
    """Return what the options ask of a bad line."""
    seed = pytestconfig.getoption("fault_seed")
    return FaultPlan(pytestconfig.getoption("faults"), random.randrange(10**6) if seed is None else seed)  # noqa: S311
