"""The versions of the protocol that this package speaks (SPEC sections 2 and 13)."""

from __future__ import annotations

from typing import Final

SUBPROTOCOL: Final = "pagewire.v1"
"""The WebSocket subprotocol; it carries the major version only (WIRE-1)."""

SUPPORTED_VERSIONS: Final = ("1.0",)
"""What this package speaks, oldest first."""

LATEST_VERSION: Final = SUPPORTED_VERSIONS[-1]
"""The newest version this package speaks."""
