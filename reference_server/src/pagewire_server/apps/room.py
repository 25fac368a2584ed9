"""The lock of a session, and waiting in a thread or a task until what it guards may have room again."""

from __future__ import annotations

import asyncio
import threading


class Room:
    """A lock, and those who wait for room in what it guards."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.lock = threading.Lock()
        self.is_awaited = False
        """Whether somebody may wait: who frees room then calls `has_changed`."""
        self._changed: threading.Condition | None = None
        self._loop = loop
        self._futures: list[asyncio.Future[None]] = []

    def wait_in_thread(self, timeout: float | None) -> bool:
        """Block, with the lock held, until the next change; False after `timeout` seconds. None waits for ever."""
        if self._changed is None:
            # Most sessions never need it, and it takes a kilobyte.
            self._changed = threading.Condition(self.lock)
        self.is_awaited = True
        return self._changed.wait(timeout)

    async def wait_in_task(self) -> None:
        """Wait for the next change, on the event loop and without the lock."""
        future = self._loop.create_future()
        with self.lock:
            self._futures.append(future)
            self.is_awaited = True
        await future

    def has_changed(self) -> None:
        """Wake all who wait. On the event loop, without the lock."""
        with self.lock:
            self.is_awaited = False
            if self._changed:
                self._changed.notify_all()
            futures, self._futures = self._futures, []
        for future in futures:
            if not future.done():
                future.set_result(None)
