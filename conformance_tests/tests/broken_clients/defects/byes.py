"""Defects in what a client makes of byes and closes."""

from __future__ import annotations

import time

from broken_clients.client import Client, Message, Stop
from broken_clients.defects import breaks
from broken_clients.defects.bases import Pageless
from broken_clients.wire import Text, Wire


@breaks("END-2")
class TalksAfterItsBye(Client):
    """Acknowledges after its bye."""

    def say_bye(self, code: str, message: str) -> None:
        super().say_bye(code, message)
        self.send_ack()


@breaks("END-2")
class ActsAfterABye(Client):
    """Does what stands behind a bye."""

    def tend_older_connections(self) -> None:
        for wire in self.lingering:
            for event in wire.receive(0):
                if isinstance(event, Text) and b'"eval_js"' in event.data:
                    self.engine.start(0, "globalThis.ghost = 1", {}, is_eval=False)
        self.lingering = [wire for wire in self.lingering if not wire.is_over]


@breaks("END-2")
class AcksAfterABye(Client):
    """Answers a ping behind a bye."""

    def tend_older_connections(self) -> None:
        for wire in self.lingering:
            for event in wire.receive(0):
                if isinstance(event, Text) and b'"ping"' in event.data:
                    wire.send_text('{"type":"ack","params":{"seq":2}}')
        self.lingering = [wire for wire in self.lingering if not wire.is_over]


@breaks("END-3")
class NeverTakesNo(Client):
    """Takes `never` for `resume`."""

    def on_bye(self, params: Message) -> bool:
        return super().on_bye(params | ({"retry": "resume"} if params["retry"] == "never" else {}))


@breaks("END-3")
class ResumesInsteadOfReconnecting(Client):
    """Takes `reconnect` for `resume`."""

    def on_bye(self, params: Message) -> bool:
        return super().on_bye(params | ({"retry": "resume"} if params["retry"] == "reconnect" else {}))


@breaks("END-3")
class ReconnectsInsteadOfResuming(Client):
    """Takes `resume` for `reconnect`."""

    def on_bye(self, params: Message) -> bool:
        return super().on_bye(params | ({"retry": "reconnect"} if params["retry"] == "resume" else {}))


@breaks("END-3")
class LetsOldCodeSpeak(Client):
    """Answers the old commands in the new session."""

    def renew(self) -> None:
        pending = self.pending
        super().renew()
        if pending:
            self.outbox = []
            self.engine.start(0, "globalThis.go = () => pagewire.emit('old', 1)", {}, is_eval=False)
            self.engine.run_jobs()


@breaks("END-3")
class ReconnectsWithoutWaiting(Pageless):
    """Hurries back to a server that is full."""

    def renew(self) -> None:
        super().renew()
        self.failures = 0


@breaks("END-4")
class StopsOnUnknownCodes(Client):
    """Takes a code that it does not know for the end."""

    def on_bye(self, params: Message) -> bool:
        return super().on_bye(params | ({"retry": "never"} if params["code"] in {"novelty", "acme:closed"} else {}))


@breaks("END-4")
class GoesByTheCode(Client):
    """Goes by the registry's retry, whatever the bye says."""

    def on_bye(self, params: Message) -> bool:
        return super().on_bye(params | ({"retry": "never"} if params["code"] == "session_ended" else {}))


@breaks("END-4")
class ResumesOnUnknownCodes(Client):
    """Resumes after a code that it does not know."""

    def on_bye(self, params: Message) -> bool:
        return super().on_bye(params | ({"retry": "resume"} if params["code"] == "novelty" else {}))


@breaks("END-4")
class GoesByTheCloseCode(Client):
    """Looks at the close code that follows a bye."""

    def on_bye(self, params: Message) -> bool:
        if self.wire is None or params["retry"] != "resume":
            return super().on_bye(params)
        wire: Wire = self.wire
        until = time.monotonic() + 1
        while not wire.is_over and time.monotonic() < until:
            wire.receive(0.02)
        if wire.close_code == 1000:
            raise Stop
        return super().on_bye(params)


@breaks("END-5")
class StopsOn1001(Client):
    """Takes a close with 1001 for the end."""

    def on_closed(self, code: int) -> bool:
        if code == 1001:
            raise Stop
        return super().on_closed(code)


@breaks("END-5")
class ResumesAfter4404(Client):
    """Takes every close for a break."""

    def on_closed(self, code: int) -> bool:
        return False


@breaks("END-5")
class StopsOnAbnormalEnds(Client):
    """Takes a connection that just ends for the end of the session."""

    def on_closed(self, code: int) -> bool:
        if code == 1006 and self.last_seq:
            raise Stop
        return super().on_closed(code)


@breaks("END-9")
class ObeysTheRetryOfInvalidMessage(Client):
    """Comes back after invalid_message, where the bye says so."""

    def on_bye(self, params: Message) -> bool:
        if params["code"] == "invalid_message":
            params = params | {"code": "novelty"}
        return super().on_bye(params)


@breaks("END-9")
class ComesBackAfter1009(Client):
    """Takes a close with 1009 for a break."""

    def on_closed(self, code: int) -> bool:
        return super().on_closed(1006 if code == 1009 else code)
