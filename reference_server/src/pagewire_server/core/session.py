"""One session without IO: commands out, replies and events in, streams, and how it drains and ends.

Invariants: a command is in `_commands` from when it is queued until it is answered or withdrawn, or the session ends.
Its stream, if it has one, is in `_streams` for a part of that time: until it is answered, or given up.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from pagewire_protocol import codec, json_values
from pagewire_protocol.byes import make_bye
from pagewire_protocol.codec import Envelope
from pagewire_protocol.codes import BYE_RULES, SESSION_ENDING_CLOSE_CODES, ByeCode, CloseCode, ErrorCode
from pagewire_protocol.command_messages import CancelParams
from pagewire_protocol.control_messages import AckParams, ByeParams, StreamAckParams
from pagewire_protocol.fields import MIN_MESSAGE_BYTES, WireModel
from pagewire_protocol.registry import CODE_COMMANDS, KINDS, RESULT_MODELS, Kind, Side
from pagewire_protocol.reply_messages import (
    ErrorParams,
    EventParams,
)
from pagewire_protocol.stream_frames import ChunkParts, unpack_chunk
from pagewire_protocol.violations import PeerViolation
from pagewire_server.core.delivery import Inbox, Outbox, OutboxFull, Outgoing, OutgoingState
from pagewire_server.core.handshake import ClientHello
from pagewire_server.core.limits import MOST_UNANSWERED, UNIT_BYTES, SessionLimits, weight_of
from pagewire_server.core.streams import OutgoingStream, OutgoingStreams


class MessageTooLargeError(ValueError):
    """The message is larger than the client accepts; nothing was queued (WIRE-24)."""


class StreamClosed(Exception):  # noqa: N818 - a state of the stream, not a mistake
    """The stream accepts no more: its command was answered or given up, or the session has ended."""


class SessionState(Enum):
    """What the session still does."""

    ACTIVE = "active"
    """The app runs, or is held."""
    DRAINING = "draining"
    """The app is done; what is under way is finished (END-10)."""
    ENDED = "ended"
    """Nothing goes in or out any more."""


class Command:
    """A command that was queued; `owner` is whatever its caller wants back with the reply."""

    __slots__ = ("acknowledged", "id", "is_cancelled", "message", "owner", "stream", "type")

    message: Outgoing

    def __init__(self, type_: str, id_: int, owner: object) -> None:
        self.type = type_
        self.id = id_
        self.owner = owner
        self.stream: OutgoingStream | None = None
        """The content of a download, while it is sent."""
        self.acknowledged = 0
        """How many bytes of a stream that is over the client had acknowledged."""
        self.is_cancelled = False
        """Whether a `cancel` was sent; whichever reply comes is accepted (CANCEL-5)."""


class Replied(NamedTuple):
    """A command was answered: the params of its `result` or `error`."""

    command: Command
    params: WireModel

    @property
    def error(self) -> ErrorParams | None:
        """What went wrong, or None."""
        return self.params if isinstance(self.params, ErrorParams) else None


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The client has received more of what was sent."""


@dataclass(frozen=True, slots=True)
class EventReceived:
    """The page emitted an event."""

    name: str
    data: object
    size: int
    """What it counts for while it waits (`weight_of` its message)."""


@dataclass(frozen=True, slots=True)
class ClientLeft:
    """The client said `bye`."""

    code: str
    message: str


Effect = Replied | Acknowledged | EventReceived | ClientLeft
"""What a received message means to the program."""


