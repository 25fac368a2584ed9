"""The program of a victim, run by any version of the server: `victim_server.py SETTINGS`, where SETTINGS is JSON.

It logs to its error output, and prints its port.
"""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import ssl
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pagewire_server import Options, serve
from pagewire_server.ops.logs import configure_logs
from pagewire_server.session import download, eval_js, hold, info, on_event


async def ask() -> None:
    """Ask again and again: the app of the neighbour."""
    while True:
        await eval_js("1")


async def deaf() -> None:
    """Stay, whatever is cancelled."""
    while True:
        try:
            await hold()
        except BaseException:  # noqa: BLE001, S112 - this is what the app does wrong
            continue


async def blocking() -> None:
    """Block the event loop, once the page has answered."""
    await eval_js("1")
    sys.stderr.write("blocking\n")
    time.sleep(3600)  # noqa: ASYNC251 - this is what the app does wrong


def endless() -> None:
    """Offer a download without end."""

    def pieces() -> Iterator[bytes]:
        while True:
            yield bytes(1 << 20)

    download("endless.bin", pieces())


async def busy() -> None:
    """Handle each event by a question to the page, and wait for the answer."""

    async def handle(_: object) -> None:
        await eval_js("1")

    on_event("event", handle)
    await hold()


async def curious() -> None:
    """Look at the user's browser."""
    str(info.user_agent)
    await hold()


async def endless_check(_auth: object, _request: object) -> bool:
    """Never decide."""
    await asyncio.Event().wait()
    return True


def main() -> None:
    """Serve until it is stopped."""
    settings: dict[str, Any] = json.loads(sys.argv[1])
    if settings["log_level"] == "INFO":
        configure_logs()
    else:
        logging.basicConfig(level=settings["log_level"])
    descriptors = settings["descriptors"]
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    options = settings["options"]
    if "tls" in settings:
        options["tls"] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        options["tls"].load_cert_chain(settings["tls"])
    if "static" in options:
        options["static"] = Path(options["static"])
    if "authenticate" in options:
        options["authenticate"] = endless_check
    apps: dict[str, Any] = {
        "index": hold,
        "ask": ask,
        "deaf": deaf,
        "blocking": blocking,
        "endless": endless,
        "busy": busy,
        "curious": curious,
    }
    serve(
        apps,
        port=0,
        options=Options(**options),
        on_start=lambda server: print(f"port {server.port}", flush=True),  # noqa: T201 - it is how it says where it is
    )


if __name__ == "__main__":
    main()
