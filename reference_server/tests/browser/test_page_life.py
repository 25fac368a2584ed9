"""What a page lives through while it is connected: a dialog that blocks it, being hidden, left, found again, a crash.

With `--real-times` it is blocked and hidden for minutes, at the default heartbeat, and what was measured is written.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from bare_chromium import BareChromium, bare_chromium
from faulty_proxy import FaultyProxy, faulty_proxy
from live_server import PATIENCE, LiveServer, Serve
from playwright.sync_api import BrowserContext
from results import Results

from pagewire_server.apps.session import Session
from pagewire_server.core.delivery import Outgoing, OutgoingState
from pagewire_server.session import SessionClosed, defer_call, eval_js, hold, info, run_js

QUICK = {"heartbeat_interval": 0.2, "heartbeat_timeout": 0.4}
REAL_MINUTE, REAL_HIDDEN = 4, 22
"""How many default heartbeats of 15 s make a minute, and more than five: hidden pages are slowed most after those."""
ACK_LIMIT = 2.0
"""Seconds (DELIVERY-6)."""


@pytest.fixture
def real_times(pytestconfig: pytest.Config) -> bool:
    """Whether all lasts as long as it does for users."""
    return bool(pytestconfig.getoption("real_times"))


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[BareChromium]:
    """Run a Chromium that hides tabs, slows hidden ones, and caches pages that are left, as users have it."""
    with bare_chromium(tmp_path / "profile") as chromium:
        yield chromium


def wait_for_pongs(live: LiveServer, proxy: FaultyProxy, count: int) -> None:
    """Wait until the browser has answered so many Pings more, each of them in patience."""
    for wanted in range(proxy.pongs + 1, proxy.pongs + 1 + count):
        live.until(partial(lambda wanted: proxy.pongs >= wanted, wanted))


def wait_for_ping(live: LiveServer, proxy: FaultyProxy) -> None:
    """Wait for the next `ping`: what is sent after it is not acknowledged by the answer to one for a whole interval."""
    seen = proxy.pings
    live.until(lambda: proxy.pings > seen)


def wait_for_ack(live: LiveServer, message: Outgoing) -> None:
    """Wait until the page has acknowledged a message."""
    live.until(lambda: message.state is OutgoingState.ACKNOWLEDGED)


def tell(text: str) -> None:
    """Write what was measured; pytest shows it with -s."""
    sys.stdout.write(f"\n{text}\n")


def test_page_in_a_dialog_stays_connected_and_answers_once_it_is_closed(
    serve: Serve, context: BrowserContext, results: Results, *, real_times: bool
) -> None:
    """BEAT-1: the browser answers Pings while no script of the page can run."""

    def main() -> None:
        results.put(eval_js("prompt('Your name?')"))
        results.put(eval_js("1 + 1"))
        hold()

    live = serve(main, **({} if real_times else QUICK))
    with faulty_proxy(live.server.port) as proxy:
        page = context.new_page()
        with page.expect_event("dialog") as opened:
            page.goto(proxy.url("http", "/"))
        wait_for_pongs(live, proxy, REAL_MINUTE if real_times else 5)
        assert results.empty()
        opened.value.accept("Ada")
        assert [results.next(), results.next()] == ["Ada", 2]
        assert proxy.connections == 1, proxy.history


def test_hidden_page_stays_connected_and_acknowledges_in_time(
    serve: Serve, chromium: BareChromium, results: Results, *, real_times: bool
) -> None:
    """DELIVERY-6: though its timers are late. The limit is looked at with --real-times alone: tests are not timed."""
    asked = Results()

    def main() -> None:
        while asked.next():
            running = run_js("globalThis.count = (globalThis.count ?? 0) + 1")
            results.put(running.command)
            running.wait()
            results.put(eval_js("[document.visibilityState, count]"))

    # No ping comes in a test's patience, whose answer would acknowledge in the timer's place.
    live = serve(main, **({} if real_times else {"heartbeat_interval": 10 * PATIENCE}))
    waits = []
    with faulty_proxy(live.server.port) as proxy:
        chromium.open(proxy.url("http", "/"))
        live.until(lambda: not live.is_detached)
        chromium.open("about:blank")
        for count in range(1, 1 + (REAL_HIDDEN if real_times else 3)):
            if real_times:
                wait_for_ping(live, proxy)
            begun = time.monotonic()
            asked.put(True)
            message = results.next().message
            assert results.next() == ["hidden", count]
            wait_for_ack(live, message)
            waits.append(time.monotonic() - begun)
        asked.put(False)
        assert proxy.connections == 1
    tell(f"hidden: acknowledged after {', '.join(f'{wait:.2f}' for wait in waits)} s")
    assert not real_times or max(waits) < ACK_LIMIT


def test_page_that_comes_back_from_the_cache_begins_a_new_session(
    serve: Serve, chromium: BareChromium, results: Results
) -> None:
    """END-6: its old session has ended with the leaving, long before any window was over."""

    def main() -> None:
        session = info.session_id
        defer_call(lambda: results.put(("ended", session)))
        results.put((eval_js("sessionStorage.cached ?? 'loaded'"), session))
        hold()

    live = serve(main, resume_window=1000 * PATIENCE, going_away_window=1000 * PATIENCE)
    tab = chromium.open("about:blank")
    tab.run_first(
        "addEventListener('pageshow', ({ persisted }) => { if (persisted) sessionStorage.cached = 'cached' })"
    )
    tab.go_to(live.url)
    how, first = results.next()
    assert how == "loaded"
    tab.go_to("about:blank")
    assert results.next() == ("ended", first)
    tab.go_back()
    how, second = results.next()
    assert how == "cached"
    assert second != first
    assert live.server.session_count == 1


def test_crash_of_a_tab_ends_its_session_when_the_window_is_over(
    serve: Serve, chromium: BareChromium, results: Results, monkeypatch: pytest.MonkeyPatch, *, real_times: bool
) -> None:
    """END-8: the browser closes for it with 1001, or breaks; calls are told, what was deferred runs."""
    closed = Results()
    detach = Session.detach

    def note(session: Session, link: Any, code: int | None) -> None:
        closed.put(code)
        detach(session, link, code)

    def main() -> None:
        defer_call(lambda: results.put("deferred"))
        results.put(eval_js("1"))
        try:
            eval_js("new Promise(() => {})")
        except SessionClosed:
            results.put("closed")

    monkeypatch.setattr(Session, "detach", note)
    live = serve(main, **({} if real_times else {"going_away_window": 0.3, "resume_window": 0.3}))
    tab = chromium.open(live.url)
    assert results.next() == 1
    begun = time.monotonic()
    tab.crash()
    code = closed.next()
    assert code in {1001, None}
    assert {results.next(), results.next()} == {"closed", "deferred"}
    tell(f"crash: closed with {code}, ended after {time.monotonic() - begun:.2f} s")
