"""Downloads on the wire: inline or streamed, windows and acks, progress, sources that fail, cancellation, resume."""

from __future__ import annotations

import asyncio
import base64
import io
import queue
import struct
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from live_server import PATIENCE, Serve
from results import Results
from scripted_client import Connect, Message, ScriptedClient

from pagewire_server.session import CommandError, Download, SessionClosed, download, hold, run_js

INSTANCE = "an-instance-that-downloads"
WINDOW = 65536
STREAMS: dict[str, Any] = {"capabilities": {"streams": {}}, "instance": INSTANCE}


def receive_chunk(client: ScriptedClient) -> tuple[int, int, bytes]:
    """Return the next binary frame: id, offset, payload."""
    frame = client.connection.recv(PATIENCE)
    while isinstance(frame, str):
        assert '"type":"ack"' in frame, frame
        frame = client.connection.recv(PATIENCE)
    id_, offset = struct.unpack(">QQ", frame[:16])
    return id_, offset, frame[16:]


def ack(client: ScriptedClient, id_: int, offset: int) -> None:
    """Acknowledge the bytes of a stream."""
    client.send({"type": "stream_ack", "params": {"id": id_, "offset": offset}})


def receive_file(client: ScriptedClient, command: Message) -> bytes:
    """Take a whole stream, acknowledging each chunk, and answer its command."""
    content = b""
    while True:
        id_, offset, payload = receive_chunk(client)
        assert (id_, offset) == (command["id"], len(content))
        assert len(payload) <= WINDOW // 4
        content += payload
        ack(client, id_, len(content))
        if not payload:
            client.result(command, bytes=len(content))
            return content


def test_small_content_travels_in_the_message(serve: Serve, connect: Connect, results: Results) -> None:
    """DL-8: up to 64 KiB; the media type is guessed from the name."""

    def app() -> None:
        done = download("report.csv", b"a,b\n")
        results.put((done.wait(), done.received, done.size))

    client = connect(serve(app), **STREAMS)
    command = client.receive("download")
    assert command["params"] == {
        "name": "report.csv",
        "media_type": "text/csv",
        "size": 4,
        "content": {"kind": "inline", "base64": base64.b64encode(b"a,b\n").decode()},
    }
    client.result(command, bytes=4)
    assert results.next() == (4, 4, 4)


CONTENT = bytes(range(256)) * 800


def pieces() -> Iterator[bytes]:
    """Give the content in uneven pieces, an empty one among them."""
    yield from (CONTENT[:1], b"", CONTENT[1:70_000], CONTENT[70_000:])


async def async_pieces() -> AsyncIterator[bytes]:
    """Give the same from the event loop."""
    for piece in pieces():
        await asyncio.sleep(0)
        yield piece


CONTENTS: dict[str, Any] = {
    "bytes": (lambda _: CONTENT, len(CONTENT)),
    "bytearray": (lambda _: bytearray(CONTENT), len(CONTENT)),
    "memoryview": (lambda _: memoryview(CONTENT), len(CONTENT)),
    "path": (lambda path: path, len(CONTENT)),
    "file": (lambda path: path.open("rb"), len(CONTENT)),
    "file in memory": (lambda _: io.BytesIO(CONTENT), len(CONTENT)),
    "generator": (lambda _: pieces(), None),
    "async generator": (lambda _: async_pieces(), None),
}


@pytest.mark.parametrize(("make", "size"), CONTENTS.values(), ids=CONTENTS.keys())
@pytest.mark.parametrize("is_async", [False, True])
def test_content_of_every_kind_is_streamed_whole(
    serve: Serve,
    connect: Connect,
    results: Results,
    tmp_path: Path,
    make: Any,
    size: int | None,
    *,
    is_async: bool,
) -> None:
    """STREAM-1, STREAM-2: in order, without gaps, ended by an empty payload at the length."""
    path = tmp_path / "content.bin"
    path.write_bytes(CONTENT)

    content = make(path)

    def app() -> None:
        results.put(download("content.bin", content).wait())

    async def async_app() -> None:
        results.put(await download("content.bin", content))

    client = connect(serve(async_app if is_async else app, stream_window_bytes=WINDOW), **STREAMS)
    command = client.receive("download")
    assert command["params"]["size"] == size
    assert command["params"]["content"] == {"kind": "stream"}
    assert receive_file(client, command) == CONTENT
    assert results.next() == len(CONTENT)
    if isinstance(content, io.IOBase):
        assert not content.closed
        content.close()


