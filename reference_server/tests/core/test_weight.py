"""What a message counts for while it waits: its bytes, or what its values take if that is more."""

from __future__ import annotations

import pytest

from pagewire_server.core.limits import VALUE_BYTES, weight_of


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        (f"[{'[],' * 999}[]]", 1001 * VALUE_BYTES),
        (f"[{'{},' * 999}{{}}]", 1001 * VALUE_BYTES),
        (f"[{'0,' * 999}0]", 1001 * VALUE_BYTES),
        (f'["{"x" * 1000}"]', 1004),
        (f'["{"[],{}," * 1000}"]', 6004),
        ("[[],[]]", 7),
    ],
)
def test_weight(text: str, weight: int) -> None:
    """What stands in a string is no value."""
    assert weight_of(text, len(text)) == weight
