"""Streams that a session sends, without IO: the content of downloads, in chunks within a window (SPEC section 10).

An `OutgoingStream` holds what of its content is not acknowledged, and sends it again from where the receiver is. The
streams of a session, `OutgoingStreams`, take turns and share one window.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

from pagewire_protocol.stream_frames import HEADER, ChunkParts
from pagewire_protocol.violations import PeerViolation
from pagewire_server.core.delivery import Outgoing, OutgoingState

CHUNK_BYTES: Final = 126_976
"""The most that one frame carries. With its headers that is under 128 KiB, from where the C library asks the kernel for
every buffer anew, which takes three times as long; and a command waits no longer for the frame before it."""

LEAST_CHUNK_BYTES: Final = 16_384
"""What a frame carries at least, unless `flush` or `finish` was called: pieces of some bytes must not each cost one."""

_COPIED_BYTES: Final = 4_096
"""Pieces under this size are copied together; a Python object for each would take more memory than they do."""


class OutgoingStream:
    """The content of one download. It holds what is not acknowledged, at most a window of bytes.

    The caller feeds it while `room` is above 0, calls `flush` where what was fed waits for too long, and says `finish`
    at the end.
    """

    def __init__(self, id_: int, window_bytes: int, command: Outgoing | None = None) -> None:
        self.id = id_
        self.command = command
        """The message that must be written before any chunk is; None if there is none to wait for."""
        self.chunk_bytes = min(window_bytes // 4, CHUNK_BYTES)
        """The most that one frame carries (STREAM-3)."""
        self.acknowledged = 0
        """How many bytes the receiver has."""
        self._window_bytes = window_bytes
        self._least_bytes = min(LEAST_CHUNK_BYTES, self.chunk_bytes)
        self._kept: deque[tuple[int, memoryview]] = deque()
        self._unsent: deque[memoryview] = deque()
        self._small = bytearray()
        """The last pieces that were fed, being small: in neither of the two above yet."""
        self._fed = 0
        self._next = 0
        self._sent = 0
        self._flushed = 0
        self._is_finished = False
        self._end_is_sent = False

    @property
    def room(self) -> int:
        """How many more bytes may be fed now."""
        return self._window_bytes - (self._fed - self.acknowledged)

    @property
    def in_flight(self) -> int:
        """How many bytes are sent on this connection and not acknowledged."""
        return max(self._next - self.acknowledged, 0)

    @property
    def waiting(self) -> int:
        """How many bytes are fed and not sent."""
        return self._fed - self._next

    @property
    def has_frame(self) -> bool:
        """Whether `next_frame` gives one."""
        waiting = self.waiting
        if waiting:
            return waiting >= self._least_bytes or self._is_finished or self._flushed > self._next
        return self._is_finished and not self._end_is_sent

    @property
    def needs_flush(self) -> bool:
        """Whether what waits is too little for a frame, unless more comes, or `flush` or `finish` is called."""
        return self.waiting > 0 and not self.has_frame

    def feed(self, data: bytes | memoryview) -> int:
        """Take the next bytes of the content, as many as there is room for; return how many that were.

        They are not copied: the caller must not change them.
        """
        piece = memoryview(data)[: max(self.room, 0)]
        if len(piece) >= _COPIED_BYTES:
            self._keep_small()
            self._keep(piece)
            return len(piece)
        self._small += piece
        self._fed += len(piece)
        if len(self._small) >= self._least_bytes:
            self._keep_small()
        return len(piece)

    def flush(self) -> None:
        """Let all that was fed so far go out, however little it is."""
        self._flushed = self._fed

    def finish(self) -> None:
        """Say that all was fed."""
        self._is_finished = True

    def next_frame(self) -> ChunkParts | None:
        """Return the next binary frame, in parts, or None for now. It counts as sent (STREAM-1, STREAM-2)."""
        if not self.has_frame:
            return None
        offset = self._next
        if not self.waiting:
            self._end_is_sent = True
            return (HEADER.pack(self.id, offset),)
        count = min(self.waiting, self.chunk_bytes)
        payload = self._take(count)
        self._next += count
        self._sent = max(self._sent, self._next)
        return (HEADER.pack(self.id, offset), *payload)

    def acknowledge(self, offset: int) -> None:
        """Forget what the receiver has; a lower offset is ignored.

        One above what was sent is a violation (STREAM-8).
        """
        if offset > self._sent:
            raise PeerViolation(f"stream {self.id}: offset {offset} is acknowledged, {self._sent} bytes were sent")
        self.acknowledged = max(self.acknowledged, offset)
        while self._kept and self._kept[0][0] + len(self._kept[0][1]) <= offset:
            self._kept.popleft()

    def resume(self, offset: int | None) -> None:
        """Go on, on a new connection, at `offset` (STREAM-10).

        If the receiver names none, that is what was acknowledged before.
        """
        if offset is not None:
            if offset < self.acknowledged:
                raise PeerViolation(f"stream {self.id}: offset {offset}, {self.acknowledged} was acknowledged before")
            self.acknowledge(offset)
        start = self._next = self.acknowledged
        self._unsent = deque(piece[max(start - at, 0) :] for at, piece in self._kept)
        self._end_is_sent = False

    def _take(self, count: int) -> list[memoryview]:
        payload = []
        while count:
            if not self._unsent:
                self._keep_small()
            piece = self._unsent.popleft()
            if len(piece) > count:
                self._unsent.appendleft(piece[count:])
                piece = piece[:count]
            payload.append(piece)
            count -= len(piece)
        return payload

    def _keep_small(self) -> None:
        if self._small:
            piece = bytes(self._small)
            self._small.clear()
            self._fed -= len(piece)
            self._keep(memoryview(piece))

    def _keep(self, piece: memoryview) -> None:
        self._kept.append((self._fed, piece))
        self._unsent.append(piece)
        self._fed += len(piece)


class OutgoingStreams:
    """The unfinished streams of one session, which take turns.

    They share one window, or a command would wait behind a window of each.
    """

    def __init__(self, window_bytes: int) -> None:
        self._window_bytes = window_bytes
        self.unfinished: deque[OutgoingStream] = deque()
        """The streams that are open, the next one to send first."""

    @property
    def needs_flush(self) -> bool:
        """Whether a few bytes of a stream wait for more to go with them, until `flush`."""
        return any(stream.needs_flush for stream in self.unfinished)

    def make(self, id_: int, command: Outgoing, content: bytes | None = None) -> OutgoingStream:
        """Return the stream of a command, whose message is `command`; with all of its content, if that is known.

        It has its turns once it is appended to `unfinished`.
        """
        stream = OutgoingStream(id_, self._window_bytes, command)
        if content is not None:
            stream.feed(content)
            stream.finish()
        return stream

    def close(self, stream: OutgoingStream) -> None:
        """Forget a stream, whose command was answered or given up."""
        self.unfinished.remove(stream)

    def flush(self) -> None:
        """Let what is waiting go out, however little it is."""
        for stream in self.unfinished:
            stream.flush()

    def resume(self, offsets: Mapping[int, int]) -> None:
        """Go on, on a new connection, at the offsets that the client names by id (STREAM-10)."""
        for stream in self.unfinished:
            stream.resume(offsets.get(stream.id))

    def next_frame(self) -> ChunkParts | None:
        """Return the next binary frame, in parts, or None for now; each stream has its turn."""
        room = self._window_bytes - sum(stream.in_flight for stream in self.unfinished)
        for _ in range(len(self.unfinished)):
            stream = self.unfinished[0]
            self.unfinished.rotate(-1)
            if self._may_send(stream, room) and (frame := stream.next_frame()):
                return frame
        return None

    def _may_send(self, stream: OutgoingStream, room: int) -> bool:
        if stream.command and stream.command.state is OutgoingState.QUEUED:
            return False
        # STREAM-4: of less than a quarter in flight the client need not acknowledge anything, so that may always go on.
        return min(stream.waiting, stream.chunk_bytes) <= room or stream.in_flight < self._window_bytes // 4
