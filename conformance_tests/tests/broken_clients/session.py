"""The correct client's conversation: its connections, its timers, what it sends and receives."""

from __future__ import annotations

import json
import random
import secrets
import threading
import time
from abc import ABC, abstractmethod
from typing import Any, Final

from pydantic import MISSING

from broken_clients.engine import PRELUDE, Engine
from broken_clients.surroundings import CommandFailed, Disk, Page
from broken_clients.wire import Binary, Closed, Opened, Text, Wire
from pagewire_protocol.codec import Envelope, check_form, has_id, is_positive_integer, parse, read_params
from pagewire_protocol.codes import ByeCode
from pagewire_protocol.messages import KINDS, MESSAGES, Kind, Side
from pagewire_protocol.violations import InvalidParams, PeerViolation

Message = dict[str, Any]

ENDING_CLOSES: Final = frozenset((1000, 1007, 1009, 4400, 4401, 4403, 4404, 4406, 4409, 4410, 4413, 4500))
ENDING_BYES: Final = frozenset(("invalid_message", "too_large"))
TEST_COMMANDS: Final = ("state", "leave", "break", "click", "reload", "restore", "forbid_code")


class Stop(Exception):  # noqa: N818 - no error
    """The client has ended."""


class Outgoing:
    """A session message of the client's, as text without its `seq`."""

    def __init__(self, type_: str, id_: int | None, params: str) -> None:
        self.type = type_
        self.id = id_
        self.params = params

    def text(self, seq: int) -> str:
        """Return the frame."""
        id_ = "" if self.id is None else f',"id":{self.id}'
        return f'{{"type":"{self.type}","seq":{seq}{id_},"params":{self.params}}}'

    @property
    def size(self) -> int:
        """In bytes, with a `seq` of 16 digits."""
        return len(self.text(10**15).encode("utf-8", "surrogatepass"))


class Download:
    """A file that comes in chunks."""

    def __init__(self, name: str, size: int | None) -> None:
        self.name = name
        self.size = size
        self.content = bytearray()
        self.acknowledged = 0
        self.ended = False


