"""The correct client's connections: it opens one after the other, waits, notices silence, and closes."""

from __future__ import annotations

import json
import random
import secrets
import threading
import time
from abc import ABC, abstractmethod
from typing import Any, Final

from broken_clients.client_platform import Disk, Page
from broken_clients.engine import PRELUDE, Engine
from broken_clients.wire import Binary, Closed, Opened, Text, Wire

Message = dict[str, Any]

# Not from the registry: a reading of SPEC.md of its own, so that an error in the registry shows.
ENDING_CLOSES: Final = frozenset((1000, 1007, 1009, 4400, 4401, 4403, 4404, 4406, 4409, 4410, 4413, 4500))


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


class Connecting(ABC):
    """Connects to `url`, until `run` returns. What is said on a connection is the subclass's."""

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
        self.auth: str | None = None
        self.disk = Disk()
        self.engine = Engine(self.js_reply, self.js_emit, self.prelude)
        self.attempt = 0
        self.was_welcomed = False
        self.welcomed = False
        self.terms: Message = {}
        self.largest = 65_536
        self.most_values = 1000
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
        self.check_hello()
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

    # --- What goes out on its own ---

    def send(self, text: str) -> None:
        """Send a text frame."""
        if self.wire is not None:
            self.wire.send_text(text)

    def send_control(self, type_: str, params: Message) -> None:
        """Send a control message."""
        self.send(json.dumps({"type": type_, "params": params}))

    def count_as_acknowledged(self) -> None:
        """All that has come is acknowledged now."""
        self.unacknowledged = self.unacknowledged_bytes = 0
        self.ack_due = None

    def send_ack(self) -> None:
        """Acknowledge what has come."""
        self.count_as_acknowledged()
        self.send_control("ack", {"seq": self.last_seq})

    # --- The end ---

    def close_for_good(self, code: int) -> None:
        """Close, and wait for the other side to end the connection."""
        if self.wire is not None:
            self.wire.close(code)
            deadline = time.monotonic() + 1
            while not self.wire.is_over and time.monotonic() < deadline and not self.stopped.is_set():
                self.wire.receive(0.05)
            self.wire.abort()

    def tell(self, notice: str, *, may_start_again: bool = False) -> None:
        """Tell the user (END-13)."""
        self.notice = f"{notice} You may start again." if may_start_again else notice

    # --- What the subclass does ---

    @abstractmethod
    def check_hello(self) -> None:
        """Stop if no hello can be sent."""

    @abstractmethod
    def say_hello(self) -> None:
        """The first message of each connection."""

    @abstractmethod
    def on_text(self, data: bytes) -> bool:
        """Take a text frame; False if the connection is over."""

    @abstractmethod
    def on_binary(self, data: bytes) -> bool:
        """Take a binary frame; False if the connection is over."""

    @abstractmethod
    def js_reply(self, id_: int, outcome: str, text: str) -> None:
        """The engine is done with a command."""

    @abstractmethod
    def js_emit(self, name: str, data: str) -> str:
        """Send an event; return why it cannot be sent, or nothing."""
