"""Serving apps: until Ctrl-C, or in an event loop of the program's own."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from pagewire_protocol.fields import MAX_NAME
from pagewire_server.apps.running import App
from pagewire_server.backends.default.server import Server
from pagewire_server.ops.descriptors import raise_descriptor_limit
from pagewire_server.ops.event_loop import run_until_complete
from pagewire_server.ops.signals import StopSignals, describe_apps
from pagewire_server.options import Options

logger = logging.getLogger("pagewire.server")

LAST_PORT: Final = 65_535

_FROZEN_BY_PYTHON: Final = gc.get_freeze_count()
"""Python 3.12 freezes some hundred objects itself. Programs freeze once they have imported everything."""


def create_server(
    apps: App | Mapping[str, App], *, host: str = "127.0.0.1", port: int = 8080, options: Options | None = None
) -> Server:
    """Return a server for an event loop of your own, to be run by `async with`.

    Args:
        apps: By name, of 1 to 128 characters; `index` is what a page without a name gets. One app alone is `index`.
        host: To listen on; all others than 127.0.0.1 open it to the network.
        port: To listen on; 0 finds a free one.
        options: All other settings.

    TypeError or ValueError says which argument is wrong, and what it accepts.
    """
    named = apps_by_name(apps)
    _check_settings(host, port, options)
    return Server(named, options or Options(), host, port)


def _check_settings(host: object, port: object, options: object) -> None:
    if not isinstance(host, str):
        raise TypeError(f"host is {host!r}; it is a str, such as '127.0.0.1'")
    if not isinstance(port, int) or isinstance(port, bool):
        raise TypeError(f"port is {port!r}; it is an int from 0 to {LAST_PORT}")
    if not 0 <= port <= LAST_PORT:
        raise ValueError(f"port is {port}; it is an int from 0 to {LAST_PORT}")
    if not isinstance(options, Options | None):
        raise TypeError(f"options is of type {type(options).__name__}; pass Options(...)")


def apps_by_name(apps: object) -> dict[str, App]:
    """Return apps by their names; TypeError or ValueError for what are not apps."""
    if callable(apps):
        return {"index": apps}
    if not isinstance(apps, Mapping):
        raise TypeError(
            f"apps is of type {type(apps).__name__}; "
            "pass a function, without calling it, or a dict of functions by name"
        )
    if not apps:
        raise ValueError("serve() needs at least one app")
    for name, app in apps.items():
        if not isinstance(name, str):
            raise TypeError(f"the name of an app is {name!r}; it is a str of 1 to {MAX_NAME} characters")
        if not 1 <= len(name) <= MAX_NAME:
            raise ValueError(f"the name of an app has {len(name)} characters; it has 1 to {MAX_NAME}: {name[:40]!r}")
        if not callable(app):
            raise TypeError(f"the app {name!r} is of type {type(app).__name__}; an app is a function")
    return dict(apps)


def serve(
    apps: App | Mapping[str, App],
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    options: Options | None = None,
    on_start: Callable[[Server], object] | None = None,
    quiet: bool = False,
) -> None:
    """Serve apps until Ctrl-C, then say bye to every session and call what they deferred.

    Once the server listens, one line on the standard output says where, unless `quiet`; then `on_start` is called.

    After SIGTERM or SIGHUP no new session begins, and the same is done once the last one has ended, or after
    `Options.drain_window`. A second signal of any kind ends the process at once, with a line on the error output that
    says what was left behind. The signal handlers of the program are restored at the end.

    The soft limit of this process on open files is raised towards what `options` need. What the process holds once the
    server listens is exempt from garbage collection (`gc.freeze`) until the server has stopped, unless the program has
    frozen objects itself: else every full collection would look at all modules, and everybody would wait for it.
    `create_server` does neither.

    The other arguments are those of `create_server`. OSError if the port is taken; RuntimeError where there is an event
    loop already, or outside the main thread.
    """
    _require_a_place_to_run()
    server = create_server(apps, host=host, port=port, options=options)
    raise_descriptor_limit(options or Options())
    loop = asyncio.new_event_loop()
    with StopSignals(loop, lambda: describe_apps(server.running_apps())) as signals:
        run_until_complete(loop, _serve_until_stopped(server, signals, on_start, quiet=quiet))
    if left := server.running_apps():
        logger.warning("stopped, though code of the program still runs: %s", describe_apps(left))


def _require_a_place_to_run() -> None:
    if _is_in_event_loop():
        raise RuntimeError(
            "serve() cannot run inside an event loop, as in Jupyter; there use `async with create_server(apps):`"
        )
    if threading.current_thread() is not threading.main_thread():
        # Python handles signals in the main thread only.
        raise RuntimeError(
            "serve() handles Ctrl-C, so it runs in the main thread only; elsewhere use create_server() in asyncio.run()"
        )


def _is_in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _announce(url: str) -> None:
    # There is no output under pythonw; and one that nobody reads is no reason not to serve.
    if sys.stdout is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.write(f"Pagewire is at {url} - Ctrl-C stops it.\n")
            sys.stdout.flush()


@contextlib.contextmanager
def _frozen_objects() -> Iterator[None]:
    """Exempt all objects of this moment from garbage collection until the block ends."""
    if gc.get_freeze_count() > _FROZEN_BY_PYTHON:
        yield
        return
    # Garbage would stay.
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def _serve_until_stopped(
    server: Server, signals: StopSignals, on_start: Callable[[Server], object] | None, *, quiet: bool
) -> None:
    async with server:
        logger.info("listening on %s", server.url)
        if not quiet:
            _announce(server.url)
        with _frozen_objects():
            if on_start:
                on_start(server)
            if await signals.first != signal.SIGINT:
                await server.drain()
            logger.info("stopping")
