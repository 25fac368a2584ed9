"""Defects of the heartbeat."""

from __future__ import annotations

import time

from broken_clients.client import Client
from broken_clients.defects import breaks


@breaks("BEAT-3")
class DoesNotAnswerPings(Client):
    """Does not answer pings."""

    def on_ping(self) -> None:
        pass


@breaks("BEAT-3")
class AnswersPingsWhenThereIsNews(Client):
    """Answers a ping only where something is not acknowledged."""

    def on_ping(self) -> None:
        if self.unacknowledged or not self.last_seq:
            super().on_ping()


@breaks("BEAT-3")
class AnswersPingsWhenIdle(Client):
    """Answers pings while no command waits."""

    def on_ping(self) -> None:
        if not self.pending:
            super().on_ping()


@breaks("BEAT-4")
class NeverNoticesSilence(Client):
    """Never gives a silent connection up."""

    def silent_at(self) -> float:
        return float("inf") if self.welcomed else super().silent_at()


@breaks("BEAT-4")
class SaysByeToNobody(Client):
    """Says bye before it gives a silent connection up."""

    def on_silence(self) -> None:
        self.say_bye("client_left", "Nobody is there.")
        super().on_silence()


@breaks("BEAT-4")
class WaitsForTheCloseHandshake(Client):
    """Waits until its Close is answered."""

    def on_silence(self) -> None:
        if self.wire is not None:
            self.wire.close(4000)
            while not self.wire.is_over and not self.stopped.is_set():
                self.wire.receive(0.02)
        self.lengthen_silence()


@breaks("BEAT-4")
class IgnoresTheTimeout(Client):
    """Waits for interval_ms only."""

    def silence_limit(self) -> float:
        return float(self.terms["heartbeat"]["interval_ms"]) / 1000


@breaks("BEAT-4")
class CountsSessionMessagesOnly(Client):
    """Takes pings for silence."""

    def on_ping(self) -> None:
        heard, super_ping = self.__dict__.get("really_heard", self.heard_at - 0.01), super().on_ping
        super_ping()
        self.heard_at = heard
        self.__dict__["really_heard"] = heard


@breaks("BEAT-5")
class NeverLengthensItsLimit(Client):
    """Gives slow connections up again and again."""

    def lengthen_silence(self) -> None:
        pass


@breaks("BEAT-5")
class NeverShortensItsLimit(Client):
    """Keeps a limit that was lengthened."""

    def progress(self) -> None:
        self.failures = 0


@breaks("BEAT-6")
class SendsPings(Client):
    """Sends pings of its own."""

    pinged_at = 0.0

    def on_time(self) -> bool:
        if self.welcomed and time.monotonic() - self.pinged_at > 0.2:
            self.pinged_at = time.monotonic()
            self.send_control("ping", {})
        return super().on_time()


@breaks("BEAT-7")
class WaitsForTheWelcomeForEver(Client):
    """Waits for a welcome without end."""

    greeting_limit = 10_000.0
