"""What each command does in the page of a real browser, and what the program hears of it."""

from __future__ import annotations

import io
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from live_server import PATIENCE, Serve
from playwright.sync_api import Browser, BrowserContext, Page, expect

from pagewire_server.session import (
    CommandError,
    JavaScriptError,
    defer_call,
    download,
    eval_js,
    go_app,
    hold,
    on_event,
    run_js,
)

Visit = Callable[..., Page]
Results = SimpleQueue[Any]

MIB = 1024 * 1024


@pytest.fixture
def results() -> Results:
    """What the app of a test found, for the test to see."""
    return SimpleQueue()


# -- run_js ------------------------------------------------------------------------------------


def test_code_runs_in_the_global_scope_and_keeps_its_own_names_to_itself(visit: Visit, results: Results) -> None:
    """RUN-1, RUN-2: `this` is the window, what is declared and what is passed stays local, `await` works."""

    def main() -> None:
        run_js(
            """var declared = this === globalThis;
            const awaited = await Promise.resolve(given);
            globalThis.kept = [declared, awaited, typeof main];""",
            given={"by": ["value", None]},
        ).wait(PATIENCE)
        results.put(eval_js("[kept, typeof declared, typeof awaited, typeof given]"))

    visit(main)
    seen = results.get(timeout=PATIENCE)
    assert seen == [[True, {"by": ["value", None]}, "undefined"], "undefined", "undefined", "undefined"]


def test_arguments_arrive_as_values_whatever_they_hold(visit: Visit, results: Results) -> None:
    """ARGS-1: nothing is spliced into the code."""
    hostile = '"); globalThis.harmed = true; ("\u2028</script>${harmed}`\\'
    values: dict[str, Any] = {"text": hostile, "größe": 1.5, "$": [True, None, {"__proto__": 1}], "_": 2**53 - 1}

    def main() -> None:
        results.put(eval_js("[text, größe, $, _, typeof harmed]", **values))

    visit(main)
    assert results.get(timeout=PATIENCE) == [*values.values(), "undefined"]


def test_an_error_reaches_who_waits_for_the_code(visit: Visit, results: Results) -> None:
    """REPLY-2: thrown late or early, or no JavaScript at all."""

    def main() -> None:
        for code in ("await null; nowhere.x", "throw new RangeError('far')", "throw 'text'", "if ("):
            with pytest.raises(JavaScriptError) as caught:
                run_js(code).wait(PATIENCE)
            results.put((caught.value.name, caught.value.message, caught.value.stack is not None))

    visit(main)
    assert [results.get(timeout=PATIENCE) for _ in range(4)] == [
        ("ReferenceError", "nowhere is not defined", True),
        ("RangeError", "far", True),
        ("string", "text", False),
        ("SyntaxError", "Unexpected token '}'", True),
    ]


def test_commands_run_in_order_and_none_waits_for_an_earlier_ones_promise(visit: Visit, results: Results) -> None:
    """CMD-2, CMD-3."""

    def main() -> None:
        first = run_js("globalThis.seen = ['first']; await new Promise((go) => { globalThis.go = go; }); seen.push(1)")
        second = run_js("seen.push('second'); go()")
        second.wait(PATIENCE)
        first.wait(PATIENCE)
        results.put(eval_js("seen"))

    visit(main)
    assert results.get(timeout=PATIENCE) == ["first", "second", 1]


def test_scripts_emit_events_in_the_order_of_their_calls(visit: Visit, results: Results) -> None:
    """RUN-4, EVENT-1, EVENT-2."""

    def main() -> None:
        on_event("data", results.put)
        run_js("for (const data of [{ a: [1] }, 'ü', null, undefined, () => 0]) pagewire.emit('data', data)")
        eval_js("pagewire.emit('data', 'from an expression')")

    visit(main)
    seen = [results.get(timeout=PATIENCE) for _ in range(6)]
    assert seen == [{"a": [1]}, "ü", None, None, None, "from an expression"]


# -- eval_js -----------------------------------------------------------------------------------


def test_values_arrive_as_json_has_them(visit: Visit, results: Results) -> None:
    """EVAL-1, EVAL-3, EVAL-4, EVAL-5, EVAL-6, EVAL-8."""
    values = {
        "1 + 1;\n;": 2,
        "{a: [1, 'x', null], b: undefined} // an object": {"a": [1, "x", None]},
        "await Promise.resolve('awaited')": "awaited",
        "new Promise((resolve) => setTimeout(resolve, 1, 'resolved'))": "resolved",
        "undefined": None,
        "(() => 1)": None,
        "NaN": None,
        "2 ** 53 - 1": 2**53 - 1,
        "new Date(0)": "1970-01-01T00:00:00.000Z",
        "'\\ud800'": "\ufffd",
        "'x'.repeat(2_000_000).length + 'x'.repeat(2_000_000)": "2000000" + "x" * 2_000_000,
        "document.querySelectorAll('main').length": 1,
    }

    def main() -> None:
        results.put({expression: eval_js(expression) for expression in values})

    visit(main)
    assert results.get(timeout=PATIENCE) == values


