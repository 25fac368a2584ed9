"""One stream's receiver: the next offset, the end, and when a stream_ack is due (SPEC section 10)."""

from __future__ import annotations

from enum import Enum

from pagewire_protocol.violations import PeerViolation


class StreamState(Enum):
    """Whether more is to come."""

    OPEN = "open"
    COMPLETE = "complete"
    FAILED = "failed"
    """The length is not the one that was announced: the answer is `error stream_failed` (STREAM-7)."""


class IncomingStream:
    """What has come of one download's content. The caller keeps the bytes."""

    def __init__(self, size: int | None, window_bytes: int) -> None:
        self.received = 0
        """Bytes so far; the next chunk's offset."""
        self.state = StreamState.OPEN
        self._size = size
        self._quarter = window_bytes // 4
        self._acknowledged = 0
        self._end_is_unacknowledged = False

    @property
    def ack_is_due(self) -> bool:
        """Whether a `stream_ack` of `received` must be sent now (STREAM-4)."""
        return self.received - self._acknowledged >= self._quarter or self._end_is_unacknowledged

    def receive(self, offset: int, length: int) -> None:
        """Record a chunk of `length` bytes, 0 for the end; one that is out of place is a violation (STREAM-5)."""
        if offset != self.received or (length and self.state is StreamState.COMPLETE):
            raise PeerViolation(f"a chunk at offset {offset}, where {self.received} is next")
        if length > self._quarter:
            raise PeerViolation(f"a chunk of {length} bytes, where {self._quarter} are a quarter of the window")
        self.received += length
        if self._size is not None and (self.received > self._size or (not length and self.received < self._size)):
            self.state = StreamState.FAILED
        elif not length and self.state is StreamState.OPEN:
            self.state = StreamState.COMPLETE
            self._end_is_unacknowledged = True

    def acknowledge(self) -> int:
        """Return the offset to acknowledge, which the caller sends now."""
        self._acknowledged = self.received
        self._end_is_unacknowledged = False
        return self.received
