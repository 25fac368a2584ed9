"""The TCP connection between server and Node client is cut at every point of a conversation: nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cutting_proxy import Cut, When, cutting_proxy
from live_server import Serve
from node_client import node_client
from results import Results

from pagewire_server.session import download, eval_js, on_event, run_js, set_env

ROUNDS = 3
INLINE, STREAMED = b"inline", bytes(range(256)) * 800
CUT_POINTS = 36


def converse(serve: Serve, folder: Path, cuts: list[Cut]) -> tuple[list[Any], int, int]:
    """Run the conversation through a proxy that cuts.

    Returns what the program has seen, in its order, and how many connections and frames it took.
    """
    seen = Results()

    def app() -> None:
        on_event("told", lambda data: seen.put(("event", data)))
        for _ in range(ROUNDS):
            run_js("globalThis.count = (globalThis.count ?? 0) + 1; pagewire.emit('told', count)")
            seen.put(("value", eval_js("new Promise(resolve => setTimeout(() => resolve(count)))")))
        seen.put(("ignored", set_env(title="x").wait().ignored))
        seen.put(("bytes", download("inline.bin", INLINE).wait(), download("streamed.bin", STREAMED).wait()))
        seen.put(("value", eval_js("count")))

    live = serve(app)
    expected = 2 * ROUNDS + 3
    with cutting_proxy(live.server.port, cuts) as proxy:
        url = f"ws://127.0.0.1:{proxy.port}/ws"
        with node_client(url, folder) as client:
            got = [seen.next() for _ in range(expected)]
            # The stop makes the client connect anew.
            connections, frames = proxy.connections, proxy.frames
            live.stop()
            client.terminate()
    assert seen.empty()
    return got, connections, frames


def check(got: list[Any], folder: Path) -> None:
    """Each command took effect once, in order; each value, event and file arrived once."""
    assert [data for kind, data in (row for row in got if row[0] == "event")] == [1, 2, 3]
    assert [row for row in got if row[0] != "event"] == [
        ("value", 1),
        ("value", 2),
        ("value", 3),
        ("ignored", ["title"]),
        ("bytes", len(INLINE), len(STREAMED)),
        ("value", 3),
    ]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "inline.bin": INLINE,
        "streamed.bin": STREAMED,
    }


def test_conversation_without_cuts_has_as_many_frames_as_are_cut(serve: Serve, tmp_path: Path) -> None:
    """So that the cut points below are all of them, and a longer conversation is noticed."""
    got, connections, frames = converse(serve, tmp_path, [])
    check(got, tmp_path)
    assert connections == 1
    assert CUT_POINTS - 8 <= frames <= CUT_POINTS


@pytest.mark.parametrize("when", When)
@pytest.mark.parametrize("frame", range(1, CUT_POINTS + 1))
def test_cut_at_any_frame_loses_and_doubles_nothing(serve: Serve, tmp_path: Path, frame: int, when: When) -> None:
    """Before and after each frame of either side, the handshake's included."""
    got, *_ = converse(serve, tmp_path, [Cut(frame, when)])
    check(got, tmp_path)


def test_many_cuts_in_one_conversation_lose_and_double_nothing(serve: Serve, tmp_path: Path) -> None:
    """Every fifth frame, in turn before and after it."""
    cuts = [Cut(frame, When.BEFORE if frame % 2 else When.AFTER) for frame in range(3, 200, 5)]
    got, connections, _ = converse(serve, tmp_path, cuts)
    check(got, tmp_path)
    assert connections > 5