def test_what_an_expression_throws_is_none_unless_errors_are_to_be_raised(visit: Visit, results: Results) -> None:
    """EVAL-2, EVAL-7, REPLY-2, REPLY-3: and no failure holds up the next call."""
    outcomes = {
        "nowhere": "ReferenceError: nowhere is not defined",
        "Promise.reject(new TypeError('no'))": "TypeError: no",
        "Promise.reject({ a: 1 })": "object: [object Object]",
        "let a = 1": "SyntaxError: Unexpected identifier 'a'",
        "10n": "not_serializable: the value has no JSON: Do not know how to serialize a BigInt",
    }

    def main() -> None:
        results.put([eval_js(expression) for expression in outcomes])
        for expression in outcomes:
            with pytest.raises(CommandError) as caught:
                eval_js(expression, on_error_="raise")
            results.put(str(caught.value))

    visit(main)
    assert results.get(timeout=PATIENCE) == [None] * len(outcomes)
    assert [results.get(timeout=PATIENCE) for _ in outcomes] == list(outcomes.values())


def test_a_value_that_is_too_large_for_the_server_is_an_error_and_the_session_goes_on(
    visit: Visit, results: Results
) -> None:
    """WIRE-24: what was too large was never sent."""

    def main() -> None:
        with pytest.raises(CommandError) as caught:
            eval_js("'x'.repeat(100_000)", on_error_="raise")
        results.put(caught.value.code)
        results.put(eval_js("'x'.repeat(10)"))

    visit(main, max_message_bytes=65_536)
    assert [results.get(timeout=PATIENCE) for _ in range(2)] == ["too_large", "x" * 10]


def test_a_promise_that_never_settles_ends_in_a_timeout_and_the_session_goes_on(visit: Visit, results: Results) -> None:
    """CANCEL-1, CANCEL-2: what settles after all is not taken for the answer to a later call."""

    def main() -> None:
        with pytest.raises(TimeoutError):
            eval_js("new Promise((settle) => { globalThis.settle = settle; })", timeout_=0.05)
        results.put(eval_js("settle('late'), 'next'"))

    visit(main)
    assert results.get(timeout=PATIENCE) == "next"


# -- download ----------------------------------------------------------------------------------


