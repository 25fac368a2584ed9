"""What all ways to run a client have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from pagewire_conformance.peer.client_under_test import ClientDriver, NoDriver, Subject, TestCapability
from pagewire_conformance.wire.listener import Listener

Message = dict[str, Any]


class RunningClient(Subject, Protocol):
    """A client that runs for one case."""

    def stop(self) -> None:
        """End it, and all that it has started."""
        ...


class Launcher(Protocol):
    """Runs the client, once for each case."""

    def listener(self) -> Listener:
        """Return a listener for the next case."""
        ...

    def start(self, listener: Listener, *, full_browser: bool = False) -> RunningClient:
        """Run the client against `listener`; ClientFailure if it cannot be started.

        A page is given a `full_browser`, where there is one, if the case is about what only such a one does.
        """
        ...

    def close(self) -> None:
        """Give back what is shared by all cases."""
        ...

    def abandon(self) -> None:
        """End at once what does not end with this process. It is about to be ended by force; from any thread."""
        ...


def driver_by_messages(ask: Callable[[Message], Message], hello: Message, folder: Path | None) -> ClientDriver:
    """Return the driver of a client that is no page; `folder` is where it saves files, if that is known."""
    if "test" in hello["capabilities"]:
        return TestCapability(ask, folder)
    return NoDriver(folder)
