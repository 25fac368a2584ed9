"""Defects of streams."""

from __future__ import annotations

from typing import Any

from broken_clients.client import Client, Message, Stop
from broken_clients.client_platform import CommandFailed
from broken_clients.defects import breaks
from pagewire_protocol.violations import PeerViolation


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
