"""The line to a client under test: its connections one after the other, and the frames both ways.

What comes is shown to the judge, written into the transcript, and kept until it is asked for; a new connection forgets
what was not asked for. What the messages of a conversation are is the affair of `Peer`, which has one line.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs, urlsplit

from pagewire_conformance.messages import Message, bye
from pagewire_conformance.peer.client_under_test import Subject
from pagewire_conformance.peer.judge import Judge
from pagewire_conformance.peer.transcript import Transcript
from pagewire_conformance.verdicts import Broken, ClientFailure
from pagewire_conformance.wire.arrivals import Arrival, Kind
from pagewire_conformance.wire.connection import Connection
from pagewire_conformance.wire.listener import Listener
from pagewire_protocol.codes import BYE_RULES, ByeCode

PATIENCE: Final = 5.0
"""Seconds that anything may take which a client does at once, before --timeout-factor."""

QUIET: Final = 0.4
"""Seconds of watching for what must not come, where no fence can be sent any more because the connection is gone."""

_PAUSES: Final = 0.3
"""How often there is a pause before a frame, with jitter."""

_LONGEST_QUOTE: Final = 500

UNASKED: Final = frozenset(("ack", "stream_ack"))
"""What a client sends by itself, at moments of its choice."""


class Line:
    """What is sent goes out on the newest connection. Every method that waits raises Broken when its time is over."""

    def __init__(
        self, listener: Listener, subject: Subject, *, factor: float = 1.0, jitter: random.Random | None = None
    ) -> None:
        self.listener = listener
        self.judge = Judge()
        self.transcript = Transcript()
        self.checks = 0
        """How many things were checked."""
        self.subject = subject
        self.factor = factor
        """What --timeout-factor says."""
        self.closed_with: int | None = None
        """The code of the client's Close frame on the newest connection; 1005 for one without a code."""
        self._jitter = jitter
        self._connection: Connection | None = None
        self._inbox: list[tuple[Message, float]] = []
        self._lost_at: float | None = None
        self._we_closed = False
        self._ponged = False

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
            self.deadline(within), lambda each: each.kind is Kind.OPENED and each.connection > number
        )
        if arrival is None:
            if self._connection is None:
                raise ClientFailure(f"the client did not connect. {self.subject.describe()}".strip())
            raise Broken(f"the client did not connect again within {self.seconds(within):.1f} s", is_final=True)
        self._enter(arrival)
        return arrival.time

    def note(self, text: str) -> None:
        """Write into the transcript what the suite does."""
        self.transcript.add("note", 0 if self._connection is None else self._connection.number, text)

    def break_connection(self) -> float:
        """Break the connection, without a word; return the time of it."""
        self.note("the suite breaks the connection")
        self.connection.cut()
        return time.monotonic()

    def close(self, code: int | None, reason: str = "") -> None:
        """Send a Close frame; None stands for one without a code."""
        self.note(f"the suite closes with {code if code is not None else 'no code'}")
        self._we_closed = True
        self.connection.send_close(code, reason)

    def await_end(self, *, within: float | None = None) -> float:
        """Wait for the end of the connection, by a close or without; return the time of it."""
        deadline = self.deadline(within)
        while self._lost_at is None and (self.closed_with is None or self._we_closed):
            if not self.pull(deadline):
                raise Broken(f"the client did not end the connection within {self.seconds(within):.1f} s")
        return self._lost_at or time.monotonic()

    def refused_attempts(self, count: int) -> list[float]:
        """Break the connection and refuse the next attempts; return the times of them. The one after is taken again."""
        self.note(f"the suite breaks the connection and refuses {count} attempts")
        self.listener.refuse(refusing=True)
        before = self.listener.refused
        self.connection.cut()
        times = []
        for number in range(1, count + 1):
            at = self.listener.wait_for_refusal(before + number, self.deadline(2.0**number + PATIENCE))
            if at is None:
                raise Broken(f"attempt number {number} did not come", is_final=True)
            times.append(at)
        self.listener.refuse(refusing=False)
        return times

    def refused_attempts_until_quiet(self, *, window: float) -> float:
        """Break the connection and refuse all attempts until none comes any more; return when the last one came.

        The time is in seconds since the break. How long to watch follows from RESUME-10: no wait is longer than the
        limit for the number of failures so far.
        """
        self.note("the suite breaks the connection and refuses all attempts")
        self.listener.refuse(refusing=True)
        before = self.listener.refused
        begin = self.break_connection()
        last, limit = begin, 0.5
        for number in range(1, 12):
            self.checks += 1
            at = self.listener.wait_for_refusal(before + number, time.monotonic() + limit + 0.5 * self.factor)
            if at is None:
                return last - begin
            last, limit = at, min(limit * 2, 15.0) if number > 1 else limit
            if last - begin > (window + limit) * 3 + PATIENCE * self.factor:
                break
        raise Broken(f"the client still tries {last - begin:.1f} s after the break, with a window of {window} s")

    def expect_no_connection(self, *, within: float = QUIET) -> None:
        """Watch for a while that the client does not come back: there is no connection to send a fence on."""
        self.checks += 1
        number = self.connection.number
        arrival = self.listener.take(
            time.monotonic() + within * max(1.0, self.factor),
            lambda each: each.kind is Kind.OPENED and each.connection > number,
        )
        if arrival is not None:
            self.note("the client connects again")
            raise Broken("the client connected again after the end of its session")

    # --- Sending ---

    def send_on(self, connection: Connection, message: Message) -> None:
        """Send a message on any connection, and count nothing."""
        text = encode(message)
        self.transcript.add("suite", connection.number, text, len(text))
        connection.send_frame(text.encode())

    def send_text(self, text: str, *, fragments: int = 1) -> None:
        """Send a text frame, whatever is in it."""
        data = text.encode("utf-8", "surrogatepass")
        self.transcript.add("suite", self.connection.number, text, len(data))
        self._pause()
        self.connection.send_text(data, fragments=fragments)

    def send_binary(self, data: bytes, what: str = "binary frame", *, fragments: int = 1) -> None:
        """Send a binary frame, whatever is in it."""
        self.transcript.add("suite", self.connection.number, f"[{what}]", len(data))
        self._pause()
        self.connection.send_binary(data, fragments=fragments)

    # --- Receiving ---

    def take(self, wanted: Callable[[Message], bool], what: str, within: float | None) -> tuple[Message, float]:
        """Wait for the first message that is `wanted`; return it, and the time at which it came."""
        deadline = self.deadline(within)
        while True:
            for item in self._inbox:
                if wanted(item[0]):
                    self._inbox.remove(item)
                    return item
            if self.closed_with is not None or self._lost_at is not None:
                how = f"closed it with {self.closed_with}" if self.closed_with is not None else "lost it"
                raise Broken(
                    f"expected {what}, but the connection is over: the client {how}. {self.subject.describe()}",
                    is_final=True,
                )
            if not self.pull(deadline):
                text = f"no {what} came within {self.seconds(within):.1f} s. {self.subject.describe()}"
                raise Broken(text.strip(), is_final=True)

    def pull(self, deadline: float) -> bool:
        """Take in one arrival on the newest connection; False if none comes in time."""
        number = self.connection.number
        arrival = self.listener.take(deadline, lambda each: each.connection == number and each.kind is not Kind.OPENED)
        if arrival is None:
            return False
        self._digest(arrival)
        return True

    def await_pong(self, *, or_end: bool) -> None:
        """Send a WebSocket Ping and wait for its Pong; with `or_end`, the connection may end instead."""
        self._ponged = False
        self.connection.ping()
        deadline = self.deadline(None)
        while not self._ponged:
            if or_end and (self.closed_with is not None or self._lost_at is not None):
                return
            if not self.pull(deadline):
                raise Broken("a WebSocket Ping was not answered")

    @property
    def unread(self) -> list[Message]:
        """What has come, and nobody has asked for."""
        return [message for message, _ in self._inbox]

    def forget_unread(self) -> None:
        """Forget it."""
        self._inbox = []

    def left_over(self) -> list[Message]:
        """Return, and take away, what has come and was not asked for, but for acks."""
        left = [message for message, _ in self._inbox if message["type"] not in UNASKED]
        self._inbox = [item for item in self._inbox if item[0]["type"] in UNASKED]
        return left

    def forget_acks(self) -> None:
        """Forget the acks that have come."""
        self._inbox = [item for item in self._inbox if item[0]["type"] not in UNASKED]

    # --- Times ---

    @property
    def now(self) -> float:
        """The time, in seconds, on the clock of all times here."""
        return time.monotonic()

    def seconds(self, within: float | None) -> float:
        """Return how long to wait; None stands for the usual patience."""
        # What SPEC gives in seconds does not become shorter on a faster machine.
        return PATIENCE * self.factor if within is None else within * max(1.0, self.factor)

    def deadline(self, within: float | None) -> float:
        """Return the time at which that is over."""
        return time.monotonic() + self.seconds(within)

    # --- Within ---

    def _enter(self, arrival: Arrival) -> None:
        self._connection = self.listener.connection(arrival.connection)
        self._inbox = []
        self.closed_with = self._lost_at = None
        self._we_closed = False
        self.transcript.add("note", arrival.connection, f"the client connects to {self.path}", at=arrival.time)
        self.judge.opened(self.path, self.offered)

    def _digest(self, arrival: Arrival) -> None:
        match arrival.kind:
            case Kind.TEXT:
                self._hide_secret(arrival.data)
                self.transcript.add("client", arrival.connection, arrival.data, len(arrival.data), arrival.time)
                self._inbox.append((self._judge(arrival.data), arrival.time))
            case Kind.BINARY:
                self.transcript.add("client", arrival.connection, "[binary frame]", len(arrival.data), arrival.time)
                self.judge.binary()
            case Kind.CLOSE:
                self.transcript.add(
                    "note", arrival.connection, f"the client closes with {arrival.close_code}", at=arrival.time
                )
                self.closed_with = arrival.close_code
                if not self._we_closed:
                    self.judge.closed(arrival.close_code)
            case Kind.LOST:
                self.transcript.add("note", arrival.connection, "the connection is gone", at=arrival.time)
                self._lost_at = arrival.time
                self.judge.lost(arrival.data.decode())
            case _:
                self._ponged = True
                self.transcript.add("note", arrival.connection, "Pong", at=arrival.time)

    def _judge(self, data: bytes) -> Message:
        try:
            return self.judge.text(data)
        except Broken as broken:
            if broken.requirement == "HELLO-21":
                # As a server does, so that the client ends as well.
                self.send_text(encode(bye(ByeCode.TOO_LARGE, "never", str(broken))))
                self.close(BYE_RULES[ByeCode.TOO_LARGE].close)
            raise

    def _hide_secret(self, data: bytes) -> None:
        if b'"instance"' in data:
            try:
                self.transcript.hide(str(json.loads(data)["params"]["instance"]))
            except (ValueError, KeyError, TypeError):
                return

    def _pause(self) -> None:
        if self._jitter is not None and self._jitter.random() < _PAUSES:
            time.sleep(self._jitter.random() * 0.01)


def encode(message: Message) -> str:
    """Return the text of a message's frame."""
    return json.dumps(message, ensure_ascii=False)


def shorten(message: Message) -> str:
    """Return a message as text that is not too long to be shown."""
    text = json.dumps(message, ensure_ascii=False)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"
