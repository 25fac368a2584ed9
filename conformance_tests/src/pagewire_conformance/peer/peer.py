"""The suite's end of a conversation: a case says what to send and what must come; everything that comes is judged."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Protocol
from urllib.parse import parse_qs, urlsplit

from pagewire_conformance.messages import COMMAND_TYPES, SESSION_TYPES, Message, ack, download, eval_js, ping
from pagewire_conformance.peer.judge import Judge
from pagewire_conformance.peer.observer import Observer
from pagewire_conformance.peer.transcript import Transcript
from pagewire_conformance.verdicts import Broken, ClientFailure, NotOffered, Unverified
from pagewire_conformance.wire.arrivals import Arrival, Kind
from pagewire_conformance.wire.connection import Connection
from pagewire_conformance.wire.listener import Listener

PATIENCE: Final = 5.0
"""Seconds that anything may take which a client does at once, before --timeout-factor."""

QUIET: Final = 0.4
"""Seconds of watching for what must not come, where no fence can be sent any more because the connection is gone."""

_PAUSES: Final = 0.3
"""How often there is a pause before a frame, with jitter."""

_LONGEST_QUOTE: Final = 500

_UNASKED: Final = frozenset(("ack", "stream_ack"))

WELCOME: Final[Message] = {
    "version": "1.0",
    "session": "conformance",
    "resumed": False,
    "last_seq": 0,
    "server": {"name": "pagewire-conformance", "version": "0.1.0"},
    "capabilities": {},
    "heartbeat": {"interval_ms": 15000, "timeout_ms": 15000},
    "limits": {"max_message_bytes": 4194304, "stream_window_bytes": 262144},
    "resume_window_ms": 120000,
}


class Subject(Protocol):
    """A client that has been started for one case."""

    def observer(self, ask: Callable[[Message], Message], hello: Message) -> Observer:
        """Return what shows this client; `ask` sends it a command and returns the reply."""
        ...

    def describe(self) -> str:
        """Say what became of it, for a report: its exit code, its stderr."""
        ...

    def output(self) -> str:
        """Return what it has written to its stderr, or to the console of the page."""
        ...


class Peer:
    """One case's conversation with one client. Every method that waits raises Broken when its time is over."""

    def __init__(
        self, listener: Listener, subject: Subject, *, factor: float = 1.0, jitter: random.Random | None = None
    ) -> None:
        self.listener = listener
        self.judge = Judge()
        self.transcript = Transcript()
        self.checks = 0
        """How many things were checked."""
        self.hello: Message = {}
        """The params of the last hello."""
        self.terms: Message = dict(WELCOME)
        """The params of the welcome, but for `resumed` and `last_seq`."""
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
        self._observer: Observer | None = None
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

    def accept(self, *, within: float | None = None) -> Message:
        """Wait for the client's next connection and its hello; return the hello's params."""
        self.await_connection(within=within)
        return self.receive_hello()

    def receive_hello(self) -> Message:
        """Wait for the hello on a connection that was awaited; return its params."""
        self.hello = self.receive("hello")["params"]
        return self.hello

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

    def welcome(self, **changes: Any) -> None:
        """Answer the hello; `changes` are params that stay for the following welcomes, but `resumed` and `last_seq`."""
        once = {name: changes.pop(name) for name in ("resumed", "last_seq") if name in changes}
        self.terms |= changes
        params = self.terms | {"resumed": "resume" in self.hello, "last_seq": self.judge.received} | once
        self.send({"type": "welcome", "params": params})
        self.judge.wrote_welcome(params["last_seq"], params["limits"]["max_message_bytes"])

    def welcome_unjudged(self, *, last_seq: int) -> None:
        """Send a welcome whose `last_seq` cannot be."""
        self.send({"type": "welcome", "params": self.terms | {"resumed": True, "last_seq": last_seq}})

    def connect(self, **changes: Any) -> Message:
        """Wait for a connection and welcome it; return the hello's params."""
        hello = self.accept()
        self.welcome(**changes)
        return hello

    def break_connection(self) -> float:
        """Break the connection, without a word; return the time of it."""
        self._note("the suite breaks the connection")
        self.connection.cut()
        return time.monotonic()

    def refused_attempts(self, count: int) -> list[float]:
        """Break the connection and refuse the next attempts; return the times of them. The one after is taken again."""
        self._note(f"the suite breaks the connection and refuses {count} attempts")
        self.listener.refuse(refusing=True)
        before = self.listener.refused
        self.connection.cut()
        times = []
        for number in range(1, count + 1):
            at = self.listener.wait_for_refusal(before + number, self._deadline(2.0**number + PATIENCE))
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
        self._note("the suite breaks the connection and refuses all attempts")
        self.listener.refuse(refusing=True)
        before = self.listener.refused
        begin = self.break_connection()
        last, limit = begin, 0.5
        for number in range(1, 12):
            self.checks += 1
            at = self.listener.wait_for_refusal(before + number, time.monotonic() + limit + 0.5 * self._factor)
            if at is None:
                return last - begin
            last, limit = at, min(limit * 2, 15.0) if number > 1 else limit
            if last - begin > (window + limit) * 3 + PATIENCE * self._factor:
                break
        raise Broken(f"the client still tries {last - begin:.1f} s after the break, with a window of {window} s")

    def resume(self, **changes: Any) -> Message:
        """Wait for the client to come back, welcome it, and send again what it lacks; return the hello's params."""
        hello = self.connect(**changes)
        self.replay(hello.get("resume", {}).get("last_seq", 0))
        return hello

    def replay(self, after: int) -> None:
        """Send again, as they were, the session messages after the `seq` given."""
        for message in self._sent[after:]:
            self.send_text(_encode(message))

    def close(self, code: int | None, reason: str = "") -> None:
        """Send a Close frame; None stands for one without a code."""
        self._note(f"the suite closes with {code if code is not None else 'no code'}")
        self._we_closed = True
        self.connection.send_close(code, reason)

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
        self.send_text(_encode(message))

    def send_raw(self, message: Message) -> None:
        """Send a message as it stands, right or wrong; what has the next `seq` counts."""
        self.send_envelope(message)

    def send_on(self, connection: Connection, message: Message) -> None:
        """Send a message on any connection, and count nothing."""
        text = _encode(message)
        self.transcript.add("suite", connection.number, text, len(text))
        connection.send_frame(text.encode())

    @staticmethod
    def text_of(message: Message) -> str:
        """Return the text of a message's frame."""
        return _encode(message)

    def send_text(self, text: str, *, fragments: int = 1) -> None:
        """Send a text frame, whatever is in it."""
        data = text.encode("utf-8", "surrogatepass")
        self.transcript.add("suite", self.connection.number, text, len(data))
        self._pause()
        self.connection.send_text(data, fragments=fragments)

    def send_chunk(self, id_: int, offset: int, payload: bytes) -> None:
        """Send a chunk of a stream."""
        self.judge.wrote_chunk(id_, offset + len(payload))
        header = id_.to_bytes(8, "big") + offset.to_bytes(8, "big")
        self.send_binary(header + payload, f"chunk: id {id_}, offset {offset}, {len(payload)} bytes")

    def send_chunk_unjudged(self, id_: int, offset: int, payload: bytes) -> None:
        """Send a chunk that is wrong, or of no stream: no stream_ack of it is to come."""
        header = id_.to_bytes(8, "big") + offset.to_bytes(8, "big")
        self.send_binary(header + payload, f"chunk: id {id_}, offset {offset}, {len(payload)} bytes")

    def result_of_a_small_file(self, name: str) -> None:
        """Send one more small file, whose result must come."""
        self.result(download(b"x", name))

    def send_binary(self, data: bytes, what: str = "binary frame", *, fragments: int = 1) -> None:
        """Send a binary frame, whatever is in it."""
        self.transcript.add("suite", self.connection.number, f"[{what}]", len(data))
        self._pause()
        self.connection.send_binary(data, fragments=fragments)

    def ack(self) -> None:
        """Acknowledge all that has come."""
        self.ack_up_to(self.judge.received)

    def ack_up_to(self, seq: int) -> None:
        """Acknowledge what has come up to `seq`."""
        self.send(ack(seq))

    # --- Receiving ---

    def receive(self, type_: str, *, within: float | None = None) -> Message:
        """Return the next message, which must be of `type_`; acks are passed over unless they are what is wanted."""
        self.checks += 1
        message, _ = self._next(lambda each: each["type"] == type_ or each["type"] not in _UNASKED, type_, within)
        if message["type"] != type_:
            raise Broken(f"expected {type_}, but this came: {_short(message)}")
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

    def reply(self, id_: int, *, within: float | None = None) -> Message:
        """Return the reply to the command of that id; the order of replies does not matter."""
        self.checks += 1
        message, _ = self._next(
            lambda each: each["type"] in {"result", "error"} and each.get("id") == id_,
            f"reply to id {id_}",
            within,
        )
        return message

    def reply_so_far(self, id_: int) -> Message:
        """Return the reply to a command, which may have been taken in before."""
        return self.judge.reply_to(id_) or self.reply(id_)

    def is_answered(self, id_: int) -> bool:
        """Whether the reply to a command has come by now."""
        return self.judge.reply_to(id_) is not None

    def ask(self, command: Message, *, within: float | None = None) -> Message:
        """Send a command and return its reply."""
        return self.reply(self.send(command), within=within)

    def result(self, command: Message, *, within: float | None = None) -> Message:
        """Send a command and return the params of its reply, which must be a `result`."""
        reply = self.ask(command, within=within)
        if reply["type"] != "result":
            raise Broken(f"expected a result, but this came: {_short(reply)}")
        return dict(reply["params"])

    def value(self, expression: str, **args: Any) -> Any:
        """Return what an expression is evaluated to."""
        return self.result(eval_js(expression, **args))["value"]

    def error(self, command: Message, code: str, *, within: float | None = None) -> Message:
        """Send a command and return the params of its reply, which must be an `error` of this code."""
        return self.as_error(self.ask(command, within=within), code)

    def as_error(self, reply: Message, code: str) -> Message:
        """Return the params of a reply, which must be an `error` of this code."""
        self.checks += 1
        if reply["type"] != "error" or reply["params"]["code"] != code:
            raise Broken(f"expected error {code}, but this came: {_short(reply)}")
        return dict(reply["params"])

    def fence(self) -> list[Message]:
        """Send one more command, wait for its reply, and return all that came before that, but for acks."""
        id_ = self.send(eval_js("'fence'"))
        self.reply(id_)
        return self.left_over()

    def left_over(self) -> list[Message]:
        """Return, and take away, what has come and was not asked for, but for acks."""
        left = [message for message, _ in self._inbox if message["type"] not in _UNASKED]
        self._inbox = [item for item in self._inbox if item[0]["type"] in _UNASKED]
        return left

    def expect_nothing_more(self) -> None:
        """Prove by a fence that nothing is on its way."""
        self.checks += 1
        if left := self.fence():
            raise Broken(f"nothing was to come, but this did: {_short(left[0])}")

    def forget_acks(self) -> None:
        """Forget the acks that have come."""
        self._inbox = [item for item in self._inbox if item[0]["type"] not in _UNASKED]

    def expect_no_text(self, *, or_end: bool = False) -> None:
        """Prove by a WebSocket Ping, which is answered in order, that no message is on its way.

        With `or_end`, the client may have ended the connection instead.
        """
        self.checks += 1
        for _ in range(2):  # a library may answer the first before the client has seen what came with it
            self._await_pong(or_end=or_end)
        if self._inbox:
            raise Broken(f"nothing was to come, but this did: {_short(self._inbox[0][0])}")

    def _await_pong(self, *, or_end: bool) -> None:
        self._ponged = False
        self.connection.ping()
        deadline = self._deadline(None)
        while not self._ponged:
            if or_end and (self._closed_with is not None or self._lost_at is not None):
                return
            if not self._pull(deadline):
                raise Broken("a WebSocket Ping was not answered")

    def await_stream_ack(self, id_: int, offset: int, *, or_more: bool = True) -> None:
        """Wait for a stream_ack of at least this offset, or of just this one."""
        while True:
            message, _ = self.receive_timed("stream_ack")
            params = message["params"]
            if params["id"] == id_ and (params["offset"] == offset or (or_more and params["offset"] > offset)):
                return

    def watch(self, seconds: float) -> None:
        """Take in what the client sends by itself, for a while."""
        deadline = time.monotonic() + seconds
        while self._pull(deadline):
            pass

    @property
    def now(self) -> float:
        """The time, in seconds, on the clock of all times here."""
        return time.monotonic()

    @property
    def last_ack(self) -> int:
        """The `seq` of the last ack that has come."""
        return self.judge.last_ack

    def ping(self) -> int:
        """Send a `ping` and return the `seq` of the ack that answers it."""
        self.forget_acks()
        self.send(ping())
        return int(self.receive("ack")["params"]["seq"])

    @contextmanager
    def part(self, name: object) -> Iterator[None]:
        """Let a case of many parts go on after one that failed; the case fails at its end, and names each of them."""
        try:
            yield
        except AssertionError as error:
            self._failed_parts.append((str(name), error))
            if getattr(error, "is_final", False):
                self._tell_of_parts()

    def _tell_of_parts(self) -> None:
        if not self._failed_parts:
            return
        failed, self._failed_parts = self._failed_parts, []
        texts = [f"{name}: {error}" for name, error in failed]
        requirement = next((id_ for _, error in failed if (id_ := getattr(error, "requirement", None))), None)
        raise Broken(f"{len(failed)} part(s) of the case failed:\n" + "\n".join(texts), requirement)

    # --- Ends ---

    def expect_bye(self, code: str, close: int) -> Message:
        """Wait for a bye of this code, and for the close code after it; return the bye's params."""
        with self.own_verdict():
            params: Message = self.receive("bye")["params"]
            if params["code"] != code:
                raise Broken(f"expected bye {code}, but this came: {params}")
            self.expect_close(close)
        return params

    @contextmanager
    def own_verdict(self) -> Iterator[None]:
        """Lay whatever is found broken within to the requirements of the case, since it is what the case looks for."""
        try:
            yield
        except Broken as broken:
            broken.requirement = None
            raise

    def expect_close(self, code: int, *, within: float | None = None) -> float:
        """Wait for the client to close, with this code; return the time of it."""
        self.checks += 1
        closed = self.await_end(within=within)
        if self._closed_with != code:
            raise Broken(f"expected close code {code}, but the connection ended with {self._closed_with}")
        return closed

    def await_end(self, *, within: float | None = None) -> float:
        """Wait for the end of the connection, by a close or without; return the time of it."""
        deadline = self._deadline(within)
        while self._lost_at is None and (self._closed_with is None or self._we_closed):
            if not self._pull(deadline):
                raise Broken(f"the client did not end the connection within {self._seconds(within):.1f} s")
        return self._lost_at or time.monotonic()

    def expect_no_connection(self, *, within: float = QUIET) -> None:
        """Watch for a while that the client does not come back: there is no connection to send a fence on."""
        self.checks += 1
        number = self.connection.number
        arrival = self.listener.take(
            time.monotonic() + within * max(1.0, self._factor),
            lambda each: each.kind is Kind.OPENED and each.connection > number,
        )
        if arrival is not None:
            self._note("the client connects again")
            raise Broken("the client connected again after the end of its session")

    def settle(self) -> None:
        """Judge what has arrived by now, and nobody has asked for."""
        try:
            while self._connection is not None and self._pull(time.monotonic()):
                pass
        finally:
            self._tell_of_parts()

    # --- What the client offers, and what can be seen of it ---

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

    @property
    def has_page(self) -> bool:
        """Whether the client is a page, by its hello."""
        return "url" in self.hello.get("page", {})

    @property
    def page_url(self) -> str:
        """The URL of the client's page."""
        return str(self.hello["page"]["url"])

    def needs_page(self) -> None:
        """Go on only with a client that is a page."""
        if not self.has_page:
            raise NotOffered("the client has no page: its hello has no page.url")

    def needs_capability(self, name: str) -> None:
        """Go on only with a client that announces the capability."""
        if name not in self.hello["capabilities"]:
            raise NotOffered(f"the client does not announce the capability {name}")

    @property
    def seen(self) -> Observer:
        """What can be seen of the client besides its messages."""
        if self._observer is None:
            self._observer = self.subject.observer(self.ask, self.hello)
        return self._observer

    def let_it_download(self) -> None:
        """Let a page save one more file: without a user's click, browsers block all but the first."""
        if self.has_page:
            with suppress(Unverified):
                self.seen.click()

    def not_offered(self, why: str) -> NotOffered:
        """Return what to raise where the client is not one that the case is about."""
        return NotOffered(why)

    def unverified(self, why: str) -> Unverified:
        """Return what to raise where the rest cannot be observed."""
        return Unverified(why)

    def begin_anew(self) -> None:
        """Expect a new instance: what was known of the old one is forgotten, but for its connections."""
        self._note("a new instance is expected")
        self.judge = Judge()
        self.seq = self._last_id = 0
        self._sent = []
        self._inbox = []
        self._observer = None

    @property
    def factor(self) -> float:
        """What --timeout-factor says."""
        return self._factor

    # --- Within ---

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


def _encode(message: Message) -> str:
    return json.dumps(message, ensure_ascii=False)


def _short(message: Message) -> str:
    text = json.dumps(message, ensure_ascii=False)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"
