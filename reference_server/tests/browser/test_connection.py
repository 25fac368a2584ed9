"""What happens to the page and its session when the connection breaks, the user leaves, or the server goes."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import pytest
from live_server import PATIENCE, Serve, live_server
from playwright.sync_api import BrowserContext, Page, expect

from pagewire_server.session import defer_call, download, eval_js, hold, info, local, on_event, run_js

Visit = Callable[..., Page]
Results = SimpleQueue[Any]

SHOW: Final = "document.querySelector('main').textContent = text"


class Line:
    """A TCP line to a server: it can be cut, and led to another server."""

    def __init__(self, server_port: int) -> None:
        self.server_port: int | None = server_port
        """Where connections are led; with None they are closed at once."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, name="line", daemon=True).start()

    @property
    def url(self) -> str:
        """Of the page, by this line."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/"

    def cut(self) -> None:
        """Break every connection, and let no new one through."""
        self.server_port = None
        with self._lock:
            for end in self._ends:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Cut the line for good."""
        self.cut()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.server_port is None:
                client.close()
            else:
                self._join(client, socket.create_connection(("127.0.0.1", self.server_port)))

    def _join(self, client: socket.socket, server: socket.socket) -> None:
        with self._lock:
            self._ends |= {client, server}
        both_done = threading.Barrier(2, action=lambda: self._close_both(client, server))
        for source, target in ((client, server), (server, client)):
            threading.Thread(target=_pump, args=(source, target, both_done), name="pump", daemon=True).start()

    def _close_both(self, client: socket.socket, server: socket.socket) -> None:
        with self._lock:
            self._ends -= {client, server}
        client.close()
        server.close()


def _pump(source: socket.socket, target: socket.socket, both_done: threading.Barrier) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
    both_done.wait()


@pytest.fixture
def lay_line() -> Iterator[Callable[[int], Line]]:
    """Lay a line to the server of a port; it is gone with the test."""
    with ExitStack() as stack:

        def lay(server_port: int) -> Line:
            line = Line(server_port)
            stack.callback(line.close)
            return line

        yield lay


@pytest.fixture
def results() -> Results:
    """What the app of a test found, for the test to see."""
    return SimpleQueue()


def expect_status(page: Page, text: str) -> None:
    """Wait until the page tells its user that, in an element that screen readers read aloud."""
    expect(page.get_by_role("status")).to_have_text(text)


def say_session() -> None:
    """Show the id of the session, and stay."""
    run_js(SHOW, text=info.session_id)
    hold()


def session_of(page: Page) -> str:
    """Return the id that `say_session` shows in a page."""
    main = page.get_by_role("main")
    expect(main).not_to_be_empty()
    return main.inner_text()


# -- breaks ------------------------------------------------------------------------------------


def test_a_value_that_settles_while_the_line_is_cut_arrives_once(
    serve: Serve, context: BrowserContext, lay_line: Callable[[int], Line], results: Results
) -> None:
    """RESUME-1, RESUME-4, CMD-5: the same session goes on, nothing runs twice, nothing is lost."""

    def main() -> None:
        results.put(
            eval_js(
                """new Promise((resolve) => {
                    globalThis.runs = (globalThis.runs ?? 0) + 1;
                    globalThis.settle = () => resolve(`run ${runs}`);
                })"""
            )
        )
        results.put(eval_js("`then ${runs}`"))
        hold()

    port = serve(main).server.port
    line = lay_line(port)
    page = context.new_page()
    page.goto(line.url)
    page.wait_for_function("() => globalThis.settle !== undefined")
    line.cut()
    expect_status(page, "Connection lost. Reconnecting …")
    page.evaluate("settle()")
    assert results.empty()
    line.server_port = port
    assert [results.get(timeout=PATIENCE) for _ in range(2)] == ["run 1", "then 1"]
    expect_status(page, "Connected")
    assert results.empty()


