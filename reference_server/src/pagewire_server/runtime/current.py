"""Which session a thread or task belongs to."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from weakref import WeakKeyDictionary

from pagewire_server.errors import SessionNotFound
from pagewire_server.runtime.live_session import LiveSession

_in_context: ContextVar[LiveSession | None] = ContextVar("pagewire_session", default=None)
_of_thread: WeakKeyDictionary[threading.Thread, LiveSession] = WeakKeyDictionary()


def current_session() -> LiveSession:
    """Return the session of this thread or task; SessionNotFound says what to do where there is none."""
    session = _in_context.get() or _of_thread.get(threading.current_thread())
    if session is None:
        raise SessionNotFound(
            f"there is no session in {threading.current_thread().name}: call this in an app, in a thread that was "
            "given to register_thread(), or in a task that the app started"
        )
    return session


def enter_session(session: LiveSession) -> None:
    """Make `session` the one of this context: this thread, or this task and what it starts."""
    _in_context.set(session)


def assign_thread(thread: threading.Thread, session: LiveSession) -> None:
    """Make `session` the one of `thread`, started or not."""
    _of_thread[thread] = session
