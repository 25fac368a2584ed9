"""Versions that this package speaks."""

from __future__ import annotations

from pagewire_protocol.versions import LATEST_VERSION, SUBPROTOCOL, SUPPORTED_VERSIONS


def test_subprotocol_carries_the_major_version() -> None:
    """WIRE-1."""
    assert f"pagewire.v{LATEST_VERSION.partition('.')[0]}" == SUBPROTOCOL


def test_latest_version_is_the_last_one() -> None:
    """They are listed oldest first."""
    assert SUPPORTED_VERSIONS[-1] == LATEST_VERSION
