"""Which sessions there are, by the hash of their instance, and how those ended that are gone (END-11)."""

from __future__ import annotations

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


@dataclass(slots=True)
class _Shared:
    text: str
    uses: int = 0
    """How many tombstones have it."""


class SessionDirectory(Generic[Session]):
    """Sessions and tombstones. Times are seconds on one clock."""

    def __init__(self, resume_window: float) -> None:
        self._resume_window = resume_window
        self._entries: dict[bytes, _Entry[Session]] = {}
        self._addresses: Counter[str] = Counter()
        self._tombstones: OrderedDict[bytes, Tombstone] = OrderedDict()
        self._messages: dict[str, _Shared] = {}
        """The messages of the tombstones: those that are alike share one text, which goes with the last of them."""

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
        if key in self._tombstones:
            self._forget(key)
        message = self._share(bye.message[:TOMBSTONE_LENGTH])
        self._tombstones[key] = Tombstone(ByeCode(bye.code), message, now + self._resume_window)
        if len(self._tombstones) > MAX_TOMBSTONES:
            self._forget(next(iter(self._tombstones)))

    def tombstone(self, key: bytes, now: float) -> ByeParams | None:
        """Return how the session of an instance ended, if that is not too long ago."""
        self._forget_old(now)
        found = self._tombstones.get(key)
        return make_bye(found.code, found.message) if found else None

    def _forget_old(self, now: float) -> None:
        while self._tombstones:
            key, tombstone = next(iter(self._tombstones.items()))
            if tombstone.until > now:
                return
            self._forget(key)

    def _share(self, message: str) -> str:
        # Not interned: under some versions of Python what is interned is never freed.
        shared = self._messages.setdefault(message, _Shared(message))
        shared.uses += 1
        return shared.text

    def _forget(self, key: bytes) -> None:
        message = self._tombstones.pop(key).message
        shared = self._messages[message]
        shared.uses -= 1
        if not shared.uses:
            del self._messages[message]
