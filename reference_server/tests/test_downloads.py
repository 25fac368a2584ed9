"""Downloads on the wire: inline or streamed, windows and acks, progress, resume, drain."""

from __future__ import annotations

import asyncio
import base64
import io
import queue
import struct
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from live_server import PATIENCE, Serve
from results import Results
from scripted_client import Connect
from streams import CONTENT, STREAMS, WINDOW, ack, async_pieces, pieces, receive_chunk, receive_file

from pagewire_server.session import Download, download, eval_js, hold, run_js


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
    received = {1: 0, 2: 0}
    while not all(received.values()):
        frame = client.connection.recv(PATIENCE)
        if isinstance(frame, bytes):
            id_, offset = struct.unpack(">QQ", frame[:16])
            received[id_] = offset + len(frame) - 16
            ack(client, id_, received[id_])
    assert max(received.values()) < len(CONTENT)


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


@pytest.mark.parametrize("is_async", [False, True])
def test_tiny_pieces_travel_together(serve: Serve, connect: Connect, *, is_async: bool) -> None:
    """A frame for each would cost more than the content; those that come slowly are sent all the same."""

    def tiny() -> Iterator[bytes]:
        for start in range(0, 40_000, 40):
            yield CONTENT[start : start + 40]

    async def async_tiny() -> AsyncIterator[bytes]:
        for piece in tiny():
            yield piece

    def app() -> None:
        download("tiny.bin", async_tiny() if is_async else tiny())

    client = connect(serve(app), **STREAMS)
    client.receive("download")
    payloads: list[bytes] = []
    while not payloads or payloads[-1]:
        payloads.append(receive_chunk(client)[2])
    assert b"".join(payloads) == CONTENT[:40_000]
    # Three of 16 KiB and the end; now and then one more where the machine was busy and the pieces came slowly.
    assert len(payloads) < 40


def test_endless_iterator_that_never_waits_lets_others_have_their_turn(serve: Serve, connect: Connect) -> None:
    """Its pieces are so small that the room for them would take seconds to fill."""
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1
            yield b"x"

    async def app() -> None:
        download("endless.bin", endless())
        run_js("before", given=given)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        run_js("after", given=given)

    client = connect(serve(app), **STREAMS)
    client.receive("download")
    assert client.receive("run_js")["params"]["args"] == {"given": 0}
    assert client.receive("run_js")["params"]["args"]["given"] < WINDOW


def test_command_called_in_the_turn_of_a_download_goes_before_its_content(serve: Serve, connect: Connect) -> None:
    """In a coroutine: a file in memory holds up nothing that the app does next."""

    async def app() -> None:
        download("x.bin", bytes(100_000))
        await eval_js("1")

    client = connect(serve(app), **STREAMS)
    client.receive("download")
    assert client.receive("eval_js")["id"] == 2
