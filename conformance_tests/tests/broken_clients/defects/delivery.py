"""Defects of delivery."""

from __future__ import annotations

from typing import Any

from broken_clients.client import Client, Message
from broken_clients.defects import breaks
from pagewire_protocol.codec import Envelope
from pagewire_protocol.violations import PeerViolation


@breaks("DELIVERY-1")
class ForgetsWhatItWrote(Client):
    """Forgets messages once they are written."""

    def replay(self, after: int) -> None:
        pass


@breaks("DELIVERY-1")
class SendsTheAcknowledgedAgain(Client):
    """Sends again what was acknowledged."""

    def on_welcome(self, params: Message) -> bool:
        done = super().on_welcome(params)
        if params["resumed"] and params["last_seq"] == self.written and self.written:
            self.send(f'{{"type":"event","seq":{self.written},"params":{{"name":"again","data":null}}}}')
        return done


@breaks("DELIVERY-2")
class DedupesOnlyAcrossReconnects(Client):
    """Drops what comes again after a reconnect only."""

    was_broken = False

    def after_break(self, tried_at: float) -> float:
        self.was_broken = True
        return super().after_break(tried_at)

    def is_old(self, seq: int) -> bool:
        if super().is_old(seq) and not self.was_broken:
            self.engine.start(0, "globalThis.counter++; globalThis.goes?.push(1)", {}, is_eval=False)
        return super().is_old(seq)


@breaks("DELIVERY-2")
class SavesDuplicates(Client):
    """Saves a file again that comes again."""

    def is_old(self, seq: int) -> bool:
        if super().is_old(seq) and self.disk.files:
            self.disk.files.append(self.disk.files[-1])
        return super().is_old(seq)


@breaks("DELIVERY-2")
class AnswersDuplicates(Client):
    """Answers an old message."""

    def is_old(self, seq: int) -> bool:
        if super().is_old(seq):
            raise PeerViolation("seq: is old")
        return False


@breaks("DELIVERY-3")
class ToleratesGaps(Client):
    """Goes on after a gap."""

    def on_gap(self, envelope: Envelope) -> None:
        pass


@breaks("DELIVERY-4")
class AcksOneTooHigh(Client):
    """Acknowledges one more than it has received."""

    def send_ack(self) -> None:
        self.count_as_acknowledged()
        self.send_control("ack", {"seq": self.last_seq + 1})


@breaks("DELIVERY-4")
class AcksOneTooLow(Client):
    """Acknowledges one less than it has received."""

    def send_ack(self) -> None:
        self.count_as_acknowledged()
        self.send_control("ack", {"seq": max(0, self.last_seq - 1)})


@breaks("DELIVERY-4")
class CountsMessagesForAcks(Client):
    """Acknowledges the number of messages that came, duplicates too."""

    count = 0

    def is_old(self, seq: int) -> bool:
        self.count += 1
        return super().is_old(seq)

    def send_ack(self) -> None:
        self.count_as_acknowledged()
        self.send_control("ack", {"seq": self.count})


@breaks("DELIVERY-5")
class AcksEvery100(Client):
    """Acknowledges after a hundred messages."""

    ack_after_messages = 100


@breaks("DELIVERY-5")
class DoesNotCountBytes(Client):
    """Does not look at the size of what it has received."""

    ack_after_bytes = 2**40


@breaks("DELIVERY-6")
class AcksAfter5Seconds(Client):
    """Waits 5 s with its acks."""

    ack_after_seconds = 5.0


@breaks("DELIVERY-6")
class PutsAcksOff(Client):
    """Sets the timer of its ack anew with each message."""

    def consume(self, seq: int, size: int) -> None:
        self.ack_due = None
        super().consume(seq, size)


@breaks("DELIVERY-7")
class TakesAnyAck(Client):
    """Takes acks of what it never wrote."""

    def on_ack(self, seq: int) -> None:
        self.acknowledge(min(seq, self.written))


@breaks("DELIVERY-7")
class RefusesLowerAcks(Client):
    """Ends the session on an ack that is lower than one before."""

    def on_ack(self, seq: int) -> None:
        if seq < self.acknowledged:
            raise PeerViolation("params.seq: is lower than before")
        super().on_ack(seq)


@breaks("DELIVERY-8")
class DropsRepliesWhenFull(Client):
    """Drops replies that find no room."""

    def queue(self, message: Any) -> None:
        if self.unacknowledged_out() + message.size <= 1_048_576:
            super().queue(message)
