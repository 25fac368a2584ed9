"""One side's delivery: an outbox and an inbox over a connection that comes and goes, until it is drained."""

from __future__ import annotations

from enum import Enum

from pagewire_protocol.codec import control_frame
from pagewire_protocol.control_messages import AckParams
from pagewire_protocol.delivery.inbox import Inbox
from pagewire_protocol.delivery.outbox import Outbox, Outgoing


class DeliveryState(Enum):
    """Whether new messages are taken."""

    ACTIVE = "active"
    DRAINING = "draining"
    """What was put in is delivered to its end (END-10); whether more is put in is the caller's affair."""


class Delivery:
    """Carries session messages both ways. The shell calls `attach`, writes each `next_frame`, and calls `detach`."""

    def __init__(self, *, window_bytes: int | None = None, capacity_bytes: int | None = None) -> None:
        self.outbox = Outbox(window_bytes=window_bytes, capacity_bytes=capacity_bytes)
        self.inbox = Inbox()
        self.is_attached = False
        """Whether there is a connection to write to."""
        self._state = DeliveryState.ACTIVE

    @property
    def is_drained(self) -> bool:
        """Whether it drains and the other side has everything."""
        return self._state is DeliveryState.DRAINING and self.outbox.is_empty

    @property
    def is_draining(self) -> bool:
        """Whether `drain` was called."""
        return self._state is DeliveryState.DRAINING

    @property
    def has_frames(self) -> bool:
        """Whether `next_frame` might give one now; False is certain, but for an ack's deadline."""
        return self.inbox.ack_is_due or self.outbox.has_frame

    # -- the program's side ------------------------------------------------------------------

    def put(self, message: Outgoing) -> None:
        """Queue `message`; OutboxFull if there is no room."""
        self.outbox.put(message)

    def drain(self) -> None:
        """Say that the program is done: from now on `is_drained` may become true."""
        self._state = DeliveryState.DRAINING

    # -- the connection's side ---------------------------------------------------------------

    def attach(self, peer_last_seq: int) -> int:
        """Start on a new connection whose peer has received up to `peer_last_seq`; return what this side has received.

        PeerViolation if `peer_last_seq` cannot be. The older connection, if there is one, is detached in the same step
        (RESUME-8).
        """
        self.outbox.resume(peer_last_seq)
        self.is_attached = True
        return self.inbox.acknowledge()

    def detach(self) -> None:
        """Say that the connection is gone; messages wait for the next."""
        self.is_attached = False

    def next_frame(self, now: float) -> bytes | None:
        """Return the next frame to write, an ack that is due before messages; None if there is none now."""
        if not self.is_attached:
            return None
        inbox = self.inbox
        if inbox.ack_is_due or (inbox.ack_deadline is not None and inbox.ack_deadline <= now):
            return self.ack_frame()
        return self.outbox.next_frame()

    def ack_frame(self) -> bytes:
        """Return an `ack` of everything received, to be written now."""
        return control_frame("ack", AckParams(seq=self.inbox.acknowledge()))
