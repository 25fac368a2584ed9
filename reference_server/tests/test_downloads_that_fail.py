"""Downloads that fail or are given up: by their source, by the program, by the page, by the end."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from live_server import PATIENCE, Serve
from results import Results
from scripted_client import Connect
from streams import STREAMS, WINDOW, receive_chunk

from pagewire_server.apps.session import Session
from pagewire_server.core.session import Command
from pagewire_server.session import CommandError, SessionClosed, download, run_js


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


def test_pages_answer_to_the_cancel_is_never_the_outcome(
    serve: Serve, connect: Connect, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STREAM-9: whoever waits gets what the source raised, though the page answers while the thread still cancels."""
    cancel, is_received, is_answered = Session.cancel, threading.Event(), threading.Event()

    def cancel_slowly(session: Session, command: Command) -> None:
        cancel(session, command)
        is_answered.wait(PATIENCE)

    def failing() -> Iterator[bytes]:
        yield b"half"
        is_received.wait(PATIENCE)
        raise OSError("the disk is gone")

    def app() -> None:
        try:
            download("half.bin", failing()).wait()
        except (OSError, CommandError) as error:
            results.put(str(error))

    monkeypatch.setattr(Session, "cancel", cancel_slowly)
    live = serve(app)
    client = connect(live, **STREAMS)
    command = client.receive("download")
    receive_chunk(client)
    [session] = live.sessions
    is_received.set()
    client.receive("cancel")
    client.error(command, "cancelled")
    live.until(lambda: not session._core.unanswered)
    is_answered.set()
    assert results.next() == "the disk is gone"


class _ChangingFile(io.BytesIO):
    """A file that has another length than it said."""

    name = "report.csv"

    def __init__(self, said: int, has: int) -> None:
        super().__init__(bytes(has))
        self._said = said

    def seek(self, offset: int, whence: int = 0) -> int:
        """Tell the end that it had at first."""
        return self._said if whence else super().seek(offset)


@pytest.mark.parametrize(
    ("has", "complaint"),
    [
        (99_999, "the file 'report.csv' shrank while it was read: 99999 bytes came of 100000"),
        (100_001, "the file 'report.csv' grew while it was read: it had 100000 bytes at first"),
    ],
)
@pytest.mark.parametrize("changes", [STREAMS, {}], ids=["streams", "no streams"])
def test_file_that_changes_its_length_while_it_is_read_fails_by_name(
    serve: Serve, connect: Connect, results: Results, has: int, complaint: str, changes: dict[str, Any]
) -> None:
    """No half file is passed off as a whole one: the page is told to save nothing."""

    def app() -> None:
        try:
            download("report.csv", _ChangingFile(100_000, has)).wait()
        except OSError as error:
            results.put(str(error))
        run_js("fence")

    client = connect(serve(app), **changes)
    assert results.next() == complaint
    types: list[str] = []
    while "run_js" not in types:
        frame = client.connection.recv(PATIENCE)
        types += [json.loads(frame)["type"]] if isinstance(frame, str) else ["end"] * (len(frame) == 16)
    assert "end" not in types
    # A command that was not written yet is withdrawn.
    assert types.count("download") == types.count("cancel")


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
