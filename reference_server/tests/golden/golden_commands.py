"""Recorded conversations: commands, replies and events."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import Any, Final

from golden_stage import Stage, conversation

from pagewire_server.session import (
    defer_call,
    download,
    eval_js,
    go_app,
    hold,
    info,
    local,
    on_event,
    register_thread,
    run_async,
    run_js,
    set_env,
)

ODD_VALUES: Final[dict[str, Any]] = {
    "text": 'ä \U0001f600 \u2028 \u0000 \x7f " \\ / </script>',
    "lone": "a\ud800b\udfff",
    "lone_key": {"\ud83d": "\ude00"},
    "floats": [-0.0, 1.0, 1e22, 1e-7, 0.1 + 0.2, 5e-324, 1.7976931348623157e308],
    "integers": [0, 9007199254740991, -9007199254740991],
    "nested": {"a": [{"b": [[], {}, None, True, False]}], "": {"": ""}},
    "pair": (1, (2, "x")),
    "deep": [[[[[[[[[[[[[[[[[[[["end"]]]]]]]]]]]]]]]]]]]],
    "__proto__": 1,
    "ünï": 1,
    "$": 1,
}
_VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1.5,
    1e300,
    "ä \U0001f600 \u2028",
    [],
    {"a": {"b": [1, "2", None]}},
    9007199254740993,
    "x" * 70_000,
)
_SETTINGS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"title": "ä \U0001f600"},
    {"title": "\ud800"},
    {"output_animation": False, "auto_scroll_bottom": True, "input_auto_focus": False},
    {"http_pull_interval": 1, "input_panel_fixed": True, "input_panel_min_height": 76, "input_panel_init_height": 176},
    {"output_max_width": "12.5%"},
    {"input_panel_min_height": 75},
    {"title": 5},
    {"other": 1},
)


@conversation("commands")
def all_in_a_thread(stage: Stage) -> None:
    """The five, one after the other."""

    def app() -> None:
        for code in ("f()", "", "await x // ä"):
            stage.attempt(run_js(code, **ODD_VALUES).wait)
        for expression in ("1 + 1", "[1, 2] ;", "x"):
            stage.attempt(partial(eval_js, expression, **ODD_VALUES))
        for settings in _SETTINGS:
            stage.attempt(partial(_set_up, settings))
        stage.attempt(lambda: go_app("other").wait())
        stage.attempt(lambda: go_app("index", new_window=False).wait())
        stage.attempt(lambda: go_app("nowhere"))
        stage.attempt(lambda: download("a.txt", b"content").wait())

    stage.serve({"index": app, "other": app})
    _answer_all(stage)


def _set_up(settings: dict[str, Any]) -> object:
    return set_env(**settings).wait()


def _run(code: str) -> None:
    run_js(code)


@conversation("commands")
def all_in_a_coroutine(stage: Stage) -> None:
    """The same, awaited."""

    async def app() -> None:
        for code in ("f()", "", "await x // ä"):
            await run_js(code, **ODD_VALUES)
            stage.tell("has run")
        for expression in ("1 + 1", "[1, 2] ;", "x"):
            stage.tell(await eval_js(expression, **ODD_VALUES))
        for settings in _SETTINGS:
            try:
                stage.tell(await set_env(**settings))
            except (TypeError, ValueError) as error:
                stage.tell(error)
        await go_app("other")
        stage.tell("has gone")
        await go_app("index", new_window=False)
        stage.tell("has gone")
        try:
            go_app("nowhere")
        except ValueError as error:
            stage.tell(error)
        stage.tell(await download("a.txt", b"content"))

    stage.serve({"index": app, "other": app})
    _answer_all(stage)


def _answer_all(stage: Stage) -> None:
    client = stage.connect()
    for _ in range(3):
        client.result(client.receive("run_js"))
        stage.told()
    for value in (4, "\U0001f600", None):
        client.result(client.receive("eval_js"), value=value)
        stage.told()
    for _ in _SETTINGS[:6]:
        command = client.receive("set_env")
        names = sorted(command["params"])
        client.result(command, applied=names[:1], ignored=names[1:])
        stage.told()
    for _ in _SETTINGS[6:]:
        stage.told()
    for _ in range(2):
        client.result(client.receive("go_app"))
        stage.told()
    stage.told()
    client.result(client.receive("download"), bytes=7)
    stage.told()
    client.ack()
    client.read_to_end()


@conversation("commands")
def values(stage: Stage) -> None:
    """Of all kinds, to the program."""

    def app() -> None:
        for index, _ in enumerate(_VALUES):
            stage.attempt(partial(eval_js, "value", index=index))
        hold()

    stage.serve(app)
    client = stage.connect()
    for value in _VALUES:
        client.result(client.receive("eval_js"), value=value)
        stage.told()
    client.ack()


@conversation("commands")
def arguments_that_cannot_travel(stage: Stage) -> None:
    """Nothing is sent of them."""
    endless: list[Any] = []
    endless.append(endless)
    too_deep: Any = 1
    for _ in range(129):
        too_deep = [too_deep]

    def app() -> None:
        for value in (2**53, float("nan"), float("inf"), {1: 2}, {"a": [object]}, b"bytes", endless, too_deep):
            stage.attempt(partial(eval_js, "x", value=value))
        for name in ("a b", "1a", "await", "a=alert", "", "ä-"):
            stage.attempt(partial(run_js, "x", **{name: 1}))
        run_js("after")
        stage.tell("done")
        hold()

    stage.serve(app)
    client = stage.connect()
    while stage.told() != "done":
        pass
    client.receive("run_js")


@conversation("commands")
def too_large_for_the_client(stage: Stage) -> None:
    """WIRE-24: by one byte, with the digits of `seq` counted as 16."""

    def app() -> None:
        for size in (65_422, 65_423, 65_450, 65_451, 65_452, 65_460, 65_500, 70_000):
            stage.attempt(partial(_run, "x" * size))
        stage.tell("done")
        hold()

    stage.serve(app)
    client = stage.connect(limits={"max_message_bytes": 65536})
    while stage.told() != "done":
        pass
    client.emit("fence")
    client.receive()
    client.receive()


@conversation("commands")
def errors(stage: Stage) -> None:
    """What they become in the program."""

    def app() -> None:
        for _ in _ERRORS:
            stage.attempt(partial(eval_js, "f()", on_error_="raise"))
            stage.attempt(partial(eval_js, "f()"))
            stage.attempt(run_js("f()").wait)
        hold()

    stage.serve(app)
    client = stage.connect()
    for code, message, more in _ERRORS:
        for _ in range(3):
            client.error(client.receive(), code, message, **more)
            stage.told()
    client.ack()


_ERRORS: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("exception", "Error: x", {"exception": {"name": "Error", "message": "x", "stack": "Error: x\n  at y"}}),
    ("exception", "string: ", {"exception": {"name": "string", "message": ""}, "data": [1]}),
    ("exception", "no exception in it", {}),
    ("not_serializable", "a bigint", {}),
    ("cancelled", "nobody cancelled it", {}),
    ("vendor:code", "ä", {"data": {"a": None}}),
    ("a_later_code", "", {}),
)


@conversation("commands")
def in_any_order(stage: Stage) -> None:
    """Replies come as commands finish."""

    async def app() -> None:
        calls = [run_js(f"await {number}") for number in range(4)]
        tasks = [asyncio.ensure_future(eval_js(f"{number}")) for number in range(4)]
        stage.tell([await task for task in tasks])
        for call in calls:
            await call
            stage.tell(call.done())

    stage.serve(app)
    client = stage.connect()
    commands = [client.receive() for _ in range(8)]
    for command in reversed(commands):
        if command["type"] == "eval_js":
            client.result(command, value=command["id"])
        else:
            client.result(command)
    for _ in range(5):
        stage.told()
    client.ack()
    client.read_to_end()


@conversation("commands")
def timeout_in_a_thread(stage: Stage) -> None:
    """The page is told by cancel; whichever reply then comes is taken."""

    def app() -> None:
        stage.attempt(partial(eval_js, "slow", timeout_=1))
        stage.attempt(partial(eval_js, "quick", timeout_=1000))
        hold()

    stage.serve(app)
    client = stage.connect()
    slow = client.receive("eval_js")
    stage.told()
    client.receive("cancel")
    client.result(client.receive("eval_js"), value="in time")
    stage.told()
    client.result(slow, value="too late")
    client.ack()


@conversation("commands")
def timeout_in_a_coroutine(stage: Stage) -> None:
    """By the loop's clock; late replies of both kinds, and one that came in time."""

    async def app() -> None:
        for timeout in (1.5, 2, 3):
            try:
                stage.tell(await eval_js("slow", timeout_=timeout))
            except TimeoutError as error:
                stage.tell(error)
        run_js("after")
        await hold()

    stage.serve(app)
    client = stage.connect()
    first = client.receive("eval_js")
    stage.advance(1.5)
    stage.told()
    client.receive("cancel")
    second = client.receive("eval_js")
    client.error(first, "cancelled")
    stage.advance(2)
    stage.told()
    client.receive("ack")
    client.receive("cancel")
    client.result(second, value="too late")
    client.result(client.receive("eval_js"), value="in time")
    stage.told()
    client.receive("run_js")
    client.ack()


