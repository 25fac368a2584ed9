"""One line to a client under test: connections, frames both ways, and the judge who looks at each of them."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import parse_qs, urlsplit

from pagewire_conformance.messages import COMMAND_TYPES, SESSION_TYPES, Message, chunk
from pagewire_conformance.peer.client_under_test import Subject
from pagewire_conformance.peer.judge import Judge
from pagewire_conformance.peer.transcript import Transcript
from pagewire_conformance.verdicts import Broken, ClientFailure
from pagewire_conformance.wire.arrivals import Arrival, Kind
from pagewire_conformance.wire.connection import Connection
from pagewire_conformance.wire.listener import Listener

PATIENCE: Final = 5.0
"""Seconds that anything may take which a client does at once, before --timeout-factor."""

_PAUSES: Final = 0.3
"""How often there is a pause before a frame, with jitter."""

_LONGEST_QUOTE: Final = 500

_UNASKED: Final = frozenset(("ack", "stream_ack"))


class Line:
    """What a case sends goes out on the newest connection, and what comes is judged and kept until it is asked for."""

    def __init__(
        self, listener: Listener, subject: Subject, *, factor: float = 1.0, jitter: random.Random | None = None
    ) -> None:
        self.listener = listener
        self.judge = Judge()
        self.transcript = Transcript()
        self.checks = 0
        """How many things were checked."""
        self.seq = 0
        """Of the last session message sent."""
        self.subject = subject
        self._factor = factor
        self._jitter = jitter
        self._connection: Connection | None = None
        self._inbox: list[tuple[Message, float]] = []
        self._closed_with: int | None = None
        self._lost_at: float | None = None
        self._last_id = 0
        self._sent: list[Message] = []
        self._we_closed = False
        self._ponged = False
        self._failed_parts: list[tuple[str, AssertionError]] = []

    # --- Connections ---

    @property
    def connection(self) -> Connection:
        """The client's newest connection."""
        if self._connection is None:
            raise ClientFailure("the client has not connected")
        return self._connection

    @property
    def is_connected(self) -> bool:
        """Whether the client has connected at all."""
        return self._connection is not None

    @property
    def has_connected(self) -> bool:
        """Whether the client's first connection was made before the case began."""
        return bool(getattr(self.subject, "has_connected", False))

    @property
    def path(self) -> str:
        """Path and query of the URL by which the client has opened its newest connection."""
        request = self.connection.request
        return "" if request is None else request.path

    @property
    def key(self) -> str:
        """The query parameter `key` of that URL."""
        return parse_qs(urlsplit(self.path).query).get("key", [""])[0]

    @property
    def offered(self) -> tuple[str, ...]:
        """The subprotocols that the client has offered."""
        request = self.connection.request
        headers = [] if request is None else request.headers.get_all("Sec-WebSocket-Protocol")
        return tuple(name.strip() for header in headers for name in header.split(","))

    def await_connection(self, *, within: float | None = None) -> float:
        """Wait for the client's next connection; return the time of it."""
        if self._jitter is not None:
            self.listener.behavior.jitter = self._jitter
        self.listener.open()
        number = 0 if self._connection is None else self._connection.number
        arrival = self.listener.take(
            self._deadline(within), lambda each: each.kind is Kind.OPENED and each.connection > number
        )
        if arrival is None:
            if self._connection is None:
                raise ClientFailure(f"the client did not connect. {self.subject.describe()}".strip())
            raise Broken(f"the client did not connect again within {self._seconds(within):.1f} s", is_final=True)
        self._enter(arrival)
        return arrival.time

    def break_connection(self) -> float:
        """Break the connection, without a word; return the time of it."""
        self._note("the suite breaks the connection")
        self.connection.cut()
        return time.monotonic()

    def close(self, code: int | None, reason: str = "") -> None:
        """Send a Close frame; None stands for one without a code."""
        self._note(f"the suite closes with {code if code is not None else 'no code'}")
        self._we_closed = True
        self.connection.send_close(code, reason)

    def await_end(self, *, within: float | None = None) -> float:
        """Wait for the end of the connection, by a close or without; return the time of it."""
        deadline = self._deadline(within)
        while self._lost_at is None and (self._closed_with is None or self._we_closed):
            if not self._pull(deadline):
                raise Broken(f"the client did not end the connection within {self._seconds(within):.1f} s")
        return self._lost_at or time.monotonic()

    # --- Sending ---

    def send(self, message: Message) -> int:
        """Send a message; a session message gets the next `seq`, and a command the next `id`, unless it has them.

        Returns the command's `id`, and 0 of everything else.
        """
        is_command = message["type"] in COMMAND_TYPES or "id" in message or ":" in message["type"]
        envelope: Message = {"type": message["type"]}
        if message["type"] in SESSION_TYPES or is_command:
            envelope["seq"] = message.get("seq", self.seq + 1)
        if is_command:
            envelope["id"] = message.get("id", self._last_id + 1)
        self.send_envelope({**envelope, **message})
        return int(envelope.get("id", 0))

    def send_envelope(self, message: Message) -> None:
        """Send a message as it stands, and count its `seq` and `id`."""
        seq, id_ = message.get("seq"), message.get("id")
        if seq == self.seq + 1:
            self.seq = seq
            self._sent.append(message)
            self.judge.written = seq
            if isinstance(id_, int) and message["type"] != "cancel":
                self._last_id = max(self._last_id, id_)
                self.judge.wrote_command(id_, message["type"])
        self.send_text(encode(message))

    def send_raw(self, message: Message) -> None:
        """Send a message as it stands, right or wrong; what has the next `seq` counts."""
        self.send_envelope(message)

    def send_on(self, connection: Connection, message: Message) -> None:
        """Send a message on any connection, and count nothing."""
        text = encode(message)
        self.transcript.add("suite", connection.number, text, len(text))
        connection.send_frame(text.encode())

    @staticmethod
    def text_of(message: Message) -> str:
        """Return the text of a message's frame."""
        return encode(message)

    def send_text(self, text: str, *, fragments: int = 1) -> None:
        """Send a text frame, whatever is in it."""
        data = text.encode("utf-8", "surrogatepass")
        self.transcript.add("suite", self.connection.number, text, len(data))
        self._pause()
        self.connection.send_text(data, fragments=fragments)

    def send_chunk(self, id_: int, offset: int, payload: bytes) -> None:
        """Send a chunk of a stream."""
        self.judge.wrote_chunk(id_, offset + len(payload))
        self.send_chunk_unjudged(id_, offset, payload)

    def send_chunk_unjudged(self, id_: int, offset: int, payload: bytes) -> None:
        """Send a chunk that is wrong, or of no stream: no stream_ack of it is to come."""
        self.send_binary(chunk(id_, offset, payload), f"chunk: id {id_}, offset {offset}, {len(payload)} bytes")

    def send_binary(self, data: bytes, what: str = "binary frame", *, fragments: int = 1) -> None:
        """Send a binary frame, whatever is in it."""
        self.transcript.add("suite", self.connection.number, f"[{what}]", len(data))
        self._pause()
        self.connection.send_binary(data, fragments=fragments)

    def replay(self, after: int) -> None:
        """Send again, as they were, the session messages after the `seq` given."""
        for message in self._sent[after:]:
            self.send_text(encode(message))

    # --- Receiving ---

    def receive(self, type_: str, *, within: float | None = None) -> Message:
        """Return the next message, which must be of `type_`; acks are passed over unless they are what is wanted."""
        self.checks += 1
        message, _ = self._next(lambda each: each["type"] == type_ or each["type"] not in _UNASKED, type_, within)
        if message["type"] != type_:
            raise Broken(f"expected {type_}, but this came: {shorten(message)}")
        return message

    def receive_timed(self, type_: str, *, within: float | None = None) -> tuple[Message, float]:
        """Return the next message of `type_`, whatever comes before it, and the time at which it came."""
        self.checks += 1
        return self._next(lambda each: each["type"] == type_, type_, within)

    def receive_first_of(self, *types: str) -> Message:
        """Return the next message that is of one of these types."""
        self.checks += 1
        message, _ = self._next(lambda each: each["type"] in types, " or ".join(types), None)
        return message

    def left_over(self) -> list[Message]:
        """Return, and take away, what has come and was not asked for, but for acks."""
        left = [message for message, _ in self._inbox if message["type"] not in _UNASKED]
        self._inbox = [item for item in self._inbox if item[0]["type"] in _UNASKED]
        return left

    def forget_acks(self) -> None:
        """Forget the acks that have come."""
        self._inbox = [item for item in self._inbox if item[0]["type"] not in _UNASKED]

    @property
    def last_ack(self) -> int:
        """The `seq` of the last ack that has come."""
        return self.judge.last_ack

    # --- Verdicts ---

    @contextmanager
    def part(self, name: object) -> Iterator[None]:
        """Let a case of many parts go on after one that failed; the case fails at its end, and names each of them."""
        try:
            yield
        except AssertionError as error:
            self._failed_parts.append((str(name), error))
            if getattr(error, "is_final", False):
                self._tell_of_parts()

    @contextmanager
    def own_verdict(self) -> Iterator[None]:
        """Lay whatever is found broken within to the requirements of the case, since it is what the case looks for."""
        try:
            yield
        except Broken as broken:
            broken.requirement = None
            raise

    def settle(self) -> None:
        """Judge what has arrived by now, and nobody has asked for."""
        try:
            while self._connection is not None and self._pull(time.monotonic()):
                pass
        finally:
            self._tell_of_parts()

    # --- Times ---

    @property
    def now(self) -> float:
        """The time, in seconds, on the clock of all times here."""
        return time.monotonic()

    @property
    def factor(self) -> float:
        """What --timeout-factor says."""
        return self._factor

    # --- Within ---

    def _tell_of_parts(self) -> None:
        if not self._failed_parts:
            return
        failed, self._failed_parts = self._failed_parts, []
        texts = [f"{name}: {error}" for name, error in failed]
        requirement = next((id_ for _, error in failed if (id_ := getattr(error, "requirement", None))), None)
        raise Broken(f"{len(failed)} part(s) of the case failed:\n" + "\n".join(texts), requirement)

    def _seconds(self, within: float | None) -> float:
        # What SPEC gives in seconds does not become shorter on a faster machine.
        return PATIENCE * self._factor if within is None else within * max(1.0, self._factor)

    def _deadline(self, within: float | None) -> float:
        return time.monotonic() + self._seconds(within)

    def _enter(self, arrival: Arrival) -> None:
        self._connection = self.listener.connection(arrival.connection)
        self._inbox = []
        self._closed_with = self._lost_at = None
        self._we_closed = False
        self.transcript.add("note", arrival.connection, f"the client connects to {self.path}", at=arrival.time)
        self.judge.opened(self.path, self.offered)

    def _next(self, wanted: Callable[[Message], bool], what: str, within: float | None) -> tuple[Message, float]:
        deadline = self._deadline(within)
        while True:
            for item in self._inbox:
                if wanted(item[0]):
                    self._inbox.remove(item)
                    return item
            if self._closed_with is not None or self._lost_at is not None:
                how = f"closed it with {self._closed_with}" if self._closed_with is not None else "lost it"
                raise Broken(
                    f"expected {what}, but the connection is over: the client {how}. {self.subject.describe()}",
                    is_final=True,
                )
            if not self._pull(deadline):
                text = f"no {what} came within {self._seconds(within):.1f} s. {self.subject.describe()}"
                raise Broken(text.strip(), is_final=True)

    def _pull(self, deadline: float) -> bool:
        """Take in one arrival on the newest connection; False if none comes in time."""
        number = self.connection.number
        arrival = self.listener.take(deadline, lambda each: each.connection == number and each.kind is not Kind.OPENED)
        if arrival is None:
            return False
        self._digest(arrival)
        return True

    def _digest(self, arrival: Arrival) -> None:
        match arrival.kind:
            case Kind.TEXT:
                self._hide_secret(arrival.data)
                self.transcript.add("client", arrival.connection, arrival.data, len(arrival.data), arrival.time)
                self._inbox.append((self.judge.text(arrival.data), arrival.time))
            case Kind.BINARY:
                self.transcript.add("client", arrival.connection, "[binary frame]", len(arrival.data), arrival.time)
                self.judge.binary()
            case Kind.CLOSE:
                self.transcript.add(
                    "note", arrival.connection, f"the client closes with {arrival.close_code}", at=arrival.time
                )
                self._closed_with = arrival.close_code
                if not self._we_closed:
                    self.judge.closed(arrival.close_code)
            case Kind.LOST:
                self.transcript.add("note", arrival.connection, "the connection is gone", at=arrival.time)
                self._lost_at = arrival.time
                self.judge.lost(arrival.data.decode())
            case _:
                self._ponged = True
                self.transcript.add("note", arrival.connection, "Pong", at=arrival.time)

    def _hide_secret(self, data: bytes) -> None:
        if b'"instance"' in data:
            try:
                self.transcript.hide(str(json.loads(data)["params"]["instance"]))
            except (ValueError, KeyError, TypeError):
                return

    def _note(self, text: str) -> None:
        self.transcript.add("note", 0 if self._connection is None else self._connection.number, text)

    def _pause(self) -> None:
        if self._jitter is not None and self._jitter.random() < _PAUSES:
            time.sleep(self._jitter.random() * 0.01)

    def _await_pong(self, *, or_end: bool) -> None:
        self._ponged = False
        self.connection.ping()
        deadline = self._deadline(None)
        while not self._ponged:
            if or_end and (self._closed_with is not None or self._lost_at is not None):
                return
            if not self._pull(deadline):
                raise Broken("a WebSocket Ping was not answered")


def encode(message: Message) -> str:
    """Return the text of a message's frame."""
    return json.dumps(message, ensure_ascii=False)


def shorten(message: Message) -> str:
    """Return a message as text that is not too long to be shown."""
    text = json.dumps(message, ensure_ascii=False)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"
