"""Streams: chunks within a window, resumed where the receiver is, ended again, refused where they are out of place."""

from __future__ import annotations

from collections import deque
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pagewire_protocol.stream_frames import Chunk, unpack_chunk
from pagewire_protocol.violations import PeerViolation
from pagewire_server.core.streams import CHUNK_BYTES, LEAST_CHUNK_BYTES, OutgoingStream

WINDOW: Final = 16
"""So a chunk is 4 bytes at most."""


def _chunks(stream: OutgoingStream) -> list[Chunk]:
    chunks = []
    while frame := stream.next_frame():
        chunks.append(unpack_chunk(b"".join(frame)))
    return chunks


def _fed(content: bytes, *, finish: bool = False) -> OutgoingStream:
    stream = OutgoingStream(7, WINDOW)
    for start in range(0, len(content), 4):
        stream.feed(content[start : start + 4])
    if finish:
        stream.finish()
    return stream


# -- the sender ----------------------------------------------------------------------------------


def test_chunks_come_in_order_and_without_gaps_and_then_the_end() -> None:
    """STREAM-1 and STREAM-2."""
    stream = _fed(b"abcdefghij", finish=True)
    assert _chunks(stream) == [Chunk(7, 0, b"abcd"), Chunk(7, 4, b"efgh"), Chunk(7, 8, b"ij"), Chunk(7, 10, b"")]
    assert not stream.has_frame


def test_empty_stream_is_its_end() -> None:
    """A file may be empty."""
    assert _chunks(_fed(b"", finish=True)) == [Chunk(7, 0, b"")]


def test_end_waits_for_finish() -> None:
    """All that is fed so far may not be all."""
    stream = _fed(b"abcd")
    assert (_chunks(stream), stream.has_frame) == ([Chunk(7, 0, b"abcd")], False)
    stream.finish()
    assert (stream.has_frame, _chunks(stream)) == (True, [Chunk(7, 4, b"")])


def test_window_bounds_what_is_fed_and_an_ack_makes_room() -> None:
    """STREAM-3: what is held is never more than a window; of what is fed, only as much is taken."""
    stream = OutgoingStream(7, WINDOW)
    assert (stream.feed(b"x" * 20), stream.room, stream.feed(b"y")) == (16, 0, 0)
    _chunks(stream)
    stream.acknowledge(3)
    assert (stream.room, stream.feed(b"yyyy")) == (3, 3)
    stream.flush()
    assert _chunks(stream) == [Chunk(7, 16, b"yyy")]


def test_large_piece_travels_in_chunks_of_a_quarter_of_the_window() -> None:
    """STREAM-3."""
    stream = OutgoingStream(7, 4 * LEAST_CHUNK_BYTES)
    stream.feed(bytes(4 * LEAST_CHUNK_BYTES))
    assert [len(chunk.payload) for chunk in _chunks(stream)] == [LEAST_CHUNK_BYTES] * 4


def test_chunk_of_a_large_window_is_no_larger_than_it_needs_to_be() -> None:
    """A command that comes while it is written waits for all of it."""
    assert OutgoingStream(7, 64 * CHUNK_BYTES).chunk_bytes == CHUNK_BYTES


def test_small_pieces_travel_together_once_they_are_enough() -> None:
    """A frame for each would take more bytes than they have."""
    stream = OutgoingStream(7, 16 * LEAST_CHUNK_BYTES)
    for _ in range(LEAST_CHUNK_BYTES - 1):
        stream.feed(b"x")
    assert (_chunks(stream), stream.needs_flush) == ([], True)
    stream.feed(b"yz")
    assert _chunks(stream) == [Chunk(7, 0, b"x" * (LEAST_CHUNK_BYTES - 1) + b"yz")]


def test_flush_sends_what_was_fed_so_far_and_not_what_comes_after() -> None:
    """Where a source is slow its few bytes do not wait for ever."""
    stream = OutgoingStream(7, WINDOW)
    stream.feed(b"ab")
    assert (_chunks(stream), stream.has_frame, stream.needs_flush) == ([], False, True)
    stream.flush()
    assert (stream.has_frame, stream.needs_flush) == (True, False)
    assert _chunks(stream) == [Chunk(7, 0, b"ab")]
    stream.feed(b"c")
    assert (_chunks(stream), stream.needs_flush) == ([], True)


@pytest.mark.parametrize("large", [b"x" * 5000, b"x" * LEAST_CHUNK_BYTES])
def test_small_and_large_pieces_arrive_in_their_order(large: bytes) -> None:
    """However they are kept, and after a resume too."""
    stream = OutgoingStream(7, 64 * LEAST_CHUNK_BYTES)
    for piece in (b"ab", large, b"c", b"d", large, b"e"):
        stream.feed(piece)
    stream.finish()
    content = b"ab" + large + b"cd" + large + b"e"
    assert b"".join(chunk.payload for chunk in _chunks(stream)) == content
    stream.resume(1)
    assert b"".join(chunk.payload for chunk in _chunks(stream)) == content[1:]


def test_in_flight_is_what_is_sent_and_not_acknowledged() -> None:
    """Of this connection: what a resume sends again is not yet sent."""
    stream = _fed(b"abcdefgh")
    stream.next_frame()
    assert (stream.in_flight, stream.waiting) == (4, 4)
    stream.acknowledge(2)
    assert stream.in_flight == 2
    stream.resume(None)
    assert (stream.in_flight, stream.waiting) == (0, 6)


