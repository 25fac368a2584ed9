"""How much of each turn of the event loop is given to what clients send."""

from __future__ import annotations

import asyncio
from typing import Final

SECONDS_PER_TURN: Final = 0.005
"""After how long the next has to wait for the next turn."""


class Turns:
    """Lets many connections parse, one after the other, with turns of the event loop for everybody else between.

    Each by itself takes little, but there may be a thousand that are ready in one turn.
    """

    def __init__(self) -> None:
        self._ends_at: float | None = None
        """When the time in this turn is used up; None if none of it is used yet."""

    async def wait(self) -> None:
        """Wait until there is time; then the caller parses without waiting for anything."""
        loop = asyncio.get_running_loop()
        while self._ends_at is not None and loop.time() >= self._ends_at:  # noqa: ASYNC110 - each turn has its time anew
            await asyncio.sleep(0)
        if self._ends_at is None:
            self._ends_at = loop.time() + SECONDS_PER_TURN
            loop.call_soon(self._end)

    def _end(self) -> None:
        self._ends_at = None
