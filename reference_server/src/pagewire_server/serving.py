"""Serving apps: until Ctrl-C, or in an event loop of the program's own."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Mapping

from pagewire_server.apps.running import App
from pagewire_server.backends.default.server import Server
from pagewire_server.options import Options

logger = logging.getLogger("pagewire.server")


def create_server(
    apps: App | Mapping[str, App], *, host: str = "127.0.0.1", port: int = 8080, options: Options | None = None
) -> Server:
    """Return a server for an event loop of your own, to be run by `async with`.

    Args:
        apps: By name; `index` is what a page without a name gets. One app alone is `index`.
        host: To listen on; all others than 127.0.0.1 open it to the network.
        port: To listen on; 0 finds a free one.
        options: All other settings.
    """
    named = {"index": apps} if callable(apps) else dict(apps)
    if not named:
        raise ValueError("serve() needs at least one app")
    for name, app in named.items():
        if not callable(app):
            raise TypeError(f"the app {name!r} is of type {type(app).__name__}; an app is a function")
    return Server(named, options or Options(), host, port)


def serve(
    apps: App | Mapping[str, App],
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    options: Options | None = None,
    on_start: Callable[[Server], object] | None = None,
) -> None:
    """Serve apps until Ctrl-C, then say bye to every session and call what they deferred.

    After SIGTERM no new session begins, and the same is done once the last one has ended, or after
    `Options.drain_window`; a second SIGTERM does it at once. The arguments are those of `create_server`; `on_start` is
    called once the server listens.
    OSError if the port is taken.
    """
    server = create_server(apps, host=host, port=port, options=options)
    asyncio.run(_serve_until_stopped(server, on_start))


async def _serve_until_stopped(server: Server, on_start: Callable[[Server], object] | None) -> None:
    drain, stop = asyncio.Event(), asyncio.Event()
    _on_signal(signal.SIGINT, stop.set)

    def terminate() -> None:
        (stop if drain.is_set() else drain).set()

    _on_signal(signal.SIGTERM, terminate)
    async with server:
        logger.info("listening on %s", server.url)
        if on_start:
            on_start(server)
        draining = asyncio.create_task(_drain_once(server, drain))
        stopping = asyncio.create_task(stop.wait())
        done, left = await asyncio.wait((draining, stopping), return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        await asyncio.gather(*done)
        logger.info("stopping")


async def _drain_once(server: Server, told: asyncio.Event) -> None:
    await told.wait()
    await server.drain()


def _on_signal(number: signal.Signals, call: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(call))
    else:
        loop.add_signal_handler(number, call)
