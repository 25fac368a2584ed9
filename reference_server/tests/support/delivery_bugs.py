"""Bugs of delivery, planted to prove that tests and the model checker find them."""

from __future__ import annotations

from pagewire_server.core.delivery import Inbox, Outbox


class ReplaysNothing(Outbox):
    """Takes what was written for received."""

    def resume(self, last_seq: int) -> None:
        super().resume(last_seq)
        self.to_replay.clear()


class ReplaysBackwards(Outbox):
    """Replays the newest first."""

    def resume(self, last_seq: int) -> None:
        super().resume(last_seq)
        self.to_replay.reverse()


class ReplaysWithNewNumbers(Outbox):
    """Counts what it replays once more."""

    def resume(self, last_seq: int) -> None:
        super().resume(last_seq)
        for message in self.to_replay:
            self.written_seq += 1
            message.seq = self.written_seq


class ForgetsWhatItWrites(Outbox):
    """Keeps no message until it is acknowledged."""

    def next_frame(self) -> bytes | None:
        frame = super().next_frame()
        self.acknowledge(self.written_seq)
        return frame


class CountsTheOldConnection(Outbox):
    """Never frees the window of what was lost with a connection."""

    def resume(self, last_seq: int) -> None:
        in_flight = self._on_connection_bytes
        super().resume(last_seq)
        self._on_connection_bytes = in_flight


class DropsNoDuplicate(Inbox):
    """Lets a message act twice."""

    def receive(self, seq: int, size: int, now: float) -> bool:
        return seq <= self.last_seq or super().receive(seq, size, now)


class AcknowledgesOneTooHigh(Inbox):
    """Acknowledges what has not come."""

    def acknowledge(self) -> int:
        return super().acknowledge() + 1


class NeverAcknowledgesInTime(Inbox):
    """Waits for the 32nd message."""

    def receive(self, seq: int, size: int, now: float) -> bool:
        is_new = super().receive(seq, size, now)
        self.ack_deadline = None
        return is_new
