"""What one side receives: the next `seq`, duplicates, gaps, and when an ack is due."""

from __future__ import annotations

from typing import Final

from pagewire_protocol.violations import PeerViolation

ACK_MESSAGES: Final = 32
"""An ack is due after so many messages (DELIVERY-5)."""

ACK_BYTES: Final = 262_144
"""An ack is due after so many bytes (DELIVERY-5)."""

ACK_DELAY: Final = 1.0
"""Seconds after which an ack is due in any case; DELIVERY-6 allows 2."""


class Inbox:
    """The session messages of one receiver."""

    def __init__(self) -> None:
        self.last_seq = 0
        """The highest `seq` received."""
        self._messages = 0
        self._bytes = 0
        self.ack_deadline: float | None = None
        """When an ack is due, on the clock that `receive` was given; None if all is acknowledged."""
        self.ack_is_due = False
        """Whether an ack must be sent now, without waiting for the deadline."""

    def receive(self, seq: int, size: int, now: float) -> bool:
        """Record a message; False if it is a duplicate and must be dropped (DELIVERY-2).

        A gap is a violation (DELIVERY-3).
        """
        if seq <= self.last_seq:
            return False
        if seq != self.last_seq + 1:
            raise PeerViolation(f"seq {seq} follows {self.last_seq}: a gap")
        self.last_seq = seq
        self._messages += 1
        self._bytes += size
        if self.ack_deadline is None:
            self.ack_deadline = now + ACK_DELAY
        self.ack_is_due = self._messages >= ACK_MESSAGES or self._bytes >= ACK_BYTES
        return True

    def acknowledge(self) -> int:
        """Return the `seq` to acknowledge, which the caller sends now (in an ack, a hello or a welcome)."""
        self._messages = 0
        self._bytes = 0
        self.ack_deadline = None
        self.ack_is_due = False
        return self.last_seq
