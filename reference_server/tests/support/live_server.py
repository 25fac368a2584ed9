"""A server that runs beside a test, on an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from pagewire_server import Options, Server, create_server
from pagewire_server.apps.running import App
from pagewire_server.apps.session import Session

Value = TypeVar("Value")

PATIENCE: Final = 20.0
"""Seconds that any test waits for anything."""


class _SkippingEventLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock a test can move on, so that a deadline passes without being short."""

    _skipped = 0.0

    def time(self) -> float:
        return super().time() + self._skipped

    def skip(self, seconds: float) -> None:
        self._skipped += seconds


class LiveServer:
    """A running server, and its event loop to run coroutines in."""

    def __init__(self, server: Server, loop: _SkippingEventLoop) -> None:
        self.server = server
        self._loop = loop

    @property
    def url(self) -> str:
        """Of the page."""
        return self.server.url

    @property
    def socket_url(self) -> str:
        """Of the WebSocket."""
        return f"ws://127.0.0.1:{self.server.port}/ws?key=test"

    def run(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        """Run a coroutine on the server's loop and return its value."""
        return self.begin(coroutine).result(PATIENCE)

    def begin(self, coroutine: Coroutine[Any, Any, Value]) -> Future[Value]:
        """Run a coroutine on the server's loop beside the test."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def time(self) -> float:
        """Return the time of the server's clock."""
        return self._loop.time()

    def skip(self, seconds: float) -> None:
        """Move the server's clock on: whatever is due by then happens now."""
        self._loop.call_soon_threadsafe(self._loop.skip, seconds)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` holds on the server's loop."""

        async def wait() -> None:
            async with asyncio.timeout(PATIENCE):
                while not condition():  # noqa: ASYNC110 - it watches from outside what has no event of its own
                    await asyncio.sleep(0)

        self.run(wait())

    @property
    def is_detached(self) -> bool:
        """Whether no session has a connection."""
        return not any(session.is_attached for session in self.sessions)

    @property
    def sessions(self) -> list[Session]:
        """The living sessions."""
        return self.server._runner.directory.sessions()

    def stop(self) -> None:
        """Close the server, as Ctrl-C does."""
        self.run(self.server.close())


Serve = Callable[..., LiveServer]
"""Runs a server of apps, with options by name, that stops with the test."""


@contextmanager
def live_server(
    apps: App | Mapping[str, App], options: Options | None = None, port: int = 0, *, host: str = "127.0.0.1"
) -> Iterator[LiveServer]:
    """Run a server of `apps` on a free port until the block ends."""
    loop = _SkippingEventLoop()
    thread = threading.Thread(target=loop.run_forever, name="live-server", daemon=True)
    thread.start()
    live = LiveServer(create_server(apps, host=host, port=port, options=options), loop)
    live.run(live.server.start())
    try:
        yield live
    finally:
        live.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()
