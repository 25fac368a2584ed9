"""Files that are under way, in the page of a real browser: how far each is, and how it is given up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO, cast

import pytest
from live_server import PATIENCE, Serve
from playwright.sync_api import BrowserContext, Locator, Page, expect

from pagewire_protocol.byes import make_bye
from pagewire_protocol.codes import ByeCode
from pagewire_server.session import CommandError, SessionClosed, download, eval_js, hold

Visit = Callable[..., Page]
Results = SimpleQueue[Any]

MB = 1_000_000


class Tap:
    """Content that comes as the test gives it: an iterator, or a binary file whose size is known."""

    def __init__(self, size: int = 0) -> None:
        self._size = size
        self._pieces: SimpleQueue[bytes | Exception] = SimpleQueue()

    def give(self, *pieces: bytes | Exception) -> None:
        """Let these come; the empty one is the end, an exception is raised."""
        for piece in pieces:
            self._pieces.put(piece)

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.next():
            yield piece

    @property
    def file(self) -> BinaryIO:
        """The same as a file."""
        return cast("BinaryIO", _TapFile(self, self._size))

    def next(self) -> bytes:
        """Wait for what the test gives."""
        piece = self._pieces.get(timeout=PATIENCE)
        if isinstance(piece, Exception):
            raise piece
        return piece


class _TapFile:
    def __init__(self, tap: Tap, size: int) -> None:
        self._tap, self._size = tap, size

    def read(self, _size: int) -> bytes:
        return self._tap.next()

    def tell(self) -> int:
        return 0

    def seek(self, _offset: int, whence: int = 0) -> int:
        return self._size if whence else 0


@pytest.fixture
def results() -> Results:
    """What the app of a test found, for the test to see."""
    return SimpleQueue()


@pytest.fixture
def saved(context: BrowserContext) -> list[str]:
    """The names of the files that the browser has saved."""
    names: list[str] = []
    context.on("page", lambda page: page.on("download", lambda file: names.append(file.suggested_filename)))
    return names


def rows(page: Page) -> Locator:
    """Return what shows the files that are under way."""
    return page.get_by_role("list", name="Downloads").get_by_role("listitem")


def outcome_of(name: str, content: Any) -> str:
    """Download it, and tell what its wait raises."""
    with pytest.raises(CommandError) as caught:
        download(name, content).wait(PATIENCE)
    return str(caught.value)


def test_a_file_of_known_size_is_seen_coming_until_it_is_saved(visit: Visit) -> None:
    """In words, and by the bar, which has the file's name."""
    tap = Tap(size=3 * MB)

    def main() -> None:
        download("report.csv", tap.file).wait(PATIENCE)
        hold()

    page = visit(main)
    bar = page.get_by_role("progressbar", name="report.csv")
    for come in (1, 2):
        tap.give(bytes(MB))
        expect(rows(page)).to_contain_text(f"report.csv{come}.0 MB of 3.0 MB")
        expect(bar).to_have_js_property("position", come / 3)
    with page.expect_download() as file:
        tap.give(bytes(MB), b"")
    assert Path(file.value.path()).stat().st_size == 3 * MB
    expect(rows(page)).to_have_count(0)
    expect(page.get_by_role("status")).to_have_text("Connected")