@pytest.mark.parametrize("make", [lambda: CONTENT, pieces, async_pieces], ids=["bytes", "generator", "async generator"])
def test_client_without_streams_gets_one_message(serve: Serve, connect: Connect, results: Results, make: Any) -> None:
    """DL-8: up to what it takes."""

    def app() -> None:
        results.put(download("content.bin", make()).wait())

    client = connect(serve(app))
    command = client.receive("download")
    assert base64.b64decode(command["params"]["content"]["base64"]) == CONTENT
    client.result(command, bytes=len(CONTENT))
    assert results.next() == len(CONTENT)


@pytest.mark.parametrize("make", [pieces, async_pieces], ids=["generator", "async generator"])
def test_file_for_a_client_without_streams_arrives_after_its_app_has_returned(
    serve: Serve, connect: Connect, make: Any
) -> None:
    """END-10: though its command does not exist until all is read."""

    def app() -> None:
        download("content.bin", make())

    client = connect(serve(app))
    command = client.receive("download")
    assert base64.b64decode(command["params"]["content"]["base64"]) == CONTENT
    client.result(command, bytes=len(CONTENT))
    client.ack()
    assert client.receive_bye() == ("session_ended", 1000)


@pytest.mark.parametrize("way", ["cancel", "leave"])
@pytest.mark.parametrize("is_async", [False, True])
def test_download_that_is_still_read_ends_with_its_session_or_by_cancel(
    serve: Serve, connect: Connect, results: Results, way: str, *, is_async: bool
) -> None:
    """Whoever waits is woken, and nothing is sent, to a client without streams."""
    go_on = threading.Event()

    def slow() -> Iterator[bytes]:
        yield b"half"
        go_on.wait(PATIENCE)

    async def async_slow() -> AsyncIterator[bytes]:
        yield b"half"
        await asyncio.to_thread(go_on.wait, PATIENCE)

    def app() -> None:
        handle = download("slow.bin", async_slow() if is_async else slow())
        if way == "cancel":
            handle.cancel()
        results.put("started")
        try:
            handle.wait()
        except (CommandError, SessionClosed) as error:
            results.put(type(error).__name__)
        go_on.set()
        run_js("fence")

    client = connect(serve(app))
    assert results.next() == "started"
    if way == "leave":
        client.leave()
        assert results.next() == "SessionClosed"
    else:
        assert results.next() == "CommandError"
        assert client.receive()["type"] == "run_js"


@pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError()])
@pytest.mark.parametrize("is_async", [False, True])
def test_source_that_raises_no_exception_fails_its_download_too(
    serve: Serve, connect: Connect, results: Results, error: BaseException, *, is_async: bool
) -> None:
    """STREAM-9: the page is told, whoever waits is woken."""

    def failing() -> Iterator[bytes]:
        yield b"half"
        raise error

    async def async_failing() -> AsyncIterator[bytes]:
        yield b"half"
        raise error

    def app() -> None:
        handle = download("half.bin", async_failing() if is_async else failing())
        with pytest.raises(BaseException):  # noqa: B017, PT011 - whatever it is, it arrives
            handle.wait()
        results.put("woken")

    connect(serve(app), **STREAMS)
    assert results.next() == "woken"


@pytest.mark.parametrize("make", [lambda: CONTENT, pieces], ids=["bytes", "generator"])
def test_content_too_large_for_a_client_without_streams_is_an_error(
    serve: Serve, connect: Connect, results: Results, make: Any
) -> None:
    """Nothing is sent."""

    def app() -> None:
        try:
            download("content.bin", make()).wait()
        except ValueError as error:
            results.put(str(error))

    connect(serve(app), limits={"max_message_bytes": 65536})
    assert "this client takes at most 65536" in results.next()


