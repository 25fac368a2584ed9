"""The version of the suite."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def _installed_version() -> str:
    try:
        return version("pagewire")
    except PackageNotFoundError:
        return "0"


VERSION = _installed_version()
"""That of the distribution it came with."""
