"""Runs the client as a page in a real browser: one browser, and a new context with one tab for each case."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from playwright.sync_api import Browser, BrowserContext, Download, Page, Playwright, Route, sync_playwright
from playwright.sync_api import Error as DriverError

from pagewire_browsers import ARGUMENTS, HEADLESS_NAME, find_browser, find_headless_browser
from pagewire_conformance.clients.builtin_page import SETTING_PROBES, BuiltinPage
from pagewire_conformance.interruption import INTERRUPTION
from pagewire_conformance.options import BUILTIN
from pagewire_conformance.peer.client_under_test import ClientDriver, OpenedApp, SavedFile
from pagewire_conformance.verdicts import ClientFailure, Unverified
from pagewire_conformance.wire.listener import Listener

Message = dict[str, Any]

_WAIT_MS: Final = 5000
_STEP_MS: Final = 20
_FORBIDS_CODE: Final = "script-src 'self'; object-src 'none'"
_LETS_LOCAL_PAGES_CONNECT: Final = "--disable-features=LocalNetworkAccessChecks"
"""For a page that passed through the driver, Chromium does not know that it is local itself."""
_STORED: Final = "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"


class PageLauncher:
    """Its browser is started with the first case."""

    def __init__(self, page: str, browser: str | None, factor: float) -> None:
        self._builtin = BuiltinPage() if page == BUILTIN else None
        self._template = page if self._builtin is None else self._builtin.template
        self._browser_path = browser or find_headless_browser()
        self._was_chosen = browser is not None
        self._factor = factor
        self._playwright: Playwright | None = None
        self._browsers: dict[str | None, Browser] = {}

    def listener(self) -> Listener:
        """See Launcher."""
        return Listener()

    def start(self, listener: Listener, *, full_browser: bool = False) -> _Tab:
        """See Launcher: a `full_browser` is one with windows, and so with a blocker of popups."""
        path = find_browser() if full_browser and not self._was_chosen else self._browser_path
        try:
            context = self._started(path).new_context(accept_downloads=True)
        except DriverError as error:
            raise ClientFailure(f"the browser could not be started: {error.message}") from None
        context.set_default_timeout(_WAIT_MS * self._factor)
        is_full = path is not None and HEADLESS_NAME not in path
        tab = _Tab(context, self._template.replace("{url}", quote(listener.url, safe="")), is_full=is_full)
        tab.know(SETTING_PROBES if self._builtin is not None else {})
        tab.open()
        return tab

    def close(self) -> None:
        """See Launcher."""
        for browser in self._browsers.values():
            browser.close()
        if self._playwright is not None:
            self._playwright.stop()
        if self._builtin is not None:
            self._builtin.close()

    def abandon(self) -> None:
        """See Launcher: the driver ends with us, and closes its browsers."""

    def _started(self, path: str | None) -> Browser:
        browser = self._browsers.get(path)
        if browser is None or not browser.is_connected():
            self._playwright = self._playwright or sync_playwright().start()
            browser = self._browsers[path] = self._playwright.chromium.launch(
                executable_path=path,
                args=(*ARGUMENTS, _LETS_LOCAL_PAGES_CONNECT),
                # With it, a page may open windows without the user's doing, as it may nowhere else.
                ignore_default_args=["--disable-popup-blocking"],
                # A Ctrl-C in a terminal reaches the driver as well. It is for us to say when the browser ends.
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
            )
        return browser


class _Tab:
    """One context with the page in it; it is its own driver."""

    def __init__(self, context: BrowserContext, url: str, *, is_full: bool) -> None:
        self._is_full = is_full
        self._probes: Mapping[str, str] = {}
        self._context = context
        self._url = url
        self._page: Page = context.new_page()
        self._downloads: list[Download] = []
        self._console: list[str] = []
        context.on("console", lambda message: self._console.append(f"{message.type}: {message.text}"))
        context.on("weberror", lambda failed: self._console.append(f"uncaught: {failed.error}"))
        self._page.on("download", lambda download: self._downloads.append(download))  # noqa: PLW0108 - the driver takes no built-in

    def know(self, probes: Mapping[str, str]) -> None:
        """Learn how to see settings: by an expression for each."""
        self._probes = probes

    def open(self) -> None:
        """Load the page."""
        try:
            self._page.goto(self._url, wait_until="commit")
        except DriverError as error:
            raise ClientFailure(f"the page could not be loaded: {error.message}") from None

    def driver(self, ask: Callable[[Message], Message], hello: Message) -> ClientDriver:  # noqa: ARG002 - see Subject
        """See Subject."""
        return self

    def describe(self) -> str:
        """See Subject."""
        output = self.output().strip()[-500:]
        return f"The page's console says: {output}" if output else f"The page is {self._url}"

    def output(self) -> str:
        """See RunningClient."""
        with contextlib.suppress(DriverError):
            self._page.evaluate("0")  # what the browser has said arrives with it
        return "\n".join(self._console)

    def stop(self) -> None:
        """See RunningClient."""
        with contextlib.suppress(DriverError):
            self._context.close()

    # --- ClientDriver ---

    def files(self, count: int) -> list[SavedFile]:
        """See ClientDriver."""
        self._wait(lambda: len(self._downloads) >= count)
        return [self._saved(download) for download in self._downloads]

    def setting(self, name: str) -> Any:
        """See ClientDriver."""
        if name == "title":
            return self._page.title()
        if name not in self._probes:
            raise Unverified(f"the browser's driver does not see the setting {name} in a page that is not ours")
        return self._page.evaluate(self._probes[name])

    def apps(self, count: int) -> list[OpenedApp]:
        """See ClientDriver."""
        if count:
            self._wait(lambda: len(self._others) >= count or self._has_moved)
        here = [OpenedApp(self._page.url, new_window=False)] if self._has_moved else []
        return [self._opened(page) for page in self._others] + here

    def links(self) -> list[str]:
        """See ClientDriver."""
        return self._page.locator("a").all_text_contents()

    def notice(self) -> str:
        """See ClientDriver."""
        return self._page.locator("body").inner_text()

    def stored(self) -> str:
        """See ClientDriver."""
        return str(self._page.evaluate(_STORED))

    def click(self) -> None:
        """See ClientDriver."""
        size = self._page.viewport_size or {"width": 800, "height": 600}
        self._page.mouse.click(size["width"] - 5, size["height"] // 2)

    def leave(self) -> None:
        """See ClientDriver."""
        self._page.goto("about:blank")

    def break_connection(self) -> None:
        """See ClientDriver."""
        raise Unverified("the browser's driver cannot break a WebSocket")

    def reload(self) -> None:
        """See ClientDriver."""
        self._page.reload(wait_until="commit")

    def restore(self) -> None:
        """See ClientDriver."""
        self._page.evaluate(
            "() => setTimeout(() => dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true})))"
        )

    def apps_after_leaving(self, count: int) -> list[OpenedApp]:
        """See ClientDriver."""
        return self.apps(count)

    def forbid_code(self) -> bool:
        """See ClientDriver: the page is loaded again, under the policy."""
        self._context.route(self._url, _put_under_policy)
        self._page.goto(self._url, wait_until="load")  # requests pass through the driver, which works in its own calls
        return True

    def open_long_url(self, characters: int) -> None:
        """Load the page again from a longer URL. The server is asked for the usual one, since many refuse long URLs."""
        usual, _, fragment = self._url.partition("#")
        padded = f"{usual}{'&' if '?' in usual else '?'}padding="
        padded += "x" * (characters - len(padded))
        self._context.route(
            lambda url: url.partition("#")[0] == padded,
            lambda route: route.fulfill(response=route.fetch(url=usual)),
        )
        self._page.goto(f"{padded}#{fragment}", wait_until="load")  # as in `forbid_code`

    def use_auth(self, text: str, times: int) -> None:  # noqa: ARG002 - see ClientDriver
        """Raise Unverified: a page's `auth` is its own."""
        raise Unverified("the browser's driver cannot change the auth of a page")

    @property
    def blocks_windows(self) -> bool:
        """See ClientDriver."""
        return self._is_full

    # --- Within ---

    @property
    def _others(self) -> list[Page]:
        return [page for page in self._context.pages if page is not self._page]

    @property
    def _has_moved(self) -> bool:
        return self._page.url.split("#")[0] != self._url

    @staticmethod
    def _opened(page: Page) -> OpenedApp:
        page.wait_for_load_state("commit" if page.url == "about:blank" else "domcontentloaded")  # type: ignore[arg-type]  # the driver takes it
        return OpenedApp(page.url, new_window=True, has_opener=page.evaluate("() => window.opener !== null"))

    def _saved(self, download: Download) -> SavedFile:
        content = Path(download.path()).read_bytes()
        return SavedFile(download.suggested_filename, len(content), hashlib.sha256(content).hexdigest())

    def _wait(self, condition: Callable[[], bool]) -> None:
        for _ in range(_WAIT_MS // _STEP_MS):
            if condition():
                return
            INTERRUPTION.check()
            self._page.wait_for_timeout(_STEP_MS)  # the driver's events arrive in it


def _put_under_policy(route: Route) -> None:
    response = route.fetch()
    headers = {**response.headers, "content-security-policy": _FORBIDS_CODE}
    route.fulfill(response=response, headers=headers)
