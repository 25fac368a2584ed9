"""Defects of the handshake."""

from __future__ import annotations

from broken_clients.client import Client, Message
from broken_clients.defects import breaks
from broken_clients.defects.bases import (
    WithHello,
)
from broken_clients.session import LONGEST_URL, MAX_HELLO_BYTES
from pagewire_protocol.codec import Envelope
from pagewire_protocol.violations import PeerViolation


@breaks("HELLO-1")
class AcksFirst(Client):
    """Sends an ack before its hello."""

    def say_hello(self) -> None:
        self.send_control("ack", {"seq": 0})
        super().say_hello()


@breaks("HELLO-2")
class ReplaysBeforeWelcome(Client):
    """Sends again what was lost right after its hello."""

    def say_hello(self) -> None:
        super().say_hello()
        for seq in range(self.acknowledged + 1, self.written + 1):
            self.send(self.outbox[seq - self.acknowledged - 1].text(seq))


@breaks("HELLO-2")
class AcksBeforeWelcome(Client):
    """Sends an ack right after its hello."""

    def say_hello(self) -> None:
        super().say_hello()
        self.send_control("ack", {"seq": 0})


@breaks("HELLO-3")
class SaysMajorOnly(WithHello):
    """Gives its version without the minor number."""

    changes = {"versions": ["1"]}


@breaks("HELLO-3")
class SaysVersionsTwice(WithHello):
    """Lists a version twice."""

    changes = {"versions": ["1.0", "1.0"]}


@breaks("HELLO-4")
class HasShortInstance(Client):
    """Makes an instance of 16 characters, which hold 96 bits."""

    def begin(self) -> None:
        super().begin()
        self.instance = self.instance[:16]


@breaks("HELLO-4")
class HasWeakInstance(Client):
    """Makes its instance of a counter."""

    def begin(self) -> None:
        super().begin()
        self.instance = "0" * 31 + "1"


@breaks("HELLO-4")
class NewInstanceEachTime(Client):
    """Makes a new instance for each connection."""

    def connect(self) -> bool:
        self.instance = self.instance[1:] + self.instance[:1]
        return super().connect()


@breaks("HELLO-5")
class RunsMain(Client):
    """Asks for another app than its URL names."""

    def app(self) -> str:
        return "main"


@breaks("HELLO-6")
class ResumesAtFirst(Client):
    """Says resume in its first hello."""

    def say_hello(self) -> None:
        params = self.hello_params() | {"resume": self.resume_point()}
        self.send_control("hello", params)


@breaks("HELLO-6")
class ForgetsToResume(Client):
    """Says no resume after a break."""

    def say_hello(self) -> None:
        self.send_control("hello", self.hello_params())


@breaks("HELLO-7")
class TakesLittle(WithHello):
    """Takes no more than 1000 bytes."""

    changes = {"limits": {"max_message_bytes": 1000}}


@breaks("HELLO-8")
class ForgetsItsCapabilities(Client):
    """Announces its capabilities in its first hello only."""

    def hello_params(self) -> Message:
        params = super().hello_params()
        return params | {"capabilities": {}} if self.was_welcomed else params


@breaks("HELLO-9")
class TellsTheFragment(Client):
    """Tells the page's URL with its fragment."""

    def hello_params(self) -> Message:
        params = super().hello_params()
        params["page"]["url"] += "#top"
        return params


@breaks("HELLO-9")
class TellsNoTimezone(Client):
    """Does not tell the page's time zone."""

    def hello_params(self) -> Message:
        params = super().hello_params()
        del params["page"]["timezone"]
        return params


@breaks("HELLO-21")
class SendsHellosOfAnySize(Client):
    """Sends its hello whatever its size is."""

    def fits(self, hello: str) -> bool:
        return True


@breaks("HELLO-21")
class CountsItsHelloInCharacters(Client):
    """Counts the size of its hello in characters."""

    def fits(self, hello: str) -> bool:
        return len(hello) <= MAX_HELLO_BYTES


@breaks("RESUME-1")
class KeepsHalfOfItsHelloFree(Client):
    """Ends where its hello is larger than half of what it may be."""

    def fits(self, hello: str) -> bool:
        return len(hello.encode()) <= MAX_HELLO_BYTES // 2


@breaks("HELLO-22")
class TellsLongUrls(Client):
    """Tells the page's URL however long it is."""

    def page_info(self) -> Message:
        return self.page.describe()


