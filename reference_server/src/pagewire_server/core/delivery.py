"""Delivery of one side's session messages, without IO: what it sends, and what it receives (SPEC sections 8 and 9).

An `Outbox` numbers messages at their first write, keeps them until they are acknowledged, and sends them again on the
next connection, in order and byte for byte the same. An `Inbox` drops duplicates, refuses gaps, and knows when an
acknowledgement is due. Either works for either side of a session.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Final

from pagewire_protocol.violations import PeerViolation

SEQ_DIGITS: Final = 16
"""How much a `seq` counts in a message's size: the digits of the largest (WIRE-24)."""

ACK_MESSAGES: Final = 32
"""An ack is due after so many messages (DELIVERY-5)."""

ACK_BYTES: Final = 262_144
"""An ack is due after so many bytes (DELIVERY-5)."""

ACK_DELAY: Final = 1.0
"""Seconds after which an ack is due in any case; DELIVERY-6 allows 2."""


class OutboxFull(Exception):  # noqa: N818 - a state of the buffer, not a mistake
    """There is no room for the message; nothing was queued."""


class OutgoingState(Enum):
    """Where a message is on its way (the table of SPEC section 8)."""

    QUEUED = "queued"
    WRITTEN = "written"
    ACKNOWLEDGED = "acknowledged"
    WITHDRAWN = "withdrawn"


class Outgoing:
    """One session message on its way out. It gets its `seq` at the first write (DELIVERY-1)."""

    __slots__ = ("_head", "_tail", "id", "seq", "size", "state")

    def __init__(self, type_: str, params: bytes, id_: int | None = None) -> None:
        # Its `seq` is not known yet: these are the parts before and after it.
        self._head = b'{"type":"%b","seq":' % type_.encode()
        self._tail = b',"params":%b}' % params if id_ is None else b',"id":%d,"params":%b}' % (id_, params)
        self.id = id_
        self.seq = 0
        """0 until the first write."""
        self.size = len(self._head) + SEQ_DIGITS + len(self._tail)
        """Of its frame, in bytes, with the `seq` counted at its longest (WIRE-24)."""
        self.state = OutgoingState.QUEUED

    @property
    def frame(self) -> bytes:
        """The text frame, the same at each write; only once it has a `seq`, and until it is acknowledged."""
        return b"%b%d%b" % (self._head, self.seq, self._tail)

    def leave(self, state: OutgoingState) -> None:
        """Enter a last state. The text goes: the command may wait for its reply for as long as the session lives."""
        self.state = state
        self._head = self._tail = b""


_NOTHING: Final[deque[Outgoing]] = deque()
"""What is to be replayed where that is nothing: an empty deque of its own takes 760 bytes. It is never put into."""


