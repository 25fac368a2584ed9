"""One session without IO: commands out, replies and events in, streams, and how it drains and ends."""

from __future__ import annotations

from enum import Enum

from pydantic import MISSING

from pagewire_protocol import codec, json_values
from pagewire_protocol.codec import Envelope
from pagewire_protocol.codes import ErrorCode
from pagewire_protocol.command_messages import CancelParams
from pagewire_protocol.control_messages import AckParams, ByeParams, StreamAckParams
from pagewire_protocol.delivery import Delivery, OutboxFull, Outgoing, OutgoingState, OutgoingStream
from pagewire_protocol.handshake_messages import HelloParams
from pagewire_protocol.messages import KINDS, Kind, Side
from pagewire_protocol.reply_messages import ErrorParams, EventParams
from pagewire_protocol.stream_frames import ChunkParts, unpack_chunk
from pagewire_protocol.violations import PeerViolation
from pagewire_server.options import Options
from pagewire_server.sessions.command import (
    RESULT_MODELS,
    WAITING_TYPES,
    ClientLeft,
    Command,
    Effect,
    EventReceived,
    Replied,
)
from pagewire_server.sessions.message_rate import UNIT_BYTES, MessageRate


class MessageTooLargeError(ValueError):
    """The message is larger than the client takes; nothing was queued (WIRE-24)."""


class SessionState(Enum):
    """What the session still does."""

    ACTIVE = "active"
    """The app runs, or is held."""
    DRAINING = "draining"
    """The app is done; what is under way is finished (END-10)."""
    ENDED = "ended"
    """Nothing goes in or out any more."""


