"""Defects in what a client makes of notices."""

from __future__ import annotations

import time

from broken_clients.client import Client, Message
from broken_clients.defects import breaks
from pagewire_protocol.codec import Envelope
from pagewire_protocol.codes import ByeCode
from pagewire_protocol.violations import PeerViolation


class ActsOnNotices(Client):
    """Does something with each notice; what, is the subclass's."""

    def on_other(self, envelope: Envelope) -> bool:
        if not super().on_other(envelope):
            return False
        if envelope.type == "notice":
            assert isinstance(envelope.params, dict)
            return self.on_notice(envelope.params)
        return True

    def on_notice(self, params: Message) -> bool:
        """Act on it; False if the connection is over."""
        raise NotImplementedError


@breaks("NOTICE-4")
class LeavesOnANotice(ActsOnNotices):
    """Leaves as soon as it hears that the server drains."""

    def on_notice(self, params: Message) -> bool:
        return self.fail(ByeCode.CLIENT_LEFT, "The server drains.")


@breaks("NOTICE-4")
class LeavesWhenTheEndIsNow(ActsOnNotices):
    """Takes `ends_in_ms` 0 for the end."""

    def on_notice(self, params: Message) -> bool:
        return True if params.get("ends_in_ms") else self.fail(ByeCode.CLIENT_LEFT, "It is over.")


@breaks("NOTICE-4")
class ReconnectsOnANotice(ActsOnNotices):
    """Breaks the connection on a notice, to find another server."""

    def on_notice(self, params: Message) -> bool:
        self.on_break()
        return True


@breaks("NOTICE-4")
class BeginsAnewAfterANotice(ActsOnNotices):
    """Comes back as a new instance if the connection breaks after a notice."""

    told = False

    def on_notice(self, params: Message) -> bool:
        self.told = True
        return True

    def say_hello(self) -> None:
        if self.told:
            self.told = False
            self.renew()
            self.attempt += 1
        super().say_hello()


@breaks("NOTICE-4")
class GivesCommandsUpOnANotice(ActsOnNotices):
    """Answers what waits by `cancelled` when the server drains."""

    def on_notice(self, params: Message) -> bool:
        for id_ in list(self.pending):
            self.on_cancel(id_)
        return True


@breaks("NOTICE-4")
class LeavesWhenTheTimeIsOver(ActsOnNotices):
    """Counts `ends_in_ms` itself, and leaves when it is over."""

    leaves_at: float | None = None

    def on_notice(self, params: Message) -> bool:
        self.leaves_at = time.monotonic() + params.get("ends_in_ms", 0) / 1000
        return True

    def on_text(self, data: bytes) -> bool:
        if self.leaves_at is not None and time.monotonic() > self.leaves_at:
            return self.fail(ByeCode.CLIENT_LEFT, "The time is over.")
        return super().on_text(data)


@breaks("NOTICE-5")
class RefusesUnknownCodesOfNotices(ActsOnNotices):
    """Ends the session on a notice whose code it does not know."""

    def on_notice(self, params: Message) -> bool:
        if params["code"] != "draining":
            raise PeerViolation("params.code: is unknown")
        return True


@breaks("NOTICE-5")
class TakesNoticesForByes(ActsOnNotices):
    """Takes a notice with a code of byes for a bye."""

    def on_notice(self, params: Message) -> bool:
        return True if params["code"] != "session_ended" else self.on_bye({**params, "message": "", "retry": "never"})


@breaks("NOTICE-6")
class AcksNotices(ActsOnNotices):
    """Answers a notice by an ack, as a ping."""

    def on_notice(self, params: Message) -> bool:
        self.send_ack()
        return True


@breaks("NOTICE-6")
class RepeatsNotices(ActsOnNotices):
    """Answers a notice by a notice."""

    def on_notice(self, params: Message) -> bool:
        self.send_control("notice", params)
        return True


@breaks("NOTICE-6")
class RepliesToNotices(ActsOnNotices):
    """Answers a notice by an error, as a command that it does not know."""

    def on_notice(self, params: Message) -> bool:
        self.send_control("error", {"code": "unsupported", "message": "a notice"})
        return True


@breaks("NOTICE-6")
class CountsNotices(ActsOnNotices):
    """Counts a notice as a session message."""

    def on_notice(self, params: Message) -> bool:
        self.consume(self.last_seq + 1, 0)
        return True


@breaks("WIRE-15")
class RefusesUnknownFieldsInNotices(Client):
    """Refuses a notice with a field that it does not know."""

    def on_other(self, envelope: Envelope) -> bool:
        if envelope.type == "notice" and "novelty" in str(envelope.params):
            raise PeerViolation("an unknown field")
        return super().on_other(envelope)


@breaks("WIRE-20")
class IgnoresInvalidNotices(Client):
    """Ignores a notice whose params are invalid."""

    def on_other(self, envelope: Envelope) -> bool:
        try:
            return super().on_other(envelope)
        except PeerViolation:
            if envelope.type == "notice":
                return True
            raise
