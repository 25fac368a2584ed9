"""Limits on what clients may make the server hold or do."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from pagewire_protocol.json_scan import JsonScan

BURST_SECONDS: Final = 5
"""How many seconds' worth of messages a client that was quiet may send at once."""

UNIT_BYTES: Final = 1024
"""A message counts once for every unit of this many bytes that it begins."""

VALUE_BYTES: Final = 64
"""What a JSON value counts for at least, while it waits: an empty array takes as much, whose text is two bytes."""

MOST_UNANSWERED: Final = 65_536
"""How many commands of a session may be without a reply; a client may acknowledge all, and answer none."""

_UNCOUNTED_BYTES: Final = 128
"""The values of shorter messages are not counted: there are few, and the number of waiting events is limited too."""


def weight_of(text: str, size: int) -> int:
    """Return what a message of `size` bytes counts for while it waits: its bytes, or those of its values if more."""
    if size <= _UNCOUNTED_BYTES:
        return size
    scan = JsonScan(text)
    if size >= VALUE_BYTES * scan.most_values():
        return size
    return max(size, VALUE_BYTES * scan.count_values())


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """The limits and times of one session. Sizes are in bytes, times in seconds."""

    max_message_bytes: int
    """The largest message accepted from the client."""
    max_values: int
    """The most JSON values in one (WIRE-26)."""
    window_bytes: int
    """What may be unacknowledged on a connection (DELIVERY-9)."""
    outbox_bytes: int
    """What may wait beyond the window (DELIVERY-10)."""
    stream_window_bytes: int
    """What may be unacknowledged of all streams together; a chunk is at most a quarter of it."""
    max_streams: int
    """How many streams may be unfinished at once."""
    resume_window: float
    """How long the session waits for a client that is away."""
    going_away_window: float
    """How long it waits after a close with 1001 (END-8)."""


class MessageRate:
    """How fast one client may send; past its rate the server stops reading, so that TCP slows the client.

    A bucket of tokens. `per_second` None means no limit. Times are in seconds on any one clock.
    """

    def __init__(self, per_second: float | None) -> None:
        self._price = 0.0 if per_second is None else 1 / per_second
        self._paid_until = -math.inf

    def take(self, size: int, now: float) -> float:
        """Count a message, or a frame, of `size` bytes; return for how many seconds nothing more should be read.

        What answers the server is not to be counted: the server bounds it by what it asks.
        """
        self._paid_until = max(self._paid_until, now) + self._price * (1 + size // UNIT_BYTES)
        return self.pause(now)

    def give_back(self, size: int) -> None:
        """Count a message of `size` bytes no more: it was taken before it was known to be an answer."""
        self._paid_until -= self._price * (1 + size // UNIT_BYTES)

    def pause(self, now: float) -> float:
        """Return for how many seconds nothing more should be read; 0 while there are tokens."""
        return max(self._paid_until - now - BURST_SECONDS, 0.0)


class AddressRate:
    """How fast clients of one address may make the server parse what they say before `welcome` (SEC-7).

    A bucket of tokens for each address, whose tokens are bytes. Times are in seconds on any one clock. An address is
    forgotten once its bucket is full again. Beyond `most_addresses`, the one that was quiet longest is forgotten.
    """

    def __init__(self, per_second: float, burst: float, most_addresses: int) -> None:
        self._per_second = per_second
        self._burst_seconds = burst / per_second
        self._most_addresses = most_addresses
        self._paid_until: dict[str, float] = {}
        """By address; the one that was quiet longest first."""

    def __len__(self) -> int:
        return len(self._paid_until)

    def take(self, address: str, size: int, now: float) -> float:
        """Count a message of `size` bytes; return how many seconds to wait before it is parsed.

        It counts as whole units of `UNIT_BYTES`: a short message costs more than its bytes.
        """
        seconds = UNIT_BYTES * (1 + size // UNIT_BYTES) / self._per_second
        paid_until = max(self._paid_until.pop(address, now), now) + seconds
        self._paid_until[address] = paid_until
        self._forget(now)
        return max(paid_until - now - self._burst_seconds, 0.0)

    def _forget(self, now: float) -> None:
        while self._paid_until:
            oldest = next(iter(self._paid_until))
            if len(self._paid_until) <= self._most_addresses and self._paid_until[oldest] > now:
                return
            del self._paid_until[oldest]


class ConnectionLimiter:
    """Counts connections that have not said what they want, in all and by address.

    `most_per_address` None means no limit for one address.
    """

    def __init__(self, most: int, most_per_address: int | None) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._count = 0
        self._addresses: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._count

    def has_room(self, address: str | None) -> bool:
        """Whether one more connection from `address` may begin; None counts only towards the total."""
        return self._count < self._most and not self.is_full_for(address)

    def is_full_for(self, address: str | None) -> bool:
        """Whether `address` has as many connections as it may have."""
        most = self._most_per_address
        return address is not None and most is not None and self._addresses[address] >= most

    def count(self, address: str | None) -> int:
        """Return how many connections `address` has; 0 for None."""
        return 0 if address is None else self._addresses[address]

    def greatest(self) -> tuple[str | None, int]:
        """Return the address that has most connections, and how many; None and 0 if no address is counted."""
        return max(self._addresses.items(), key=itemgetter(1), default=(None, 0))

    def try_add(self, address: str | None) -> bool:
        """Count one more, if it may begin; then `remove` must follow."""
        has_room = self.has_room(address)
        if has_room:
            self.add(address)
        return has_room

    def add(self, address: str | None) -> None:
        """Count one more; `remove` must follow."""
        self._count += 1
        if address is not None:
            self._addresses[address] += 1

    def remove(self, address: str | None) -> None:
        """Count one less."""
        self._count -= 1
        if address is not None:
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]