class SessionCore:
    """The server's end of one session. Times are seconds on any one clock."""

    def __init__(self, hello: ClientHello, limits: SessionLimits) -> None:
        self.state = SessionState.ACTIVE
        self.is_attached = False
        """Whether there is a connection to write to."""
        self.has_more = False
        """Whether `next_frame` may give one more, as of its last call; False is certain."""
        self.inbox = Inbox()
        """What was received; its `ack_deadline` is when an ack is due."""
        self._client_limit = hello.max_message_bytes
        self._limits = limits
        self._outbox = Outbox(window_bytes=limits.window_bytes, capacity_bytes=limits.outbox_bytes)
        self._streams = OutgoingStreams(limits.stream_window_bytes)
        self._commands: dict[int, Command] = {}
        self._next_id = 1
        self._last_client_id = 0
        self._attempt = 0

    @property
    def unanswered(self) -> list[Command]:
        """The commands that have no reply yet."""
        return list(self._commands.values())

    @property
    def needs_client(self) -> bool:
        """Whether the program waits for something of the client's: a reply, or what ends a session that drains."""
        return bool(self._commands) or self.state is SessionState.DRAINING

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait for their first write."""
        return self._outbox.queued_bytes

    @property
    def is_drained(self) -> bool:
        """Whether it drains, and everything is acknowledged, answered and streamed (END-10)."""
        return self.state is SessionState.DRAINING and self._outbox.is_empty and not self._commands

    @property
    def has_frames(self) -> bool:
        """Whether there may be something to write now; False is certain, except for an ack's deadline."""
        return self.inbox.ack_is_due or self._outbox.unwritten > 0 or bool(self._streams.unfinished)

    @property
    def needs_flush(self) -> bool:
        """Whether a few bytes of a stream wait for more to go with them, until `flush_streams`."""
        return bool(self._streams.unfinished) and self._streams.needs_flush

    # -- the program's side ------------------------------------------------------------------

    def send(
        self, type_: str, params: bytes, *, streams: bool = False, content: bytes | None = None, owner: object = None
    ) -> Command:
        """Queue a command whose params are `params`, as JSON; it gets its id, and its stream if it `streams`.

        `content` is all of the stream, where that is known and fits the window. OutboxFull if there is no room now,
        MessageTooLargeError if the client would not accept the command: nothing is queued.
        """
        if streams and len(self._streams.unfinished) >= self._limits.max_streams:
            raise OutboxFull(f"{len(self._streams.unfinished)} downloads are under way, as many as there may be")
        if len(self._commands) >= MOST_UNANSWERED:
            raise OutboxFull(f"{len(self._commands)} commands have no reply yet, as many as there may be")
        command = Command(type_, self._next_id, owner)
        message = command.message = Outgoing(type_, params, self._next_id)
        limit = self._client_limit
        if message.size > limit:
            raise MessageTooLargeError(f"the {type_} takes {message.size} bytes; this client takes at most {limit}")
        stream = self._streams.make(command.id, message, content) if streams else None
        self._outbox.put(message)
        self._commands[self._next_id] = command
        self._next_id += 1
        if stream:
            command.stream = stream
            self._streams.unfinished.append(stream)
        return command

    def room_beside(self, type_: str, params: bytes) -> tuple[int, str]:
        """Return how many bytes a command may contain beside `params`, 0 or less for none; and what sets that limit.

        It is the client's limit, or less: a client may announce any, so what one message takes is bounded by
        `outbox_bytes` too, or by what every client accepts if that is more.
        """
        own_limit = max(self._limits.outbox_bytes, MIN_MESSAGE_BYTES)
        limit = min(self._client_limit, own_limit)
        whose = "this client takes at most" if limit == self._client_limit else "outbox_bytes allows"
        return limit - Outgoing(type_, params, self._next_id).size, f"{whose} {limit} in one message"

    def feed(self, command: Command, data: memoryview) -> tuple[int, bool]:
        """Give a command's stream its next bytes, as many as there is room for; StreamClosed if it accepts no more.

        Return how many that were, and whether the connection has to look for frames because of them.
        """
        stream = command.stream
        if stream is None:
            raise StreamClosed
        had_waiting, had_frame = stream.waiting > 0, stream.has_frame
        count = stream.feed(data)
        # The first bytes begin to wait for more; later ones may be enough for a frame.
        return count, count > 0 and (not had_waiting or (stream.has_frame and not had_frame))

    def finish(self, command: Command) -> None:
        """Say that all of a command's stream was fed; without effect if it accepts no more."""
        if command.stream:
            command.stream.finish()

    def flush_streams(self) -> None:
        """Let go out what of the streams waits for more to come, so that their frames are not too small."""
        self._streams.flush()

    def cancel(self, command: Command) -> bool:
        """Give up on `command` (CANCEL-5). True if it was withdrawn before it was written: no reply will come."""
        if command.id not in self._commands or command.is_cancelled:
            return False
        self._drop_stream(command)
        if self._outbox.withdraw(command.message):
            del self._commands[command.id]
            return True
        self._tell_to_give_up(command)
        return False

    def drain(self) -> None:
        """Say that the app is done: code that still waits is cancelled (END-10)."""
        if self.state is not SessionState.ACTIVE:
            return
        self.state = SessionState.DRAINING
        for command in self.unanswered:
            # One that still waits to be written is written first, and runs.
            if command.type in CODE_COMMANDS and not command.is_cancelled:
                self._tell_to_give_up(command)

    def end(self) -> list[Command]:
        """End the session; return the commands that will never be answered."""
        self.is_attached = False
        lost = self.unanswered
        for command in lost:
            self._drop_stream(command)
        self._commands.clear()
        # Last: until all is done it may be ended again.
        self.state = SessionState.ENDED
        return lost

    # -- the connection's side ---------------------------------------------------------------

    def is_stale(self, hello: ClientHello) -> bool:
        """Whether `hello` was sent before the one attached last, or is that one: it must not be attached (HELLO-20)."""
        return hello.attempt <= self._attempt

    def attach(self, hello: ClientHello) -> int:
        """Start on a new connection; return `welcome.last_seq`. PeerViolation if `resume` is impossible (RESUME-6).

        The older connection, if there is one, is detached in the same step (RESUME-8).
        """
        self._attempt = hello.attempt
        resume = hello.resume
        self._outbox.resume(resume.last_seq if resume else 0)
        self.is_attached = True
        if self._streams.unfinished:
            self._streams.resume({position.id: position.offset for position in resume.streams} if resume else {})
        return self.inbox.acknowledge()

    def detach(self, code: int | None) -> ByeParams | float:
        """Say that the connection is gone, closed with `code`; None for a break (END-8, END-9).

        Return the bye that ends the session now, or the seconds that it waits for its client.
        """
        self.is_attached = False
        if code == CloseCode.NORMAL:
            return make_bye(ByeCode.SESSION_ENDED, "The client left.")
        if code in SESSION_ENDING_CLOSE_CODES:
            is_size = code in {CloseCode.MESSAGE_TOO_BIG, BYE_RULES[ByeCode.TOO_LARGE].close}
            fault = ByeCode.TOO_LARGE if is_size else ByeCode.INVALID_MESSAGE
            return make_bye(fault, f"The connection was closed with {code}.")
        window = self._limits.resume_window
        return min(self._limits.going_away_window, window) if code == CloseCode.GOING_AWAY else window

    def next_frame(self, now: float) -> bytes | ChunkParts | None:
        """Return the next frame to write, a text as bytes or a chunk in parts: an ack that is due, messages, chunks."""
        if not self.is_attached:
            return None
        inbox, outbox, streams = self.inbox, self._outbox, self._streams
        frame: bytes | ChunkParts | None = None
        if inbox.ack_is_due or (inbox.ack_deadline is not None and inbox.ack_deadline <= now):
            frame = codec.control_frame("ack", AckParams(seq=inbox.acknowledge()))
        elif outbox.unwritten:
            frame = outbox.next_frame()
        # STREAM-10: chunks come after the replay of what was written before.
        if frame is None and streams.unfinished and not (outbox.to_replay and outbox.is_replaying):
            frame = streams.next_frame()
        self.has_more = outbox.unwritten > 0 or bool(streams.unfinished)
        return frame

    def receive_text(self, text: str, now: float) -> Effect | None:
        """Accept a text frame, by the checks of SPEC section 3.1; return what it means to the program, if anything."""
        limits = self._limits
        envelope = codec.parse(text, max_bytes=limits.max_message_bytes, max_values=limits.max_values)
        if envelope.seq is not None and not self.inbox.receive(envelope.seq, envelope.size, now):
            return None
        codec.check_form(envelope, Side.CLIENT)
        if not envelope.is_known:
            self._receive_unknown(envelope)
            return None
        if KINDS[envelope.type] is Kind.REPLY:
            return self._receive_reply(envelope)
        return self._receive_other(envelope, text)

    def receive_binary(self, frame: bytes) -> None:
        """Accept a binary frame: no client streams in 1.0, so its id is unknown (STREAM-6), or it is malformed."""
        unpack_chunk(frame)

    def _receive_unknown(self, envelope: Envelope) -> None:
        if envelope.seq is None or not codec.has_id(envelope):
            return
        id_ = envelope.id
        if not (codec.is_positive_integer(id_) and isinstance(id_, int) and id_ > self._last_client_id):
            raise PeerViolation(f"{envelope.type}: id: is no new integer from 1 to 2^53-1")
        self._last_client_id = id_
        answer = ErrorParams(code=ErrorCode.UNSUPPORTED, message=f"{envelope.type} is unknown to this server")
        try:
            self._outbox.put(Outgoing("error", json_values.dump(answer), id_))
        except OutboxFull:
            raise PeerViolation("too many unknown commands, whose answers are not taken") from None

    def _receive_reply(self, envelope: Envelope) -> Replied:
        command = self._commands.get(envelope.id) if isinstance(envelope.id, int) else None
        if command is None or command.message.state is OutgoingState.QUEUED:
            raise PeerViolation(f"{envelope.type}: id: {envelope.id} awaits no reply")
        model = ErrorParams if envelope.type == "error" else RESULT_MODELS[command.type]
        params = codec.read_params(envelope, model)
        if command.stream:
            self._drop_stream(command)
        del self._commands[command.id]
        return Replied(command, params)

    def _receive_other(self, envelope: Envelope, text: str) -> Effect | None:
        match envelope.type:
            case "ack":
                return self._receive_ack(codec.read_params(envelope, AckParams).seq)
            case "stream_ack":
                return self._receive_stream_ack(codec.read_params(envelope, StreamAckParams))
            case "event":
                event = codec.read_params(envelope, EventParams)
                return EventReceived(event.name, event.data, weight_of(text, envelope.size))
            case "bye":
                bye = codec.read_params(envelope, ByeParams)
                return ClientLeft(bye.code, bye.message)
            case _:
                raise PeerViolation(f"type: a second {envelope.type} on a connection")

    def _receive_ack(self, seq: int) -> Acknowledged | None:
        before = self._outbox.acknowledged_seq
        self._outbox.acknowledge(seq)
        return Acknowledged() if seq > before else None

    def _receive_stream_ack(self, params: StreamAckParams) -> Acknowledged | None:
        command = self._commands.get(params.id)
        if command is None or command.stream is None:
            return None
        before = command.stream.acknowledged
        command.stream.acknowledge(params.offset)
        return Acknowledged() if params.offset - before >= UNIT_BYTES else None

    def _tell_to_give_up(self, command: Command) -> None:
        command.is_cancelled = True
        self._outbox.put_beyond_capacity(Outgoing("cancel", json_values.dump(CancelParams(id=command.id))))

    def _drop_stream(self, command: Command) -> None:
        if command.stream:
            command.acknowledged = command.stream.acknowledged
            self._streams.close(command.stream)
            command.stream = None
