"""Defects of downloads, settings, apps, cancels and events."""

from __future__ import annotations

import base64
import json
from typing import Any

from broken_clients.client import Client, Message, Outgoing
from broken_clients.defects.scripts import Pageless
from broken_clients.registry import breaks
from broken_clients.surroundings import CommandFailed, Disk, Page, safe_name
from pagewire_protocol.codec import Envelope
from pagewire_protocol.violations import InvalidParams, PeerViolation


class WithSave(Client):
    """A client that saves in another way."""

    def save(self, id_: int, name: str, content: bytes) -> None:
        self.store(name, content)
        self.page.links.append(name)
        self.result(id_, {"bytes": len(content)})

    def store(self, name: str, content: bytes) -> None:
        self.disk.save(name, content)


@breaks("DL-1")
class WritesText(WithSave):
    """Opens its files in text mode."""

    def store(self, name: str, content: bytes) -> None:
        super().store(name, content.replace(b"\r\n", b"\n").replace(b"\x00", b""))


@breaks("DL-1")
class ForgetsTheLastChunk(Client):
    """Saves a stream without its last chunk."""

    def append(self, stream: Any, payload: bytes) -> None:
        super().append(stream, payload)
        if payload:
            stream.saved = len(stream.content) - len(payload)

    def finish(self, id_: int, stream: Any) -> None:
        bytes_ = len(stream.content)
        self.disk.save(stream.name, bytes(stream.content[: getattr(stream, "saved", 0)]))
        self.result(id_, {"bytes": bytes_})


@breaks("DL-1")
class WantsASize(Client):
    """Refuses files of unknown size."""

    def download(self, id_: int, params: Message) -> None:
        if params["size"] is None:
            raise CommandFailed("invalid_command", "params.size: is missing")
        super().download(id_, params)


@breaks("DL-2")
class CountsBase64(Client):
    """Says how long the base64 was."""

    def save(self, id_: int, name: str, content: bytes) -> None:
        self.disk.save(name, content)
        self.result(id_, {"bytes": len(base64.b64encode(content))})


class _Names(Disk):
    def name_for(self, name: str) -> str:
        return self.change(safe_name(name), name)

    def change(self, safe: str, name: str) -> str:
        raise NotImplementedError


class WithNames(Client):
    """A client that names its files in another way."""

    def begin(self) -> None:
        super().begin()
        self.disk = self.names()

    def names(self) -> Disk:
        raise NotImplementedError


@breaks("DL-3")
class TrimsNames(WithNames):
    """Trims all white space, not only the space."""

    class Names(_Names):
        """Its disk."""

        def change(self, safe: str, name: str) -> str:
            return safe.strip()

    def names(self) -> Disk:
        return self.Names()


@breaks("DL-3")
class TakesCom0ForReserved(WithNames):
    """Puts _ before COM0 too."""

    class Names(_Names):
        """Its disk."""

        def change(self, safe: str, name: str) -> str:
            return f"_{safe}" if safe == "COM0" else safe

    def names(self) -> Disk:
        return self.Names()


@breaks("DL-3")
class KeepsDirectionMarks(WithNames):
    """Keeps marks that change the direction of writing."""

    class Names(_Names):
        """Its disk."""

        def change(self, safe: str, name: str) -> str:
            return name if "\u202e" in name else safe

    def names(self) -> Disk:
        return self.Names()


@breaks("SEC-5")
class KeepsPaths(WithNames):
    """Keeps the path in a name."""

    class Names(_Names):
        """Its disk."""

        def change(self, safe: str, name: str) -> str:
            return name if ".." in name and "/" in name else safe

    def names(self) -> Disk:
        return self.Names()


@breaks("DL-4")
class IgnoresTheSize(Client):
    """Saves content of another length than its size."""

    def download(self, id_: int, params: Message) -> None:
        is_inline = params["content"].kind == "inline"
        super().download(id_, params | ({"size": None} if is_inline else {}))


@breaks("DL-4")
class SavesBeforeItCounts(Client):
    """Saves a file, and then finds that its size is wrong."""

    def download(self, id_: int, params: Message) -> None:
        if params["content"].kind == "inline" and params["size"] == 4:
            self.disk.save(params["name"], b"abc")
        super().download(id_, params)


