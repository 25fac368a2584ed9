"""STREAM-4 to STREAM-7, STREAM-11, STREAM-12, CANCEL-4, DL-10: files that come in chunks."""

from __future__ import annotations

import pytest

from pagewire_conformance.messages import cancel, download_stream, eval_js
from pagewire_conformance.peer.client_under_test import SavedFile
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import Profile, profile, requirement

pytestmark = profile(Profile.STREAMS)

QUARTER = 65536
CONTENT = bytes(range(256)) * 1280  # five quarters of the window


def send_all(peer: Peer, id_: int, content: bytes, size: int = QUARTER) -> None:
    """Send the chunks of a content, and the end."""
    for offset in range(0, len(content), size):
        peer.send_chunk(id_, offset, content[offset : offset + size])
    peer.send_chunk(id_, len(content), b"")


@requirement("STREAM-12", "DL-1", "DL-2")
@pytest.mark.parametrize(
    ("length", "size_known"),
    [(0, True), (0, False), (1, False), (16384, True), (QUARTER, False), (QUARTER + 1, True), (len(CONTENT), True)],
)
def test_file_arrives_whole(peer: Peer, length: int, *, size_known: bool) -> None:
    """DL-1: chunks of up to a quarter of the window make a file, byte for byte."""
    peer.needs_capability("streams")
    content = CONTENT[:length]
    id_ = peer.send(download_stream(length if size_known else None, "stream.bin"))
    send_all(peer, id_, content)
    assert peer.reply(id_)["params"] == {"bytes": length}
    assert peer.seen.files(1)[-1] == SavedFile.of("stream.bin", content)


@requirement("STREAM-12")
def test_chunks_may_be_larger_than_messages(unconnected: Peer) -> None:
    """STREAM-12: binary frames do not count for max_message_bytes."""
    limit = unconnected.accept()["limits"]["max_message_bytes"]
    unconnected.needs_capability("streams")
    if limit > 2**25:
        raise unconnected.unverified(f"the client takes messages of {limit} bytes, more than the suite sends")
    quarter = limit + 1024
    unconnected.welcome(limits=unconnected.terms["limits"] | {"stream_window_bytes": 4 * quarter})
    id_ = unconnected.send(download_stream(quarter))
    unconnected.send_chunk(id_, 0, bytes(quarter))
    unconnected.send_chunk(id_, quarter, b"")
    assert unconnected.reply(id_)["params"] == {"bytes": quarter}


@requirement("STREAM-4")
def test_each_quarter_is_acknowledged(peer: Peer) -> None:
    """STREAM-4: after each quarter of the window comes a stream_ack with the bytes received."""
    peer.needs_capability("streams")
    id_ = peer.send(download_stream(None))
    for quarter in range(5):
        peer.send_chunk(id_, quarter * QUARTER, bytes(QUARTER))
        peer.await_stream_ack(id_, (quarter + 1) * QUARTER)
    peer.send_chunk(id_, 5 * QUARTER, b"")
    assert peer.reply(id_)["params"] == {"bytes": 5 * QUARTER}


@requirement("STREAM-4")
def test_small_chunks_are_acknowledged_by_the_quarter(peer: Peer) -> None:
    """STREAM-4: small chunks are counted together: an ack is due at the latest when a quarter has come."""
    peer.needs_capability("streams")
    id_ = peer.send(download_stream(None))
    for number in range(64):
        peer.send_chunk(id_, number * 1024, bytes(1024))
    peer.await_stream_ack(id_, QUARTER, or_more=False)


@requirement("STREAM-4")
@pytest.mark.parametrize("length", [0, 10, QUARTER])
def test_end_is_acknowledged(peer: Peer, length: int) -> None:
    """STREAM-4: at the end comes a stream_ack, also where nothing has come since the last one."""
    peer.needs_capability("streams")
    id_ = peer.send(download_stream(length))
    if length:
        peer.send_chunk(id_, 0, bytes(length))
    if length == QUARTER:
        peer.await_stream_ack(id_, QUARTER)
    peer.send_chunk(id_, length, b"")
    peer.await_stream_ack(id_, length, or_more=False)
    peer.reply(id_)


@requirement("STREAM-5")
@pytest.mark.parametrize("offset", [0, 9, 11])
def test_invalid_offset(peer: Peer, offset: int) -> None:
    """STREAM-5: a chunk at another offset than the next is answered by invalid_message and 4400."""
    peer.needs_capability("streams")
    id_ = peer.send(download_stream(None))
    peer.send_chunk(id_, 0, bytes(10))
    peer.send_chunk_unjudged(id_, offset, bytes(10))
    peer.expect_bye("invalid_message", 4400)


