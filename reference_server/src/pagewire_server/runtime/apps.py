"""Running an app: a plain function in a thread of its own, a coroutine function on the event loop."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from pagewire_server.errors import SessionClosed
from pagewire_server.runtime.current import assign_thread, enter_session
from pagewire_server.runtime.live_session import LiveSession

logger = logging.getLogger("pagewire.session")

App = Callable[[], object]
"""What runs for a session: a plain function, or a coroutine function."""


def start_app(session: LiveSession, app: App) -> None:
    """Run `app` in `session`. On the event loop."""
    session.context.run(enter_session, session)
    if inspect.iscoroutinefunction(app):
        start_task(session, app(), is_app=True)
        return
    session.events.uses_thread = True
    session.work_started()
    name = f"pagewire-app-{session.info.session_id}"
    threading.Thread(target=_run_in_thread, args=(session, app), name=name, daemon=True).start()


def start_task(session: LiveSession, work: Coroutine[Any, Any, Any], *, is_app: bool = False) -> asyncio.Task[object]:
    """Run a coroutine in `session`, whose end the session waits for. On the event loop."""
    session.work_started()
    task = session.loop.create_task(_run_in_task(session, work, is_app=is_app), context=session.context.copy())
    session.tasks.add(task)
    task.add_done_callback(lambda done: _task_finished(session, done, work))
    return task


def watch_thread(session: LiveSession, thread: threading.Thread) -> None:
    """Make `thread`, started or not, one of the session, whose end the session waits for. On any thread."""
    assign_thread(thread, session)
    session.work_started()
    if thread.ident is not None:
        watcher = threading.Thread(target=_wait_for_thread, args=(session, thread), daemon=True)
        watcher.start()
        return
    run = thread.run

    def run_and_tell() -> None:
        try:
            run()
        except SessionClosed:
            logger.debug("session %s ended while %s ran", session.info.session_id, thread.name)
        finally:
            session.call_on_loop(session.work_finished)

    thread.run = run_and_tell  # type: ignore[method-assign]  # the only hook before a thread that isn't started


def _wait_for_thread(session: LiveSession, thread: threading.Thread) -> None:
    thread.join()
    session.call_on_loop(session.work_finished)


def _run_in_thread(session: LiveSession, app: App) -> None:
    try:
        session.context.copy().run(app)
    except SessionClosed:
        logger.debug("session %s ended while its app ran", session.info.session_id)
    except Exception:
        logger.exception("session %s: the app %r failed", session.info.session_id, session.info.app)
        session.call_on_loop(session.app_failed)
    finally:
        session.call_on_loop(session.work_finished)


async def _run_in_task(session: LiveSession, work: Coroutine[Any, Any, Any], *, is_app: bool) -> object:
    try:
        return await work
    except SessionClosed:
        logger.debug("session %s ended while its app ran", session.info.session_id)
    except Exception:
        logger.exception("session %s: the app %r failed", session.info.session_id, session.info.app)
        if is_app:
            session.app_failed()
    return None


def _task_finished(session: LiveSession, task: asyncio.Task[object], work: Coroutine[Any, Any, Any]) -> None:
    # One that was cancelled before its first step was never awaited.
    work.close()
    session.tasks.discard(task)
    session.work_finished()