class Session(ABC):
    """Connects to `url` and converses, until `run` returns. What commands do is the subclass's."""

    prelude = PRELUDE
    versions: tuple[str, ...] = ("1.0",)
    subprotocols: tuple[str, ...] = ("pagewire.v1",)
    max_message_bytes = 1_048_576
    has_page = True
    takes_streams = True
    ack_after_messages = 32
    ack_after_bytes = 262_144
    ack_after_seconds = 1.8
    greeting_limit = 3.0

    def __init__(self, url: str) -> None:
        self.url = url
        self.stopped = threading.Event()
        self.output: list[str] = []
        self.key = secrets.token_urlsafe(12)
        self.failures = 0
        self.wire: Wire | None = None
        self.notice = ""
        self.begin()

    def begin(self) -> None:
        """Become a new instance."""
        self.instance = secrets.token_urlsafe(32)
        self.page = Page()
        self.disk = Disk()
        self.engine = Engine(self.js_reply, self.js_emit, self.prelude)
        self.attempt = 0
        self.was_welcomed = False
        self.welcomed = False
        self.terms: Message = {}
        self.largest = 65_536
        self.window = 0
        self.last_seq = self.last_id = 0
        self.unacknowledged = self.unacknowledged_bytes = 0
        self.ack_due: float | None = None
        self.pending: dict[int, str] = {}
        self.streams: dict[int, Download] = {}
        self.outbox: list[Outgoing] = []
        self.acknowledged = self.written = 0
        self.silence_factor = 1
        self.lost_at: float | None = None
        self.lingering: list[Wire] = []

    # --- Connections ---

    def run(self) -> None:
        """Connect, and connect again, until the session is over or `stopped` is set."""
        wait = 0.0
        try:
            while self.wait(wait):
                tried_at = time.monotonic()
                if self.connect():
                    self.converse()
                wait = self.after_break(tried_at)
        except Stop:
            return
        finally:
            for wire in [*self.lingering, *([self.wire] if self.wire is not None else [])]:
                wire.abort()

    def wait(self, seconds: float) -> bool:
        """Wait, and let the other side end older connections meanwhile; False if the client is to stop."""
        until = time.monotonic() + seconds
        while not self.stopped.is_set():
            left = until - time.monotonic()
            if left <= 0:
                return True
            self.stopped.wait(min(left, 0.02))
            self.tend_older_connections()
        return False

    def tend_older_connections(self) -> None:
        """Ignore what older connections bring (RESUME-9)."""
        for wire in self.lingering:
            wire.receive(0)
        self.lingering = [wire for wire in self.lingering if not wire.is_over]

    def connect(self) -> bool:
        """Open a connection; False if that fails."""
        self.attempt += 1
        try:
            self.wire = Wire(f"{self.url}?key={self.key}", self.subprotocols)
        except OSError:
            return False
        return True

    def after_break(self, tried_at: float) -> float:
        """Return how long to wait for the next attempt; Stop if the session must be taken for gone (RESUME-11)."""
        now = time.monotonic()
        if self.welcomed:
            self.lost_at = now
        elif self.lost_at is not None and tried_at - self.lost_at > self.terms["resume_window_ms"] / 1000:
            self.tell("The server could not be reached for too long.")
            raise Stop
        self.welcomed = False
        self.wire = None
        return self.next_wait()

    def next_wait(self) -> float:
        """The backoff of RESUME-10."""
        self.failures += 1
        if self.failures == 1:
            return 0.0
        return self.jitter(min(0.5 * 2 ** (self.failures - 2), 15.0))

    def jitter(self, limit: float) -> float:
        """Return a wait between 0 and the limit."""
        return random.random() * limit  # noqa: S311 - no secret

    def converse(self) -> None:
        """Take what comes on a connection, until it is over."""
        assert self.wire is not None
        self.heard_at = time.monotonic()
        self.greeting_until = self.heard_at + self.greeting_limit
        wire = self.wire
        while not self.stopped.is_set():
            self.tend_older_connections()
            for event in wire.receive(max(0.0, min(0.02, self.next_deadline() - time.monotonic()))):
                if self.wire is not wire:
                    return
                if not self.take(event):
                    return
            if self.wire is not wire or not self.on_time():
                return
        raise Stop

    def take(self, event: Opened | Text | Binary | Closed) -> bool:
        """Take one event; False if the connection is over."""
        match event:
            case Opened(subprotocol):
                if subprotocol != "pagewire.v1":
                    self.give_up_connection()
                    return False
                self.say_hello()
            case Text(data):
                self.heard_at = time.monotonic()
                return self.on_text(data)
            case Binary(data):
                self.heard_at = time.monotonic()
                return self.on_binary(data)
            case Closed(code):
                return self.on_closed(code)
        return True

    def on_closed(self, code: int) -> bool:
        """A close without bye (END-5)."""
        if code in ENDING_CLOSES:
            self.tell(f"The connection was closed with {code}.")
            raise Stop
        return False

    def give_up_connection(self) -> None:
        """Have nothing more to do with the newest connection; the other side closes it."""
        if self.wire is not None:
            self.lingering.append(self.wire)
            self.wire = None

    # --- Time ---

    def silence_limit(self) -> float:
        """How long nothing may come (BEAT-4, BEAT-5)."""
        heartbeat = self.terms["heartbeat"]
        return float(heartbeat["interval_ms"] + heartbeat["timeout_ms"]) / 1000 * self.silence_factor

    def silent_at(self) -> float:
        """When the connection counts as silent."""
        return self.heard_at + self.silence_limit() if self.welcomed else self.greeting_until

    def next_deadline(self) -> float:
        """When something is due."""
        return min(self.silent_at(), self.ack_due if self.ack_due is not None and self.welcomed else float("inf"))

    def on_time(self) -> bool:
        """Do what is due; False if the connection is over."""
        now = time.monotonic()
        if self.welcomed and self.ack_due is not None and now >= self.ack_due:
            self.send_ack()
        if now < self.silent_at():
            return True
        self.on_silence()
        return False

    def on_silence(self) -> None:
        """Nobody is there (BEAT-4)."""
        if self.wire is not None:
            self.wire.close(4000)
            self.give_up_connection()
        self.lengthen_silence()

    def lengthen_silence(self) -> None:
        """BEAT-5."""
        self.silence_factor = min(self.silence_factor * 2, 8)

    def progress(self) -> None:
        """A new session message, or a chunk, has come (RESUME-10, BEAT-5)."""
        self.failures = 0
        self.silence_factor = 1

    # --- Sending ---

    def send(self, text: str) -> None:
        """Send a text frame."""
        if self.wire is not None:
            self.wire.send_text(text)

    def send_control(self, type_: str, params: Message) -> None:
        """Send a control message."""
        self.send(json.dumps({"type": type_, "params": params}))

    def say_hello(self) -> None:
        """The first message of each connection."""
        params = self.hello_params()
        if self.was_welcomed:
            params["resume"] = self.resume_point()
        self.count_as_acknowledged()
        self.send_control("hello", params)

    def hello_params(self) -> Message:
        """What every hello says."""
        capabilities: Message = {"test": {}}
        if self.takes_streams:
            capabilities["streams"] = {}
        return {
            "versions": list(self.versions),
            "client": {"name": "correct-client", "version": "1"},
            "instance": self.instance,
            "attempt": self.attempt,
            "app": self.app(),
            "capabilities": capabilities,
            "page": self.page.describe() if self.has_page else {},
            "limits": {"max_message_bytes": self.max_message_bytes},
        }

    def app(self) -> str:
        """HELLO-5."""
        return "index"

    def resume_point(self) -> Message:
        """RESUME-2."""
        streams = [{"id": id_, "offset": len(stream.content)} for id_, stream in self.streams.items()]
        return {"last_seq": self.last_seq, "streams": streams}

    def count_as_acknowledged(self) -> None:
        """All that has come is acknowledged now."""
        self.unacknowledged = self.unacknowledged_bytes = 0
        self.ack_due = None

    def send_ack(self) -> None:
        """Acknowledge what has come."""
        self.count_as_acknowledged()
        self.send_control("ack", {"seq": self.last_seq})

    def queue(self, message: Outgoing) -> None:
        """Send a session message, now or after the next welcome."""
        self.outbox.append(message)
        if self.welcomed:
            self.write()

    def write(self) -> None:
        """Write what has not been written; the place in the outbox is the `seq`."""
        while self.written < self.acknowledged + len(self.outbox):
            self.written += 1
            self.send(self.outbox[self.written - self.acknowledged - 1].text(self.written))

    def replay(self, after: int) -> None:
        """Send again what the server has not received (RESUME-4)."""
        for seq in range(after + 1, self.written + 1):
            self.send(self.outbox[seq - self.acknowledged - 1].text(seq))

    def acknowledge(self, seq: int) -> bool:
        """The server has received up to `seq`; False if that cannot be."""
        if seq > self.written:
            return False
        if seq > self.acknowledged:
            del self.outbox[: seq - self.acknowledged]
            self.acknowledged = seq
        return True

    # --- Receiving ---

    def on_text(self, data: bytes) -> bool:
        """Take a text frame; False if the connection is over."""
        try:
            return self.check(parse(data.decode(), max_bytes=self.max_message_bytes))
        except PeerViolation as violation:
            return self.fail(violation.code, str(violation))
        finally:
            self.engine.run_jobs()

    def fail(self, code: ByeCode, message: str) -> bool:
        """Say why, close, and stop."""
        self.say_bye(code.value, message)
        close = {"too_large": 4413, "client_left": 1000}.get(code.value, 4400)
        self.close_for_good(close)
        raise Stop

    def say_bye(self, code: str, message: str) -> None:
        """Send a bye."""
        self.send_control("bye", {"code": code, "message": message[:500], "retry": "never"})

    def close_for_good(self, code: int) -> None:
        """Close, and wait for the other side to end the connection."""
        if self.wire is not None:
            self.wire.close(code)
            deadline = time.monotonic() + 1
            while not self.wire.is_over and time.monotonic() < deadline and not self.stopped.is_set():
                self.wire.receive(0.05)
            self.wire.abort()

    def check(self, envelope: Envelope) -> bool:
        """Make the checks of section 3.1 from row 3 on, in their order."""
        if not self.welcomed:
            return self.check_greeting(envelope)
        if envelope.type == "welcome":
            raise PeerViolation("a second welcome")
        if envelope.seq is not None:
            if self.is_old(envelope.seq):
                return True
            if envelope.seq > self.last_seq + 1:
                self.on_gap(envelope)
        check_form(envelope, Side.SERVER)
        if not self.is_known(envelope.type):
            return self.on_unknown(envelope)
        if KINDS.get(envelope.type) is Kind.REPLY:
            raise PeerViolation("a reply to no command")
        if self.kind_of(envelope.type) is Kind.COMMAND:
            return self.on_command(envelope)
        return self.on_other(envelope)

    def is_old(self, seq: int) -> bool:
        """DELIVERY-2."""
        return seq <= self.last_seq

    def on_gap(self, envelope: Envelope) -> None:
        """DELIVERY-3."""
        raise PeerViolation(f"seq: {envelope.seq} after {self.last_seq}")

    def is_known(self, type_: str) -> bool:
        """Whether it is a type of 1.0, or of the capability `test`."""
        return type_ in MESSAGES or (type_.startswith("test:") and type_[5:] in TEST_COMMANDS)

    def kind_of(self, type_: str) -> Kind:
        """The kind of a known type."""
        return KINDS.get(type_, Kind.COMMAND)

    def check_greeting(self, envelope: Envelope) -> bool:
        """HELLO-17."""
        if not self.is_known(envelope.type) and envelope.seq is None and not has_id(envelope):
            return True
        if envelope.type not in {"welcome", "bye"} or envelope.seq is not None or has_id(envelope):
            raise PeerViolation(f"{envelope.type} before welcome")
        params = read_params(envelope, MESSAGES[envelope.type].model_fields["params"].annotation)  # type: ignore[arg-type]  # of every message it is a model
        if envelope.type == "bye":
            return self.on_bye(params.model_dump())
        return self.on_welcome(params.model_dump())

    def on_welcome(self, params: Message) -> bool:
        """The server has let the client in."""
        self.check_welcome(params)
        self.terms = params
        self.largest = params["limits"]["max_message_bytes"]
        self.window = params["limits"]["stream_window_bytes"]
        self.was_welcomed = self.welcomed = True
        self.lost_at = None
        if params["last_seq"] > self.written or params["last_seq"] < self.acknowledged:
            raise PeerViolation("last_seq: cannot be")
        self.acknowledge(params["last_seq"])
        self.replay(self.acknowledged)
        self.write()
        return True

    def check_welcome(self, params: Message) -> None:
        """HELLO-17."""
        if params["version"] not in self.versions:
            raise PeerViolation("version: was not offered")
        if self.was_welcomed and not params["resumed"]:
            raise PeerViolation("resumed: must be true")

    def consume(self, seq: int, size: int) -> None:
        """Count a new session message."""
        self.last_seq = seq
        self.progress()
        self.unacknowledged += 1
        self.unacknowledged_bytes += size
        if self.ack_due is None:
            self.ack_due = time.monotonic() + self.ack_after_seconds

    def ack_if_due(self) -> None:
        """DELIVERY-5."""
        many = self.unacknowledged >= self.ack_after_messages
        if many or self.unacknowledged_bytes >= self.ack_after_bytes:
            self.send_ack()

    def on_unknown(self, envelope: Envelope) -> bool:
        """WIRE-16 to WIRE-18."""
        if envelope.seq is None:
            return True
        if has_id(envelope):
            self.check_id(envelope.id)
            self.consume(envelope.seq, envelope.size)
            self.refuse(envelope, CommandFailed("unsupported", f"type: {envelope.type} is unknown"))
        else:
            self.consume(envelope.seq, envelope.size)
        self.ack_if_due()
        return True

    def refuse(self, envelope: Envelope, failure: CommandFailed) -> None:
        """Answer a command that is not begun."""
        id_ = self.note_id(envelope)
        self.pending[id_] = envelope.type
        self.fail_command(id_, failure)

    def check_id(self, id_: object) -> None:
        """WIRE-11."""
        if not is_positive_integer(id_) or (isinstance(id_, int) and id_ <= self.last_id):
            raise PeerViolation("id: is no integer greater than every earlier one")

    def note_id(self, envelope: Envelope) -> int:
        """Remember the highest id, and return this one."""
        assert isinstance(envelope.id, int)
        self.last_id = max(self.last_id, envelope.id)
        return envelope.id

    def on_command(self, envelope: Envelope) -> bool:
        """Check a command's id and params, and begin it."""
        assert envelope.seq is not None
        self.check_id(envelope.id)
        try:
            params = self.read_command(envelope)
        except InvalidParams as violation:
            self.consume(envelope.seq, envelope.size)
            self.refuse(envelope, CommandFailed("invalid_command", str(violation)))
        else:
            self.consume(envelope.seq, envelope.size)
            id_ = self.note_id(envelope)
            self.pending[id_] = envelope.type
            self.start(id_, envelope.type, params)
        self.ack_if_due()
        return True

    def read_command(self, envelope: Envelope) -> Message:
        """Return a command's params; InvalidParams names the field."""
        if envelope.type.startswith("test:"):
            return {}
        model: Any = MESSAGES[envelope.type].model_fields["params"].annotation
        return {name: value for name, value in read_params(envelope, model) if value is not MISSING}

    def on_other(self, envelope: Envelope) -> bool:
        """Take a message that is no command."""
        model: Any = MESSAGES[envelope.type].model_fields["params"].annotation
        params: Message = read_params(envelope, model).model_dump()
        match envelope.type:
            case "ack":
                self.on_ack(params["seq"])
            case "ping":
                self.on_ping()
            case "bye":
                return self.on_bye(params)
            case "cancel":
                assert envelope.seq is not None
                self.consume(envelope.seq, envelope.size)
                self.on_cancel(params["id"])
                self.ack_if_due()
        return True

    def on_ack(self, seq: int) -> None:
        """DELIVERY-7."""
        if not self.acknowledge(seq):
            raise PeerViolation("params.seq: was never written")

    def on_ping(self) -> None:
        """BEAT-3."""
        self.send_ack()

    def on_bye(self, params: Message) -> bool:
        """END-3, END-4, END-9."""
        retry = "never" if params["code"] in ENDING_BYES else params["retry"]
        self.give_up_connection()
        if retry == "never":
            self.tell(params["message"], may_start_again=params["code"] == "session_gone")
            raise Stop
        if retry == "reconnect":
            self.renew()
        return False

    def renew(self) -> None:
        """Become a new instance, as after a failure (END-3)."""
        lingering = self.lingering
        self.begin()
        self.lingering = lingering
        self.failures = max(self.failures, 1)

    def tell(self, notice: str, *, may_start_again: bool = False) -> None:
        """Tell the user (END-13)."""
        self.notice = f"{notice} You may start again." if may_start_again else notice

    # --- What the subclass does ---

    @abstractmethod
    def start(self, id_: int, type_: str, params: Message) -> None:
        """Begin a command."""

    @abstractmethod
    def fail_command(self, id_: int, failure: CommandFailed) -> None:
        """Answer a command that has failed."""

    @abstractmethod
    def on_cancel(self, id_: int) -> None:
        """The server gives up waiting for a command."""

    @abstractmethod
    def on_binary(self, data: bytes) -> bool:
        """Take a binary frame; False if the connection is over."""

    @abstractmethod
    def js_reply(self, id_: int, outcome: str, text: str) -> None:
        """The engine is done with a command."""

    @abstractmethod
    def js_emit(self, name: str, data: str) -> str:
        """Send an event; return why it cannot be sent, or nothing."""
