"""The versions of the protocol, and which one two sides speak (SPEC sections 2, 4 and 13)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

SUBPROTOCOL: Final = "pagewire.v1"
"""The WebSocket subprotocol; it carries the major version only (WIRE-1)."""

SUPPORTED_VERSIONS: Final = ("1.0",)
"""What this package speaks, oldest first."""

LATEST_VERSION: Final = SUPPORTED_VERSIONS[-1]
"""The newest version this package speaks."""


def version_key(version: str) -> tuple[int, int]:
    """Return `version` as numbers, so that "1.10" comes after "1.9"; it has the form "major.minor"."""
    major, minor = version.split(".")
    return int(major), int(minor)


def negotiate(offered: Iterable[str], supported: Iterable[str] = SUPPORTED_VERSIONS) -> str | None:
    """Return the highest version in common (HELLO-11), or None, which is `unsupported_version`."""
    return max(set(offered) & set(supported), key=version_key, default=None)
