"""Streams of one session share a window, without IO: commands wait for no more than that, and none waits for ever."""

from __future__ import annotations

import json
from typing import Any, Final

from session_cores import frames, make_core

from pagewire_protocol.stream_frames import unpack_chunk
from pagewire_server.core.session import Command, SessionCore

WINDOW: Final = 65536
QUARTER: Final = WINDOW // 4


def _core() -> SessionCore:
    return make_core(capabilities={"streams": {}}, stream_window_bytes=WINDOW)


def _download(core: SessionCore, content: bytes) -> Command:
    params = {"name": "x", "media_type": "a/b", "size": None, "content": {"kind": "stream"}}
    command = core.send("download", json.dumps(params).encode(), streams=True)
    assert isinstance(core.next_frame(0.0), bytes)
    core.feed(command, memoryview(content))
    return command


def _chunks(core: SessionCore) -> list[tuple[int, int]]:
    chunks = []
    for frame in frames(core):
        assert isinstance(frame, tuple)
        chunk = unpack_chunk(b"".join(frame))
        chunks.append((chunk.id, chunk.offset + len(chunk.payload)))
    return chunks


def _acknowledge(core: SessionCore, id_: int, offset: int) -> None:
    message: dict[str, Any] = {"type": "stream_ack", "params": {"id": id_, "offset": offset}}
    core.receive_text(json.dumps(message), 0)


def test_streams_together_have_no_more_in_flight_than_a_window_and_a_quarter_each() -> None:
    """Four with a window each would keep a command waiting for four windows."""
    core = _core()
    for _ in range(4):
        _download(core, bytes(WINDOW))
    sent = _chunks(core)
    assert sent == [(id_, QUARTER) for id_ in (1, 2, 3, 4)]
    _acknowledge(core, 3, QUARTER)
    assert _chunks(core) == [(1, 2 * QUARTER), (3, 2 * QUARTER)]


def test_one_stream_alone_has_the_whole_window() -> None:
    """STREAM-3."""
    core = _core()
    _download(core, bytes(WINDOW))
    assert _chunks(core) == [(1, QUARTER * count) for count in (1, 2, 3, 4)]


def test_stream_that_the_client_need_not_acknowledge_goes_on_in_a_full_window() -> None:
    """STREAM-4: under a quarter nothing is acknowledged; to wait for that would be for ever."""
    core = _core()
    first, second = _download(core, bytes(100)), _download(core, bytes(WINDOW))
    core.flush_streams()
    assert _chunks(core) == [(first.id, 100), *((second.id, QUARTER * count) for count in (1, 2, 3))]
    core.feed(first, memoryview(bytes(QUARTER)))
    assert _chunks(core) == [(first.id, 100 + QUARTER)]
    _acknowledge(core, first.id, 100 + QUARTER)
    assert _chunks(core) == [(second.id, WINDOW)]