def test_no_more_than_the_window_is_unacknowledged(serve: Serve, connect: Connect) -> None:
    """STREAM-3: the next chunk comes once there is room; other messages pass."""

    def app() -> None:
        download("content.bin", CONTENT)
        hold()

    client = connect(serve(app, stream_window_bytes=WINDOW), **STREAMS)
    command = client.receive("download")
    offsets = [receive_chunk(client)[1] for _ in range(4)]
    assert offsets == [0, 16384, 32768, 49152]
    client.emit("fence")
    assert client.receive_any()["type"] == "ack"
    ack(client, command["id"], 16384)
    assert receive_chunk(client)[1] == 65536


def test_progress_is_what_the_page_has_acknowledged(serve: Serve, connect: Connect) -> None:
    """`received` counts up to `size`."""
    handles: queue.SimpleQueue[Download] = queue.SimpleQueue()

    def app() -> None:
        handles.put(download("content.bin", CONTENT))
        hold()

    live = serve(app, stream_window_bytes=WINDOW)
    client = connect(live, **STREAMS)
    command = client.receive("download")
    handle = handles.get(timeout=PATIENCE)
    assert (handle.received, handle.size, handle.done()) == (0, len(CONTENT), False)
    receive_chunk(client)
    ack(client, command["id"], 16384)
    live.until(lambda: handle.received == 16384)


def test_several_downloads_take_turns_and_commands_never_wait(serve: Serve, connect: Connect) -> None:
    """STREAM-11: chunks of both come before either is done."""

    def app() -> None:
        download("a.bin", CONTENT)
        download("b.bin", CONTENT)
        hold()

    client = connect(serve(app, stream_window_bytes=WINDOW), **STREAMS)
    frames = [client.connection.recv(PATIENCE) for _ in range(10)]
    assert sum('"type":"download"' in frame for frame in frames if isinstance(frame, str)) == 2
    ids = [struct.unpack(">Q", frame[:8])[0] for frame in frames if isinstance(frame, bytes)]
    assert sorted(ids) == [1] * 4 + [2] * 4


@pytest.mark.parametrize("is_async", [False, True])
def test_source_that_fails_cancels_the_download_and_raises(
    serve: Serve, connect: Connect, results: Results, *, is_async: bool
) -> None:
    """STREAM-9: whoever waits gets what the source raised."""
    is_received = threading.Event()

    def failing() -> Iterator[bytes]:
        yield b"half"
        is_received.wait(PATIENCE)
        raise OSError("the disk is gone")

    async def async_failing() -> AsyncIterator[bytes]:
        yield b"half"
        await asyncio.to_thread(is_received.wait, PATIENCE)
        raise OSError("the disk is gone")

    def app() -> None:
        try:
            download("half.bin", async_failing() if is_async else failing()).wait()
        except OSError as error:
            results.put(str(error))

    client = connect(serve(app), **STREAMS)
    command = client.receive("download")
    assert receive_chunk(client)[2] == b"half"
    is_received.set()
    assert results.next() == "the disk is gone"
    assert client.receive("cancel")["params"] == {"id": command["id"]}
    client.error(command, "cancelled")


def test_piece_that_is_no_bytes_fails_the_download(serve: Serve, connect: Connect, results: Results) -> None:
    """With the type that came."""

    def app() -> None:
        try:
            download("x.txt", iter(["text"])).wait()  # type: ignore[arg-type]  # what is tested
        except TypeError as error:
            results.put(str(error))

    connect(serve(app), **STREAMS)
    assert results.next() == "the content gave a piece of type str, not bytes"


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        ("text", TypeError, "content is a str: encode it"),
        (5, TypeError, "content is of type int; a download takes bytes"),
        (Path("/nowhere/at/all"), FileNotFoundError, "nowhere"),
    ],
)
def test_bad_content_is_refused_in_the_call(
    serve: Serve,
    connect: Connect,
    results: Results,
    content: Any,
    kind: type[Exception],
    message: str,
) -> None:
    """Nothing is sent."""

    def app() -> None:
        with pytest.raises(kind, match=message):
            download("x.bin", content)
        with pytest.raises(ValueError, match="name: string should have at least 1 character"):
            download("", b"x")
        results.put("refused")

    connect(serve(app), **STREAMS)
    assert results.next() == "refused"


