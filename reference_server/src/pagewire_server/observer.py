"""What happens in a server, told to whoever counts it: by default nobody."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import cast

from pagewire_protocol.stream_frames import ChunkParts
from pagewire_server.sessions.command import Command


class MissingExtraError(ImportError):
    """An option needs a library that is not installed; the message says how to get it."""


class Observer:
    """Is told of everything worth counting, and does nothing with it. On the event loop, but where it says so."""

    def start(self, host: str, port: int) -> None:
        """Begin to show what was counted; OSError if the port is taken."""

    async def stop(self) -> None:
        """Show it no more."""

    def connection_opened(self) -> None:
        """A WebSocket was opened; its hello is still to come."""

    def connection_closed(self) -> None:
        """It was closed, or broke."""

    def handshake_refused(self, code: str) -> None:
        """A client was not let in; `code` is its bye's."""

    def session_began(self) -> None:
        """A new session began."""

    def session_resumed(self) -> None:
        """A client came back to its session."""

    def session_ended(self, code: str) -> None:
        """A session ended, by a bye with `code`."""

    def sent(self, frame: bytes | ChunkParts) -> None:
        """A frame was written to a client that is let in: a text, or a chunk in its parts."""

    def received(self, message: str | bytes) -> None:
        """A message came from a client that is let in."""

    def command_queued(self, command: Command) -> None:
        """The program has called for something. On any thread."""

    def command_finished(self, command: Command, outcome: str) -> None:
        """A command was answered, by `ok` or an error's code; or it was `withdrawn`, or lost: `session_closed`.

        On any thread.
        """

    def event_received(self) -> None:
        """The page emitted an event."""


def load_metrics(count_sessions: Callable[[], int], count_outbox_bytes: Callable[[], int]) -> Observer:
    """Return an observer that counts for Prometheus; MissingExtraError without its library."""
    try:
        module = importlib.import_module("pagewire_server.metrics")
    except ModuleNotFoundError as error:
        if error.name != "prometheus_client":
            raise
        what = "metrics_port needs prometheus-client: pip install 'pagewire[metrics]'"
        raise MissingExtraError(what) from None
    return cast("Observer", module.Metrics(count_sessions, count_outbox_bytes))
