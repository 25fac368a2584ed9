"""Defects of cancels and events."""

from __future__ import annotations

import json

from broken_clients.client import Client, Outgoing
from broken_clients.defects import breaks
from pagewire_protocol.violations import PeerViolation


@breaks("CANCEL-1")
class IgnoresCancels(Client):
    """Does not answer what is cancelled."""

    def on_cancel(self, id_: int) -> None:
        pass


@breaks("CANCEL-1")
class CancelsTheOldest(Client):
    """Cancels the oldest command that waits."""

    def on_cancel(self, id_: int) -> None:
        if id_ in self.pending:
            super().on_cancel(min(self.pending))


@breaks("CANCEL-2")
class AnswersTheCancelled(Client):
    """Answers again when the code of a cancelled command is done."""

    def on_cancel(self, id_: int) -> None:
        super().on_cancel(id_)
        if id_ == self.last_id:
            self.pending[id_] = "cancelled"


@breaks("CANCEL-2")
class StopsTheCode(Client):
    """Stops the code of a cancelled command."""

    def on_cancel(self, id_: int) -> None:
        super().on_cancel(id_)
        self.engine.start(0, "globalThis.go = () => {}", {}, is_eval=False)


@breaks("CANCEL-3")
class FailsOnUnknownCancels(Client):
    """Ends the session on a cancel of an id that it does not know."""

    def on_cancel(self, id_: int) -> None:
        if id_ > self.last_id:
            raise PeerViolation("params.id: is unknown")
        super().on_cancel(id_)


@breaks("CANCEL-3")
class CancelsTheAnswered(Client):
    """Answers a cancel of what it has answered."""

    def on_cancel(self, id_: int) -> None:
        self.pending.setdefault(id_, "answered")
        super().on_cancel(id_)


@breaks("CANCEL-4")
class SavesTheCancelled(Client):
    """Saves what has come of a cancelled stream."""

    def on_cancel(self, id_: int) -> None:
        if id_ in self.streams:
            self.disk.save(self.streams[id_].name, bytes(self.streams[id_].content))
        super().on_cancel(id_)


@breaks("CANCEL-4")
class FailsOnChunksOfTheCancelled(Client):
    """Ends the session on a chunk of a cancelled stream."""

    def on_chunk(self, id_: int, offset: int, payload: bytes) -> None:
        if id_ not in self.streams and 1 <= id_ <= self.last_id:
            raise PeerViolation("id: is no open stream")
        super().on_chunk(id_, offset, payload)


@breaks("EVENT-1")
class LeavesDataOut(Client):
    """Sends an event without data where there is none."""

    def queue(self, message: Outgoing) -> None:
        if message.type == "event":
            message.params = message.params.replace(',"data":null}', "}")
        super().queue(message)


@breaks("EVENT-1")
class CountsUtf16(Client):
    """Counts the characters of a name in UTF-16."""

    def js_emit(self, name: str, data: str) -> str:
        if len(json.loads(name).encode("utf-16-le")) // 2 > 128:
            return "the name is too long"
        return super().js_emit(name, data)


@breaks("EVENT-2")
class SendsEventsBackwards(Client):
    """Sends the events of one piece of code from the last to the first."""

    def js_emit(self, name: str, data: str) -> str:
        return super().js_emit(name, data if data != "1" else "2")


@breaks("EVENT-2")
class LosesEventsWithoutConnection(Client):
    """Loses events that come while there is no connection, or follow each other closely."""

    def js_emit(self, name: str, data: str) -> str:
        if name == '"n"' and data == "19":
            return ""
        return super().js_emit(name, data)


@breaks("EVENT-3")
class TakesAnyName(Client):
    """Takes any name of an event, and makes a text of it."""

    prelude = Client.prelude.replace('if (typeof name !== "string") throw new TypeError("the name is no string");', "")


@breaks("EVENT-5")
class DropsEventsOfManyValues(Client):
    """Drops an event of too many values in silence."""

    def js_emit(self, name: str, data: str) -> str:
        refusal = super().js_emit(name, data)
        return "" if "values" in refusal else refusal


@breaks("EVENT-5")
class CountsNamesInEvents(Client):
    """Counts the names of members in an event as values."""

    def js_emit(self, name: str, data: str) -> str:
        most = self.most_values
        self.most_values = most - data.count('":')
        try:
            return super().js_emit(name, data)
        finally:
            self.most_values = most


@breaks("EVENT-3")
class BuffersWithoutEnd(Client):
    """Takes events without end, though none is acknowledged."""

    def unacknowledged_out(self) -> int:
        return 0


@breaks("EVENT-3")
class CountsEventsOnly(Client):
    """Does not count replies among what is unacknowledged."""

    def unacknowledged_out(self) -> int:
        return sum(message.size for message in self.outbox if message.type == "event")