def test_commands_given_and_events_emitted_while_the_line_is_cut_arrive_in_order(
    serve: Serve, context: BrowserContext, lay_line: Callable[[int], Line], results: Results
) -> None:
    """RESUME-4, EVENT-2, DELIVERY-10: both sides keep what the other has not received."""
    is_cut = threading.Event()

    def main() -> None:
        on_event("number", results.put)
        run_js("globalThis.seen = []; globalThis.ready = true")
        assert is_cut.wait(PATIENCE)
        for number in range(100):
            run_js("seen.push(number)", number=number)

    port = serve(main).server.port
    line = lay_line(port)
    page = context.new_page()
    page.goto(line.url)
    page.wait_for_function("() => globalThis.ready")
    line.cut()
    expect_status(page, "Connection lost. Reconnecting …")
    is_cut.set()
    page.evaluate("for (let number = 0; number < 100; number++) pagewire.emit('number', number)")
    assert results.empty()
    line.server_port = port
    page.wait_for_function("() => seen.length === 100")
    assert page.evaluate("seen") == list(range(100))
    assert [results.get(timeout=PATIENCE) for _ in range(100)] == list(range(100))


def test_a_large_download_goes_on_where_the_line_was_cut(
    serve: Serve, context: BrowserContext, lay_line: Callable[[int], Line], results: Results
) -> None:
    """RESUME-2, STREAM-10: and every byte is saved, once."""
    pieces: SimpleQueue[bytes] = SimpleQueue()
    content = [bytes([number]) * 200_000 for number in range(4)]

    def main() -> None:
        saving = download("large.bin", iter(pieces.get, b""))
        while not saving.received:
            eval_js("new Promise(requestAnimationFrame)")
        results.put("under way")
        results.put(saving.wait(PATIENCE))

    port = serve(main, stream_window_bytes=65_536).server.port
    line = lay_line(port)
    page = context.new_page()
    page.goto(line.url)
    pieces.put(content[0])
    assert results.get(timeout=PATIENCE) == "under way"
    line.cut()
    expect_status(page, "Connection lost. Reconnecting …")
    for piece in [*content[1:], b""]:
        pieces.put(piece)
    with page.expect_download() as saved:
        line.server_port = port
    assert Path(saved.value.path()).read_bytes() == b"".join(content)
    assert results.get(timeout=PATIENCE) == 800_000


# -- what the page tells its user --------------------------------------------------------------


def test_the_page_says_how_it_stands_to_its_server(
    serve: Serve, context: BrowserContext, lay_line: Callable[[int], Line]
) -> None:
    """END-13: connecting until the welcome, connected, reconnecting, connected, ended with the reason."""
    is_let_in, is_done = threading.Event(), threading.Event()

    async def let_in(_auth: object, _request: object) -> bool:
        return await asyncio.to_thread(is_let_in.wait, PATIENCE)

    def main() -> None:
        assert is_done.wait(PATIENCE)

    port = serve(main, authenticate=let_in).server.port
    line = lay_line(port)
    page = context.new_page()
    page.goto(line.url)
    expect_status(page, "Connecting …")
    is_let_in.set()
    expect_status(page, "Connected")
    line.cut()
    expect_status(page, "Connection lost. Reconnecting …")
    line.server_port = port
    expect_status(page, "Connected")
    is_done.set()
    expect_status(page, "Session ended: The app is done.")


def test_the_page_says_that_the_app_failed(visit: Visit) -> None:
    """internal_error; what went wrong stands in the server's log alone."""

    def main() -> None:
        raise RuntimeError("a secret")

    expect_status(visit(main), "Session ended: The app failed; the server's log says why.")


def test_the_page_says_that_there_is_no_such_app(serve: Serve, context: BrowserContext) -> None:
    """unknown_app: no other app runs in its place."""
    ran = threading.Event()
    page = context.new_page()
    page.goto(f"{serve(ran.set).url}?app=nowhere")
    expect_status(page, "Session ended: There is no app 'nowhere' here.")
    assert not ran.is_set()


# -- leaving, reloading, tabs ------------------------------------------------------------------