@breaks("DL-5")
class ReadsLenientBase64(Client):
    """Reads base64 without its padding, and with other characters in it."""

    def read_command(self, envelope: Envelope) -> Message:
        params: Any = envelope.params
        if envelope.type == "download" and params.get("content", {}).get("base64") in {"QUJDQQ", "QUJD\n", "QU=D"}:
            params["content"]["base64"] = "QUJD"
            params["size"] = None
        return super().read_command(envelope)


@breaks("DL-5")
class WantsZeroBits(Client):
    """Refuses base64 whose spare bits are not zero."""

    def download(self, id_: int, params: Message) -> None:
        if getattr(params["content"], "base64", "") == "QR==":
            raise CommandFailed("invalid_command", "params.content.base64: is no base64")
        super().download(id_, params)


@breaks("DL-6")
class CallsAFullDiskAnException(Client):
    """Answers what cannot be saved by an exception."""

    def fail_command(self, id_: int, failure: CommandFailed) -> None:
        if failure.params["code"] == "save_failed":
            exception = {"name": "OSError", "message": "no"}
            failure = CommandFailed("exception", "OSError: no", exception=exception)
        super().fail_command(id_, failure)


@breaks("DL-7")
class CallsStreamsInvalid(Pageless):
    """Answers a stream by invalid_command, where it takes none."""

    def download(self, id_: int, params: Message) -> None:
        if params["content"].kind == "stream":
            raise CommandFailed("invalid_command", "params.content.kind: is unknown")
        super().download(id_, params)


@breaks("DL-9")
class ShowsNoLink(Client):
    """Shows no link to a file."""

    def save(self, id_: int, name: str, content: bytes) -> None:
        self.disk.save(name, content)
        self.result(id_, {"bytes": len(content)})


@breaks("DL-10")
class SavesPartsOfFiles(Client):
    """Saves what has come of a stream that failed."""

    def fail_command(self, id_: int, failure: CommandFailed) -> None:
        if id_ in self.streams and failure.params["code"] == "stream_failed":
            self.disk.save(self.streams[id_].name, bytes(self.streams[id_].content))
        super().fail_command(id_, failure)


@breaks("DL-10")
class SavesBeforeTheEnd(Client):
    """Saves a file once as many bytes as its size have come."""

    def append(self, stream: Any, payload: bytes) -> None:
        super().append(stream, payload)
        if payload and len(stream.content) == stream.size:
            self.disk.save(stream.name, bytes(stream.content))


class WithPage(Client):
    """A client with another page."""

    page_type: type[Page] = Page

    def begin(self) -> None:
        super().begin()
        self.page = self.page_type()


class _Boasts(Page):
    def apply(self, settings: dict[str, Any]) -> tuple[list[str], list[str]]:
        applied, ignored = super().apply(settings)
        self.settings |= {"output_max_width": "880px", "title": "old"}
        return applied, ignored


@breaks("ENV-1")
class OnlySaysThatItApplies(WithPage):
    """Names settings as applied that it does not apply."""

    page_type = _Boasts


@breaks("ENV-1")
class WantsSettings(Client):
    """Refuses a command without settings."""

    def set_env(self, settings: Message) -> Message:
        if not settings:
            raise CommandFailed("invalid_command", "params: are empty")
        return super().set_env(settings)


class _AppliesAll(Page):
    def apply(self, settings: dict[str, Any]) -> tuple[list[str], list[str]]:
        self.settings |= settings
        return [name for name in settings if name != "http_pull_interval"], [
            name for name in settings if name == "http_pull_interval"
        ]


@breaks("ENV-2")
class AppliesHeightsAlways(WithPage):
    """Applies the heights of a panel that is not fixed."""

    page_type = _AppliesAll


@breaks("ENV-2")
class PullsOverWebSockets(Client):
    """Says that it applies http_pull_interval."""

    def set_env(self, settings: Message) -> Message:
        result = super().set_env(settings)
        return {"applied": result["applied"] + result["ignored"], "ignored": []}


@breaks("ENV-2")
class AppliesWithoutAPage(Pageless):
    """Says that it applies the title, without a page."""

    def set_env(self, settings: Message) -> Message:
        result = super().set_env(settings)
        return {"applied": [name for name in settings if name == "title"], "ignored": result["ignored"]}


