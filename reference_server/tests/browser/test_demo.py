"""The demo: every step of every topic runs, the inspector shows the messages, and nothing goes wrong on the way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from live_server import Serve
from playwright.sync_api import BrowserContext, Page, expect

from pagewire_server.demo import demo_apps
from pagewire_server.web.static_files import client_folder

TOPICS = ["run_js", "eval_js", "set_env", "download", "go_app", "info", "on_event", "gather", "resume"]


@pytest.fixture
def demo(serve: Serve, context: BrowserContext) -> Iterator[Page]:
    """Open the demo; whatever its console complains of fails the test."""
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda entry: complaints.append(entry.text) if entry.type in {"error", "warning"} else None)
    page.goto(serve(demo_apps(), static=client_folder() / "demo").url)
    expect(page.locator(".run:visible")).to_have_count(1)
    yield page
    assert complaints == []


def run_shown_step(page: Page) -> None:
    """Press Run and wait for how it ends."""
    page.locator(".run:visible").click()
    expect(page.locator(".card:visible")).to_have_attribute("data-outcome", "returned")


def test_every_topic_of_the_tour_is_there(demo: Page) -> None:
    """All five commands, the session's information, events, concurrency and resume."""
    tabs = demo.get_by_role("tab")
    expect(tabs).to_have_count(len(TOPICS))
    assert [tab.get_attribute("id") for tab in tabs.all()] == [f"tab-{topic}" for topic in TOPICS]


@pytest.mark.parametrize("topic", ["run_js", "info", "gather", "resume"])
def test_first_step_of_a_topic_returns(demo: Page, topic: str) -> None:
    """Its Python stands beside it; resume cuts the connection while it runs."""
    demo.locator(f"#tab-{topic}").click()
    expect(demo.locator(".card:visible code").first).to_contain_text("def ")
    run_shown_step(demo)


def test_the_effect_of_a_step_is_seen_on_the_page(demo: Page) -> None:
    """What Python sent is text there, not markup."""
    run_shown_step(demo)
    expect(demo.locator("#pagewire-output")).to_have_text("Hello from Python! <script>alert('a value')</script>")


def test_a_download_of_the_demo_is_saved(demo: Page) -> None:
    """The inline one."""
    demo.locator("#tab-download").click()
    with demo.expect_download() as saved:
        run_shown_step(demo)
    assert saved.value.path().stat().st_size > 0


def test_a_slow_download_of_the_demo_is_given_up_on_a_phone(demo: Page) -> None:
    """Its button is in sight at 390 px; Python is told."""
    demo.set_viewport_size({"width": 390, "height": 844})
    demo.locator("#tab-download").click()
    demo.get_by_role("button", name="One to cancel").click()
    demo.locator(".run:visible").click()
    cancel = demo.get_by_role("button", name="Cancel slow.bin")
    expect(cancel).to_be_in_viewport(ratio=1)
    cancel.click()
    expect(demo.locator(".card:visible")).to_contain_text("cancelled: the user gave the download up")


def test_another_app_opens_in_a_window_of_its_own(demo: Page) -> None:
    """go_app, by a click of the visitor."""
    demo.locator("#tab-go_app").click()
    with demo.context.expect_page() as opened:
        run_shown_step(demo)
    assert "app=second" in opened.value.url


def test_the_inspector_shows_filters_and_opens_the_messages(demo: Page) -> None:
    """Command and reply with their times; the JSON by click and by key."""
    run_shown_step(demo)
    lines = demo.locator(".w-line:visible")
    expect(lines.filter(has_text="welcome")).to_have_count(1)
    demo.get_by_placeholder("Filter by text").fill("Hello from Python")
    # The sources of the steps were sent at first; they hold the text too.
    expect(lines).to_have_count(2)
    expect(lines.last).to_contain_text("run_js")
    expect(lines.last).to_contain_text("ms")
    lines.last.click()
    expect(demo.get_by_text('"greeting"').first).to_be_visible()


def test_the_secret_of_the_instance_is_not_shown(demo: Page) -> None:
    """SEC-2: not even to who looks at the wire."""
    hello = demo.locator(".w-line").filter(has_text="hello").first
    hello.click()
    expect(demo.get_by_text('"instance"').first).to_be_visible()
    expect(demo.locator("body")).to_contain_text('"instance": "(hidden: a secret)"')


def test_a_phone_needs_no_sideways_scrolling(demo: Page) -> None:
    """At 390 px, on every topic."""
    demo.set_viewport_size({"width": 390, "height": 844})
    for topic in TOPICS:
        demo.locator(f"#tab-{topic}").click()
        expect(demo.locator(".run:visible")).to_have_count(1)
        assert demo.evaluate("document.documentElement.scrollWidth") <= 390
