"""Fixtures of the tests in a browser: one Chromium for all of them, a fresh context for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from live_server import PATIENCE, Serve
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from pagewire_browsers import ARGUMENTS, find_browser
from pagewire_server.apps.running import App

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Drive browsers, until the last test of this folder is done."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="package")
def launch(playwright: Playwright) -> Iterator[Callable[..., Browser]]:
    """Start a Chromium, with more arguments or options of Playwright's if need be.

    It is closed after the folder's last test.
    """
    with ExitStack() as stack:

        def start(*arguments: str, **options: Any) -> Browser:
            args = [*ARGUMENTS, *arguments]
            browser = playwright.chromium.launch(executable_path=find_browser(), args=args, **options)
            stack.callback(browser.close)
            return browser

        yield start


@pytest.fixture(scope="package")
def browser(launch: Callable[..., Browser]) -> Browser:
    """Return the Chromium that the tests share."""
    return launch()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Open a context, as a new user has it; no script of a page in it may fail unnoticed."""
    errors: list[str] = []
    with browser.new_context(accept_downloads=True) as context:
        context.set_default_timeout(PATIENCE * 1000)
        context.on("weberror", lambda failed: errors.append(str(failed.error)))
        yield context
    assert errors == []


@pytest.fixture
def visit(serve: Serve, context: BrowserContext) -> Callable[..., Page]:
    """Serve apps, with options of the server by name, and open the page of `index`."""

    def start(apps: App | Mapping[str, App], **options: Any) -> Page:
        page = context.new_page()
        page.goto(serve(apps, **options).url)
        return page

    return start