def test_cancelled_download_tells_the_page(serve: Serve, connect: Connect, results: Results) -> None:
    """Whoever waits gets the error of the code; the source is closed."""
    closed = threading.Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 1000
        finally:
            closed.set()

    def app() -> None:
        handle = download("endless.bin", endless())
        results.put("started")
        go_on.wait(PATIENCE)
        handle.cancel()
        try:
            handle.wait()
        except CommandError as error:
            results.put((error.code, error.message))

    go_on = threading.Event()
    client = connect(serve(app, stream_window_bytes=WINDOW), **STREAMS)
    command = client.receive("download")
    assert results.next() == "started"
    receive_chunk(client)
    go_on.set()
    assert results.next() == ("cancelled", "the download of 'endless.bin' was cancelled")
    frame = client.connection.recv(PATIENCE)
    while isinstance(frame, bytes):
        frame = client.connection.recv(PATIENCE)
    assert '"type":"cancel"' in frame
    client.error(command, "cancelled")
    assert closed.wait(PATIENCE)


def test_error_of_the_page_is_raised_and_stops_the_source(serve: Serve, connect: Connect, results: Results) -> None:
    """save_failed reaches the program while the source still gives."""
    closed = threading.Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 1000
        finally:
            closed.set()

    def app() -> None:
        try:
            download("endless.bin", endless()).wait()
        except CommandError as error:
            results.put(error.code)

    client = connect(serve(app, stream_window_bytes=WINDOW), **STREAMS)
    client.error(client.receive("download"), "save_failed", "the disk is full")
    assert results.next() == "save_failed"
    assert closed.wait(PATIENCE)


def test_stream_goes_on_where_the_page_is_after_a_break(serve: Serve, connect: Connect, results: Results) -> None:
    """STREAM-10: also in the middle of a chunk; bytes before the offset count as acknowledged."""

    def app() -> None:
        results.put(download("content.bin", CONTENT).wait())

    live = serve(app, stream_window_bytes=WINDOW)
    client = connect(live, **STREAMS)
    command = client.receive("download")
    _, _, payload = receive_chunk(client)
    client.break_connection()
    there = len(payload) - 100
    again = connect(live, **STREAMS, resume={"last_seq": 1, "streams": [{"id": command["id"], "offset": there}]})
    content = payload[:there]
    while True:
        _, offset, payload = receive_chunk(again)
        assert offset == len(content)
        content += payload
        ack(again, command["id"], len(content))
        if not payload:
            break
    again.result(command, bytes=len(content))
    assert content == CONTENT
    assert results.next() == len(CONTENT)


@pytest.mark.parametrize("offset", [1, 10_000_000])
def test_stream_ack_above_what_was_sent_is_invalid(serve: Serve, connect: Connect, offset: int) -> None:
    """STREAM-8; those of unknown ids are ignored."""

    def app() -> None:
        download("empty.bin", iter(()))
        hold()

    client = connect(serve(app), **STREAMS)
    command = client.receive("download")
    receive_chunk(client)
    ack(client, 99, 5)
    ack(client, command["id"], 0)
    ack(client, command["id"], offset)
    assert client.receive_bye() == ("invalid_message", 4400)


def test_session_drains_its_last_file_before_it_ends(serve: Serve, connect: Connect) -> None:
    """END-10: the app returns at once, the file arrives whole, then comes the bye."""

    def app() -> None:
        download("content.bin", CONTENT)

    client = connect(serve(app, stream_window_bytes=WINDOW), **STREAMS)
    command = client.receive("download")
    assert receive_file(client, command) == CONTENT
    client.ack()
    assert client.receive_bye() == ("session_ended", 1000)
