"""The report's page in a browser: its filter, its search, its links, and that it asks nobody for anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from pagewire_browsers import ARGUMENTS, find_browser
from pagewire_conformance.options import Options
from pagewire_conformance.report.html_report import render_html
from pagewire_conformance.report.records import CaseRecord
from pagewire_conformance.report.run_report import RunReport
from pagewire_conformance.verdicts import Verdict

CASES: Final = {
    "handshake/test_hello.py::test_first": ("HELLO-1: the first message is a hello.", Verdict.PASSED),
    "handshake/test_hello.py::test_same": ("HELLO-8: every hello says the same.", Verdict.PASSED),
    "eval_js/test_values.py::test_zero": ("EVAL-5: minus zero stays.", Verdict.FAILED),
    "streams/test_chunks.py::test_order": ("STREAM-1: chunks are saved in order.", Verdict.NOT_OFFERED),
}
FIRST, SAME, ZERO, ORDER = CASES
FRAME: Final = '{"type": "emit", "params": {"data": "<img src=http://127.0.0.1:9/x onerror=alert(1)>"}}'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start one Chromium for all tests here."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the report of a small run."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_html(report().as_json()), encoding="utf-8")
    return path


@pytest.fixture
def page(browser: Browser, file: Path) -> Iterator[Page]:
    """Open the report; nothing but the file may be asked for, and no script may fail."""
    requests: list[str] = []
    errors: list[str] = []
    with browser.new_context(permissions=["clipboard-read", "clipboard-write"]) as context:
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(file.as_uri())
        yield page
    assert {url.partition("#")[0] for url in requests} == {file.as_uri()}
    assert errors == []


def report() -> RunReport:
    records = [
        CaseRecord(
            case=case,
            title=title,
            requirements=[title.split(":")[0]],
            profile="core",
            verdict=verdict,
            message="" if verdict is Verdict.PASSED else "<img src=http://127.0.0.1:9/x>",
            transcript=[{"at_ms": 1.5, "connection": 1, "direction": "client", "text": FRAME, "size": len(FRAME)}],
        )
        for case, (title, verdict) in CASES.items()
    ]
    return RunReport(Options(page="builtin"), "0.1.0", "2026-03-04T12:30:05+00:00", 1.5, list(CASES), records)


def shown(page: Page) -> list[str]:
    """Return the ids of the cases that can be seen."""
    return [code.inner_text() for code in page.locator(".case:visible > summary code").all()]


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def test_every_case_is_shown_at_first(page: Page) -> None:
    assert shown(page) == [ZERO, FIRST, SAME, ORDER]


def test_filter_shows_the_verdicts_that_are_pressed(page: Page) -> None:
    button(page, "passed 2").click()
    assert shown(page) == [FIRST, SAME]
    button(page, "failed 1").click()
    assert shown(page) == [ZERO, FIRST, SAME]
    button(page, "passed 2").click()
    assert shown(page) == [ZERO]
    expect(page.get_by_role("status")).to_have_text("1 of 4 cases are shown.")


def test_filter_is_worked_by_the_keyboard(page: Page) -> None:
    button(page, "not offered 1").focus()
    page.keyboard.press("Space")
    expect(button(page, "not offered 1")).to_have_attribute("aria-pressed", "true")
    assert shown(page) == [ORDER]


def test_topics_without_a_case_are_hidden(page: Page) -> None:
    button(page, "failed 1").click()
    assert [heading.split()[0] for heading in page.locator(".topic:visible h3").all_inner_texts()] == ["eval_js"]


@pytest.mark.parametrize(
    ("words", "found"),
    [("minus", [ZERO]), ("TEST_HELLO", [FIRST, SAME]), ("hello-8", [SAME]), ("hello same", [SAME]), ("nothing", [])],
)
def test_search_finds_ids_and_titles(page: Page, words: str, found: list[str]) -> None:
    page.get_by_role("searchbox", name="Search ids and titles").fill(words)
    assert shown(page) == found


def test_reset_shows_every_case_again(page: Page) -> None:
    button(page, "passed 2").click()
    page.get_by_role("searchbox").fill("same")
    button(page, "Show all").click()
    assert shown(page) == [ZERO, FIRST, SAME, ORDER]


def test_link_of_a_requirement_opens_its_case_even_if_filtered(page: Page) -> None:
    button(page, "passed 2").click()
    row = page.locator("#r-EVAL-5")
    row.locator("summary").click()
    row.get_by_role("link", name=ZERO).click()
    expect(page.locator("#c3")).to_have_js_property("open", value=True)
    assert shown(page) == [ZERO, FIRST, SAME, ORDER]


def test_link_of_a_case_opens_its_requirement(page: Page) -> None:
    page.locator("#c1 > summary").click()
    page.locator("#c1").get_by_role("link", name="HELLO-1").click()
    expect(page.locator("#r-HELLO-1")).to_be_in_viewport()


def test_command_is_copied(page: Page) -> None:
    page.locator("#c3").get_by_role("button", name="Copy command").click()
    expect(page.locator("#c3 .repeat button")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == report().as_json()["cases"][2]["repeat"]


def test_markup_in_a_frame_is_text(page: Page) -> None:
    page.locator("#c3 .wire > summary").click()
    assert "<img src=http://127.0.0.1:9/x onerror=alert(1)>" in page.locator("#c3 .wire pre").inner_text()
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("width", [1280, 390])
def test_page_is_never_wider_than_the_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate("for (const node of document.querySelectorAll('details')) node.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_page_is_readable_without_script(browser: Browser, file: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(file.as_uri())
        assert shown(page) == [ZERO, FIRST, SAME, ORDER]
        assert page.get_by_role("searchbox").count() == 0


def test_failures_are_printed_open_and_passes_closed(page: Page) -> None:
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("#c3 .wire pre")).to_be_visible()
    expect(page.locator("#c1 .body")).to_be_hidden()
    expect(page.locator(".filter")).to_be_hidden()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator("#c3 .wire")).to_have_js_property("open", value=False)
