"""Carries what an app has seen, in its thread or task, to the test."""

from __future__ import annotations

import queue
from typing import Any

from live_server import PATIENCE


class Results:
    """A queue that an app puts into, and a test takes from."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def put(self, value: Any) -> None:
        """Put in one more; on any thread."""
        self._queue.put(value)

    def next(self) -> Any:
        """Wait for the next one and take it."""
        return self._queue.get(timeout=self._patience)

    def empty(self) -> bool:
        """Whether nothing has been put in that was not taken."""
        return self._queue.empty()
