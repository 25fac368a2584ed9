"""Waiting for room: threads and tasks that are woken whenever something may have been freed."""

from __future__ import annotations

import asyncio
import threading


class Room:
    """A lock, and a way to wait, in a thread or a task, until what it guards has changed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.lock = threading.Lock()
        self._changed: threading.Condition | None = None
        self._loop = loop
        self._threads = 0
        self._futures: list[asyncio.Future[None]] = []

    def wait_in_thread(self, timeout: float | None) -> bool:
        """Block, with the lock held, until the next change; False after `timeout` seconds."""
        if self._changed is None:
            # Most sessions never need it, and it takes a kilobyte.
            self._changed = threading.Condition(self.lock)
        self._threads += 1
        try:
            return self._changed.wait(timeout)
        finally:
            self._threads -= 1

    async def wait_in_task(self) -> None:
        """Wait for the next change, on the event loop and without the lock."""
        future = self._loop.create_future()
        self._futures.append(future)
        await future

    def has_changed(self) -> None:
        """Wake all who wait. Call it on the event loop, without the lock."""
        if self._threads and self._changed:
            with self.lock:
                self._changed.notify_all()
        if self._futures:
            futures, self._futures = self._futures, []
            for future in futures:
                if not future.done():
                    future.set_result(None)
