"""How much of each turn of the event loop is given to what clients send."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
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
        self._waiting: deque[Callable[[], None]] = deque()
        """Whoever waits for a turn, the first to come first."""
        self._is_due = False
        """Whether the event loop will call `_call`."""

    def has_time(self) -> bool:
        """Whether there is time left in this turn; then the caller parses without waiting for anything."""
        loop = asyncio.get_running_loop()
        if self._ends_at is None:
            self._ends_at = loop.time() + SECONDS_PER_TURN
            loop.call_soon(self._end)
            return True
        return loop.time() < self._ends_at

    async def wait(self) -> None:
        """Wait until there is time; then the caller parses without waiting for anything."""
        while not self.has_time():  # noqa: ASYNC110 - each turn has its time anew
            await asyncio.sleep(0)

    def call_soon(self, parse: Callable[[], None]) -> None:
        """Call `parse` in the next turn that has time for it, after all who came before."""
        self._waiting.append(parse)
        self._call_soon()

    def _call_soon(self) -> None:
        if self._waiting and not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._call)

    def _call(self) -> None:
        # One in each turn at least: who asks `has_time` may use up all of it. And whoever comes now waits for the next.
        for number in range(len(self._waiting)):
            if number and not self.has_time():
                break
            self._waiting.popleft()()
        self._is_due = False
        self._call_soon()

    def _end(self) -> None:
        self._ends_at = None
