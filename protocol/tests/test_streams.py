"""Streams: chunks within a window, resumed where the receiver is, ended again, refused where they are out of place."""

from __future__ import annotations

import struct
from collections import deque
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pagewire_protocol.codes import ByeCode
from pagewire_protocol.delivery import IncomingStream, OutgoingStream
from pagewire_protocol.delivery.incoming_stream import StreamState
from pagewire_protocol.delivery.outgoing_stream import CHUNK_BYTES, LEAST_CHUNK_BYTES
from pagewire_protocol.fields import MAX_INTEGER
from pagewire_protocol.stream_frames import HEADER_BYTES, Chunk, pack_chunk, unpack_chunk
from pagewire_protocol.violations import PeerViolation

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


# -- binary frames -------------------------------------------------------------------------------


def test_frame_is_id_and_offset_in_big_endian_and_the_payload() -> None:
    """Section 10."""
    frame = bytes.fromhex("0000000000000102 000000000a0b0c0d") + b"\x00payload"
    assert b"".join(pack_chunk(0x0102, 0x0A0B0C0D, b"\x00pay", b"load")) == frame
    assert unpack_chunk(frame) == Chunk(0x0102, 0x0A0B0C0D, b"\x00payload")


def test_frame_of_16_bytes_is_an_end() -> None:
    """An empty payload is a chunk like any other for the frame."""
    assert HEADER_BYTES == 16
    assert unpack_chunk(b"".join(pack_chunk(1, MAX_INTEGER))) == Chunk(1, MAX_INTEGER, b"")


@pytest.mark.parametrize("length", [0, 1, 15])
def test_frame_under_16_bytes_is_a_violation(length: int) -> None:
    """WIRE-22."""
    with pytest.raises(PeerViolation, match=f"^a binary frame of {length} bytes, where 16 are the least$") as caught:
        unpack_chunk(b"\x00" * length)
    assert caught.value.code is ByeCode.INVALID_MESSAGE


@pytest.mark.parametrize(("id_", "offset"), [(2**53, 0), (1, 2**53), (2**64 - 1, 2**64 - 1)])
def test_frame_with_numbers_beyond_2_53_is_a_violation(id_: int, offset: int) -> None:
    """JavaScript could not hold them."""
    with pytest.raises(PeerViolation, match="beyond 2"):
        unpack_chunk(struct.pack(">QQ", id_, offset))


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


# -- the receiver --------------------------------------------------------------------------------


def test_stream_is_complete_at_its_end() -> None:
    """The length is as announced."""
    stream = IncomingStream(6, WINDOW)
    for offset, length in ((0, 4), (4, 2)):
        stream.receive(offset, length)
        assert stream.state is StreamState.OPEN
    stream.receive(6, 0)
    assert (stream.state, stream.received) == (StreamState.COMPLETE, 6)


@pytest.mark.parametrize("size", [None, 0])
def test_empty_stream_is_complete(size: int | None) -> None:
    """Whether its size is known or not."""
    stream = IncomingStream(size, WINDOW)
    stream.receive(0, 0)
    assert stream.state is StreamState.COMPLETE


@pytest.mark.parametrize("offset", [0, 2, 5, 8])
def test_chunk_at_another_offset_is_a_violation(offset: int) -> None:
    """STREAM-5: whether it was there before or leaves a gap."""
    stream = IncomingStream(None, WINDOW)
    stream.receive(0, 4)
    with pytest.raises(PeerViolation, match=f"^a chunk at offset {offset}, where 4 is next$"):
        stream.receive(offset, 1)


def test_chunk_larger_than_a_quarter_of_the_window_is_a_violation() -> None:
    """STREAM-5."""
    with pytest.raises(PeerViolation, match=r"^a chunk of 5 bytes, where 4 are a quarter of the window$"):
        IncomingStream(None, WINDOW).receive(0, 5)


def test_end_that_comes_again_is_ignored() -> None:
    """Section 10: after a resume, before the file was handed over."""
    stream = IncomingStream(None, WINDOW)
    for offset, length in ((0, 4), (4, 0), (4, 0)):
        stream.receive(offset, length)
    assert (stream.state, stream.received) == (StreamState.COMPLETE, 4)


def test_byte_after_the_end_is_a_violation() -> None:
    """Section 10: a further byte after the end is another offset."""
    stream = IncomingStream(None, WINDOW)
    stream.receive(0, 0)
    with pytest.raises(PeerViolation, match=r"^a chunk at offset 0, where 0 is next$"):
        stream.receive(0, 1)


@pytest.mark.parametrize(("size", "lengths"), [(6, [4, 0]), (6, [4, 4]), (0, [1]), (1, [0])])
def test_other_length_than_announced_fails(size: int, lengths: list[int]) -> None:
    """STREAM-7: at the end or as soon as it is beyond."""
    stream = IncomingStream(size, WINDOW)
    for length in lengths:
        stream.receive(stream.received, length)
    assert stream.state is StreamState.FAILED


def test_stream_ack_is_due_after_a_quarter_of_the_window_and_at_the_end() -> None:
    """STREAM-4."""
    stream = IncomingStream(None, WINDOW)
    due = []
    for length in (2, 1, 1, 3, 0):
        stream.receive(stream.received, length)
        due.append(stream.acknowledge() if stream.ack_is_due else None)
    assert due == [None, None, 4, None, 7]


# -- both, over a link that breaks ---------------------------------------------------------------


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
    sender, receiver, received = OutgoingStream(7, WINDOW), IncomingStream(len(content), WINDOW), bytearray()
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
            chunk = unpack_chunk(under_way.popleft())
            receiver.receive(chunk.offset, len(chunk.payload))
            received += chunk.payload
            assert len(received) - sender.acknowledged <= WINDOW
            if receiver.ack_is_due:
                sender.acknowledge(receiver.acknowledge())
        sender.resume(receiver.acknowledge())
    assert (bytes(received), receiver.state) == (content, StreamState.COMPLETE)
