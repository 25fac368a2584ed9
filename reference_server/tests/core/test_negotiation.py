"""Which version of the protocol two sides speak (HELLO-11)."""

from __future__ import annotations

import pytest

from pagewire_protocol.versions import LATEST_VERSION, SUPPORTED_VERSIONS
from pagewire_server.core.handshake import negotiate


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


def test_this_package_speaks_its_own_versions() -> None:
    """Without an argument the versions of the package are meant."""
    assert negotiate([*SUPPORTED_VERSIONS, "77.0"]) == LATEST_VERSION
