"""Which sessions there are, by the hash of their instance, and how those ended that are gone (END-11)."""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from pagewire_protocol.byes import make_bye
from pagewire_protocol.codes import ByeCode
from pagewire_protocol.control_messages import ByeParams

Session = TypeVar("Session")

MAX_TOMBSTONES: Final = 100_000
"""How many are kept; past it the oldest goes early, so that who opens and closes sessions all day fills no memory."""

TOMBSTONE_LENGTH: Final = 200
"""What is kept of a bye's message for people."""


class Tombstone(NamedTuple):
    """How a session ended; a later hello of its instance gets the same answer."""

    code: ByeCode
    message: str
    until: float


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Session]):
    session: Session
    address: str


class SessionDirectory(Generic[Session]):
    """Sessions and tombstones. Times are seconds on one clock."""

    def __init__(self, resume_window: float) -> None:
        self._resume_window = resume_window
        self._entries: dict[bytes, _Entry[Session]] = {}
        self._addresses: Counter[str] = Counter()
        self._tombstones: OrderedDict[bytes, Tombstone] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def sessions(self) -> list[Session]:
        """Return the living sessions. On any thread: a dict is copied in one step of the interpreter."""
        return [entry.session for entry in self._entries.copy().values()]

    def count_at(self, address: str) -> int:
        """Return how many living sessions began at an address, those whose client is away included."""
        return self._addresses[address]

    def add(self, key: bytes, session: Session, address: str = "") -> None:
        """Make `session`, which began at `address`, known by its instance's hash."""
        self._entries[key] = _Entry(session, address)
        self._addresses[address] += 1

    def find(self, key: bytes) -> Session | None:
        """Return the living session of an instance."""
        entry = self._entries.get(key)
        return entry.session if entry else None

    def bury(self, key: bytes, bye: ByeParams, now: float) -> None:
        """Replace a session by its tombstone, for the resume window."""
        if entry := self._entries.pop(key, None):
            self._addresses[entry.address] -= 1
            if not self._addresses[entry.address]:
                del self._addresses[entry.address]
        self._forget_old(now)
        # Interned, those that are alike share their text.
        message = sys.intern(bye.message[:TOMBSTONE_LENGTH])
        self._tombstones[key] = Tombstone(ByeCode(bye.code), message, now + self._resume_window)
        if len(self._tombstones) > MAX_TOMBSTONES:
            self._tombstones.popitem(last=False)

    def tombstone(self, key: bytes, now: float) -> ByeParams | None:
        """Return how the session of an instance ended, if that is not too long ago."""
        self._forget_old(now)
        found = self._tombstones.get(key)
        return make_bye(found.code, found.message) if found else None

    def _forget_old(self, now: float) -> None:
        while self._tombstones and next(iter(self._tombstones.values())).until <= now:
            self._tombstones.popitem(last=False)
