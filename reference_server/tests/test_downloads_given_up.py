"""Downloads that the user gives up in the page: `error cancelled`, which the server did not ask for."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Generator, Iterator

import pytest
from live_server import PATIENCE, Serve
from results import Results
from scripted_client import Connect, Message, ScriptedClient
from streams import CONTENT, STREAMS, WINDOW, receive_chunk, receive_file

from pagewire_server.session import CommandError, download, run_js

REASON = "the user gave the download up"


def give_up(client: ScriptedClient, command: Message) -> None:
    """Answer a download as a page does whose user presses Cancel."""
    client.error(command, "cancelled", REASON)


def receive_window(client: ScriptedClient) -> None:
    """Take all that the server may send without an acknowledgement."""
    received = 0
    while received < WINDOW:
        received += len(receive_chunk(client)[2])


def outcome_of(content: Iterator[bytes] | AsyncIterator[bytes]) -> tuple[str, str]:
    """Download it, and tell what its wait raises."""
    with pytest.raises(CommandError) as caught:
        download("big.bin", content).wait(PATIENCE)
    return caught.value.code, caught.value.message


@pytest.mark.parametrize("is_async", [False, True])
def test_source_that_waits_for_room_is_closed_and_the_session_goes_on_to_its_end(
    serve: Serve, connect: Connect, results: Results, *, is_async: bool
) -> None:
    """Who waits gets the page's error; its feeder ends, no `cancel` is sent, nothing holds the session up."""

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 1000
        finally:
            results.put("closed")

    async def async_endless() -> AsyncIterator[bytes]:
        for piece in endless():
            yield piece

    client = connect(
        serve(lambda: results.put(outcome_of(async_endless() if is_async else endless())), stream_window_bytes=WINDOW),
        **STREAMS,
    )
    command = client.receive("download")
    receive_window(client)
    give_up(client, command)
    assert {results.next(), results.next()} == {("cancelled", REASON), "closed"}
    client.ack()
    assert client.receive_bye() == ("session_ended", 1000)


@pytest.mark.parametrize("is_async", [False, True])
def test_source_that_is_between_two_pieces_is_closed_at_the_next(
    serve: Serve, connect: Connect, results: Results, *, is_async: bool
) -> None:
    """Its code is not interrupted; what it gives then goes nowhere."""
    go_on = threading.Event()

    def slow() -> Generator[bytes]:
        try:
            yield b"half"
            go_on.wait(PATIENCE)
            yield b"another half"
            results.put("asked for more")
        finally:
            results.put("closed")

    async def async_slow() -> AsyncIterator[bytes]:
        pieces = slow()
        try:
            while piece := await asyncio.to_thread(next, pieces, b""):
                yield piece
        finally:
            pieces.close()

    client = connect(serve(lambda: results.put(outcome_of(async_slow() if is_async else slow()))), **STREAMS)
    command = client.receive("download")
    assert receive_chunk(client)[2] == b"half"
    give_up(client, command)
    assert results.next() == ("cancelled", REASON)
    go_on.set()
    assert results.next() == "closed"
    client.ack()
    assert client.receive_bye() == ("session_ended", 1000)


def test_download_given_up_while_the_connection_was_down_ends_with_the_next(
    serve: Serve, connect: Connect, results: Results
) -> None:
    """The hello does not name its stream (RESUME-2); what the server sends of it again goes nowhere."""
    live = serve(lambda: results.put(outcome_of(iter([CONTENT]))), stream_window_bytes=WINDOW)
    client = connect(live, **STREAMS)
    command = client.receive("download")
    receive_window(client)
    client.break_connection()
    again = connect(live, **STREAMS, resume={"last_seq": client.last_seq, "streams": []})
    assert again.welcome["resumed"]
    receive_window(again)
    give_up(again, command)
    assert results.next() == ("cancelled", REASON)
    assert again.receive_bye() == ("session_ended", 1000)


def test_next_download_is_whole(serve: Serve, connect: Connect, results: Results) -> None:
    """Nothing of the one before is in it."""

    def app() -> None:
        results.put(outcome_of(iter([CONTENT])))
        results.put(download("next.bin", iter([CONTENT])).wait(PATIENCE))

    client = connect(serve(app, stream_window_bytes=WINDOW), **STREAMS)
    command = client.receive("download")
    receive_window(client)
    give_up(client, command)
    assert receive_file(client, client.receive("download")) == CONTENT
    assert [results.next(), results.next()] == [("cancelled", REASON), len(CONTENT)]


def test_download_that_nobody_waits_for_is_no_error_of_the_log(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """It is noted all the same."""

    def app() -> None:
        download("small.bin", b"content")
        run_js("").wait(PATIENCE)

    caplog.set_level(logging.INFO)
    client = connect(serve(app))
    give_up(client, client.receive("download"))
    client.result(client.receive("run_js"))
    client.ack()
    assert client.receive_bye() == ("session_ended", 1000)
    [record] = [record for record in caplog.records if "was given up" in record.message]
    assert record.levelno == logging.INFO
    assert record.message.endswith(f": download of 'small.bin' was given up: cancelled: {REASON}")
