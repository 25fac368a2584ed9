"""Every example on the documentation page of PyWebIO's session module does in Chromium what that page says.

The examples stand here as they stand there, but for the import. Where they call PyWebIO's output functions, those below
take their place; lines that the stored page has lost are filled in.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
import user_agents
from live_server import PATIENCE, Serve
from playwright.sync_api import BrowserContext, Page, expect

from pagewire_server.session import (
    SessionClosed,
    defer_call,
    download,
    eval_js,
    go_app,
    hold,
    local,
    on_event,
    register_thread,
    run_async,
    run_asyncio_coroutine,
    run_js,
    set_env,
)
from pagewire_server.session import info as session_info

Visit = Callable[..., Page]


def put_text(text: object) -> None:
    """Show a text, in the place of PyWebIO's function."""
    run_js(
        """const p = document.createElement("p");
        p.textContent = text;
        document.getElementById("pagewire-output").append(p);""",
        text=str(text),
    )


def put_buttons(labels: list[str], onclick: list[Callable[[], object]]) -> None:
    """Show buttons, each with its callback, in the place of PyWebIO's function."""
    for label, callback in zip(labels, onclick, strict=True):
        on_event(label, lambda _data, callback=callback: callback())
        run_js(
            """const button = document.createElement("button");
            button.textContent = label;
            button.addEventListener("click", () => pagewire.emit(label));
            document.getElementById("pagewire-output").append(button);""",
            label=label,
        )


def put_button(label: str, onclick: Callable[[], object]) -> None:
    """Show one button, in the place of PyWebIO's function."""
    put_buttons([label], [onclick])


def expect_texts(page: Page, *texts: str) -> None:
    """Wait until the page shows these texts, in this order and no others."""
    expect(page.locator("#pagewire-output > p")).to_have_text(list(texts))


# -- download, run_js, eval_js -----------------------------------------------------------------


def test_a_click_downloads_the_file(visit: Visit) -> None:
    """download()."""

    def main() -> None:
        put_button("Click to download", lambda: download("hello-world.txt", b"hello world!"))

    page = visit(main)
    with page.expect_download() as saved:
        page.get_by_text("Click to download").click()
    assert saved.value.suggested_filename == "hello-world.txt"
    assert Path(saved.value.path()).read_bytes() == b"hello world!"


def test_run_js_logs_the_sum_of_its_arguments(visit: Visit, context: BrowserContext) -> None:
    """run_js()."""

    def main() -> None:
        run_js("console.log(a + b)", a=1, b=2)

    with context.expect_console_message() as message:
        visit(main)
    assert (message.value.type, message.value.text) == ("log", "3")


def test_eval_js_gives_the_url_the_functions_value_and_what_the_promise_resolves_to(visit: Visit) -> None:
    """eval_js(): the three expressions, the last one with its semicolon."""

    def main() -> None:
        current_url = eval_js("window.location.href")
        put_text(current_url)

        function_res = eval_js(
            """(function(){
            var a = 1;
            a += b;
            return a;
        })()""",
            b=100,
        )
        put_text(function_res)

        promise_res = eval_js("""new Promise(resolve => {
            setTimeout(() => {
                resolve('Returned inside callback.');
            }, 2000);
        });""")
        put_text(promise_res)

    page = visit(main)
    expect_texts(page, page.url, "101", "Returned inside callback.")


def test_eval_js_is_awaited_in_a_coroutine_and_is_none_where_the_promise_is_rejected(visit: Visit) -> None:
    """eval_js(): "you need to use the await eval_js(expression) syntax"; "when rejected, None is returned"."""

    async def main() -> None:
        put_text(await eval_js("window.location.pathname"))
        put_text(await eval_js("Promise.reject(new Error('no'))"))

    expect_texts(visit(main), "/", "None")


# -- register_thread, defer_call ---------------------------------------------------------------


def test_a_registered_thread_can_write_to_the_page_after_the_app_has_returned(visit: Visit) -> None:
    """register_thread()."""
    has_returned = threading.Event()

    def show_title() -> None:
        assert has_returned.wait(PATIENCE)
        put_text(eval_js("document.title"))

    def main() -> None:
        thread = threading.Thread(target=show_title)
        register_thread(thread)
        thread.start()

    page = visit(main)
    expect(page.get_by_role("status")).to_have_text("Connected")
    has_returned.set()
    expect_texts(page, "Pagewire")


def test_deferred_functions_are_called_in_order_once_the_user_has_closed_the_page(visit: Visit) -> None:
    """defer_call(), by a call and as decorator; interactive functions cannot be called inside."""
    calls: SimpleQueue[str] = SimpleQueue()

    def main() -> None:
        defer_call(lambda: calls.put("first"))

        @defer_call
        def cleanup() -> None:
            try:
                put_text("too late")
            except SessionClosed:
                calls.put("cleanup")

        put_text("ready")
        hold()

    page = visit(main)
    expect_texts(page, "ready")
    assert calls.empty()
    page.close()
    assert [calls.get(timeout=PATIENCE) for _ in range(2)] == ["first", "cleanup"]


def test_deferred_functions_are_called_once_the_task_has_finished(visit: Visit) -> None:
    """defer_call(): "whether it is because the user closes the page or the task finishes"."""
    cleaned_up = threading.Event()

    def main() -> None:
        defer_call(cleaned_up.set)
        put_text("done")

    page = visit(main)
    assert cleaned_up.wait(PATIENCE)
    expect_texts(page, "done")


# -- local -------------------------------------------------------------------------------------


def main_with_local() -> None:
    def add() -> None:
        local.cnt = (local.cnt or 0) + 1

    def show() -> None:
        put_text(local.cnt or 0)

    put_buttons(["Add counter", "Show counter"], [add, show])