@conversation("commands")
def cancelled_task(stage: Stage) -> None:
    """A coroutine of the program that is cancelled gives its eval up."""

    async def app() -> None:
        handler = run_async(_ask(stage))
        await eval_js("wait")
        handler.close()
        run_js("after")
        await hold()

    stage.serve(app)
    client = stage.connect()
    commands = [client.receive("eval_js"), client.receive("eval_js")]
    wait = next(command for command in commands if command["params"]["expression"] == "wait")
    client.result(wait, value=None)
    stage.told()
    client.receive()
    client.receive()


async def _ask(stage: Stage) -> None:
    try:
        await eval_js("asked")
    except asyncio.CancelledError as error:
        stage.tell(repr(error))
        raise


@conversation("commands")
def withdrawn_behind_a_full_window(stage: Stage) -> None:
    """What was not written is not cancelled: it leaves no trace but its id."""

    def app() -> None:
        run_js("fills the window")
        stage.attempt(partial(eval_js, "never written", timeout_=0.001))
        run_js("after")
        stage.tell("queued")
        hold()

    stage.serve(app, window_bytes=1)
    client = stage.connect()
    client.receive("run_js")
    stage.told()
    stage.told()
    client.ack()
    client.receive("run_js")


@conversation("commands")
def withdrawn_while_away(stage: Stage) -> None:
    """And so without a connection."""
    go = threading.Event()

    def app() -> None:
        run_js("first")
        go.wait()
        stage.attempt(partial(eval_js, "never written", timeout_=0))
        run_js("second")
        stage.tell("queued")
        hold()

    stage.serve(app)
    client = stage.connect()
    client.receive("run_js")
    client.close(4000)
    stage.settle()
    go.set()
    stage.told()
    stage.told()
    again = stage.reconnect(client)
    again.receive("run_js")


