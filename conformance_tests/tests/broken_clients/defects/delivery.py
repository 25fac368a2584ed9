"""Defects of delivery, resume, streams, the heartbeat, and of what follows a bye or a close."""

from __future__ import annotations

import time
from typing import Any

from broken_clients.client import Client, Message, Stop
from broken_clients.defects.scripts import Pageless
from broken_clients.registry import breaks
from broken_clients.surroundings import CommandFailed
from broken_clients.wire import Closed, Text, Wire
from pagewire_protocol.codec import Envelope
from pagewire_protocol.violations import PeerViolation

# --- Delivery ---


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


# --- Resume ---


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


# --- Streams ---


@breaks("STREAM-4")
class AcksStreamsAtTheEnd(Client):
    """Acknowledges a stream at its end only."""

    def ack_stream(self, id_: int, stream: Any, *, is_end: bool) -> None:
        if is_end:
            super().ack_stream(id_, stream, is_end=is_end)


@breaks("STREAM-4")
class DoesNotAckTheEnd(Client):
    """Does not acknowledge the end of a stream."""

    def ack_stream(self, id_: int, stream: Any, *, is_end: bool) -> None:
        if not is_end:
            super().ack_stream(id_, stream, is_end=is_end)


@breaks("STREAM-4")
class AcksLargeChunksOnly(Client):
    """Acknowledges a chunk when it is large, and does not add small ones up."""

    def ack_stream(self, id_: int, stream: Any, *, is_end: bool) -> None:
        large = len(stream.content) - stream.__dict__.get("seen", 0) >= self.window // 8
        stream.__dict__["seen"] = len(stream.content)
        if is_end or large:
            super().ack_stream(id_, stream, is_end=True)


@breaks("STREAM-4")
class AcksMoreThanCame(Client):
    """Acknowledges a window ahead."""

    def ack_stream(self, id_: int, stream: Any, *, is_end: bool) -> None:
        if len(stream.content) - stream.acknowledged >= self.window // 4 or is_end:
            stream.acknowledged = len(stream.content)
            self.send_control("stream_ack", {"id": id_, "offset": stream.acknowledged + self.window})


@breaks("STREAM-5")
class TakesAnyOffset(Client):
    """Appends chunks wherever they belong."""

    def check_chunk(self, stream: Any, offset: int, payload: bytes) -> None:
        super().check_chunk(stream, len(stream.content), payload)


@breaks("STREAM-5")
class TakesLargeChunks(Client):
    """Takes chunks of any size."""

    def check_chunk(self, stream: Any, offset: int, payload: bytes) -> None:
        super().check_chunk(stream, offset, payload[:1])


@breaks("STREAM-5")
class FailsOnASecondEnd(Client):
    """Ends the session when the end of a stream comes twice."""

    def on_chunk(self, id_: int, offset: int, payload: bytes) -> None:
        if not payload and id_ not in self.streams and self.disk.files:
            raise PeerViolation("a second end")
        super().on_chunk(id_, offset, payload)


@breaks("STREAM-6")
class FailsOnUnknownChunks(Client):
    """Ends the session on a chunk of a stream that it does not know."""

    def on_chunk(self, id_: int, offset: int, payload: bytes) -> None:
        if id_ not in self.streams and not self.disk.files:
            raise PeerViolation("id: is no stream")
        super().on_chunk(id_, offset, payload)


@breaks("STREAM-6")
class FailsOnLateChunks(Client):
    """Ends the session on a chunk of a stream that is answered."""

    def on_chunk(self, id_: int, offset: int, payload: bytes) -> None:
        if id_ not in self.streams and self.disk.files:
            raise PeerViolation("id: is no open stream")
        super().on_chunk(id_, offset, payload)


@breaks("STREAM-7")
class TakesAnyLength(Client):
    """Takes a stream of another length than its size."""

    def has_wrong_length(self, stream: Any, payload: bytes) -> bool:
        return False


@breaks("STREAM-7")
class CallsAWrongLengthInvalid(Client):
    """Answers a stream of another length by invalid_command."""

    def fail_command(self, id_: int, failure: CommandFailed) -> None:
        if failure.params["code"] == "stream_failed":
            failure = CommandFailed("invalid_command", "size: is wrong")
        super().fail_command(id_, failure)


