"""What belongs to the code that runs: its session, and the `info` and `local` that apps import."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from typing import Any

from pagewire_server.apps.info import INFO_NAMES
from pagewire_server.apps.running import session_of_context, session_of_thread
from pagewire_server.apps.session import Session
from pagewire_server.errors import SessionNotFound


def current_session() -> Session:
    """Return the session of this thread or task; SessionNotFound says what to do where there is none."""
    session = session_of_context.get() or session_of_thread.get(threading.current_thread())
    if session is None:
        raise SessionNotFound(
            f"there is no session in {threading.current_thread().name}: call this in an app, in a thread that was "
            "given to register_thread(), or in a task that the app started"
        )
    return session


class CurrentInfo:
    """The `SessionInfo` of the session at hand: each attribute is read from it."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - typed as SessionInfo where users see it
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(current_session().info, name)

    def __str__(self) -> str:
        return str(current_session().info)

    __repr__ = __str__

    def __dir__(self) -> list[str]:
        return list(INFO_NAMES)


class SessionLocal:
    """State of the session at hand, never shared with another; a missing attribute or item is None."""

    __slots__ = ()

    @property
    def _dict(self) -> dict[Hashable, Any]:
        return current_session().local

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the program's own values
        return self._dict.get(name)

    def __setattr__(self, name: str, value: object) -> None:
        self._dict[name] = value

    def __delattr__(self, name: str) -> None:
        self._dict.pop(name, None)

    def __getitem__(self, key: Hashable) -> Any:  # noqa: ANN401 - the program's own values
        return self._dict.get(key)

    def __setitem__(self, key: Hashable, value: object) -> None:
        self._dict[key] = value

    def __delitem__(self, key: Hashable) -> None:
        self._dict.pop(key, None)

    def __contains__(self, key: object) -> bool:
        return key in self._dict

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._dict)

    def __len__(self) -> int:
        return len(self._dict)

    def __repr__(self) -> str:
        return f"SessionLocal({self._dict!r})"