@conversation("commands")
def unanswered_at_the_end(stage: Stage) -> None:
    """END-10: what may wait is cancelled, what can't is waited for."""

    def app() -> None:
        run_js("waits")
        set_env(title="x")
        stage.tell("returns")

    stage.serve(app)
    client = stage.connect()
    run, settings = client.receive("run_js"), client.receive("set_env")
    stage.told()
    client.receive("cancel")
    client.error(run, "cancelled")
    client.result(settings, applied=["title"], ignored=[])
    client.ack(2)
    client.ack(3)
    client.read_to_end()


@conversation("commands")
def deferred_calls(stage: Stage) -> None:
    """Called at the end, in order; commands raise there."""

    def app() -> None:
        local.number = 5
        defer_call(lambda: stage.tell(("plain", local.number, info.user_language)))
        defer_call(lambda: stage.attempt(lambda: run_js("too late")))

        async def last() -> None:
            stage.tell("coroutine")

        defer_call(last)
        eval_js("1")

    stage.serve(app)
    client = stage.connect(page={"language": "fr"})
    client.result(client.receive(), value=1)
    client.ack()
    client.read_to_end()
    for _ in range(3):
        stage.told()


@conversation("commands")
def other_threads_and_tasks(stage: Stage) -> None:
    """The session ends with the last one."""

    def app() -> None:
        thread = threading.Thread(target=lambda: stage.tell(eval_js("thread")))
        register_thread(thread)
        thread.start()

    async def coroutine() -> None:
        run_async(_tell_value(stage))

    stage.serve({"index": app, "coroutine": coroutine})
    for name in ("index", "coroutine"):
        client = stage.connect(app=name)
        client.result(client.receive("eval_js"), value=name)
        stage.told()
        client.ack()
        client.read_to_end()


async def _tell_value(stage: Stage) -> None:
    stage.tell(await eval_js("task"))


@conversation("commands")
def events(stage: Stage) -> None:
    """Handlers of both kinds, in both kinds of app; one that commands, and one that fails."""

    def app() -> None:
        @on_event("x")
        def handle(data: object) -> None:
            stage.tell(("thread", data))

        @on_event("ask")
        def ask(data: Any) -> None:
            stage.tell(eval_js("asked", data=data))

        @on_event("fail")
        def fail(_data: object) -> None:
            raise RuntimeError("of the program")

        stage.tell("listens")

    async def coroutine() -> None:
        @on_event("x")
        def handle(data: object) -> None:
            stage.tell(("loop", data))

        @on_event("ask")
        async def ask(data: Any) -> None:
            stage.tell(await eval_js("asked", data=data))

        on_event("fail", fail_soon)
        stage.tell("listens")

    stage.serve({"index": app, "coroutine": coroutine})
    for name in ("index", "coroutine"):
        client = stage.connect(app=name)
        stage.told()
        client.emit("nobody listens", {"a": 1})
        for data in _VALUES:
            client.emit("fail", data)
            client.emit("x", data)
            stage.told()
        client.emit("ask", "ä")
        client.result(client.receive("eval_js"), value=[])
        stage.told()
        client.leave()


async def fail_soon(_data: object) -> None:
    """Fail as a coroutine."""
    raise RuntimeError("of the program")


@conversation("commands")
def too_many_events(stage: Stage) -> None:
    """The session ends where handlers do not keep up."""
    go = threading.Event()

    def app() -> None:
        def handle(_data: object) -> None:
            stage.tell("handles")
            go.wait()

        on_event("x", handle)
        stage.tell("listens")
        hold()

    stage.serve(app, max_waiting_events=2)
    client = stage.connect()
    stage.told()
    client.emit("x")
    stage.told()
    for _ in range(3):
        client.emit("x")
    client.read_to_end()
    go.set()
