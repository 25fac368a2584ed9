"""The client under test, as far as a conversation needs to know it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pagewire_conformance.messages import Message
from pagewire_conformance.peer.observer import Observer


class Subject(Protocol):
    """A client that has been started for one case."""

    def observer(self, ask: Callable[[Message], Message], hello: Message) -> Observer:
        """Return what shows this client; `ask` sends it a command and returns the reply."""
        ...

    def describe(self) -> str:
        """Say what became of it, for a report: its exit code, its stderr."""
        ...

    def output(self) -> str:
        """Return what it has written to its stderr, or to the console of the page."""
        ...
