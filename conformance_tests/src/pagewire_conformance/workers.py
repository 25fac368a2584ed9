"""The command's hold on its workers, which are processes of pytest-xdist: it interrupts them, and ends them by force.

Where a run is to stop, xdist by itself waits for the running cases, and counts a worker that stops first as crashed.
So a worker is told by SIGINT to give up its case (see `interruption`), and xdist to give out no more.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Generator
from typing import Any

import pytest

from pagewire_conformance.interruption import END_BY_FORCE, INTERRUPTION, held_signals


class Workers:
    """A plugin of pytest for the process that has workers."""

    def __init__(self) -> None:
        self._pids: dict[str, int] = {}
        """Of the workers that run, by the id of their gateway."""
        self._listening: set[str] = set()
        """Those of them that listen to signals; the others have nothing to clean up."""
        self._distribution: Any = None

    def stop(self) -> None:
        """End the run: no case is begun any more, and those that run are given up. From any thread."""
        if self._distribution is not None:
            self._distribution.shouldstop = "the run was stopped"
        for pid in list(self._pids.values()):
            _send(pid, signal.SIGINT)

    def kill(self) -> None:
        """End all workers with their clients by force, from any thread."""
        for id_, pid in list(self._pids.items()):
            _send(pid, END_BY_FORCE if id_ in self._listening else signal.SIGKILL)

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionstart(self, session: pytest.Session) -> Generator[None, None, None]:
        """Let the workers start; signals that come meanwhile reach each once it listens."""
        with held_signals():
            yield
        self._distribution = session.config.pluginmanager.getplugin("dsession")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Stop the workers if the run is interrupted."""
        if INTERRUPTION.requested:
            # execnet may wait 15 s for a worker that it ends before it has begun to work.
            self.kill()
            raise session.Interrupted("the run was interrupted")
        with INTERRUPTION.on_request(self.stop):
            return (yield)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_newgateway(self, gateway: Any) -> None:
        """Note a new worker's process."""
        self._pids[gateway.id] = gateway._rinfo().pid  # noqa: SLF001 - there is no other way to it

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self, node: Any) -> None:
        """Note that a worker listens. Stop again if a request came just before the loop began, which forgets it."""
        self._listening.add(node.gateway.id)
        if INTERRUPTION.requested:
            self.stop()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Forget a worker that has ended."""
        self._pids.pop(node.gateway.id, None)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