class SessionCore:
    """The server's end of one session. Times are seconds on any one clock."""

    def __init__(self, hello: HelloParams, options: Options) -> None:
        # Of the hello nothing more is kept: it holds the instance's secret (SEC-2).
        self.takes_streams = "streams" in hello.capabilities
        """Whether the client announced the capability."""
        self.max_message_bytes = hello.limits.max_message_bytes
        """The largest message that the client takes."""
        self.state = SessionState.ACTIVE
        self.delivery = Delivery(window_bytes=options.window_bytes, capacity_bytes=options.outbox_bytes)
        self.rate = MessageRate(options.max_messages_per_second)
        """How fast the client may send what the server did not ask for."""
        self._options = options
        self._next_id = 1
        self._commands: dict[int, Command] = {}
        self._streaming: list[Command] = []
        self._last_client_id = 0
        self._attempt = 0

    @property
    def unanswered(self) -> list[Command]:
        """The commands that have no reply yet."""
        return list(self._commands.values())

    @property
    def is_drained(self) -> bool:
        """Whether it drains, and everything is acknowledged, answered and streamed (END-10)."""
        return self.state is SessionState.DRAINING and self.delivery.is_drained and not self._commands

    @property
    def has_frames(self) -> bool:
        """Whether there may be something to write now."""
        for command in self._streaming:
            if command.stream and (command.stream.waiting or command.stream.has_frame):
                return True
        return self.delivery.has_frames

    @property
    def needs_flush(self) -> bool:
        """Whether a few bytes of a stream wait for more to go with them, until `flush_streams`."""
        return any(command.stream and command.stream.needs_flush for command in self._streaming)

    # -- the program's side ------------------------------------------------------------------

    def send(self, type_: str, params: bytes, *, streams: bool = False) -> Command:
        """Queue a command whose params are `params`, as JSON; it gets its id, and its stream if it `streams`.

        OutboxFull if there is no room now, MessageTooLargeError if the client would not take it: nothing is queued.
        """
        if streams and len(self._streaming) >= self._options.max_streams:
            raise OutboxFull(f"{len(self._streaming)} downloads are under way, as many as there may be")
        message = Outgoing(type_, params, self._next_id)
        limit = self.max_message_bytes
        if message.size > limit:
            raise MessageTooLargeError(f"the {type_} takes {message.size} bytes; this client takes at most {limit}")
        self.delivery.put(message)
        command = Command(type_, self._next_id, message)
        self._commands[command.id] = command
        self._next_id += 1
        if streams:
            command.stream = OutgoingStream(command.id, self._options.stream_window_bytes)
            self._streaming.append(command)
        return command

    def cancel(self, command: Command) -> bool:
        """Give up on `command` (CANCEL-5). True if it was withdrawn before it was written: no reply will come."""
        if command.id not in self._commands or command.is_cancelled:
            return False
        self._drop_stream(command)
        if self.delivery.outbox.withdraw(command.message):
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
            if command.type in WAITING_TYPES and not command.is_cancelled:
                self._tell_to_give_up(command)
        self.delivery.drain()

    def end(self) -> list[Command]:
        """End the session; return the commands that will never be answered."""
        self.state = SessionState.ENDED
        lost = self.unanswered
        for command in lost:
            self._drop_stream(command)
        self._commands.clear()
        self.delivery.detach()
        return lost

    # -- the connection's side ---------------------------------------------------------------

    def is_late(self, hello: HelloParams) -> bool:
        """Whether `hello` was sent before the one attached last, or is that one: it must not be attached (HELLO-20)."""
        return hello.attempt <= self._attempt

    def attach(self, hello: HelloParams) -> int:
        """Start on a new connection; return `welcome.last_seq`. PeerViolation where `resume` cannot be (RESUME-6)."""
        self._attempt = hello.attempt
        resume = None if hello.resume is MISSING else hello.resume
        last_seq = self.delivery.attach(resume.last_seq if resume else 0)
        offsets = {position.id: position.offset for position in resume.streams} if resume else {}
        for command in self._streaming:
            if command.stream:
                command.stream.resume(offsets.get(command.id))
        return last_seq

    def next_text(self, now: float) -> bytes | None:
        """Return the next text frame to write, or None."""
        return self.delivery.next_frame(now)

    def next_chunk(self) -> ChunkParts | None:
        """Return the next binary frame, in parts, or None: each stream in turn, after its command and the replay."""
        if not self.delivery.is_attached or self.delivery.outbox.is_replaying:
            return None
        room = self._options.stream_window_bytes
        for command in self._streaming:
            if command.stream:
                room -= command.stream.in_flight
        for _ in range(len(self._streaming)):
            command = self._streaming.pop(0)
            self._streaming.append(command)
            if command.stream and command.message.state is not OutgoingState.QUEUED:
                frame = self._next_of(command.stream, room)
                if frame is not None:
                    return frame
        return None

    def flush_streams(self) -> None:
        """Let go out what of the streams waits for more to come, so that their frames are not too small."""
        for command in self._streaming:
            if command.stream:
                command.stream.flush()

    def receive_text(self, text: str, now: float) -> Effect | None:
        """Take a text frame, by the checks of SPEC section 3.1; what it means to the program, if anything."""
        envelope = codec.parse(text, max_bytes=self._options.max_message_bytes)
        self.rate.take(envelope.size, now)
        if envelope.seq is not None and not self.delivery.inbox.receive(envelope.seq, envelope.size, now):
            return None
        codec.check_form(envelope, Side.CLIENT)
        if not envelope.is_known:
            self._receive_unknown(envelope)
            return None
        if KINDS[envelope.type] is Kind.REPLY:
            return self._receive_reply(envelope)
        return self._receive_other(envelope)

    def receive_binary(self, frame: bytes) -> None:
        """Take a binary frame: no client streams in 1.0, so it belongs to an unknown id (STREAM-6) or is malformed."""
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
            self.delivery.put(Outgoing("error", json_values.dump(answer), id_))
        except OutboxFull:
            raise PeerViolation("too many unknown commands, whose answers are not taken") from None

    def _receive_reply(self, envelope: Envelope) -> Replied:
        command = self._commands.get(envelope.id) if isinstance(envelope.id, int) else None
        if command is None or command.message.state is OutgoingState.QUEUED:
            raise PeerViolation(f"{envelope.type}: id: {envelope.id} awaits no reply")
        model = ErrorParams if envelope.type == "error" else RESULT_MODELS[command.type]
        params = codec.read_params(envelope, model)
        del self._commands[command.id]
        self._drop_stream(command)
        self.rate.give_back(envelope.size)
        return Replied(command, params)

    def _receive_other(self, envelope: Envelope) -> Effect | None:
        match envelope.type:
            case "ack":
                self._receive_ack(codec.read_params(envelope, AckParams).seq)
            case "stream_ack":
                self._receive_stream_ack(codec.read_params(envelope, StreamAckParams))
            case "event":
                event = codec.read_params(envelope, EventParams)
                return EventReceived(event.name, event.data)
            case "bye":
                bye = codec.read_params(envelope, ByeParams)
                return ClientLeft(bye.code, bye.message)
            case _:
                raise PeerViolation(f"type: a second {envelope.type} on a connection")
        return None

    def _next_of(self, stream: OutgoingStream, room: int) -> ChunkParts | None:
        # All streams share one window, or a command would wait behind a window of each. But of what is less than a
        # quarter in flight the client need not acknowledge anything (STREAM-4): it may always go on.
        fits = min(stream.waiting, stream.chunk_bytes) <= room
        if fits or stream.in_flight < self._options.stream_window_bytes // 4:
            return stream.next_frame()
        return None

    def _receive_ack(self, seq: int) -> None:
        outbox = self.delivery.outbox
        before = outbox.acknowledged_seq
        outbox.acknowledge(seq)
        if seq > before:
            self.rate.give_back(0)

    def _receive_stream_ack(self, params: StreamAckParams) -> None:
        command = self._commands.get(params.id)
        if command and command.stream:
            before = command.stream.acknowledged
            command.stream.acknowledge(params.offset)
            if params.offset - before >= UNIT_BYTES:
                self.rate.give_back(0)

    def _tell_to_give_up(self, command: Command) -> None:
        command.is_cancelled = True
        self.delivery.outbox.put_beyond_capacity(Outgoing("cancel", json_values.dump(CancelParams(id=command.id))))

    def _drop_stream(self, command: Command) -> None:
        if command.stream:
            command.stream = None
            self._streaming.remove(command)
