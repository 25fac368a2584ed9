"""Versions: how they compare, and which one two sides speak (HELLO-11)."""

from __future__ import annotations

import pytest

from pagewire_protocol.versions import LATEST_VERSION, SUBPROTOCOL, SUPPORTED_VERSIONS, negotiate, version_key


@pytest.mark.parametrize(
    ("offered", "supported", "spoken"),
    [
        (["1.0"], ["1.0"], "1.0"),
        (["1.0", "1.1"], ["1.0", "1.1", "1.2"], "1.1"),
        (["1.9", "1.10"], ["1.10", "1.9"], "1.10"),
        (["2.0", "1.9"], ["1.9", "2.0"], "2.0"),
        (["1.0", "1.0"], ["1.0"], "1.0"),
        (["3.0", "1.0"], ["1.0", "2.0"], "1.0"),
        (["1.1"], ["1.0"], None),
        ([], ["1.0"], None),
    ],
)
def test_highest_version_in_common_is_spoken(offered: list[str], supported: list[str], spoken: str | None) -> None:
    """By major, then by minor number, and not by their text."""
    assert negotiate(offered, supported) == spoken


def test_minor_versions_are_compared_as_numbers() -> None:
    """1.10 is newer than 1.9."""
    assert sorted(["1.10", "2.0", "1.9", "0.999999"], key=version_key) == ["0.999999", "1.9", "1.10", "2.0"]


def test_this_package_speaks_its_own_versions() -> None:
    """Without an argument the versions of the package are meant, of which the last is the newest."""
    assert negotiate([*SUPPORTED_VERSIONS, "77.0"]) == LATEST_VERSION == max(SUPPORTED_VERSIONS, key=version_key)


def test_subprotocol_carries_the_major_version() -> None:
    """WIRE-1."""
    assert f"pagewire.v{version_key(LATEST_VERSION)[0]}" == SUBPROTOCOL
