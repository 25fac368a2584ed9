"""Defects in how a client ends a session."""

from __future__ import annotations

from broken_clients.client import Client
from broken_clients.defects import breaks


@breaks("END-6")
class GoesWithoutAWord(Client):
    """Leaves without a bye."""

    def leave(self) -> None:
        self.close_for_good(1000)
        self.stopped.set()


@breaks("END-6")
class StaysInTheCache(Client):
    """Does nothing when it comes back from the browser's cache."""

    def restore(self) -> None:
        pass


@breaks("END-7")
class GoesWithAnotherCode(Client):
    """Closes with 4000 when it leaves."""

    def leave(self) -> None:
        self.say_bye("client_left", "It leaves.")
        self.close_for_good(4000)
        self.stopped.set()


@breaks("END-7")
class ComesBackAfterLeaving(Client):
    """Reconnects after it has left."""

    def leave(self) -> None:
        self.say_bye("client_left", "It leaves.")
        if self.wire is not None:
            self.wire.close(1000)
            self.give_up_connection()
        self.welcomed = False
        self.was_welcomed = False


@breaks("END-1")
class ClosesWithoutBye(Client):
    """Closes with 4400 and says no bye."""

    def say_bye(self, code: str, message: str) -> None:
        pass


@breaks("END-1")
class SaysNoReason(Client):
    """Says bye with an empty message."""

    def say_bye(self, code: str, message: str) -> None:
        super().say_bye(code, "")


@breaks("END-12")
class AsksToResume(Client):
    """Says bye with the retry of a break."""

    def say_bye(self, code: str, message: str) -> None:
        self.send_control("bye", {"code": code, "message": message, "retry": "resume"})


@breaks("END-14")
class AsksToReconnect(Client):
    """Says bye with another retry than the registry's."""

    def say_bye(self, code: str, message: str) -> None:
        self.send_control("bye", {"code": code, "message": message, "retry": "reconnect"})


@breaks("END-13")
class KeepsTheReasonToItself(Client):
    """Does not tell its user why the session has ended."""

    def tell(self, notice: str, *, may_start_again: bool = False) -> None:
        super().tell("The session has ended.")


@breaks("END-13")
class OffersNoNewStart(Client):
    """Does not offer to start again."""

    def tell(self, notice: str, *, may_start_again: bool = False) -> None:
        super().tell(notice)