class Outbox:
    """The session messages of one sender.

    `window_bytes` bounds what is unacknowledged on a connection, or one larger message alone (DELIVERY-9);
    `capacity_bytes` what waits beyond it (DELIVERY-10). None is unbounded.
    """

    def __init__(self, *, window_bytes: int | None = None, capacity_bytes: int | None = None) -> None:
        self._window_bytes = window_bytes
        self._capacity_bytes = capacity_bytes
        self._queued: deque[Outgoing] = deque()
        self._queued_count = 0
        self._written: deque[Outgoing] = deque()
        self.to_replay = _NOTHING
        """What was written before and is still to be written on this connection; some of it may be acknowledged."""
        self.unwritten = 0
        """How many messages may be still to be written on this connection."""
        self._on_connection: deque[Outgoing] = deque()
        self._on_connection_bytes = 0
        self.queued_bytes = 0
        """Bytes that wait for their first write."""
        self.written_bytes = 0
        """Bytes that are written and not acknowledged."""
        self.written_seq = 0
        """The highest `seq` that was given."""
        self.acknowledged_seq = 0
        """The highest `seq` that was acknowledged."""

    @property
    def is_empty(self) -> bool:
        """Whether everything that was put in was acknowledged or withdrawn."""
        return not self._written and not self._queued_count

    @property
    def has_frame(self) -> bool:
        """Whether `next_frame` might give one now."""
        return self.unwritten > 0

    @property
    def is_replaying(self) -> bool:
        """Whether something that was written before is still to be written on this connection."""
        return any(message.state is OutgoingState.WRITTEN for message in self.to_replay)

    # -- the program's side ------------------------------------------------------------------

    def has_room(self, size: int) -> bool:
        """Whether a message of `size` bytes may be put in; an empty queue takes one of any size."""
        capacity = self._capacity_bytes
        return capacity is None or not self._queued_count or self.queued_bytes + size <= capacity

    def put(self, message: Outgoing) -> None:
        """Queue `message`; OutboxFull if there is no room."""
        if not self.has_room(message.size):
            raise OutboxFull(f"{self.queued_bytes} bytes wait to be sent, of at most {self._capacity_bytes}")
        self.put_beyond_capacity(message)

    def put_beyond_capacity(self, message: Outgoing) -> None:
        """Queue `message` whatever the room: a reply, or a cancel, whose number is bounded by what they belong to."""
        self._queued.append(message)
        self._queued_count += 1
        self.unwritten += 1
        self.queued_bytes += message.size

    def withdraw(self, message: Outgoing) -> bool:
        """Take back a message that was never written; False if it was, and must be cancelled instead."""
        if message.state is not OutgoingState.QUEUED:
            return message.state is OutgoingState.WITHDRAWN
        message.leave(OutgoingState.WITHDRAWN)
        self._queued_count -= 1
        self.unwritten -= 1
        self.queued_bytes -= message.size
        if len(self._queued) > 2 * self._queued_count:  # what is withdrawn takes no memory while nothing is written
            self._queued = deque(waiting for waiting in self._queued if waiting.state is OutgoingState.QUEUED)
        return True

    # -- the connection's side ---------------------------------------------------------------

    def next_frame(self) -> bytes | None:
        """Return the next frame to write: the replay first, then new messages; None if the window is full or empty.

        A frame that is returned counts as written, whatever becomes of the write.
        """
        queue = self.to_replay or self._queued
        while queue and (queue[0].state is OutgoingState.ACKNOWLEDGED or queue[0].state is OutgoingState.WITHDRAWN):
            self.unwritten -= queue.popleft().state is OutgoingState.ACKNOWLEDGED
            queue = self.to_replay or self._queued
        if not queue or not self._fits_window(queue[0].size):
            return None
        message = queue.popleft()
        self.unwritten -= 1
        if message.state is OutgoingState.QUEUED:
            self._give_seq(message)
        self._on_connection.append(message)
        self._on_connection_bytes += message.size
        return message.frame

    def acknowledge(self, seq: int) -> None:
        """Forget what is received up to `seq`; a lower one is ignored.

        One above what was written is a violation (DELIVERY-7).
        """
        if seq > self.written_seq:
            raise PeerViolation(f"seq {seq} is acknowledged, where {self.written_seq} is the last one sent")
        while self._written and self._written[0].seq <= seq:
            self._forget(self._written.popleft())
        self.acknowledged_seq = max(self.acknowledged_seq, seq)

    def resume(self, last_seq: int) -> None:
        """Start on a new connection: what is above `last_seq` is to be written again (RESUME-4).

        A `last_seq` below what was acknowledged, or above what was written, is a violation (RESUME-6, RESUME-7).
        """
        if last_seq < self.acknowledged_seq:
            raise PeerViolation(f"last_seq {last_seq}, where {self.acknowledged_seq} was acknowledged before")
        self.acknowledge(last_seq)
        self.to_replay = deque(self._written) if self._written else _NOTHING
        self.unwritten = self._queued_count + len(self.to_replay)
        self._on_connection.clear()
        self._on_connection_bytes = 0

    def _fits_window(self, size: int) -> bool:
        in_flight = self._on_connection_bytes
        return self._window_bytes is None or not in_flight or in_flight + size <= self._window_bytes

    def _give_seq(self, message: Outgoing) -> None:
        self.written_seq += 1
        message.seq = self.written_seq
        message.state = OutgoingState.WRITTEN
        self._written.append(message)
        self._queued_count -= 1
        self.queued_bytes -= message.size
        self.written_bytes += message.size

    def _forget(self, message: Outgoing) -> None:
        message.leave(OutgoingState.ACKNOWLEDGED)
        self.written_bytes -= message.size
        if self._on_connection and self._on_connection[0] is message:
            self._on_connection.popleft()
            self._on_connection_bytes -= message.size


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
