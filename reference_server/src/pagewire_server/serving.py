"""Serving apps: until Ctrl-C, or in an event loop of the program's own."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Mapping

from pagewire_server.options import Options
from pagewire_server.runtime.apps import App
from pagewire_server.websocket.server import Server

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
    """Serve apps until Ctrl-C or SIGTERM, then say bye to every session and call what they deferred.

    The arguments are those of `create_server`; `on_start` is called once the server listens.
    OSError if the port is taken.
    """
    server = create_server(apps, host=host, port=port, options=options)
    asyncio.run(_serve_until_stopped(server, on_start))


async def _serve_until_stopped(server: Server, on_start: Callable[[Server], object] | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        if sys.platform == "win32":
            signal.signal(name, lambda *_: loop.call_soon_threadsafe(stop.set))
        else:
            loop.add_signal_handler(name, stop.set)
    async with server:
        logger.info("listening on %s", server.url)
        if on_start:
            on_start(server)
        await stop.wait()
        logger.info("stopping")
