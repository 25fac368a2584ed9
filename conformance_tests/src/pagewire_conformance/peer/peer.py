"""The suite's end of a conversation: a case says what to send and what must come; everything that comes is judged."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from typing import Any, Final

from pagewire_conformance.messages import REPLY_TYPES, Message, ack, download, eval_js, ping
from pagewire_conformance.peer.client_under_test import ClientDriver, Subject
from pagewire_conformance.peer.judge import Judge
from pagewire_conformance.peer.line import PATIENCE, Line, shorten
from pagewire_conformance.verdicts import Broken, NotOffered, Unverified
from pagewire_conformance.wire.arrivals import Kind
from pagewire_conformance.wire.listener import Listener
from pagewire_protocol.versions import LATEST_VERSION

QUIET: Final = 0.4
"""Seconds of watching for what must not come, where no fence can be sent any more because the connection is gone."""

WELCOME: Final[Message] = {
    "version": LATEST_VERSION,
    "session": "conformance",
    "resumed": False,
    "last_seq": 0,
    "server": {"name": "pagewire-conformance", "version": "0.1.0"},
    "capabilities": {},
    "heartbeat": {"interval_ms": 15000, "timeout_ms": 15000},
    "limits": {"max_message_bytes": 4194304, "stream_window_bytes": 262144},
    "resume_window_ms": 120000,
}


class Peer(Line):
    """One case's conversation with one client. Every method that waits raises Broken when its time is over."""

    def __init__(
        self, listener: Listener, subject: Subject, *, factor: float = 1.0, jitter: random.Random | None = None
    ) -> None:
        super().__init__(listener, subject, factor=factor, jitter=jitter)
        self.hello: Message = {}
        """The params of the last hello."""
        self.terms: Message = dict(WELCOME)
        """The params of the welcome, but for `resumed` and `last_seq`."""
        self._client_driver: ClientDriver | None = None

    # --- Handshakes ---

    def accept(self, *, within: float | None = None) -> Message:
        """Wait for the client's next connection and its hello; return the hello's params."""
        self.await_connection(within=within)
        return self.receive_hello()

    def receive_hello(self) -> Message:
        """Wait for the hello on a connection that was awaited; return its params."""
        self.hello = self.receive("hello")["params"]
        return self.hello

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

    def resume(self, **changes: Any) -> Message:
        """Wait for the client to come back, welcome it, and send again what it lacks; return the hello's params."""
        hello = self.connect(**changes)
        self.replay(hello.get("resume", {}).get("last_seq", 0))
        return hello

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

    def begin_anew(self) -> None:
        """Expect a new instance: what was known of the old one is forgotten, but for its connections."""
        self._note("a new instance is expected")
        self.judge = Judge()
        self.seq = self._last_id = 0
        self._sent = []
        self._inbox = []
        self._client_driver = None

    # --- Commands ---

    def reply(self, id_: int, *, within: float | None = None) -> Message:
        """Return the reply to the command of that id; the order of replies does not matter."""
        self.checks += 1
        message, _ = self._next(
            lambda each: each["type"] in REPLY_TYPES and each.get("id") == id_,
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
        self.checks += 1
        if reply["type"] != "error" or reply["params"]["code"] != code:
            raise Broken(f"expected error {code}, but this came: {shorten(reply)}")
        return dict(reply["params"])

    def result_of_a_small_file(self, name: str) -> None:
        """Send one more small file, whose result must come."""
        self.result(download(b"x", name))

    def ack(self) -> None:
        """Acknowledge all that has come."""
        self.ack_up_to(self.judge.received)

    def ack_up_to(self, seq: int) -> None:
        """Acknowledge what has come up to `seq`."""
        self.send(ack(seq))

    def ping(self) -> int:
        """Send a `ping` and return the `seq` of the ack that answers it."""
        self.forget_acks()
        self.send(ping())
        return int(self.receive("ack")["params"]["seq"])

    # --- What must come, and what must not ---

    def fence(self) -> list[Message]:
        """Send one more command, wait for its reply, and return all that came before that, but for acks."""
        id_ = self.send(eval_js("'fence'"))
        self.reply(id_)
        return self.left_over()

    def expect_nothing_more(self) -> None:
        """Prove by a fence that nothing is on its way."""
        self.checks += 1
        if left := self.fence():
            raise Broken(f"nothing was to come, but this did: {shorten(left[0])}")

    def expect_no_text(self, *, or_end: bool = False) -> None:
        """Prove by a WebSocket Ping, which is answered in order, that no message is on its way.

        With `or_end`, the client may have ended the connection instead.
        """
        self.checks += 1
        for _ in range(2):  # a library may answer the first before the client has seen what came with it
            self._await_pong(or_end=or_end)
        if self._inbox:
            raise Broken(f"nothing was to come, but this did: {shorten(self._inbox[0][0])}")

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
        self.checks += 1
        closed = self.await_end(within=within)
        if self._closed_with != code:
            raise Broken(f"expected close code {code}, but the connection ended with {self._closed_with}")
        return closed

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
            self._client_driver = self.subject.driver(self.ask, self.hello)
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