def main_with_partial() -> None:
    def add(cnt: list[int]) -> None:
        cnt[0] += 1

    def show(cnt: list[int]) -> None:
        put_text(cnt[0])

    cnt = [0]  # Trick: to pass by reference
    put_buttons(["Add counter", "Show counter"], [partial(add, cnt), partial(show, cnt)])


def main_with_closure() -> None:
    cnt = 0

    def add() -> None:
        nonlocal cnt
        cnt += 1

    def show() -> None:
        put_text(cnt)

    put_buttons(["Add counter", "Show counter"], [add, show])


@pytest.mark.parametrize("main", [main_with_local, main_with_partial, main_with_closure])
def test_the_counter_counts_the_clicks_of_its_own_session(
    main: Callable[[], None], serve: Serve, context: BrowserContext
) -> None:
    """local: the example, and the two other ways that the page gives."""
    url = serve(main).url
    one = context.new_page()
    one.goto(url)
    for label in ("Show counter", "Add counter", "Add counter", "Show counter"):
        one.get_by_text(label).click()
    expect_texts(one, "0", "2")
    other = context.new_page()
    other.goto(url)
    other.get_by_text("Show counter").click()
    expect_texts(other, "0")


def test_local_takes_the_operations_that_the_page_lists(visit: Visit) -> None:
    """local: attributes, items, iteration, `in`, and the dictionary below."""

    def main() -> None:
        local.name = "Wang"
        local.age = 22
        assert local.foo is None
        local[10] = "10"

        for key in local:
            put_text(key)

        assert "bar" not in local
        assert "name" in local

        put_text(local._dict)

    expect_texts(visit(main), "name", "age", "10", "{'name': 'Wang', 'age': 22, 10: '10'}")


# -- set_env, go_app, info ---------------------------------------------------------------------


def test_set_env_sets_the_title_and_ends_the_animation(visit: Visit) -> None:
    """set_env()."""

    def main() -> None:
        set_env(title="Awesome PyWebIO!!", output_animation=False)
        put_text("calm")
        put_text(eval_js("document.querySelector('#pagewire-output > p').getAnimations().length"))

    page = visit(main)
    expect(page).to_have_title("Awesome PyWebIO!!")
    expect_texts(page, "calm", "0")


def test_go_app_opens_the_other_task_in_a_new_window(serve: Serve, context: BrowserContext) -> None:
    """go_app(): the default is a new window."""

    def index() -> None:
        go_app("other")
        put_text("index")

    def other() -> None:
        put_text("other")

    page = context.new_page()
    with page.expect_popup() as opened:
        page.goto(serve({"index": index, "other": other}).url)
    expect_texts(opened.value, "other")
    expect_texts(page, "index")


def test_info_shows_its_eight_attributes_as_json(visit: Visit) -> None:
    """The information of the session, by the example's own code."""

    def main() -> None:
        names = ["user_agent", "user_language", "server_host", "origin", "user_ip", "backend", "protocol", "request"]
        put_text(json.dumps({k: str(getattr(session_info, k)) for k in names}, indent=4))

    page = visit(main)
    shown: dict[str, Any] = json.loads(page.locator("#pagewire-output > p").inner_text())
    origin = page.evaluate("location.origin")
    request = shown.pop("request")
    assert shown == {
        "user_agent": str(user_agents.parse(page.evaluate("navigator.userAgent"))),
        "user_language": page.evaluate("navigator.language"),
        "server_host": origin.removeprefix("http://"),
        "origin": origin,
        "user_ip": "127.0.0.1",
        "backend": "websockets",
        "protocol": "websocket",
    }
    assert "/ws?key=" in request


def test_the_user_agent_has_what_the_user_agents_library_parses(visit: Visit) -> None:
    """info.user_agent: each attribute that the page names."""
    results: SimpleQueue[list[Any]] = SimpleQueue()

    def read(agent: Any) -> list[Any]:
        kinds = (agent.is_mobile, agent.is_tablet, agent.is_pc, agent.is_touch_capable)
        programs = [(part.family, part.version, part.version_string) for part in (agent.browser, agent.os)]
        return [kinds, *programs, (agent.device.family, agent.device.brand, agent.device.model)]

    page = visit(lambda: results.put(read(session_info.user_agent)))
    assert results.get(timeout=PATIENCE) == read(user_agents.parse(page.evaluate("navigator.userAgent")))


# -- run_async, run_asyncio_coroutine, hold ----------------------------------------------------


def test_a_coroutine_runs_beside_the_app_and_its_handler_closes_it(visit: Visit) -> None:
    """run_async() and TaskHandler: interactive functions work in the coroutine."""

    async def main() -> None:
        ready, ended = asyncio.Event(), asyncio.Event()

        async def beside() -> None:
            put_text(await eval_js("'beside'"))
            ready.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        task = run_async(beside())
        await ready.wait()
        put_text(task.closed())
        task.close()
        await ended.wait()
        put_text(task.closed())

    expect_texts(visit(main), "beside", "False", "True")


def test_run_asyncio_coroutine_awaits_what_belongs_to_asyncio(visit: Visit) -> None:
    """run_asyncio_coroutine(): the example, which sleeps for less."""

    async def app() -> None:
        put_text("before")
        await run_asyncio_coroutine(asyncio.sleep(0.01))
        put_text("after")

    expect_texts(visit(app), "before", "after")


def test_hold_keeps_the_session_until_the_user_closes_the_page(visit: Visit) -> None:
    """hold()."""
    has_returned = threading.Event()

    def main() -> None:
        put_text("held")
        hold()
        has_returned.set()

    page = visit(main)
    expect_texts(page, "held")
    expect(page.get_by_role("status")).to_have_text("Connected")
    assert not has_returned.is_set()
    page.close()
    assert has_returned.wait(PATIENCE)
