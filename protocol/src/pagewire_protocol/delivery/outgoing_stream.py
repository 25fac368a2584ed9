"""One stream's sender: chunks within a window, sent again from where the receiver is (SPEC section 10)."""

from __future__ import annotations

from collections import deque

from pagewire_protocol.stream_frames import pack_chunk
from pagewire_protocol.violations import PeerViolation


class OutgoingStream:
    """The content of one download. It holds what is not acknowledged, at most a window of bytes.

    The caller feeds it while `room` is above 0, and says `finish` at the end.
    """

    def __init__(self, id_: int, window_bytes: int) -> None:
        self.id = id_
        self.chunk_bytes = window_bytes // 4
        """The most that `feed` takes at once, and that one frame carries (STREAM-3)."""
        self.acknowledged = 0
        """How many bytes the receiver has."""
        self._window_bytes = window_bytes
        self._chunks: deque[tuple[int, bytes]] = deque()
        self._fed = 0
        self._sent = 0
        self._unsent: deque[tuple[int, bytes]] = deque()
        self._is_finished = False
        self._end_is_sent = False

    @property
    def room(self) -> int:
        """How many more bytes may be fed now."""
        return self._window_bytes - (self._fed - self.acknowledged)

    @property
    def has_frame(self) -> bool:
        """Whether `next_frame` gives one."""
        return bool(self._unsent) or (self._is_finished and not self._end_is_sent)

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the content: 1 to `chunk_bytes` of them, and no more than there is `room`."""
        if not 0 < len(data) <= min(self.chunk_bytes, self.room):
            raise ValueError(f"{len(data)} bytes fed, where 1 to {min(self.chunk_bytes, self.room)} have room")
        chunk = (self._fed, data)
        self._chunks.append(chunk)
        self._unsent.append(chunk)
        self._fed += len(data)

    def finish(self) -> None:
        """Say that all was fed."""
        self._is_finished = True

    def next_frame(self) -> bytes | None:
        """Return the next binary frame, or None if nothing waits. It counts as sent (STREAM-1, STREAM-2)."""
        if self._unsent:
            offset, data = self._unsent.popleft()
            self._sent = max(self._sent, offset + len(data))
            return pack_chunk(self.id, offset, data)
        if self._is_finished and not self._end_is_sent:
            self._end_is_sent = True
            return pack_chunk(self.id, self._fed, b"")
        return None

    def acknowledge(self, offset: int) -> None:
        """Forget what the receiver has; a lower offset is ignored.

        One above what was sent is a violation (STREAM-8).
        """
        if offset > self._sent:
            raise PeerViolation(f"stream {self.id}: offset {offset} is acknowledged, {self._sent} bytes were sent")
        self.acknowledged = max(self.acknowledged, offset)
        while self._chunks and self._chunks[0][0] + len(self._chunks[0][1]) <= offset:
            self._chunks.popleft()

    def resume(self, offset: int | None) -> None:
        """Go on, on a new connection, at `offset` (STREAM-10).

        If the receiver names none, that is what was acknowledged before.
        """
        if offset is not None:
            if offset < self.acknowledged:
                raise PeerViolation(f"stream {self.id}: offset {offset}, {self.acknowledged} was acknowledged before")
            self.acknowledge(offset)
        start = self.acknowledged
        self._unsent = deque((at, data) if at >= start else (start, data[start - at :]) for at, data in self._chunks)
        self._end_is_sent = False
