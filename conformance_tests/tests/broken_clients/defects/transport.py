"""Defects of the transport and of the texts on it."""

from __future__ import annotations

import json
import secrets

from broken_clients.client import Client, Message
from broken_clients.defects import breaks
from broken_clients.wire import Binary, Closed, Opened, Text


@breaks("WIRE-1")
class OffersAnotherSubprotocol(Client):
    """Offers pagewire.v2 only."""

    subprotocols = ("pagewire.v2",)


@breaks("WIRE-1")
class GoesOnWithoutSubprotocol(Client):
    """Takes a handshake without a subprotocol for a good one."""

    def take(self, event: Opened | Text | Binary | Closed) -> bool:
        return super().take(Opened("pagewire.v1") if isinstance(event, Opened) else event)


@breaks("WIRE-4")
class HasNoKey(Client):
    """Leaves the key empty."""

    def connect(self) -> bool:
        self.key = ""
        return super().connect()


@breaks("WIRE-4")
class NewKeyEachTime(Client):
    """Makes a new key for each connection."""

    def connect(self) -> bool:
        self.key = secrets.token_urlsafe(12)
        return super().connect()


@breaks("WIRE-4")
class WrittenKey(Client):
    """Has the same key in every instance."""

    def connect(self) -> bool:
        self.key = "00"
        return super().connect()


@breaks("WIRE-5")
class SendsByteOrderMark(Client):
    """Begins its replies with a byte order mark."""

    def send(self, text: str) -> None:
        super().send("\ufeff" + text if '"result"' in text else text)


@breaks("WIRE-5")
class ReadsLatin1(Client):
    """Reads text frames as Latin-1."""

    def on_text(self, data: bytes) -> bool:
        return super().on_text(data.decode("latin-1").encode())


@breaks("WIRE-5")
class WantsCompactJson(Client):
    """Refuses a message that does not begin with its brace."""

    def on_text(self, data: bytes) -> bool:
        return super().on_text(data if data[:1] == b"{" else b"[]")


@breaks("WIRE-5")
class TakesArrays(Client):
    """Ignores text frames that hold no object."""

    def on_text(self, data: bytes) -> bool:
        return super().on_text(data) if data.strip()[:1] == b"{" else True


@breaks("WIRE-6")
class WritesExponents(Client):
    """Writes large ids with an exponent."""

    def send(self, text: str) -> None:
        super().send(text.replace("9007199254740991", "9.007199254740991e15"))


@breaks("WIRE-7")
class SendsLoneSurrogates(Client):
    """Passes on the escapes of lone surrogates."""

    prelude = Client.prelude.replace("(all, tail) =>\n    tail.length > 1", "(all, tail) =>\n    tail.length > 9")


@breaks("WIRE-8")
class WritesNaN(Client):
    """Writes NaN where there should be null."""

    def value(self, id_: int, text: str) -> None:
        super().value(id_, text.replace("[null,null", "[NaN,null"))


@breaks("WIRE-8")
class WritesKeysTwice(Client):
    """Writes the type twice."""

    def send(self, text: str) -> None:
        super().send(text.replace('{"type":"result"', '{"type":"result","type":"result"'))


@breaks("WIRE-9")
class MarksFramesAsCompressed(Client):
    """Sets the bit of compression in the frames of large replies."""

    def send(self, text: str) -> None:
        if self.wire is not None:
            self.wire.send_text(text, reserved_bit=len(text) > 4000)


@breaks("WIRE-10")
class NumbersFromZero(Client):
    """Gives its first message the seq 0."""

    def send(self, text: str) -> None:
        message = json.loads(text)
        if "seq" in message:
            message["seq"] -= 1
        super().send(json.dumps(message))


@breaks("WIRE-10")
class NumbersAcks(Client):
    """Gives control messages a seq."""

    def send_control(self, type_: str, params: Message) -> None:
        extra = {"seq": self.written + 1} if type_ == "ack" else {}
        self.send(json.dumps({"type": type_, **extra, "params": params}))


@breaks("WIRE-10")
class TakesBadSeqs(Client):
    """Ignores messages whose seq is no positive integer, or that lack one."""

    def on_text(self, data: bytes) -> bool:
        try:
            message = json.loads(data)
        except ValueError:
            return super().on_text(data)
        seq = message.get("seq", 1) if isinstance(message, dict) else 1
        return super().on_text(data) if type(seq) is int and seq > 0 else True