def test_a_file_of_unknown_size_has_a_bar_without_an_end(visit: Visit) -> None:
    """What has come is told in words alone."""
    tap = Tap()

    def main() -> None:
        download("endless.bin", tap).wait(PATIENCE)
        hold()

    page = visit(main)
    tap.give(bytes(MB // 2))
    expect(rows(page)).to_contain_text("endless.bin500 kB")
    expect(page.get_by_role("progressbar")).to_have_js_property("position", -1)
    tap.give(b"")
    expect(rows(page)).to_have_count(0)


def test_cancel_tells_the_program_and_saves_nothing_and_the_next_file_comes_whole(
    visit: Visit, results: Results, saved: list[str]
) -> None:
    """By keyboard; the source is closed at its next piece."""
    tap = Tap()

    def main() -> None:
        results.put(outcome_of("unwanted.bin", tap))
        results.put(download("next.bin", iter([b"next", bytes(MB)])).wait(PATIENCE))
        hold()

    page = visit(main)
    tap.give(bytes(MB // 2))
    with page.expect_download():
        page.get_by_role("button", name="Cancel unwanted.bin").press("Enter")
        assert results.get(timeout=PATIENCE) == "cancelled: the user gave the download up"
    tap.give(bytes(MB))
    assert results.get(timeout=PATIENCE) == MB + 4
    expect(rows(page)).to_have_count(0)
    assert saved == ["next.bin"]


def test_of_several_files_one_is_given_up_and_the_focus_goes_to_the_next(visit: Visit, results: Results) -> None:
    """Each has a row and a button of its own."""
    taps = {name: Tap() for name in ("first.bin", "second.bin", "third.bin")}

    def main() -> None:
        jobs = [download(name, tap) for name, tap in taps.items()]
        for job in jobs[::2]:
            job.wait(PATIENCE)
        with pytest.raises(CommandError):
            jobs[1].wait(PATIENCE)
        results.put([job.received for job in jobs])
        hold()

    page = visit(main)
    expect(rows(page)).to_have_count(3)
    page.get_by_role("button", name="Cancel second.bin").press("Enter")
    expect(page.get_by_role("button", name="Cancel third.bin")).to_be_focused()
    expect(rows(page)).to_have_count(2)
    for tap in taps.values():
        tap.give(b"x", b"")
    assert results.get(timeout=PATIENCE) == [1, 0, 1]
    expect(rows(page)).to_have_count(0)


def test_what_the_program_gives_up_is_shown_no_more(visit: Visit, saved: list[str]) -> None:
    """Download.cancel()."""
    tap, go_on = Tap(), threading.Event()

    def main() -> None:
        job = download("dropped.bin", tap)
        go_on.wait(PATIENCE)
        job.cancel()
        hold()

    page = visit(main)
    tap.give(b"half")
    expect(rows(page)).to_contain_text("dropped.bin4 B")
    go_on.set()
    expect(rows(page)).to_have_count(0)
    assert saved == []


def test_what_fails_half_way_is_shown_no_more_and_leaves_no_file(
    visit: Visit, results: Results, saved: list[str]
) -> None:
    """DL-10: the program has the error of its source."""
    tap = Tap()

    def main() -> None:
        with pytest.raises(OSError, match="the disk is gone"):
            download("half.bin", tap).wait(PATIENCE)
        results.put(eval_js("1"))
        hold()

    page = visit(main)
    tap.give(b"half")
    expect(rows(page)).to_contain_text("half.bin4 B")
    tap.give(OSError("the disk is gone"))
    assert results.get(timeout=PATIENCE) == 1
    expect(rows(page)).to_have_count(0)
    assert saved == []


def test_the_end_of_the_session_takes_the_row_away(
    serve: Serve, context: BrowserContext, results: Results, saved: list[str]
) -> None:
    """Nothing of the file is saved."""
    tap = Tap()

    def main() -> None:
        with pytest.raises(SessionClosed):
            download("lost.bin", tap).wait(PATIENCE)
        results.put("closed")

    async def end() -> None:
        live.sessions[0].end(make_bye(ByeCode.INTERNAL_ERROR, "It shall end."))

    live = serve(main)
    page = context.new_page()
    page.goto(live.url)
    expect(rows(page)).to_have_count(1)
    live.run(end())
    assert results.get(timeout=PATIENCE) == "closed"
    expect(page.get_by_role("status")).to_have_text("Session ended: It shall end.")
    expect(rows(page)).to_have_count(0)
    tap.give(b"")
    assert saved == []


def test_a_file_is_not_shown_before_200_ms(serve: Serve, context: BrowserContext, results: Results) -> None:
    """What is done sooner would only flicker; the page's clock stands still but for the test."""
    tap = Tap()

    def main() -> None:
        download("late.bin", tap)
        results.put(eval_js("1"))
        hold()

    page = context.new_page()
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    page.goto(serve(main).url)
    assert results.get(timeout=PATIENCE) == 1
    page.clock.run_for(190)
    expect(rows(page)).to_have_count(0)
    page.clock.run_for(50)
    expect(rows(page)).to_have_count(1)


NO_ROOM = """
    const { slice } = Blob.prototype;
    Blob.prototype.slice = function (...range) {
        if (this.size <= LIMIT) return slice.apply(this, range);
        return { arrayBuffer: () => Promise.reject(new DOMException("not kept", "NotReadableError")) };
    };
"""
"""A browser that keeps no Blob over a limit, as Chromium does with 500 MB in a private window."""


@pytest.mark.parametrize("limit", [1, 10])
def test_a_file_that_the_browser_has_no_room_for_is_told_and_not_taken_for_saved(
    serve: Serve, context: BrowserContext, results: Results, saved: list[str], limit: int
) -> None:
    """DL-6: while it comes, or at its end; the next one, which is small, is saved."""

    def main() -> None:
        results.put(outcome_of("large.bin", iter([bytes(MB)] * 12)))
        results.put(download("small.bin", iter([bytes(MB // 2)])).wait(PATIENCE))
        hold()

    page = context.new_page()
    page.add_init_script(NO_ROOM.replace("LIMIT", str(limit * MB)))
    with page.expect_download():
        page.goto(serve(main).url)
    told = results.get(timeout=PATIENCE)
    assert told.startswith("save_failed: the file could not be saved: the browser has no room for ")
    assert told.endswith(" bytes (NotReadableError)")
    assert results.get(timeout=PATIENCE) == MB // 2
    expect(rows(page)).to_have_count(0)
    assert saved == ["small.bin"]
