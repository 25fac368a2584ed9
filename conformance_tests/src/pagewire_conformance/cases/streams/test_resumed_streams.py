"""RESUME-2, RESUME-5, STREAM-2: a file goes on after a break where it stood."""

from __future__ import annotations

import pytest

from pagewire_conformance.messages import download_stream, eval_js
from pagewire_conformance.peer.client_under_test import SavedFile
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import Profile, profile, requirement

pytestmark = profile(Profile.STREAMS)

QUARTER = 65536
CONTENT = bytes(range(256)) * 1280


@requirement("RESUME-2")
def test_unfinished_streams_are_named_with_their_offsets(peer: Peer) -> None:
    """RESUME-2: each unfinished stream is named with the bytes received of it, acknowledged or not."""
    peer.needs_capability("streams")
    first = peer.send(download_stream(None))
    second = peer.send(download_stream(1000))
    peer.send(eval_js("new Promise(() => {})"))
    peer.send_chunk(first, 0, bytes(300))
    peer.value("'fence'")
    peer.line.break_connection()
    streams = peer.resume()["resume"]["streams"]
    assert sorted(streams, key=lambda each: each["id"]) == [
        {"id": first, "offset": 300},
        {"id": second, "offset": 0},
    ]


@requirement("RESUME-2")
def test_streams_that_are_answered_are_not_named(peer: Peer) -> None:
    """RESUME-2: a stream whose command is answered is finished."""
    peer.needs_capability("streams")
    id_ = peer.send(download_stream(None))
    peer.send_chunk(id_, 0, b"")
    peer.reply(id_)
    peer.line.break_connection()
    assert peer.resume()["resume"]["streams"] == []


@requirement("RESUME-2", "DL-1")
@pytest.mark.parametrize("received", [0, 100, QUARTER + 100])
def test_file_is_whole_after_a_break(peer: Peer, received: int) -> None:
    """DL-1: the server goes on at the offset that the client names, and the file is whole."""
    peer.needs_capability("streams")
    id_ = peer.send(download_stream(len(CONTENT), "broken.bin"))
    for offset in range(0, received, QUARTER):
        peer.send_chunk(id_, offset, CONTENT[offset : min(received, offset + QUARTER)])
    peer.value("'fence'")
    peer.line.break_connection()
    (stream,) = peer.resume()["resume"]["streams"]
    assert stream == {"id": id_, "offset": received}
    for offset in range(received, len(CONTENT), QUARTER):
        peer.send_chunk(id_, offset, CONTENT[offset : offset + QUARTER])
    peer.send_chunk(id_, len(CONTENT), b"")
    assert peer.reply(id_)["params"] == {"bytes": len(CONTENT)}
    assert peer.seen.files(1)[-1] == SavedFile.of("broken.bin", CONTENT)


@requirement("STREAM-4", "CMD-5")
def test_file_whose_result_was_lost_is_saved_once(peer: Peer) -> None:
    """CMD-5: the result comes again after the break, and the file is not saved a second time."""
    peer.needs_capability("streams")
    id_ = peer.send(download_stream(3, "lost.bin"))
    peer.send_chunk(id_, 0, b"abc")
    peer.send_chunk(id_, 3, b"")
    peer.reply(id_)
    peer.line.break_connection()
    peer.accept()
    peer.welcome(last_seq=0)
    peer.replay(0)
    peer.send_chunk_unjudged(id_, 3, b"")
    assert peer.receive("result")["params"] == {"bytes": 3}
    peer.value("'fence'")
    assert peer.seen.files(1) == [SavedFile.of("lost.bin", b"abc")]