@breaks("STREAM-11")
class WaitsForTheStream(Client):
    """Puts commands off until a stream has ended."""

    def start(self, id_: int, type_: str, params: Message) -> None:
        waiting: list[tuple[int, str, Message]] = self.__dict__.setdefault("waiting", [])
        if self.streams:
            waiting.append((id_, type_, params))
        else:
            super().start(id_, type_, params)

    def finish(self, id_: int, stream: Any) -> None:
        super().finish(id_, stream)
        while waiting := self.__dict__.get("waiting"):
            super().start(*waiting.pop(0))


@breaks("STREAM-11")
class HasOneStream(Client):
    """Takes each chunk for one of the newest stream."""

    def on_chunk(self, id_: int, offset: int, payload: bytes) -> None:
        super().on_chunk(max(self.streams, default=id_) if len(self.streams) > 1 else id_, offset, payload)


@breaks("STREAM-12")
class CountsChunksAsMessages(Client):
    """Refuses chunks that are larger than its messages may be."""

    def on_binary(self, data: bytes) -> bool:
        if len(data) > self.max_message_bytes:
            raise Stop
        return super().on_binary(data)


@breaks("STREAM-12")
class TakesSmallChunksOnly(Client):
    """Refuses frames of a quarter of the window, since they have a header too."""

    def on_binary(self, data: bytes) -> bool:
        if len(data) > self.window // 4:
            raise Stop
        return super().on_binary(data)


# --- The heartbeat ---


@breaks("BEAT-3")
class DoesNotAnswerPings(Client):
    """Does not answer pings."""

    def on_ping(self) -> None:
        pass


@breaks("BEAT-3")
class AnswersPingsWhenThereIsNews(Client):
    """Answers a ping only where something is not acknowledged."""

    def on_ping(self) -> None:
        if self.unacknowledged or not self.last_seq:
            super().on_ping()


@breaks("BEAT-3")
class AnswersPingsWhenIdle(Client):
    """Answers pings while no command waits."""

    def on_ping(self) -> None:
        if not self.pending:
            super().on_ping()


@breaks("BEAT-4")
class NeverNoticesSilence(Client):
    """Never gives a silent connection up."""

    def silent_at(self) -> float:
        return float("inf") if self.welcomed else super().silent_at()


@breaks("BEAT-4")
class SaysByeToNobody(Client):
    """Says bye before it gives a silent connection up."""

    def on_silence(self) -> None:
        self.say_bye("client_left", "Nobody is there.")
        super().on_silence()


@breaks("BEAT-4")
class WaitsForTheCloseHandshake(Client):
    """Waits until its Close is answered."""

    def on_silence(self) -> None:
        if self.wire is not None:
            self.wire.close(4000)
            while not self.wire.is_over and not self.stopped.is_set():
                self.wire.receive(0.02)
        self.lengthen_silence()


@breaks("BEAT-4")
class IgnoresTheTimeout(Client):
    """Waits for interval_ms only."""

    def silence_limit(self) -> float:
        return float(self.terms["heartbeat"]["interval_ms"]) / 1000


@breaks("BEAT-4")
class CountsSessionMessagesOnly(Client):
    """Takes pings for silence."""

    def on_ping(self) -> None:
        heard, super_ping = self.__dict__.get("really_heard", self.heard_at - 0.01), super().on_ping
        super_ping()
        self.heard_at = heard
        self.__dict__["really_heard"] = heard


@breaks("BEAT-5")
class NeverLengthensItsLimit(Client):
    """Gives slow connections up again and again."""

    def lengthen_silence(self) -> None:
        pass


@breaks("BEAT-5")
class NeverShortensItsLimit(Client):
    """Keeps a limit that was lengthened."""

    def progress(self) -> None:
        self.failures = 0


@breaks("BEAT-6")
class SendsPings(Client):
    """Sends pings of its own."""

    pinged_at = 0.0

    def on_time(self) -> bool:
        if self.welcomed and time.monotonic() - self.pinged_at > 0.2:
            self.pinged_at = time.monotonic()
            self.send_control("ping", {})
        return super().on_time()


@breaks("BEAT-7")
class WaitsForTheWelcomeForEver(Client):
    """Waits for a welcome without end."""

    greeting_limit = 10_000.0


# --- After a bye or a close ---


@breaks("END-2")
class ActsAfterABye(Client):
    """Does what stands behind a bye."""

    def tend_older_connections(self) -> None:
        for wire in self.lingering:
            for event in wire.receive(0):
                if isinstance(event, Text) and b'"eval_js"' in event.data:
                    self.engine.start(0, "globalThis.ghost = 1", {}, is_eval=False)
        self.lingering = [wire for wire in self.lingering if not wire.is_over]


