"""Downloads to clients without streams: what one message to them may contain bounds what is read of a source."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from live_server import PATIENCE, Serve
from results import Results
from scripted_client import Connect
from streams import STREAMS

from pagewire_server.apps import content as content_module
from pagewire_server.session import SessionBusy, download, hold, run_js

LIMITS = {"max_message_bytes": 65536}


@pytest.mark.parametrize("make", ["path", "file", "bytes"])
@pytest.mark.parametrize("is_async", [False, True])
def test_known_size_is_refused_in_the_call_and_nothing_is_read(
    serve: Serve,
    connect: Connect,
    results: Results,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: str,
    *,
    is_async: bool,
) -> None:
    """A sparse file of 1.5 GiB takes no memory; the error names both sizes, and what was opened is closed."""
    path = tmp_path / "huge.bin"
    size = 100_000 if make == "bytes" else 3 << 29
    with path.open("wb") as file:
        file.truncate(size)
    opened = note_opened(monkeypatch)

    def send() -> None:
        with path.open("rb") as file:
            content: Any = {"path": path, "file": file, "bytes": bytes(100_000)}[make]
            with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
                download("content.bin", content)
            results.put((str(caught.value), file.tell(), [file.closed for file in opened]))

    async def send_async() -> None:
        send()

    connect(serve(send_async if is_async else send), limits=LIMITS)
    text, position, closed = results.next()
    assert text == (
        f"the content of 'content.bin' has {size} bytes, without streams; "
        "this client takes at most 65536 in one message, base64 included"
    )
    assert position == 0
    assert closed == [True] * (make == "path")


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("client_limit", "outbox_bytes", "told"),
    [
        (65536, 8 << 20, "this client takes at most 65536"),
        (1 << 50, 131_072, "outbox_bytes allows 131072"),
        (1 << 50, 0, "outbox_bytes allows 65536"),
    ],
)
def test_endless_source_is_refused_and_closed_as_soon_as_it_is_over(
    serve: Serve,
    connect: Connect,
    results: Results,
    client_limit: int,
    outbox_bytes: int,
    told: str,
    *,
    is_async: bool,
) -> None:
    """A client that claims to accept everything is held to the server's own limit. What never waits has its turns."""

    def endless() -> Generator[bytes]:
        count = 0
        try:
            while True:
                count += 1000
                yield bytes(1000)
        finally:
            results.put(count)

    async def async_endless() -> AsyncIterator[bytes]:
        pieces = endless()
        try:
            for piece in pieces:
                yield piece
        finally:
            pieces.close()

    def app() -> None:
        handle = download("content.bin", async_endless() if is_async else endless())
        with pytest.raises(ValueError, match=r"^the content of 'content\.bin' is over [0-9]+ bytes") as caught:
            handle.wait(PATIENCE)
        results.put(str(caught.value))

    connect(serve(app, outbox_bytes=outbox_bytes), limits={"max_message_bytes": client_limit})
    count, text = sorted((results.next(), results.next()), key=str)
    limit = int(told.rpartition(" ")[2])
    assert text.endswith(f"bytes, without streams; {told} in one message, base64 included")
    assert limit * 3 // 4 - 1000 < count < limit * 3 // 4 + 1000


@pytest.mark.parametrize("is_known", [False, True])
def test_what_just_fits_is_sent(serve: Serve, connect: Connect, results: Results, *, is_known: bool) -> None:
    """The envelope and the base64 are counted."""

    def app() -> None:
        for size in range(49_100, 0, -1):
            data = bytes(size)
            try:
                results.put(download("content.bin", data if is_known else iter([data])).wait(PATIENCE))
            except ValueError:
                continue
            return

    client = connect(serve(app), limits=LIMITS)
    command = client.receive("download")
    size = len(json.dumps(command, separators=(",", ":"))) - len("1") + 16
    assert 65536 - 4 < size <= 65536
    client.result(command, bytes=command["params"]["size"])
    assert results.next() == command["params"]["size"]


@pytest.mark.parametrize("way", ["cancel", "leave"])
@pytest.mark.parametrize("streams", [{}, STREAMS])
@pytest.mark.parametrize("is_async", [False, True])
def test_source_that_never_gives_enough_is_closed_when_nobody_wants_it(
    serve: Serve, connect: Connect, results: Results, streams: dict[str, Any], way: str, *, is_async: bool
) -> None:
    """Nothing is written of empty pieces, so that no write tells it."""

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b""
        finally:
            results.put("closed")

    async def async_endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b""
        finally:
            results.put("closed")

    def app() -> None:
        handle = download("content.bin", async_endless() if is_async else endless())
        run_js("started").wait()
        if way == "cancel":
            handle.cancel()
        hold()

    client = connect(serve(app), **streams)
    while (command := client.receive())["type"] != "run_js":
        pass
    if way == "leave":
        client.leave()
    else:
        client.result(command)
    assert results.next() == "closed"


@pytest.mark.parametrize("failure", ["name", "no room"])
def test_file_that_was_opened_in_vain_is_closed(
    serve: Serve, connect: Connect, results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    """Whatever the call raises; a generator that the program passed stays usable."""
    path = tmp_path / "content.bin"
    path.write_bytes(b"content")
    opened = note_opened(monkeypatch)

    async def app() -> None:
        handle = download("first.bin", iter([b"x"]))
        pieces = iter_once()
        with pytest.raises(ValueError if failure == "name" else SessionBusy):
            download("" if failure == "name" else "x.bin", path)
        with pytest.raises(ValueError if failure == "name" else SessionBusy):
            download("" if failure == "name" else "x.bin", pieces)
        handle.cancel()
        results.put(([file.closed for file in opened], list(pieces)))

    connect(serve(app, max_streams=1), **STREAMS)
    assert results.next() == ([True], [b"x"])


def iter_once() -> Iterator[bytes]:
    """Give one piece."""
    yield b"x"


def note_opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list that every file opened for a download is put into."""
    opened: list[Any] = []
    open_file = content_module._open_file

    def noted(path: Path, read_bytes: int) -> content_module.Source:
        source = open_file(path, read_bytes)
        opened.append(source.pieces.gi_frame.f_locals["file"])  # type: ignore[union-attr]  # a generator
        return source

    monkeypatch.setattr(content_module, "_open_file", noted)
    return opened
