"""Lets somebody else run the client: one URL, to which a client connects again and again, one case each time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pagewire_conformance.clients.launcher import driver_by_messages
from pagewire_conformance.messages import bye
from pagewire_conformance.peer.client_under_test import ClientDriver
from pagewire_conformance.verdicts import ClientFailure
from pagewire_conformance.wire.arrivals import Arrival, Kind
from pagewire_conformance.wire.listener import Listener

Message = dict[str, Any]

PATIENCE: Final = 60.0
"""Seconds for a client to come, before --timeout-factor: a person may have to do something for it."""

_FIRST_WORD: Final = 10.0
"""Seconds from a connection to its hello."""


class WaitingLauncher:
    """All cases share one listener; each begins with the next new instance that says hello."""

    def __init__(self, host: str, port: int, downloads: str | None, factor: float = 1.0) -> None:
        self._listener = Listener(host, port)
        self._downloads = Path(downloads) if downloads is not None else None
        self._factor = factor
        self._known: set[str] = set()

    @property
    def url(self) -> str:
        """Where clients are to connect."""
        return self._listener.url

    def listener(self) -> Listener:
        """See Launcher."""
        return self._listener

    def start(self, listener: Listener, *, full_browser: bool = False) -> _Somebody:
        """See Launcher: waits for somebody who was not here before, and leaves to the case what he has said."""
        del full_browser  # whatever it is
        listener.open()
        deadline = time.monotonic() + PATIENCE * self._factor
        while True:
            opened = listener.take(deadline, lambda each: each.kind is Kind.OPENED)
            if opened is None:
                raise ClientFailure(f"no new client has connected to {listener.url}")
            if (hello := self._first_word(listener, opened)) is not None:
                listener.put_back([opened, hello])
                return _Somebody(listener, self._downloads)

    def close(self) -> None:
        """See Launcher."""
        self._listener.close()

    def abandon(self) -> None:
        """See Launcher: the client is not ours to end."""

    def _first_word(self, listener: Listener, opened: Arrival) -> Arrival | None:
        """Return the hello of a new instance; an old one is told that its session is gone."""
        hello = listener.take(
            time.monotonic() + _FIRST_WORD * self._factor,
            lambda each: each.connection == opened.connection and each.kind in {Kind.TEXT, Kind.LOST},
        )
        if hello is None or hello.kind is Kind.LOST:
            return None
        instance = _instance(hello.data)
        if instance is not None and instance in self._known:
            connection = listener.connection(opened.connection)
            connection.send_text(json.dumps(bye("session_gone", "never")).encode())
            connection.send_close(4410)
            return None
        if instance is not None:
            self._known.add(instance)
        return hello


class _Somebody:
    def __init__(self, listener: Listener, downloads: Path | None) -> None:
        self._listener = listener
        self._downloads = downloads

    has_connected = True
    """Whether the client is here before the case begins."""

    def driver(self, ask: Callable[[Message], Message], hello: Message) -> ClientDriver:
        return driver_by_messages(ask, hello, self._downloads)

    def describe(self) -> str:
        return f"The client is to connect to {self._listener.url} again for each case."

    def output(self) -> str:
        return ""

    def stop(self) -> None:
        """Ask for a new instance: a client that keeps the protocol comes back by itself, for the next case."""
        farewell = json.dumps(bye("server_shutdown", "reconnect", "The case is over.")).encode()
        self._listener.dismiss(farewell, 1012)


def _instance(data: bytes) -> str | None:
    try:
        return str(json.loads(data)["params"]["instance"])
    except (ValueError, KeyError, TypeError):
        return None
