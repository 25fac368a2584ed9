"""Finds a Chromium on this machine, for whatever drives a browser: the suite, the server's tests and benchmarks.

It imports neither protocol, server nor suite, so that each of them may use it without the others.
`python -m pagewire_browsers` prints the path that it finds, and exits with 1 if there is none.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

__all__ = ["ARGUMENTS", "HEADLESS_NAME", "find_browser", "find_headless_browser"]

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
HEADLESS_NAME: Final = "chromium-headless-shell"
"""As Debian calls it."""
_MAC_APPS: Final = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)

ARGUMENTS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""What a Chromium for tests is started with: it asks nobody but the page's server for anything."""


def find_browser() -> str | None:
    """Return the path of a Chromium; `PAGEWIRE_BROWSER` names one to use. None leaves it to Playwright's own."""
    if named := os.environ.get("PAGEWIRE_BROWSER"):
        return named
    found = (shutil.which(name) for name in _NAMES)
    return next((path for path in (*found, *_MAC_APPS) if path and Path(path).exists()), None)


def find_headless_browser() -> str | None:
    """Return the path of a Chromium that is built without windows, which starts a page in half the time; else any."""
    if named := os.environ.get("PAGEWIRE_BROWSER"):
        return named
    return shutil.which(HEADLESS_NAME) or find_browser()
