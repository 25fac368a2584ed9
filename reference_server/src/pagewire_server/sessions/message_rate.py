"""How fast a client may send: past its rate the server stops reading for a while, so that TCP slows the client."""

from __future__ import annotations

import math
from typing import Final

BURST_SECONDS: Final = 5
"""How many seconds' worth a client that was quiet may send at once."""

UNIT_BYTES: Final = 1024
"""A message counts once for every so many bytes that it has begun."""


class MessageRate:
    """One client's bucket of tokens. `per_second` None is without limit. Times are seconds on any one clock."""

    def __init__(self, per_second: float | None) -> None:
        self._price = 0.0 if per_second is None else 1 / per_second
        self._paid_until = -math.inf

    def take(self, size: int, now: float) -> None:
        """Count a message, or a frame, of `size` bytes."""
        self._paid_until = max(self._paid_until, now) + self._cost(size)

    def give_back(self, size: int) -> None:
        """Take back what was counted for a message: it answers what the server sent, which bounds it."""
        self._paid_until -= self._cost(size)

    def pause(self, now: float) -> float:
        """Return for how many seconds nothing more should be read; 0 while there are tokens."""
        return max(self._paid_until - now - BURST_SECONDS, 0.0)

    def _cost(self, size: int) -> float:
        return self._price * (1 + size // UNIT_BYTES)
