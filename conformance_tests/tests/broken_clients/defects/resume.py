"""Defects of reconnecting."""

from __future__ import annotations

import time

from broken_clients.client import Client, Message, Stop
from broken_clients.defects import breaks
from broken_clients.wire import Text


@breaks("RESUME-1")
class StaysAway(Client):
    """Does not come back after a break."""

    def after_break(self, tried_at: float) -> float:
        if self.was_welcomed:
            raise Stop
        return super().after_break(tried_at)


@breaks("RESUME-1")
class ComesBackThreeTimes(Client):
    """Comes back three times, and no more."""

    breaks = 0

    def after_break(self, tried_at: float) -> float:
        self.breaks += self.welcomed
        if self.breaks > 3:
            raise Stop
        return super().after_break(tried_at)


@breaks("RESUME-2")
class SaysWhatItAcknowledged(Client):
    """Says what it has acknowledged, not what it has received."""

    acked = 0

    def send_ack(self) -> None:
        super().send_ack()
        self.acked = self.last_seq

    def resume_point(self) -> Message:
        return super().resume_point() | {"last_seq": self.acked}


@breaks("RESUME-2")
class Says1BeforeAnything(Client):
    """Says at least 1."""

    def resume_point(self) -> Message:
        point = super().resume_point()
        return point | {"last_seq": max(1, point["last_seq"])}


@breaks("RESUME-2")
class NamesNoStreams(Client):
    """Names no streams when it resumes."""

    def resume_point(self) -> Message:
        return super().resume_point() | {"streams": []}


@breaks("RESUME-2")
class NamesAcknowledgedOffsets(Client):
    """Names the bytes that it has acknowledged of a stream."""

    def resume_point(self) -> Message:
        streams = [{"id": id_, "offset": stream.acknowledged} for id_, stream in self.streams.items()]
        return super().resume_point() | {"streams": streams}


@breaks("RESUME-2")
class NamesEndedStreams(Client):
    """Names streams that are answered."""

    def resume_point(self) -> Message:
        return super().resume_point() | {"streams": [{"id": 1, "offset": 0}]}


@breaks("RESUME-4")
class ReplaysBackwards(Client):
    """Sends again from the last to the first."""

    def replay(self, after: int) -> None:
        for seq in range(self.written, after, -1):
            self.send(self.outbox[seq - self.acknowledged - 1].text(seq))


@breaks("RESUME-4")
class ReplaysOnlyTheLast(Client):
    """Sends again the last message only."""

    def replay(self, after: int) -> None:
        super().replay(max(after, self.written - 1))


@breaks("RESUME-4")
class SendsTheNewFirst(Client):
    """Sends what is new before what was lost."""

    def on_welcome(self, params: Message) -> bool:
        if params["resumed"] and self.written:
            self.written += 0
            self.send(f'{{"type":"event","seq":{self.written + 1},"params":{{"name":"new","data":1}}}}')
        return super().on_welcome(params)


@breaks("RESUME-4")
class ForgetsWhatWaits(Client):
    """Forgets the commands that wait when the connection breaks."""

    def after_break(self, tried_at: float) -> float:
        self.pending.clear()
        return super().after_break(tried_at)


@breaks("RESUME-5")
class KeepsWhatArrived(Client):
    """Does not take `last_seq` for an ack: its buffer stays full."""

    def unacknowledged_out(self) -> int:
        return super().unacknowledged_out() + int(self.__dict__.get("kept", 0))

    def on_welcome(self, params: Message) -> bool:
        self.__dict__["kept"] = super().unacknowledged_out()
        return super().on_welcome(params)


@breaks("RESUME-7")
class TakesAnyLastSeq(Client):
    """Takes a last_seq that cannot be."""

    def on_welcome(self, params: Message) -> bool:
        fitting = min(max(params["last_seq"], self.acknowledged), self.written)
        return super().on_welcome(params | {"last_seq": fitting})


@breaks("RESUME-9")
class ListensToOlderConnections(Client):
    """Does what an older connection still brings."""

    def tend_older_connections(self) -> None:
        for wire in self.lingering:
            for event in wire.receive(0):
                if isinstance(event, Text):
                    self.engine.start(0, "globalThis.ghost = 1", {}, is_eval=False)
        self.lingering = [wire for wire in self.lingering if not wire.is_over]


@breaks("RESUME-10")
class DoesNotWait(Client):
    """Tries again at once, always."""

    def next_wait(self) -> float:
        return 0.01


@breaks("RESUME-10")
class WaitsAtFirst(Client):
    """Waits before its first attempt too."""

    def next_wait(self) -> float:
        self.failures += 1
        return 0.7


@breaks("RESUME-10")
class WaitsTheLimit(Client):
    """Waits as long as it may, without chance."""

    def jitter(self, limit: float) -> float:
        return limit


@breaks("RESUME-10")
class WaitsTooLong(Client):
    """Begins with a limit of 4 s."""

    def jitter(self, limit: float) -> float:
        return limit + 3


@breaks("RESUME-10")
class TakesWelcomeForProgress(Client):
    """Sets its wait back with each welcome."""

    def on_welcome(self, params: Message) -> bool:
        self.failures = 0
        return super().on_welcome(params)


@breaks("RESUME-10")
class NeverSetsItsWaitBack(Client):
    """Never sets its wait back."""

    def progress(self) -> None:
        self.silence_factor = 1

    def jitter(self, limit: float) -> float:
        return max(0.45, super().jitter(limit))


@breaks("RESUME-11")
class GivesUpAtOnce(Client):
    """Gives up after three attempts."""

    def after_break(self, tried_at: float) -> float:
        if self.failures >= 3:
            raise Stop
        return super().after_break(tried_at)


@breaks("RESUME-11")
class NeverGivesUp(Client):
    """Never gives up."""

    def after_break(self, tried_at: float) -> float:
        self.lost_at = None
        return super().after_break(tried_at)


@breaks("RESUME-11")
class GivesUpBeforeTheWindow(Client):
    """Makes no last attempt when the window is over."""

    def after_break(self, tried_at: float) -> float:
        wait = super().after_break(tried_at)
        if self.terms and self.lost_at is not None:
            window = self.terms["resume_window_ms"] / 1000
            if time.monotonic() + wait - self.lost_at > window:
                raise Stop
        return wait


@breaks("RESUME-13")
class KeepsItsInstance(Client):
    """Keeps the instance when the page is loaded again."""

    def reload(self) -> None:
        instance = self.instance
        super().reload()
        self.instance = instance
