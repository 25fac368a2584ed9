"""What is left to do when a session has ended: its deferred functions, and tasks that did not notice."""

from __future__ import annotations

import asyncio
from typing import Final

from pagewire_server.runtime.live_session import LiveSession

TASK_GRACE: Final = 5.0
"""Seconds that the app's tasks have to finish by themselves once the session has ended; then they are cancelled."""


async def wind_up(session: LiveSession) -> None:
    """Call what the session deferred, and cancel what of it still runs; threads end by `SessionClosed`."""
    deferred = session.deferred.start()
    tasks = {*session.tasks, *session.events.tasks, *session.feeders}
    try:
        if tasks:
            await asyncio.wait(tasks, timeout=TASK_GRACE)
    finally:
        for task in tasks:
            task.cancel()
    if deferred:
        await deferred