@breaks("END-2")
class AcksAfterABye(Client):
    """Answers a ping behind a bye."""

    def tend_older_connections(self) -> None:
        for wire in self.lingering:
            for event in wire.receive(0):
                if isinstance(event, Text) and b'"ping"' in event.data:
                    wire.send_text('{"type":"ack","params":{"seq":2}}')
        self.lingering = [wire for wire in self.lingering if not wire.is_over]


@breaks("END-3")
class NeverTakesNo(Client):
    """Takes `never` for `resume`."""

    def on_bye(self, params: Message) -> bool:
        return super().on_bye(params | ({"retry": "resume"} if params["retry"] == "never" else {}))


@breaks("END-3")
class ResumesInsteadOfReconnecting(Client):
    """Takes `reconnect` for `resume`."""

    def on_bye(self, params: Message) -> bool:
        return super().on_bye(params | ({"retry": "resume"} if params["retry"] == "reconnect" else {}))


@breaks("END-3")
class ReconnectsInsteadOfResuming(Client):
    """Takes `resume` for `reconnect`."""

    def on_bye(self, params: Message) -> bool:
        return super().on_bye(params | ({"retry": "reconnect"} if params["retry"] == "resume" else {}))


@breaks("END-3")
class LetsOldCodeSpeak(Client):
    """Answers the old commands in the new session."""

    def renew(self) -> None:
        pending = self.pending
        super().renew()
        if pending:
            self.outbox = []
            self.engine.start(0, "globalThis.go = () => pagewire.emit('old', 1)", {}, is_eval=False)
            self.engine.run_jobs()


@breaks("END-3")
class ReconnectsWithoutWaiting(Pageless):
    """Hurries back to a server that is full."""

    def renew(self) -> None:
        super().renew()
        self.failures = 0


@breaks("END-4")
class StopsOnUnknownCodes(Client):
    """Takes a code that it does not know for the end."""

    def on_bye(self, params: Message) -> bool:
        return super().on_bye(params | ({"retry": "never"} if params["code"] in {"novelty", "acme:closed"} else {}))


@breaks("END-4")
class GoesByTheCode(Client):
    """Goes by the registry's retry, whatever the bye says."""

    def on_bye(self, params: Message) -> bool:
        return super().on_bye(params | ({"retry": "never"} if params["code"] == "session_ended" else {}))


@breaks("END-4")
class ResumesOnUnknownCodes(Client):
    """Resumes after a code that it does not know."""

    def on_bye(self, params: Message) -> bool:
        return super().on_bye(params | ({"retry": "resume"} if params["code"] == "novelty" else {}))


@breaks("END-4")
class GoesByTheCloseCode(Client):
    """Looks at the close code that follows a bye."""

    def on_bye(self, params: Message) -> bool:
        if self.wire is None or params["retry"] != "resume":
            return super().on_bye(params)
        wire: Wire = self.wire
        for event in wire.receive(1):
            if isinstance(event, Closed) and event.code == 1000:
                raise Stop
        return super().on_bye(params)


@breaks("END-5")
class StopsOn1001(Client):
    """Takes a close with 1001 for the end."""

    def on_closed(self, code: int) -> bool:
        if code == 1001:
            raise Stop
        return super().on_closed(code)


@breaks("END-5")
class ResumesAfter4404(Client):
    """Takes every close for a break."""

    def on_closed(self, code: int) -> bool:
        return False


@breaks("END-5")
class StopsOnAbnormalEnds(Client):
    """Takes a connection that just ends for the end of the session."""

    def on_closed(self, code: int) -> bool:
        if code == 1006 and self.last_seq:
            raise Stop
        return super().on_closed(code)


@breaks("END-9")
class ObeysTheRetryOfInvalidMessage(Client):
    """Comes back after invalid_message, where the bye says so."""

    def on_bye(self, params: Message) -> bool:
        if params["code"] == "invalid_message":
            params = params | {"code": "novelty"}
        return super().on_bye(params)


@breaks("END-9")
class ComesBackAfter1009(Client):
    """Takes a close with 1009 for a break."""

    def on_closed(self, code: int) -> bool:
        return super().on_closed(1006 if code == 1009 else code)