@requirement("STREAM-5")
def test_invalid_payload_larger_than_a_quarter(peer: Peer) -> None:
    """STREAM-5: so is a payload that is larger than a quarter of the window."""
    peer.needs_capability("streams")
    id_ = peer.send(download_stream(None))
    peer.send_chunk_unjudged(id_, 0, bytes(QUARTER + 1))
    peer.expect_bye("invalid_message", 4400)


@requirement("STREAM-5")
def test_invalid_byte_after_the_end(peer: Peer) -> None:
    """STREAM-5: a second end is ignored; a further byte of a stream that is answered falls under STREAM-6."""
    peer.needs_capability("streams")
    id_ = peer.send(download_stream(None))
    peer.send_chunk(id_, 0, bytes(10))
    peer.send_chunk(id_, 10, b"")
    peer.send_chunk_unjudged(id_, 10, b"")
    assert peer.reply(id_)["params"] == {"bytes": 10}
    peer.expect_nothing_more()


@requirement("STREAM-6")
def test_chunk_of_no_stream_is_ignored(peer: Peer) -> None:
    """STREAM-6: of an id that is unknown, answered, or no stream."""
    answered = peer.send(eval_js("1"))
    peer.reply(answered)
    waiting = peer.send(eval_js("new Promise(() => {})"))
    for id_ in (0, 99, 2**53 - 1, answered, waiting):
        peer.send_chunk_unjudged(id_, 7, b"abc")
    peer.expect_nothing_more()


@requirement("STREAM-6")
def test_chunk_after_the_answer_is_ignored(peer: Peer) -> None:
    """STREAM-6: chunks of a stream that has been answered are ignored."""
    peer.needs_capability("streams")
    id_ = peer.send(download_stream(None))
    send_all(peer, id_, b"abc")
    peer.reply(id_)
    peer.send_chunk_unjudged(id_, 99, b"abc")
    peer.expect_nothing_more()


@requirement("STREAM-7", "DL-10")
@pytest.mark.parametrize(("size", "length"), [(10, 9), (10, 0), (0, 1), (10, 11), (QUARTER, QUARTER + 5)])
def test_stream_of_another_length_fails(peer: Peer, size: int, length: int) -> None:
    """STREAM-7: a stream that ends at, or goes beyond, another length than `size`: stream_failed."""
    peer.needs_capability("streams")
    id_ = peer.send(download_stream(size))
    send_all(peer, id_, CONTENT[:length])
    peer.as_error(peer.reply(id_), "stream_failed")
    assert peer.value("1 + 1") == 2
    peer.result_of_a_small_file("after.bin")
    assert [file.name for file in peer.seen.files(1)] == ["after.bin"]


@requirement("STREAM-11")
def test_other_messages_are_answered_meanwhile(peer: Peer) -> None:
    """STREAM-11: commands between the chunks of a file are answered before it ends."""
    peer.needs_capability("streams")
    id_ = peer.send(download_stream(None))
    for number in range(5):
        peer.send_chunk(id_, number * 100, bytes(100))
        assert peer.value("n", n=number) == number
    peer.send_chunk(id_, 500, b"")
    assert peer.reply(id_)["params"] == {"bytes": 500}


@requirement("STREAM-11")
def test_several_streams_at_once(peer: Peer) -> None:
    """STREAM-11: three files whose chunks come in turns arrive whole, each under its name."""
    peer.needs_capability("streams")
    contents = {peer.send(download_stream(1000, f"file{n}.bin")): bytes([n]) * 1000 for n in range(3)}
    for offset in range(0, 1000, 250):
        for id_, content in contents.items():
            peer.send_chunk(id_, offset, content[offset : offset + 250])
    for id_ in reversed(contents):
        peer.send_chunk(id_, 1000, b"")
        assert peer.reply(id_)["params"] == {"bytes": 1000}


@requirement("CANCEL-4", "CANCEL-1")
def test_cancelled_stream_saves_nothing(peer: Peer) -> None:
    """CANCEL-4: nothing is saved, and chunks that still come are ignored."""
    peer.needs_capability("streams")
    id_ = peer.send(download_stream(200, "cancelled.bin"))
    peer.send_chunk(id_, 0, bytes(100))
    peer.send(cancel(id_))
    peer.as_error(peer.reply(id_), "cancelled")
    peer.send_chunk_unjudged(id_, 100, bytes(100))
    peer.send_chunk_unjudged(id_, 200, b"")
    peer.expect_nothing_more()
    peer.result_of_a_small_file("after.bin")
    assert [file.name for file in peer.seen.files(1)] == ["after.bin"]


@requirement("DL-10")
def test_file_of_which_not_all_came_is_not_saved(peer: Peer) -> None:
    """DL-10: a stream that has not ended is not saved, however much of it has come."""
    peer.needs_capability("streams")
    id_ = peer.send(download_stream(1000, "half.bin"))
    peer.send_chunk(id_, 0, bytes(1000))
    peer.result_of_a_small_file("after.bin")
    assert [file.name for file in peer.seen.files(1)] == ["after.bin"]
