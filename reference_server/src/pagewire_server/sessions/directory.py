"""Which sessions there are, by the hash of their instance, and how those ended that are gone (END-11)."""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from pagewire_protocol.control_messages import ByeParams

Session = TypeVar("Session")


def instance_hash(instance: str) -> bytes:
    """Return what the server keeps of the client's secret (SEC-2)."""
    return hashlib.sha256(instance.encode()).digest()


@dataclass(frozen=True, slots=True)
class Tombstone:
    """How a session ended; a later hello of its instance gets the same answer."""

    bye: ByeParams
    until: float


class SessionDirectory(Generic[Session]):
    """Sessions and tombstones. Times are seconds on one clock."""

    def __init__(self, resume_window: float) -> None:
        self._resume_window = resume_window
        self._sessions: dict[bytes, Session] = {}
        self._tombstones: dict[bytes, Tombstone] = {}
        self._order: deque[bytes] = deque()

    def __len__(self) -> int:
        return len(self._sessions)

    def sessions(self) -> list[Session]:
        """Return the living sessions."""
        return list(self._sessions.values())

    def add(self, key: bytes, session: Session) -> None:
        """Make `session` known by its instance's hash."""
        self._sessions[key] = session

    def find(self, key: bytes) -> Session | None:
        """Return the living session of an instance."""
        return self._sessions.get(key)

    def bury(self, key: bytes, bye: ByeParams, now: float) -> None:
        """Replace a session by its tombstone, for the resume window."""
        self._sessions.pop(key, None)
        self._tombstones[key] = Tombstone(bye, now + self._resume_window)
        self._order.append(key)

    def tombstone(self, key: bytes, now: float) -> ByeParams | None:
        """Return how the session of an instance ended, if that is not too long ago."""
        while self._order and self._tombstones[self._order[0]].until <= now:
            del self._tombstones[self._order.popleft()]
        found = self._tombstones.get(key)
        return found.bye if found else None
