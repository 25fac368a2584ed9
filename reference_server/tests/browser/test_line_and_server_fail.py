"""What becomes of a page when its line goes silent, its welcome is lost, or the process of its server goes."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from faults import Fault, Kind
from faulty_proxy import faulty_proxy
from live_server import PATIENCE, Serve
from playwright.sync_api import BrowserContext, Page, expect
from results import Results
from server_process import server_process

from pagewire_server.core.session import SessionState
from pagewire_server.session import download, eval_js, hold

CONTENT = bytes(range(256)) * 2000
LOST = "Connection lost. Reconnecting …"

PROGRAM = """
from pagewire_server.session import hold, info, run_js

def main():
    run_js("document.querySelector('main').textContent = text", text=info.session_id)
    hold()
"""

Start = Callable[[int], tuple[subprocess.Popen[str], int]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Run a server of the program as a process, on a port, or on one that it finds; it is killed with the test."""
    (tmp_path / "app.py").write_text(PROGRAM, encoding="utf-8")
    with ExitStack() as stack:
        command = ("run", "app:main", "--drain-window", "0")
        yield lambda port: stack.enter_context(server_process(tmp_path, *command, port=port))


def open_session(context: BrowserContext, port: int) -> tuple[Page, str]:
    """Open the page and return it with the id of its session."""
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{port}/")
    expect(page.get_by_role("main")).not_to_be_empty()
    return page, page.get_by_role("main").inner_text()


def test_lost_welcome_starts_no_second_app(serve: Serve, context: BrowserContext, results: Results) -> None:
    """HELLO-12: the hello that is sent again finds the session."""

    def main() -> None:
        results.put("begun")
        results.put(eval_js("1"))

    lost = Fault(Kind.RESET, before=b'"type":"welcome"')
    with faulty_proxy(serve(main).server.port, [lost]) as proxy:
        page = context.new_page()
        page.goto(proxy.url("http", "/"))
        assert [results.next(), results.next()] == ["begun", 1]
        expect(page.get_by_role("status")).to_have_text("Session ended: The app is done.")
    assert results.empty()
    assert (proxy.total, proxy.connections) == (1, 2)


def test_session_that_ends_while_its_page_is_away_delivers_its_last_file(serve: Serve, context: BrowserContext) -> None:
    """END-10: it drains once the page is back."""
    has_answered, is_away = threading.Event(), threading.Event()

    def main() -> None:
        eval_js("1")
        has_answered.set()
        assert is_away.wait(PATIENCE)
        download("last.bin", CONTENT)

    live = serve(main)
    port = live.server.port
    with faulty_proxy(port) as proxy:
        page = context.new_page()
        page.goto(proxy.url("http", "/"))
        assert has_answered.wait(PATIENCE)
        proxy.lead_to(None)
        proxy.strike(Kind.RESET)
        expect(page.get_by_role("status")).to_have_text(LOST)
        is_away.set()
        live.until(lambda: live.sessions[0]._core.state is SessionState.DRAINING)
        with page.expect_download() as saved:
            proxy.lead_to(port)
        assert Path(saved.value.path()).read_bytes() == CONTENT
        expect(page.get_by_role("status")).to_have_text("Session ended: The app is done.")


def test_page_notices_a_black_hole_by_its_silence_and_resumes(
    serve: Serve, context: BrowserContext, results: Results
) -> None:
    """BEAT-4: no end of the connection reaches it."""

    def main() -> None:
        results.put(eval_js("globalThis.count = 1"))
        hold()

    live = serve(main, heartbeat_interval=1, heartbeat_timeout=1)
    with faulty_proxy(live.server.port) as proxy:
        page = context.new_page()
        page.goto(proxy.url("http", "/"))
        assert results.next() == 1
        first = live.sessions
        proxy.strike(Kind.BLACK_HOLE)
        live.until(lambda: proxy.connections == 2 and not live.is_detached)
        assert live.sessions == first
        expect(page.get_by_role("status")).to_have_text("Connected")


def test_page_of_a_server_that_was_killed_says_so_and_starts_again_when_told(
    start: Start, context: BrowserContext
) -> None:
    """HELLO-13, END-13: the next server, on the same port, makes no new session before the user asks for it."""
    process, port = start(0)
    page, session = open_session(context, port)
    process.kill()
    expect(page.get_by_role("status")).to_have_text(LOST)
    start(port)
    expect(page.get_by_role("status")).to_have_text("Session ended: This session is no longer known to the server.")
    assert page.get_by_role("main").inner_text() == session
    page.get_by_role("button", name="Start again").click()
    expect(page.get_by_role("status")).to_have_text("Connected")
    expect(page.get_by_role("main")).not_to_have_text(session)


def test_page_of_a_server_that_was_stopped_loads_itself_from_the_next(start: Start, context: BrowserContext) -> None:
    """END-3: SIGTERM is told to the page, which runs again without its user."""
    process, port = start(0)
    page, session = open_session(context, port)
    process.send_signal(signal.SIGTERM)
    expect(page.get_by_role("status")).to_have_text(LOST)
    assert process.wait(PATIENCE) == 0
    start(port)
    expect(page.get_by_role("main")).not_to_have_text(session)
    expect(page.get_by_role("status")).to_have_text("Connected")