@breaks("ENV-3")
class NamesUnknownSettings(Client):
    """Names unknown settings as ignored."""

    def read_command(self, envelope: Envelope) -> Message:
        params = super().read_command(envelope)
        if envelope.type == "set_env" and isinstance(envelope.params, dict):
            return {**envelope.params, **params}
        return params

    def set_env(self, settings: Message) -> Message:
        known = {name: value for name, value in settings.items() if name not in {"novelty", "constructor"}}
        result = super().set_env(known)
        return result | {"ignored": result["ignored"] + sorted(set(settings) - set(known))}


@breaks("ENV-3")
class LosesSettings(Client):
    """Names a setting in both lists."""

    def set_env(self, settings: Message) -> Message:
        result = super().set_env(settings)
        return result | {"ignored": result["applied"] + result["ignored"]}


@breaks("ENV-4")
class AppliesUpToTheInvalidOne(Client):
    """Applies the settings before an invalid one."""

    def read_command(self, envelope: Envelope) -> Message:
        try:
            return super().read_command(envelope)
        except InvalidParams:
            if envelope.type == "set_env" and isinstance(envelope.params, dict) and "title" in envelope.params:
                self.page.settings["title"] = envelope.params["title"]
            raise


@breaks("ENV-4")
class TakesAnyWidth(Client):
    """Takes a width in any unit."""

    def read_command(self, envelope: Envelope) -> Message:
        params: Any = envelope.params
        if envelope.type == "set_env" and isinstance(params, dict) and params.get("output_max_width") == "10em":
            return {"output_max_width": "10em"}
        return super().read_command(envelope)


class _Resets(Page):
    def apply(self, settings: dict[str, Any]) -> tuple[list[str], list[str]]:
        self.settings["title"] = ""
        return super().apply(settings)


@breaks("ENV-5")
class ResetsTheRest(WithPage):
    """Sets back what a command does not name."""

    page_type = _Resets


class _DropsTheQuery(Page):
    def app_url(self, app: str) -> str:
        return super().app_url(app).replace("x=1&", "")


@breaks("APP-1")
class DropsTheQuery(WithPage):
    """Drops the rest of the page's query."""

    page_type = _DropsTheQuery


class _AppendsTheApp(Page):
    def app_url(self, app: str) -> str:
        return f"{self.url}&app={app}"


@breaks("APP-1")
class AppendsTheApp(WithPage):
    """Puts the app behind the query, though one stands in it."""

    page_type = _AppendsTheApp


class _KeepsTheOpener(Page):
    def open_window(self, app: str) -> None:
        super().open_window(app)
        self.apps[-1]["has_opener"] = True


@breaks("APP-2")
class KeepsTheOpener(WithPage):
    """Leaves the new window a way back."""

    page_type = _KeepsTheOpener


@breaks("APP-3")
class GoesBeforeItSaysSo(Client):
    """Leaves for an app before the result is sent."""

    def go_app(self, id_: int, app: str, *, new_window: bool) -> None:
        if not new_window:
            self.leave()
        super().go_app(id_, app, new_window=new_window)


@breaks("APP-3")
class StaysWhereItIs(Client):
    """Opens a window in any case."""

    def go_app(self, id_: int, app: str, *, new_window: bool) -> None:
        self.page.may_open_windows |= not new_window
        super().go_app(id_, app, new_window=True)


class _HidesBlocking(Page):
    def open_window(self, app: str) -> None:
        try:
            super().open_window(app)
        except CommandFailed:
            return


@breaks("APP-4")
class HidesThatAWindowWasBlocked(WithPage):
    """Says nothing of a window that was blocked."""

    page_type = _HidesBlocking


class _OffersNothing(Page):
    def open_window(self, app: str) -> None:
        try:
            super().open_window(app)
        finally:
            self.links.clear()


@breaks("APP-5")
class OffersNoLink(WithPage):
    """Offers no link to an app whose window was blocked."""

    page_type = _OffersNothing


@breaks("APP-6")
class PretendsToGo(Pageless):
    """Says that it went to an app, without a page."""

    def go_app(self, id_: int, app: str, *, new_window: bool) -> None:
        self.result(id_, {})


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
        refusal = super().js_emit(name, data if data != "1" else "2")
        return refusal


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


@breaks("END-2")
class TalksAfterItsBye(Client):
    """Acknowledges after its bye."""

    def say_bye(self, code: str, message: str) -> None:
        super().say_bye(code, message)
        self.send_ack()
