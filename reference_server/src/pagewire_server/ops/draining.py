"""Waiting for the sessions that are left when a server lets no new one begin."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

logger = logging.getLogger("pagewire.server")


class Draining:
    """Has begun, or not; and knows when a session has ended. All on the event loop."""

    def __init__(self) -> None:
        self.has_begun = False
        """Whether no new session may begin any more."""
        self._has_ended = asyncio.Event()

    def session_ended(self) -> None:
        """Say that there is one session less."""
        self._has_ended.set()

    async def run(self, count_sessions: Callable[[], int], window: float) -> None:
        """Begin; return once there is no session, or after `window` seconds."""
        self.has_begun = True
        try:
            async with asyncio.timeout(window):
                while left := count_sessions():
                    logger.info("draining: sessions left: %d", left)
                    self._has_ended.clear()
                    await self._has_ended.wait()
        except TimeoutError:
            logger.warning("draining: not done after %g s; sessions to be ended: %d", window, count_sessions())
        else:
            logger.info("draining: no session is left")