@breaks("HELLO-22")
class CutsLongUrls(Client):
    """Cuts a URL that is too long."""

    def page_info(self) -> Message:
        page = self.page.describe()
        return page | {"url": page["url"][:LONGEST_URL]}


@breaks("HELLO-9")
class OmitsUrlsThatFit(Client):
    """Tells no URL from 8192 characters on."""

    def page_info(self) -> Message:
        page = self.page.describe()
        if len(page["url"]) >= LONGEST_URL:
            del page["url"]
        return page


@breaks("HELLO-23")
class EndsWhereTheUrlCouldGo(Client):
    """Ends where its hello is too large, though it would fit without the page's URL."""

    def fitting_hello(self) -> str | None:
        params = self.hello_params() | ({"resume": self.resume_point()} if self.was_welcomed else {})
        text = self.hello_text(params)
        return text if self.fits(text) else None


@breaks("HELLO-24")
class OmitsItsAuth(Client):
    """Leaves auth out where its hello is too large."""

    def fitting_hello(self) -> str | None:
        hello = super().fitting_hello()
        if hello is None:
            self.auth = None
        return hello or super().fitting_hello()


@breaks("HELLO-17")
class TakesCommandsBeforeWelcome(Client):
    """Ignores what comes before the welcome."""

    def check_greeting(self, envelope: Envelope) -> bool:
        return super().check_greeting(envelope) if envelope.type in {"welcome", "bye"} else True


@breaks("HELLO-17")
class TakesChunksBeforeWelcome(Client):
    """Ignores binary frames before the welcome."""

    def on_binary(self, data: bytes) -> bool:
        return super().on_binary(data) if self.welcomed else True


@breaks("HELLO-17")
class ReadsNothingBeforeWelcome(Client):
    """Ignores text before the welcome that is no JSON."""

    def on_text(self, data: bytes) -> bool:
        return super().on_text(data) if self.welcomed or (data.startswith(b"{") and data != b"{") else True


@breaks("HELLO-17")
class RefusesTheUnknownBeforeWelcome(Client):
    """Ends on a message of an unknown type before the welcome."""

    def check_greeting(self, envelope: Envelope) -> bool:
        if envelope.type not in {"welcome", "bye"}:
            raise PeerViolation("before welcome")
        return super().check_greeting(envelope)


@breaks("HELLO-17")
class TakesAnyVersion(Client):
    """Takes whatever version the server chooses."""

    def check_welcome(self, params: Message) -> None:
        super().check_welcome(params | {"version": "1.0"})


@breaks("HELLO-17")
class TakesAnyResumption(Client):
    """Does not look at `resumed`."""

    def check_welcome(self, params: Message) -> None:
        super().check_welcome(params | {"resumed": True})


@breaks("HELLO-17")
class WantsResumedFalse(Client):
    """Takes `resumed` for an error where it asked for nothing."""

    def check_welcome(self, params: Message) -> None:
        if params["resumed"] and not self.was_welcomed:
            raise PeerViolation("resumed: too early")
        super().check_welcome(params)


@breaks("HELLO-17")
class TakesSecondWelcome(Client):
    """Takes a second welcome on a connection."""

    def check(self, envelope: Envelope) -> bool:
        return True if self.welcomed and envelope.type == "welcome" else super().check(envelope)


@breaks("HELLO-17")
class DisobeysEarlyBye(Client):
    """Tries again after a bye in the place of a welcome."""

    def on_bye(self, params: Message) -> bool:
        return super().on_bye(params if self.welcomed else params | {"retry": "resume"})


@breaks("HELLO-19")
class CountsNothing(Client):
    """Says no attempt in its hello."""

    def hello_params(self) -> Message:
        return {name: value for name, value in super().hello_params().items() if name != "attempt"}


@breaks("HELLO-19")
class CountsFromZero(Client):
    """Counts its attempts from 0."""

    def hello_params(self) -> Message:
        return super().hello_params() | {"attempt": self.attempt - 1}


@breaks("HELLO-19")
class CountsWelcomes(Client):
    """Says the same attempt again until it is welcomed."""

    def begin(self) -> None:
        super().begin()
        self.welcomes = 0

    def check_welcome(self, params: Message) -> None:
        self.welcomes += 1
        super().check_welcome(params)

    def hello_params(self) -> Message:
        return super().hello_params() | {"attempt": self.welcomes + 1}


@breaks("HELLO-19")
class CountsTheRow(Client):
    """Counts its attempts anew after each welcome."""

    def check_welcome(self, params: Message) -> None:
        self.attempt = 0
        super().check_welcome(params)
