"""Lets somebody else run the client: one URL, to which a client connects again and again, one case each time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pagewire_conformance.clients.launcher import observe_by_messages
from pagewire_conformance.peer.observer import Observer
from pagewire_conformance.wire.listener import Listener

Message = dict[str, Any]


class WaitingLauncher:
    """All cases share one listener; each case begins with the next connection."""

    def __init__(self, host: str, port: int, downloads: str | None) -> None:
        self._listener = Listener(host, port)
        self._downloads = Path(downloads) if downloads is not None else None

    @property
    def url(self) -> str:
        """Where clients are to connect."""
        return self._listener.url

    def listener(self) -> Listener:
        """See Launcher."""
        self._listener.forget()
        return self._listener

    def start(self, listener: Listener, *, full_browser: bool = False) -> _Somebody:
        """See Launcher: there is nothing to start."""
        del full_browser  # whatever it is
        return _Somebody(listener, self._downloads)

    def close(self) -> None:
        """See Launcher."""
        self._listener.close()


class _Somebody:
    def __init__(self, listener: Listener, downloads: Path | None) -> None:
        self._listener = listener
        self._downloads = downloads

    def observer(self, ask: Callable[[Message], Message], hello: Message) -> Observer:
        return observe_by_messages(ask, hello, self._downloads)

    def describe(self) -> str:
        return f"The client is to connect to {self._listener.url} again for each case."

    def output(self) -> str:
        return ""

    def stop(self) -> None:
        """Cut it off: it comes back for the next case, by itself or by whoever runs it."""
        self._listener.forget()
