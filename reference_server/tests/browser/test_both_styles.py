"""The same program as a `def` and as an `async def` does the same in the page."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from live_server import PATIENCE
from playwright.sync_api import Page, expect

from pagewire_server.apps.running import App
from pagewire_server.session import (
    JavaScriptError,
    SessionClosed,
    defer_call,
    download,
    eval_js,
    go_app,
    hold,
    local,
    on_event,
    run_js,
    set_env,
)

Visit = Callable[..., Page]
log: SimpleQueue[Any] = SimpleQueue()
"""What the programs here tell the tests."""

SHOW = "document.querySelector('main').append(Object.assign(document.createElement('p'), { textContent: text }))"
SHOW_BUTTON = """const button = Object.assign(document.createElement("button"), { textContent: name });
    button.onclick = () => pagewire.emit(name, { at: name });
    document.querySelector("main").append(button);"""


@pytest.fixture(autouse=True)
def _empty_log() -> None:
    """Forget what an earlier test has left."""
    while not log.empty():
        log.get()


def logged(count: int) -> list[Any]:
    """Return the next entries of the log."""
    return [log.get(timeout=PATIENCE) for _ in range(count)]


# -- commands and their values -----------------------------------------------------------------


def measure() -> None:
    """Call each command, blocking."""
    settings = set_env(title="Both").wait()
    run_js(SHOW, text="from run_js").wait()
    log.put(eval_js("new Promise((resolve) => setTimeout(resolve, 1, a + b))", a=1, b=2))
    log.put(eval_js("nowhere"))
    try:
        run_js("throw new RangeError('far')").wait()
    except JavaScriptError as error:
        log.put(str(error))
    try:
        eval_js("new Promise(() => {})", timeout_=0.01)
    except TimeoutError as error:
        log.put(str(error))
    log.put((settings.applied, settings.ignored, local.missing))


async def measure_in_a_coroutine() -> None:
    """Call each command, awaiting."""
    settings = await set_env(title="Both")
    await run_js(SHOW, text="from run_js")
    log.put(await eval_js("new Promise((resolve) => setTimeout(resolve, 1, a + b))", a=1, b=2))
    log.put(await eval_js("nowhere"))
    try:
        await run_js("throw new RangeError('far')")
    except JavaScriptError as error:
        log.put(str(error))
    try:
        await eval_js("new Promise(() => {})", timeout_=0.01)
    except TimeoutError as error:
        log.put(str(error))
    log.put((settings.applied, settings.ignored, local.missing))


@pytest.mark.parametrize("app", [measure, measure_in_a_coroutine])
def test_commands_have_the_same_effects_values_and_errors(app: App, visit: Visit) -> None:
    """run_js, eval_js and set_env; then the session ends, as the app is done."""
    page = visit(app)
    expect(page).to_have_title("Both")
    expect(page.get_by_role("main")).to_have_text("from run_js")
    expect(page.get_by_role("status")).to_have_text("Session ended: The app is done.")
    assert logged(5) == [
        3,
        None,
        "RangeError: far",
        "eval_js() had no value after 0.01 s",
        (["title"], [], None),
    ]


# -- events, local state, downloads ------------------------------------------------------------


def count_clicks() -> None:
    """Count the clicks on a button, and save the count by another."""

    def add(data: Any) -> None:
        local.clicks = (local.clicks or 0) + 1
        run_js(SHOW, text=f"{data['at']} {local.clicks}")

    def save(_data: Any) -> None:
        log.put(download("clicks.txt", b"%d" % local.clicks).wait())

    on_event("add", add)
    on_event("save", save)
    for name in ("add", "save"):
        run_js(SHOW_BUTTON, name=name)


async def count_clicks_in_a_coroutine() -> None:
    """Do the same, with handlers that are coroutines where they wait."""

    def add(data: Any) -> None:
        local.clicks = (local.clicks or 0) + 1
        run_js(SHOW, text=f"{data['at']} {local.clicks}")

    async def save(_data: Any) -> None:
        log.put(await download("clicks.txt", b"%d" % local.clicks))

    on_event("add", add)
    on_event("save", save)
    for name in ("add", "save"):
        run_js(SHOW_BUTTON, name=name)


@pytest.mark.parametrize("app", [count_clicks, count_clicks_in_a_coroutine])
def test_handlers_go_on_after_the_app_has_returned(app: App, visit: Visit) -> None:
    """on_event, local and download: the session is held by its handlers."""
    page = visit(app)
    page.get_by_role("button", name="add").click()
    page.get_by_role("button", name="add").click()
    expect(page.locator("main > p")).to_have_text(["add 1", "add 2"])
    with page.expect_download() as saved:
        page.get_by_role("button", name="save").click()
    assert Path(saved.value.path()).read_bytes() == b"2"
    assert logged(1) == [1]
    expect(page.get_by_role("status")).to_have_text("Connected")


# -- the end -----------------------------------------------------------------------------------


def stay() -> None:
    """Wait for the user to leave."""
    defer_call(lambda: log.put("deferred"))
    run_js(SHOW, text="here")
    pending = run_js("await new Promise(() => {})")
    hold()
    try:
        pending.wait()
    except SessionClosed:
        log.put("pending closed")
    try:
        eval_js("1")
    except SessionClosed:
        log.put("later closed")


async def stay_in_a_coroutine() -> None:
    """Do the same."""

    async def deferred() -> None:
        log.put("deferred")

    defer_call(deferred)
    run_js(SHOW, text="here")
    pending = run_js("await new Promise(() => {})")
    await hold()
    try:
        await pending
    except SessionClosed:
        log.put("pending closed")
    try:
        await eval_js("1")
    except SessionClosed:
        log.put("later closed")


@pytest.mark.parametrize("app", [stay, stay_in_a_coroutine])
def test_hold_returns_and_deferred_functions_run_once_the_user_has_left(app: App, visit: Visit) -> None:
    """hold, defer_call, and SessionClosed for calls under way and later ones."""
    page = visit(app)
    expect(page.get_by_role("main")).to_have_text("here")
    page.goto("about:blank")
    entries = logged(3)
    assert sorted(entries) == ["deferred", "later closed", "pending closed"]
    assert entries.index("pending closed") < entries.index("later closed")


# -- other apps --------------------------------------------------------------------------------


@pytest.mark.parametrize("is_coroutine", [False, True], ids=["def", "async def"])
def test_go_app_leads_from_one_app_to_the_other(is_coroutine: bool, visit: Visit) -> None:
    """go_app: an unknown name is an error at once, the other app runs in the same window."""
    arrived = threading.Event()

    def index() -> None:
        with pytest.raises(ValueError, match="there is no app 'nowhere' on this server; it has index, other"):
            go_app("nowhere")
        go_app("other", new_window=False)

    async def index_in_a_coroutine() -> None:
        index()

    def other() -> None:
        run_js(SHOW, text="other")
        arrived.set()

    async def other_in_a_coroutine() -> None:
        other()

    apps = {"index": index_in_a_coroutine, "other": other_in_a_coroutine} if is_coroutine else None
    page = visit(apps or {"index": index, "other": other})
    assert arrived.wait(PATIENCE)
    expect(page.get_by_role("main")).to_have_text("other")
    expect(page).to_have_url(page.evaluate("`${location.origin}/?app=other`"))