def test_quarter_is_rounded_down() -> None:
    """Section 10."""
    assert OutgoingStream(7, 65539).chunk_bytes == 16384


def test_stream_ack_that_is_lower_is_ignored() -> None:
    """STREAM-8."""
    stream = _fed(b"abcdefgh")
    _chunks(stream)
    stream.acknowledge(8)
    stream.acknowledge(4)
    assert (stream.acknowledged, stream.room) == (8, 16)


def test_stream_ack_above_what_was_sent_is_a_violation() -> None:
    """STREAM-8: what is fed is not yet sent."""
    stream = _fed(b"abcdefgh")
    stream.next_frame()
    with pytest.raises(PeerViolation, match=r"^stream 7: offset 5 is acknowledged, 4 bytes were sent$"):
        stream.acknowledge(5)


@pytest.mark.parametrize(
    ("offset", "chunks"),
    [
        (0, [Chunk(7, 0, b"abcd"), Chunk(7, 4, b"efgh"), Chunk(7, 8, b"")]),
        (4, [Chunk(7, 4, b"efgh"), Chunk(7, 8, b"")]),
        (3, [Chunk(7, 3, b"defg"), Chunk(7, 7, b"h"), Chunk(7, 8, b"")]),
        (6, [Chunk(7, 6, b"gh"), Chunk(7, 8, b"")]),
        (8, [Chunk(7, 8, b"")]),
    ],
)
def test_resumed_stream_goes_on_at_the_offset_and_ends_again(offset: int, chunks: list[Chunk]) -> None:
    """STREAM-10 and STREAM-2, in the middle of a chunk too."""
    stream = _fed(b"abcdefgh", finish=True)
    _chunks(stream)
    stream.resume(offset)
    assert stream.acknowledged == offset
    assert _chunks(stream) == chunks


def test_stream_that_the_client_does_not_name_goes_on_at_what_was_acknowledged() -> None:
    """Section 9."""
    stream = _fed(b"abcdefgh")
    _chunks(stream)
    stream.acknowledge(5)
    stream.resume(None)
    stream.flush()
    assert _chunks(stream) == [Chunk(7, 5, b"fgh")]


def test_resume_before_all_was_sent_sends_the_rest_once() -> None:
    """What waited for its first write still comes, after what is sent again."""
    stream = _fed(b"abcdefgh")
    stream.next_frame()
    stream.resume(2)
    stream.flush()
    assert _chunks(stream) == [Chunk(7, 2, b"cdef"), Chunk(7, 6, b"gh")]


@pytest.mark.parametrize(
    ("offset", "complaint"),
    [
        (3, "stream 7: offset 3, 4 was acknowledged before"),
        (9, "stream 7: offset 9 is acknowledged, 8 bytes were sent"),
    ],
)
def test_resume_at_what_cannot_be_is_a_violation(offset: int, complaint: str) -> None:
    """RESUME-6."""
    stream = _fed(b"abcdefgh")
    _chunks(stream)
    stream.acknowledge(4)
    with pytest.raises(PeerViolation) as caught:
        stream.resume(offset)
    assert str(caught.value) == complaint


# -- over a link that breaks ---------------------------------------------------------------------


class Receiver:
    """The client's end of a stream, as SPEC section 10 has it."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.is_complete = False
        self._acknowledged = 0

    def receive(self, chunk: Chunk) -> int | None:
        """Keep a chunk, which must be in place; return the offset to acknowledge now, if any is due (STREAM-4)."""
        assert chunk.offset == len(self.content)
        assert len(chunk.payload) <= WINDOW // 4
        self.content += chunk.payload
        self.is_complete = not chunk.payload
        is_due = self.is_complete or len(self.content) - self._acknowledged >= WINDOW // 4
        return self.acknowledge() if is_due else None

    def acknowledge(self) -> int:
        """Return the offset that the caller sends now."""
        self._acknowledged = len(self.content)
        return self._acknowledged


@settings(max_examples=200, deadline=None, database=None)
@given(
    content=st.binary(max_size=200),
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=20),
    breaks=st.lists(st.integers(0, 6), max_size=20),
)
def test_content_arrives_whole_however_often_the_link_breaks(
    content: bytes, lengths: list[int], breaks: list[int]
) -> None:
    """Each number of `breaks` is how many frames arrive before the next break; those under way are lost."""
    sender, receiver = OutgoingStream(7, WINDOW), Receiver()
    fed, turn = 0, 0
    for lifetime in [*breaks, len(content) + 1]:
        under_way: deque[bytes] = deque()
        for _ in range(lifetime):
            while fed < len(content) and sender.room:
                length = min(lengths[turn % len(lengths)], sender.room, len(content) - fed)
                sender.feed(content[fed : fed + length])
                fed, turn = fed + length, turn + 1
            if fed == len(content):
                sender.finish()
            while frame := sender.next_frame():
                under_way.append(b"".join(frame))
            if not under_way:
                break
            acknowledged = receiver.receive(unpack_chunk(under_way.popleft()))
            assert len(receiver.content) - sender.acknowledged <= WINDOW
            if acknowledged is not None:
                sender.acknowledge(acknowledged)
        sender.resume(receiver.acknowledge())
    assert (bytes(receiver.content), receiver.is_complete) == (content, True)
