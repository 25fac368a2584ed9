"""The suite's end of a conversation: a case says what to send and what must come; everything that comes is judged."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from pagewire_conformance.messages import (
    COMMAND_TYPES,
    REPLY_TYPES,
    SESSION_TYPES,
    Message,
    ack,
    chunk,
    download,
    eval_js,
    ping,
)
from pagewire_conformance.peer.client_under_test import ClientDriver, Subject
from pagewire_conformance.peer.judge import Judge
from pagewire_conformance.peer.line import UNASKED, Line, encode, shorten
from pagewire_conformance.verdicts import Broken, NotOffered, Unverified
from pagewire_conformance.wire.listener import Listener
from pagewire_protocol.versions import LATEST_VERSION

WELCOME: Final[Message] = {
    "version": LATEST_VERSION,
    "session": "conformance",
    "resumed": False,
    "last_seq": 0,
    "server": {"name": "pagewire-conformance", "version": "0.1.0"},
    "capabilities": {},
    "heartbeat": {"interval_ms": 15000, "timeout_ms": 15000},
    "limits": {"max_message_bytes": 4194304, "max_values": 50000, "stream_window_bytes": 262144},
    "resume_window_ms": 120000,
}


class Peer:
    """One case's conversation with one client. Every method that waits raises Broken when its time is over."""

    def __init__(
        self, listener: Listener, subject: Subject, *, factor: float = 1.0, jitter: random.Random | None = None
    ) -> None:
        self.line = Line(listener, subject, factor=factor, jitter=jitter)
        self.hello: Message = {}
        """The params of the last hello."""
        self.terms: Message = dict(WELCOME)
        """The params of the welcome, but for `resumed` and `last_seq`."""
        self.seq = 0
        """Of the last session message sent."""
        self._last_id = 0
        self._sent: list[Message] = []
        self._failed_parts: list[tuple[str, AssertionError]] = []
        self._client_driver: ClientDriver | None = None

    # --- Handshakes ---

    def accept(self, *, within: float | None = None) -> Message:
        """Wait for the client's next connection and its hello; return the hello's params."""
        self.line.await_connection(within=within)
        return self.receive_hello()

    def receive_hello(self) -> Message:
        """Wait for the hello on a connection that was awaited; return its params."""
        self.hello = self.receive("hello")["params"]
        return self.hello

    def welcome(self, **changes: Any) -> None:
        """Answer the hello; `changes` are params that stay for the following welcomes, but `resumed` and `last_seq`."""
        once = {name: changes.pop(name) for name in ("resumed", "last_seq") if name in changes}
        self.terms |= changes
        params = self.terms | {"resumed": "resume" in self.hello, "last_seq": self.line.judge.received} | once
        self.send({"type": "welcome", "params": params})
        self.line.judge.wrote_welcome(params["last_seq"], params["limits"])

    def welcome_unjudged(self, *, last_seq: int) -> None:
        """Send a welcome whose `last_seq` cannot be."""
        self.send({"type": "welcome", "params": self.terms | {"resumed": True, "last_seq": last_seq}})

    def connect(self, **changes: Any) -> Message:
        """Wait for a connection and welcome it; return the hello's params."""
        hello = self.accept()
        self.welcome(**changes)
        return hello

    def resume(self, **changes: Any) -> Message:
        """Wait for the client to come back, welcome it, and send again what it lacks; return the hello's params."""
        hello = self.connect(**changes)
        self.replay(hello.get("resume", {}).get("last_seq", 0))
        return hello

    def begin_anew(self) -> None:
        """Expect a new instance: what was known of the old one is forgotten, but for its connections."""
        self.line.note("a new instance is expected")
        self.line.judge = Judge()
        self.seq = self._last_id = 0
        self._sent = []
        self.line.forget_unread()
        self._client_driver = None

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
        self.send_raw({**envelope, **message})
        return int(envelope.get("id", 0))

    def send_raw(self, message: Message) -> None:
        """Send a message as it stands, right or wrong; what has the next `seq` counts, and so does its `id`."""
        seq, id_ = message.get("seq"), message.get("id")
        if seq == self.seq + 1:
            self.seq = seq
            self._sent.append(message)
            self.line.judge.written = seq
            if isinstance(id_, int) and message["type"] != "cancel":
                self._last_id = max(self._last_id, id_)
                self.line.judge.wrote_command(id_, message["type"])
        self.line.send_text(encode(message))

    def send_chunk(self, id_: int, offset: int, payload: bytes) -> None:
        """Send a chunk of a stream."""
        self.line.judge.wrote_chunk(id_, offset + len(payload))
        self.send_chunk_unjudged(id_, offset, payload)

    def send_chunk_unjudged(self, id_: int, offset: int, payload: bytes) -> None:
        """Send a chunk that is wrong, or of no stream: no stream_ack of it is to come."""
        self.line.send_binary(chunk(id_, offset, payload), f"chunk: id {id_}, offset {offset}, {len(payload)} bytes")

    def replay(self, after: int) -> None:
        """Send again, as they were, the session messages after the `seq` given."""
        for message in self._sent[after:]:
            self.line.send_text(encode(message))

    # --- Receiving ---

    def receive(self, type_: str, *, within: float | None = None) -> Message:
        """Return the next message, which must be of `type_`; acks are passed over unless they are what is wanted."""
        self.line.checks += 1
        message, _ = self.line.take(lambda each: each["type"] == type_ or each["type"] not in UNASKED, type_, within)
        if message["type"] != type_:
            raise Broken(f"expected {type_}, but this came: {shorten(message)}")
        return message

    def receive_timed(self, type_: str, *, within: float | None = None) -> tuple[Message, float]:
        """Return the next message of `type_`, whatever comes before it, and the time at which it came."""
        self.line.checks += 1
        return self.line.take(lambda each: each["type"] == type_, type_, within)

    def receive_first_of(self, *types: str) -> Message:
        """Return the next message that is of one of these types."""
        self.line.checks += 1
        message, _ = self.line.take(lambda each: each["type"] in types, " or ".join(types), None)
        return message

    @property
    def last_ack(self) -> int:
        """The `seq` of the last ack that has come."""
        return self.line.judge.last_ack

    # --- Commands ---

    def reply(self, id_: int, *, within: float | None = None) -> Message:
        """Return the reply to the command of that id; the order of replies does not matter."""
        self.line.checks += 1
        message, _ = self.line.take(
            lambda each: each["type"] in REPLY_TYPES and each.get("id") == id_,
            f"reply to id {id_}",
            within,
        )
        return message

    def reply_so_far(self, id_: int) -> Message:
        """Return the reply to a command, which may have been taken in before."""
        return self.line.judge.reply_to(id_) or self.reply(id_)

    def is_answered(self, id_: int) -> bool:
        """Whether the reply to a command has come by now."""
        return self.line.judge.reply_to(id_) is not None

    def ask(self, command: Message, *, within: float | None = None) -> Message:
        """Send a command and return its reply."""
        return self.reply(self.send(command), within=within)

    def result(self, command: Message, *, within: float | None = None) -> Message:
        """Send a command and return the params of its reply, which must be a `result`."""
        reply = self.ask(command, within=within)
        if reply["type"] != "result":
            raise Broken(f"expected a result, but this came: {shorten(reply)}")
        return dict(reply["params"])

    def value(self, expression: str, **args: Any) -> Any:
        """Return what an expression is evaluated to."""
        return self.result(eval_js(expression, **args))["value"]

    def error(self, command: Message, code: str, *, within: float | None = None) -> Message:
        """Send a command and return the params of its reply, which must be an `error` of this code."""
        return self.as_error(self.ask(command, within=within), code)

    def as_error(self, reply: Message, code: str) -> Message:
        """Return the params of a reply, which must be an `error` of this code."""
        self.line.checks += 1
        if reply["type"] != "error" or reply["params"]["code"] != code:
            raise Broken(f"expected error {code}, but this came: {shorten(reply)}")
        return dict(reply["params"])

    def result_of_a_small_file(self, name: str) -> None:
        """Send one more small file, whose result must come."""
        self.result(download(b"x", name))

    def ack(self) -> None:
        """Acknowledge all that has come."""
        self.ack_up_to(self.line.judge.received)

    def ack_up_to(self, seq: int) -> None:
        """Acknowledge what has come up to `seq`."""
        self.send(ack(seq))

    def ping(self) -> int:
        """Send a `ping` and return the `seq` of the ack that answers it."""
        self.line.forget_acks()
        self.send(ping())
        return int(self.receive("ack")["params"]["seq"])

    # --- What must come, and what must not ---

    def fence(self) -> list[Message]:
        """Send one more command, wait for its reply, and return all that came before that, but for acks."""
        id_ = self.send(eval_js("'fence'"))
        self.reply(id_)
        return self.line.left_over()

    def expect_nothing_more(self) -> None:
        """Prove by a fence that nothing is on its way."""
        self.line.checks += 1
        if left := self.fence():
            raise Broken(f"nothing was to come, but this did: {shorten(left[0])}")

    def expect_no_text(self, *, or_end: bool = False) -> None:
        """Prove by a WebSocket Ping, which is answered in order, that no message is on its way.

        With `or_end`, the client may have ended the connection instead.
        """
        self.line.checks += 1
        for _ in range(2):  # a library may answer the first before the client has seen what came with it
            self.line.await_pong(or_end=or_end)
        if unread := self.line.unread:
            raise Broken(f"nothing was to come, but this did: {shorten(unread[0])}")

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
        while self.line.pull(deadline):
            pass

    def expect_bye(self, code: str, close: int) -> Message:
        """Wait for a bye of this code, and for the close code after it; return the bye's params."""
        with self.own_verdict():
            params: Message = self.receive("bye")["params"]
            if params["code"] != code:
                raise Broken(f"expected bye {code}, but this came: {params}")
            self.expect_close(close)
        return params

    def expect_close(self, code: int, *, within: float | None = None) -> float:
        """Wait for the client to close, with this code; return the time of it."""
        self.line.checks += 1
        closed = self.line.await_end(within=within)
        if self.line.closed_with != code:
            raise Broken(f"expected close code {code}, but the connection ended with {self.line.closed_with}")
        return closed

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
            while self.line.is_connected and self.line.pull(time.monotonic()):
                pass
        finally:
            self._tell_of_parts()

    def _tell_of_parts(self) -> None:
        if not self._failed_parts:
            return
        failed, self._failed_parts = self._failed_parts, []
        texts = [f"{name}: {error}" for name, error in failed]
        requirement = next((id_ for _, error in failed if (id_ := getattr(error, "requirement", None))), None)
        raise Broken(f"{len(failed)} part(s) of the case failed:\n" + "\n".join(texts), requirement)

    # --- What the client offers, and what can be seen of it ---

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
    def seen(self) -> ClientDriver:
        """What can be seen of the client besides its messages."""
        if self._client_driver is None:
            self._client_driver = self.line.subject.driver(self.ask, self.hello)
        return self._client_driver

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
