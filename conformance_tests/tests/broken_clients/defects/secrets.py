"""Defects of extensions, and of what is to be a secret."""

from __future__ import annotations

from broken_clients.client import Client, Message
from broken_clients.defects import breaks
from broken_clients.defects.bases import (
    WithHello,
)
from pagewire_protocol.violations import PeerViolation


@breaks("EXT-1")
class AnnouncesBareNames(WithHello):
    """Announces a capability of its own without a colon."""

    def hello_params(self) -> Message:
        params = super().hello_params()
        params["capabilities"]["printing"] = {}
        return params


@breaks("EXT-1")
class HasItsOwnCodes(Client):
    """Answers an unknown command by a code of its own, without a colon."""

    def send(self, text: str) -> None:
        super().send(text.replace('"unsupported"', '"unknown_command"'))


@breaks("EXT-2")
class AnnouncesTrue(WithHello):
    """Announces capabilities as true."""

    def hello_params(self) -> Message:
        params = super().hello_params()
        params["capabilities"]["acme:x"] = True
        return params


@breaks("EXT-2")
class RefusesUnknownCapabilities(Client):
    """Refuses a server with a capability that it does not know."""

    def check_welcome(self, params: Message) -> None:
        super().check_welcome(params)
        if "novelty" in params["capabilities"]:
            raise PeerViolation("capabilities.novelty: is unknown")


@breaks("SEC-2")
class PutsItsSecretIntoTheUrl(Client):
    """Uses the instance as its key."""

    def connect(self) -> bool:
        self.key = self.instance
        return super().connect()


@breaks("SEC-2")
class LogsItsSecret(Client):
    """Logs its hello."""

    def send(self, text: str) -> None:
        self.output.append(text)
        super().send(text)


@breaks("SEC-3")
class StoresItsSecret(Client):
    """Keeps the instance in the page's storage."""

    def begin(self) -> None:
        super().begin()
        self.page.stored = f'[{{"instance": "{self.instance}"}}]'
