"""Defects of downloads."""

from __future__ import annotations

import base64
from typing import Any

from broken_clients.client import Client, Message
from broken_clients.client_platform import CommandFailed, Disk
from broken_clients.defects import breaks
from broken_clients.defects.bases import NamingDisk, Pageless, WithNames, WithSave
from pagewire_protocol.codec import Envelope


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


@breaks("DL-3")
class TrimsNames(WithNames):
    """Trims all white space, not only the space."""

    class Names(NamingDisk):
        """Its disk."""

        def change(self, safe: str, name: str) -> str:
            return safe.strip()

    def names(self) -> Disk:
        return self.Names()


@breaks("DL-3")
class TakesCom0ForReserved(WithNames):
    """Puts _ before COM0 too."""

    class Names(NamingDisk):
        """Its disk."""

        def change(self, safe: str, name: str) -> str:
            return f"_{safe}" if safe == "COM0" else safe

    def names(self) -> Disk:
        return self.Names()


@breaks("DL-3")
class KeepsDirectionMarks(WithNames):
    """Keeps marks that change the direction of writing."""

    class Names(NamingDisk):
        """Its disk."""

        def change(self, safe: str, name: str) -> str:
            return name if "\u202e" in name else safe

    def names(self) -> Disk:
        return self.Names()


@breaks("SEC-5")
class KeepsPaths(WithNames):
    """Keeps the path in a name."""

    class Names(NamingDisk):
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
