"""Recorded conversations: downloads, in one message and in streams (SPEC sections 5.4 and 10)."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

from golden_client import PATIENCE, GoldenClient, Message
from golden_stage import Stage, conversation

from pagewire_server.session import Download, download, eval_js, hold, on_event, run_js

_WINDOW: Final = 65536
_QUARTER: Final = _WINDOW // 4
_CONTENT: Final = bytes(range(256)) * 800
_STREAMS: Final[dict[str, Any]] = {"capabilities": {"streams": {}}}
_SIZES: Final = (1, _QUARTER - 1, _QUARTER, _QUARTER + 1, 2 * _QUARTER, _WINDOW - 1, _WINDOW, _WINDOW + 1, 200_000)


def _serve(stage: Stage, app: Callable[[], object], **options: Any) -> None:
    stage.serve(app, **({"stream_window_bytes": _WINDOW, "inline_bytes": 0} | options))


def _save(client: GoldenClient, command: Message, ack_every: int = _QUARTER) -> None:
    """Receive a stream to its end, acknowledging as late as a client may; answer its command."""
    total = acknowledged = 0
    while True:
        _, offset, payload = client.receive_chunk()
        total = offset + len(payload)
        if total - acknowledged >= ack_every or not payload:
            client.stream_ack(command["id"], total)
            acknowledged = total
        if not payload:
            client.result(command, bytes=total)
            return


@conversation("downloads")
def inline(stage: Stage) -> None:
    """Sizes around the limit, kinds of content, names and types; with streams and without."""

    def app() -> None:
        for size in (0, 1, 2, 3, 65536):
            stage.attempt(download(f"{size}.bin", _CONTENT[:size]).wait)
        for name in ("a.txt", "ä \U0001f600.csv", "../../x", "lone\ud800", "no_suffix", "x" * 1024):
            stage.attempt(download(name, bytearray(b"abc")).wait)
        stage.attempt(download("a.txt", memoryview(b"abc"), media_type_='a/b; charset="x"').wait)
        for name, content, media_type in (("", b"", None), ("y" * 1025, b"", None), ("x", b"", "no"), ("x", "", None)):
            stage.attempt(partial(download, name, cast("Any", content), media_type_=media_type))
        hold()

    stage.serve(app)
    for settings in (_STREAMS, {}):
        client = stage.connect(**settings)
        for _ in range(12):
            command = client.receive("download")
            client.result(command, bytes=command["params"]["size"])
            stage.told()
        for _ in range(4):
            stage.told()
        client.leave()


@conversation("downloads")
def to_a_client_without_streams(stage: Stage) -> None:
    """All content travels in one message, up to what the client takes."""

    def app() -> None:
        sources = (_CONTENT, iter([b"a", b"", b"bc"]), io.BytesIO(b"file"), _async_pieces(), b"x" * 300_000, _failing())
        for content in sources:
            stage.attempt(partial(_save_as, "x", content))
        hold()

    stage.serve(app)
    client = stage.connect(limits={"max_message_bytes": 300_000})
    for _ in range(4):
        command = client.receive("download")
        client.result(command, bytes=1)
        stage.told()
    for _ in range(2):
        stage.told()


@conversation("downloads")
def streamed_bytes(stage: Stage) -> None:
    """Sizes around a chunk and around the window."""

    def app() -> None:
        for size in _SIZES:
            stage.attempt(download(f"{size}.bin", _CONTENT[:size]).wait)
        hold()

    _serve(stage, app)
    client = stage.connect(**_STREAMS)
    for _ in _SIZES:
        _save(client, client.receive("download"))
        stage.told()


@conversation("downloads")
def default_window(stage: Stage) -> None:
    """Chunks are smaller than a quarter of it."""

    def app() -> None:
        stage.attempt(download("x.bin", _CONTENT * 6).wait)
        hold()

    stage.serve(app)
    client = stage.connect(**_STREAMS)
    _save(client, client.receive("download"))
    stage.told()


@conversation("downloads")
def sources(stage: Stage) -> None:
    """Iterators, files, and asynchronous iterators, whose pieces are whole chunks."""

    def app() -> None:
        path = stage.folder / "file.bin"
        path.write_bytes(_CONTENT[:50_000])
        for content in (_pieces(), _async_pieces(), iter([]), path, io.BytesIO(_CONTENT[: 3 * _QUARTER])):
            saving = download("x", content)
            stage.attempt(saving.wait)
            stage.tell((saving.received, saving.size))
        with path.open("rb") as file:
            file.seek(49_000)
            stage.attempt(download("rest", file).wait)
        stage.attempt(lambda: download("x", Path("/nowhere/at/all")))
        hold()

    _serve(stage, app)
    client = stage.connect(**_STREAMS)
    for _ in range(5):
        _save(client, client.receive("download"))
        stage.told()
        stage.told()
    _save(client, client.receive("download"))
    stage.told()
    stage.told()


def _pieces() -> Iterator[bytes]:
    for start in range(0, 6 * _QUARTER, _QUARTER):
        yield _CONTENT[start : start + _QUARTER]


async def _async_pieces() -> AsyncIterator[bytes]:
    for piece in _pieces():
        yield piece


@conversation("downloads")
def small_pieces_wait_for_more(stage: Stage) -> None:
    """They are gathered, until some time has passed."""
    go = threading.Semaphore(0)

    def pieces() -> Iterator[bytes]:
        for number in range(3):
            for letter in (b"a", b"bc"):
                yield letter * (number + 1)
            stage.tell("gathered")
            go.acquire()

    def app() -> None:
        stage.attempt(download("x", pieces()).wait)
        hold()

    _serve(stage, app)
    client = stage.connect(**_STREAMS)
    command = client.receive("download")
    for _ in range(3):
        stage.told()
        stage.advance(0.05)
        client.receive_chunk()
        go.release()
    client.receive_chunk()
    client.result(command, bytes=18)
    stage.told()


@conversation("downloads")
def window_pauses(stage: Stage) -> None:
    """STREAM-3: nothing more than a window, whatever is acknowledged; a command is not held up."""

    def app() -> None:
        on_event("ask", lambda _data: stage.tell(eval_js("asked")))
        stage.attempt(download("x", _CONTENT).wait)
        hold()

    _serve(stage, app)
    client = stage.connect(**_STREAMS)
    command = client.receive("download")
    for _ in range(4):
        client.receive_chunk()
    client.emit("ask")
    client.result(client.receive("eval_js"), value=1)
    stage.told()
    client.stream_ack(command["id"], 2 * _QUARTER)
    client.receive_chunk(), client.receive_chunk()
    client.stream_ack(command["id"], _QUARTER)
    client.emit("ask")
    client.result(client.receive("eval_js"), value=2)
    stage.told()
    client.stream_ack(command["id"], 6 * _QUARTER)
    _save(client, command)
    stage.told()


@conversation("downloads")
def stream_acks_that_cannot_be(stage: Stage) -> None:
    """STREAM-8: one above what was sent."""

    def app() -> None:
        download("x", _CONTENT)
        hold()

    _serve(stage, app)
    client = stage.connect(**_STREAMS)
    command = client.receive("download")
    for _ in range(4):
        client.receive_chunk()
    client.stream_ack(command["id"] + 1, 9**9)
    client.stream_ack(command["id"], _WINDOW + 1)
    client.read_to_end()


@conversation("downloads")
def resumed(stage: Stage) -> None:
    """STREAM-10: at the offset of the client, within a chunk too; without one, at what was acknowledged."""

    def app() -> None:
        stage.attempt(download("x", _CONTENT).wait)
        hold()

    _serve(stage, app)
    client = stage.connect(**_STREAMS)
    command = client.receive("download")
    for _ in range(4):
        client.receive_chunk()
    client.stream_ack(command["id"], _QUARTER)
    client.receive_chunk()
    for offset in (_QUARTER + 5, None, 3 * _QUARTER - 1, 3 * _QUARTER):
        client.cut()
        streams = [] if offset is None else [{"id": command["id"], "offset": offset}]
        client = stage.reconnect(client, resume={"last_seq": 1, "streams": streams})
        for _ in range(4):
            client.receive_chunk()
    client.cut()
    client = stage.reconnect(client, resume={"last_seq": 1, "streams": [{"id": 1, "offset": 4 * _QUARTER}]})
    _save(client, command)
    stage.told()


@conversation("downloads")
def resumed_after_the_end(stage: Stage) -> None:
    """STREAM-2: the end is sent again until the command is answered."""

    def app() -> None:
        stage.attempt(download("x", b"content").wait)
        hold()

    _serve(stage, app)
    client = stage.connect(**_STREAMS)
    command = client.receive("download")
    client.receive_chunk(), client.receive_chunk()
    client.stream_ack(command["id"], 7)
    for offset in (7, None, 7):
        client.cut()
        streams = [] if offset is None else [{"id": command["id"], "offset": offset}]
        client = stage.reconnect(client, resume={"last_seq": 1, "streams": streams})
        client.receive_chunk()
    client.result(command, bytes=7)
    stage.told()
    client.cut()
    stage.reconnect(client)


@conversation("downloads")
def refused_resumes(stage: Stage) -> None:
    """RESUME-6: an offset above what was sent, or below what was acknowledged."""

    def app() -> None:
        on_event("fence", stage.tell)
        download("x", _CONTENT)
        hold()

    _serve(stage, app)
    for offset in (_WINDOW + 1, _QUARTER - 1):
        client = stage.connect(**_STREAMS)
        command = client.receive("download")
        for _ in range(4):
            client.receive_chunk()
        client.stream_ack(command["id"], _QUARTER)
        client.receive_chunk()
        client.cut()
        again = stage.reconnect(client, hello=False)
        streams = [{"id": command["id"], "offset": offset + (_QUARTER if offset > _WINDOW else 0)}]
        again.send(again.hello(resume={"last_seq": 1, "streams": streams}, capabilities={"streams": {}}))
        again.read_to_end()


@conversation("downloads")
def two_share_a_window(stage: Stage) -> None:
    """Each in turn, and each may always have a quarter on its way."""

    def app() -> None:
        first = download("first", _CONTENT[: 3 * _QUARTER])
        on_event("second", lambda _data: _start_second(stage))
        stage.attempt(first.wait)
        hold()

    _serve(stage, app)
    client = stage.connect(**_STREAMS)
    first = client.receive("download")
    for _ in range(4):
        client.receive_chunk()
    client.emit("second")
    second = client.receive("download")
    client.receive_chunk()
    client.stream_ack(first["id"], 3 * _QUARTER)
    client.result(first, bytes=3 * _QUARTER)
    stage.told()
    client.receive_chunk(), client.receive_chunk(), client.receive_chunk()
    client.stream_ack(second["id"], 4 * _QUARTER)
    client.receive_chunk()
    client.result(second, bytes=4 * _QUARTER)
    stage.told()


def _start_second(stage: Stage) -> None:
    stage.attempt(download("second", _CONTENT[: 4 * _QUARTER]).wait)


@conversation("downloads")
def given_up_by_the_program(stage: Stage) -> None:
    """While its window is full; and one that nobody waits for."""
    # The client may answer before the program's next line runs.
    has_begun = threading.Event()

    def app() -> None:
        @on_event("give up")
        def give_up(_data: object) -> None:
            has_begun.wait(PATIENCE)
            saving.cancel()
            run_js("after")

        saving = download("x", _CONTENT)
        has_begun.set()
        stage.attempt(saving.wait)
        hold()

    _serve(stage, app)
    client = stage.connect(**_STREAMS)
    command = client.receive("download")
    for _ in range(4):
        client.receive_chunk()
    client.emit("give up")
    stage.told()
    client.receive("cancel")
    client.receive("run_js")
    client.stream_ack(command["id"], _WINDOW)
    client.error(command, "cancelled")
    client.ack()


@conversation("downloads")
def given_up_by_the_user(stage: Stage) -> None:
    """An `error` in the middle of the stream ends it."""

    def app() -> None:
        for content in (_CONTENT, b"content"):
            stage.attempt(download("x", content).wait)
        hold()

    _serve(stage, app)
    client = stage.connect(**_STREAMS)
    command = client.receive("download")
    for _ in range(4):
        client.receive_chunk()
    client.error(command, "cancelled", "The user gave it up.")
    stage.told()
    client.stream_ack(command["id"], 9)
    _save(client, client.receive("download"))
    stage.told()


@conversation("downloads")
def sources_that_fail(stage: Stage) -> None:
    """STREAM-9: the client is told by cancel; in a thread and on the event loop."""
    go = threading.Semaphore(0)

    def fails(error: object) -> Iterator[Any]:
        yield _CONTENT[:_QUARTER]
        go.acquire()
        if isinstance(error, Exception):
            raise error
        yield error

    async def fails_on_loop() -> AsyncIterator[bytes]:
        yield _CONTENT[:_QUARTER]
        await asyncio.to_thread(go.acquire)
        raise OSError("the disk is gone")

    def app() -> None:
        for content in (fails(OSError("the disk is gone")), fails_on_loop(), fails("no bytes")):
            stage.attempt(partial(_save_as, "x", content))
        run_js("after")
        hold()

    _serve(stage, app)
    client = stage.connect(**_STREAMS)
    for _ in range(3):
        command = client.receive("download")
        client.receive_chunk()
        client.stream_ack(command["id"], _QUARTER)
        go.release()
        stage.told()
        client.receive("cancel")
        client.error(command, "cancelled")
    client.receive("run_js")


def _save_as(name: str, content: Any) -> int:
    saving: Download = download(name, content)
    return saving.wait()


def _failing() -> Iterator[bytes]:
    yield from (_CONTENT[start : start + _QUARTER] for start in range(0, 5 * _QUARTER, _QUARTER))
    raise OSError("the disk is gone")


@conversation("downloads")
def errors_of_the_client(stage: Stage) -> None:
    """What they become in the program."""

    def app() -> None:
        for _ in range(2):
            stage.attempt(download("x", b"content").wait)
        hold()

    _serve(stage, app)
    client = stage.connect(**_STREAMS)
    for code in ("stream_failed", "save_failed"):
        command = client.receive("download")
        client.receive_chunk(), client.receive_chunk()
        client.error(command, code, "ä", data={"free": 0})
        stage.told()


@conversation("downloads")
def at_the_end_of_the_app(stage: Stage) -> None:
    """END-10: the session ends once the file has arrived."""

    def app() -> None:
        download("x", _CONTENT)
        stage.tell("returns")

    _serve(stage, app)
    client = stage.connect(**_STREAMS)
    stage.told()
    command = client.receive("download")
    for _ in range(4):
        client.receive_chunk()
    client.ack()
    client.cut()
    client = stage.reconnect(client, resume={"last_seq": 1, "streams": [{"id": 1, "offset": _QUARTER}]})
    _save(client, command)
    client.read_to_end()