def pattern(size: int) -> bytes:
    """Return bytes in which every 251st is the same, so that a piece out of place shows."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def in_pieces(data: bytes) -> Iterator[bytes]:
    """Give the data in pieces of uneven sizes, one of them empty."""
    yield from (data[:1], b"", data[1:40_000], data[40_000:])


async def in_pieces_on_the_loop(data: bytes) -> AsyncIterator[bytes]:
    """Give the same pieces, asynchronously."""
    for piece in in_pieces(data):
        yield piece


def in_a_file(data: bytes, folder: Path) -> Path:
    """Return the path of a file with the data."""
    path = folder / "source.bin"
    path.write_bytes(data)
    return path


def expect_saved(page: Page, button: str = "save") -> tuple[str, bytes]:
    """Click, wait for the download, return its name and what the browser saved."""
    with page.expect_download() as saved:
        page.get_by_role("button", name=button).click()
    return saved.value.suggested_filename, Path(saved.value.path()).read_bytes()


def save_on_click(content: Callable[[], Any], name: str, results: Results) -> Callable[[], None]:
    """Return an app whose button downloads the content, and which tells the bytes that the page has confirmed."""

    def save(_data: object) -> None:
        saved = download(name, content())
        results.put((saved.wait(PATIENCE), saved.received))

    def main() -> None:
        on_event("save", save)
        run_js(
            """const button = document.createElement("button");
            button.textContent = "save";
            button.onclick = () => pagewire.emit("save");
            document.querySelector("main").append(button);"""
        )

    return main


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 5 * MIB])
def test_every_byte_of_every_size_is_saved(size: int, visit: Visit, results: Results) -> None:
    """DL-1, DL-2: inline, and as a stream of one or more chunks and windows."""
    data = pattern(size)
    page = visit(save_on_click(lambda: data, "data.bin", results))
    name, saved = expect_saved(page)
    assert name == "data.bin"
    assert saved == data
    assert results.get(timeout=PATIENCE) == (size, size)


@pytest.mark.parametrize("kind", ["bytearray", "path", "file", "iterator", "async iterator"])
def test_every_kind_of_content_is_saved(kind: str, visit: Visit, results: Results, tmp_path: Path) -> None:
    """download(): what a program may pass."""
    data = pattern(300_000)
    make: dict[str, Callable[[], Any]] = {
        "bytearray": lambda: bytearray(data),
        "path": lambda: in_a_file(data, tmp_path),
        "file": lambda: io.BytesIO(data),
        "iterator": lambda: in_pieces(data),
        "async iterator": lambda: in_pieces_on_the_loop(data),
    }
    page = visit(save_on_click(make[kind], "data.bin", results))
    assert expect_saved(page)[1] == data
    assert results.get(timeout=PATIENCE) == (len(data), len(data))


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("übersicht 报告 🎉.csv", "übersicht 报告 🎉.csv"),
        ("../../etc\\passwd.txt", "passwd.txt"),
        ("con.txt", "_con.txt"),
        ("a<b>\u202eexe.txt. ", "a_b__exe.txt"),
        ("folder/", "download"),
    ],
)
def test_a_file_is_saved_under_a_safe_name(name: str, safe: str, visit: Visit, results: Results) -> None:
    """DL-3, section 5.4.1."""
    page = visit(save_on_click(lambda: b"content", name, results))
    assert expect_saved(page) == (safe, b"content")


def test_the_page_shows_a_link_that_saves_the_file_once_more(visit: Visit, results: Results) -> None:
    """DL-9: a browser may block automatic downloads without a word."""
    page = visit(save_on_click(lambda: b"content", "report.txt", results))
    first = expect_saved(page)
    with page.expect_download() as again:
        page.get_by_role("link", name="report.txt").click()
    assert (again.value.suggested_filename, Path(again.value.path()).read_bytes()) == first


def test_a_source_that_fails_saves_nothing_and_the_error_reaches_who_waits(visit: Visit, results: Results) -> None:
    """DL-10, CANCEL-4, STREAM-9."""

    def failing() -> Iterator[bytes]:
        yield pattern(100_000)
        raise RuntimeError("the source is broken")

    def main() -> None:
        with pytest.raises(RuntimeError) as caught:
            download("partial.bin", failing()).wait(PATIENCE)
        results.put(str(caught.value))
        results.put(eval_js("document.querySelectorAll('a').length"))

    visit(main)
    assert [results.get(timeout=PATIENCE) for _ in range(2)] == ["the source is broken", 0]


# -- go_app ------------------------------------------------------------------------------------


def say_app() -> None:
    """Show which app of the server this is, and what the window knows of its opener."""
    run_js("document.querySelector('main').textContent = `other ${window.opener} ${location.search}`")


def test_go_app_opens_a_window_that_does_not_know_its_opener(
    serve: Serve, context: BrowserContext, results: Results
) -> None:
    """APP-1, APP-2: the rest of the page's URL stays as it is."""

    def index() -> None:
        results.put(go_app("other").wait(PATIENCE))
        hold()

    page = context.new_page()
    with page.expect_popup() as popup:
        page.goto(f"{serve({'index': index, 'other': say_app}).url}?a=1&app=index&b=2#fragment")
    expect(popup.value.get_by_role("main")).to_have_text("other null ?a=1&app=other&b=2")
    assert results.get(timeout=PATIENCE) is None
    expect(page.get_by_role("status")).to_have_text("Connected")


def test_go_app_without_a_new_window_leaves_the_page_for_the_other_app(visit: Visit, results: Results) -> None:
    """APP-3: the result comes first, then the session of the page that was left ends."""
    has_ended = threading.Event()

    def index() -> None:
        defer_call(has_ended.set)
        results.put(go_app("other", new_window=False).wait(PATIENCE))
        hold()

    page = visit({"index": index, "other": say_app})
    expect(page.get_by_role("main")).to_have_text("other null ?app=other")
    assert results.get(timeout=PATIENCE) is None
    assert has_ended.wait(PATIENCE)


def test_a_blocked_window_is_an_error_and_the_page_offers_a_link_to_the_app(
    launch: Callable[..., Browser], serve: Serve, results: Results
) -> None:
    """APP-4, APP-5: in a browser that blocks popups, as Playwright's does not unless it is told to."""

    def index() -> None:
        with pytest.raises(CommandError) as caught:
            go_app("other").wait(PATIENCE)
        results.put(str(caught.value))
        hold()

    strict = launch(ignore_default_args=["--disable-popup-blocking"])
    with strict.new_page() as page:
        page.goto(serve({"index": index, "other": say_app}).url)
        assert results.get(timeout=PATIENCE) == "popup_blocked: the browser did not open the window"
        with page.expect_popup() as popup:
            page.get_by_role("link", name="other").click()
        expect(popup.value.get_by_role("main")).to_have_text("other null ?app=other")
        popup.value.close()
