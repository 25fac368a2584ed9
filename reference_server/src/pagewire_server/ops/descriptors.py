"""The limit of a process on open files. Each connection needs one, and the usual limit is below what a server needs."""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import Final

from pagewire_server.options import Options

if sys.platform != "win32":  # which has no such limit
    import resource

logger = logging.getLogger("pagewire.server")

RESERVE: Final = 256
"""Files for everything else: logs, static files, modules, what apps open."""

DESCRIPTORS_OF_WAITING: Final = 2
"""What a connection without a session has at most: itself, and the file that it is sent."""

_LIMIT_OF_MACOS: Final = 10_240
"""OPEN_MAX: macOS refuses a greater soft limit where the hard limit is infinite (`man setrlimit`)."""


def descriptor_limit() -> int | None:
    """Return how many files this process may open; None where there is no such limit."""
    return None if sys.platform == "win32" else resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def needed_descriptors(options: Options) -> int:
    """Return how many open files a server that is full has."""
    return options.max_sessions + DESCRIPTORS_OF_WAITING * options.max_waiting_connections + RESERVE


def raise_descriptor_limit(options: Options) -> None:
    """Raise this process's soft limit on open files towards what `options` need; warn if that does not suffice."""
    if sys.platform == "win32":
        return
    needed = needed_descriptors(options)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _suffices(soft, needed):
        return
    wanted = needed if _suffices(hard, needed) else hard
    for limit in (wanted, min(wanted, _LIMIT_OF_MACOS)):
        if limit > soft:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
                break
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not _suffices(soft, needed):
        logger.warning(
            "this process may open %d files, and needs %d for max_sessions=%d and max_waiting_connections=%d; raise "
            "the limit (`ulimit -n %d`, or LimitNOFILE=%d for systemd), or lower max_sessions",
            soft,
            needed,
            options.max_sessions,
            options.max_waiting_connections,
            needed,
            needed,
        )


def _suffices(limit: int, needed: int) -> bool:
    return sys.platform == "win32" or limit == resource.RLIM_INFINITY or limit >= needed
