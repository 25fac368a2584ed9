"""Running an app: a plain function in a thread of its own, a coroutine function on the event loop."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

from pagewire_server.apps.program_code import guard, guard_call, is_coroutine_function
from pagewire_server.apps.session import Session

App = Callable[[], object]
"""What runs for a session: a plain function, or a coroutine function."""

session_of_context: Final[ContextVar[Session | None]] = ContextVar("pagewire_session", default=None)
session_of_thread: Final[WeakKeyDictionary[threading.Thread, Session]] = WeakKeyDictionary()
"""Which session code belongs to: by its context, or else by its thread, if that was given to `watch_thread`."""


def start_app(session: Session, app: App) -> None:
    """Run `app` in `session`. On the event loop. RuntimeError if no thread can be started for it."""
    session.context.run(session_of_context.set, session)
    if is_coroutine_function(app):
        start_task(session, cast("Coroutine[Any, Any, Any]", app()), is_app=True)
        return
    session.events.uses_thread = True
    name = f"pagewire-app-{session.info.session_id}"
    thread = threading.Thread(target=_run_in_thread, args=(session, app), name=name, daemon=True)
    session.work_started()
    thread.start()


def start_task(session: Session, work: Coroutine[Any, Any, Any], *, is_app: bool = False) -> asyncio.Task[None]:
    """Run a coroutine in `session`, whose end the session waits for. On the event loop."""
    session.work_started()
    task = session.loop.create_task(_run_in_task(session, work, is_app=is_app), context=session.context.copy())
    session.tasks.add(task)
    task.add_done_callback(lambda done: _task_finished(session, done, work))
    return task


def watch_thread(session: Session, thread: threading.Thread) -> None:
    """Make `thread`, started or not, one of the session, whose end the session waits for. On any thread."""
    session_of_thread[thread] = session
    session.work_started()
    if thread.ident is not None:
        threading.Thread(target=_wait_for_thread, args=(session, thread), daemon=True).start()
        return
    run = thread.run

    def run_and_tell() -> None:
        guard_call(session.log, run, f"the thread {thread.name}")
        session.call_on_loop(session.work_finished)

    thread.run = run_and_tell  # type: ignore[method-assign]  # the only hook before a thread that isn't started


def _wait_for_thread(session: Session, thread: threading.Thread) -> None:
    thread.join()
    session.call_on_loop(session.work_finished)


def _run_in_thread(session: Session, app: App) -> None:
    result, error = guard_call(session.log, partial(session.context.copy().run, app), _what(session))
    if error is not None:
        session.call_on_loop(session.app_failed)
    if inspect.iscoroutine(result):
        # A plain function that gives a coroutine, such as a lambda, is run as what it gives.
        session.call_on_loop(partial(start_task, session, result, is_app=True))
    session.call_on_loop(session.work_finished)


async def _run_in_task(session: Session, work: Coroutine[Any, Any, Any], *, is_app: bool) -> None:
    error = await guard(session.log, work, _what(session))
    if error is not None and is_app:
        session.app_failed()


def _task_finished(session: Session, task: asyncio.Task[None], work: Coroutine[Any, Any, Any]) -> None:
    # One that was cancelled before its first step was never awaited.
    work.close()
    session.tasks.discard(task)
    session.work_finished()


def _what(session: Session) -> str:
    return f"the app {session.info.app!r}"