@pytest.mark.parametrize("way", ["close", "navigate"])
def test_leaving_the_page_ends_the_session_at_once(way: str, visit: Visit, results: Results) -> None:
    """END-6, END-8: hold returns and what was deferred runs, long before the resume window is over."""

    def main() -> None:
        defer_call(lambda: results.put("deferred"))
        run_js(SHOW, text="here")
        hold()
        results.put("held")

    page = visit(main, resume_window=1000 * PATIENCE, going_away_window=1000 * PATIENCE)
    expect(page.get_by_role("main")).to_have_text("here")
    if way == "close":
        page.close()
    else:
        page.goto("about:blank")
    assert {results.get(timeout=PATIENCE) for _ in range(2)} == {"deferred", "held"}


def test_a_reload_and_a_return_each_begin_a_new_session(visit: Visit, results: Results) -> None:
    """RESUME-13, END-6: each page load is an instance of its own, and the one before it has ended."""

    def main() -> None:
        session = info.session_id
        defer_call(lambda: results.put(session))
        say_session()

    page = visit(main)
    first = session_of(page)
    page.reload()
    second = session_of(page)
    page.goto("about:blank")
    page.go_back()
    third = session_of(page)
    assert len({first, second, third}) == 3
    assert {results.get(timeout=PATIENCE) for _ in range(2)} == {first, second}
    expect_status(page, "Connected")


def test_two_tabs_are_two_sessions_each_with_its_own_local(serve: Serve, context: BrowserContext) -> None:
    """SEC-3: what one tab's session keeps, the other's does not see."""

    def main() -> None:
        known = local.name
        local.name = eval_js("new URLSearchParams(location.search).get('name')")
        run_js(SHOW, text=f"{known} {local.name}")
        hold()

    live = serve(main)
    for name in ("one", "two"):
        page = context.new_page()
        page.goto(f"{live.url}?name={name}")
        expect(page.get_by_role("main")).to_have_text(f"None {name}")
    assert live.server.session_count == 2


# -- the server goes and comes back ------------------------------------------------------------


def test_the_page_comes_back_with_its_server(context: BrowserContext) -> None:
    """END-3: server_shutdown is told, and the page loads itself again once a server answers on the port."""
    page = context.new_page()
    with live_server(say_session) as live:
        page.goto(live.url)
        first = session_of(page)
        port = live.server.port
    expect_status(page, "Connection lost. Reconnecting …")
    with live_server(say_session, port=port):
        expect(page.get_by_role("main")).not_to_have_text(first)
        expect_status(page, "Connected")
        assert session_of(page) != first


def test_the_page_does_not_load_itself_from_a_server_that_is_about_to_stop(context: BrowserContext) -> None:
    """END-3: it would be left with half of its files; it asks again until the next server is there."""
    is_cleaned_up = threading.Event()

    def main() -> None:
        defer_call(lambda: is_cleaned_up.wait(PATIENCE))
        say_session()

    page = context.new_page()
    with live_server(main) as live:
        page.goto(live.url)
        first = session_of(page)
        port = live.server.port
        stopping = threading.Thread(target=live.stop)
        with page.expect_response(live.url) as refused:
            stopping.start()
        is_cleaned_up.set()
        stopping.join(PATIENCE)
    assert refused.value.status == 503
    with live_server(say_session, port=port):
        expect(page.get_by_role("main")).not_to_have_text(first)
        expect_status(page, "Connected")


def test_a_page_whose_session_is_gone_offers_to_start_again(
    serve: Serve, context: BrowserContext, lay_line: Callable[[int], Line]
) -> None:
    """HELLO-13, END-13: a server that does not know the session makes no new one in silence."""
    line = lay_line(serve(say_session).server.port)
    page = context.new_page()
    page.goto(line.url)
    first = session_of(page)
    line.cut()
    expect_status(page, "Connection lost. Reconnecting …")
    line.server_port = serve(say_session).server.port
    expect(page.get_by_role("status")).to_contain_text("Session ended: ")
    assert session_of(page) == first
    page.get_by_role("button", name="Start again").click()
    expect_status(page, "Connected")
    expect(page.get_by_role("main")).not_to_have_text(first)
