"""What belongs to a session: info, local, deferred calls, hold, threads, tasks, events; and how long it lives."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
from typing import Any

import pytest
from live_server import PATIENCE, Serve
from results import Results
from scripted_client import Connect, scripted_client

from pagewire_protocol.handshake_messages import PageInfo
from pagewire_server.apps.info import SessionInfo, make_info
from pagewire_server.session import (
    SessionClosed,
    SessionNotFound,
    TaskHandler,
    defer_call,
    eval_js,
    hold,
    info,
    local,
    on_event,
    register_thread,
    run_async,
    run_asyncio_coroutine,
    run_js,
)
from pagewire_server.web.requests import Request

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)


# -- info ------------------------------------------------------------------------------------------


def test_info_has_every_attribute_of_the_model(serve: Serve, results: Results) -> None:
    """From the hello and the request of the first connection."""

    def app() -> None:
        agent = info.user_agent
        results.put((agent.is_mobile, agent.is_tablet, agent.is_pc, agent.is_touch_capable, agent.is_bot))
        results.put((agent.browser.family, agent.browser.version, agent.browser.version_string))
        results.put((agent.os.family, agent.os.version_string, agent.device.family, agent.device.brand))
        results.put((info.user_language, info.languages, info.timezone, info.url, info.query, info.app))
        results.put((info.server_host, info.origin, info.user_ip, info.backend, info.protocol, info.request.path))
        results.put(info.session_id)
        results.put(json.loads(str(info)))

    live = serve({"shop": app}, allowed_origins=frozenset({"https://shop.example"}))
    page = {
        "url": "https://shop.example/x?app=shop&a=1&a=2",
        "language": "zh-CN",
        "languages": ["zh-CN", "en"],
        "timezone": "Asia/Shanghai",
    }
    with scripted_client(live.socket_url, origin="https://shop.example", user_agent_header=IPHONE) as client:
        welcome = client.say_hello(page=page, app="shop")
        assert results.next() == (True, False, False, True, False)
        assert results.next() == ("Mobile Safari", (17, 5), "17.5")
        assert results.next() == ("iOS", "17.5", "iPhone", "Apple")
        query = {"app": "shop", "a": "2"}
        assert results.next() == ("zh-CN", ("zh-CN", "en"), "Asia/Shanghai", page["url"], query, "shop")
        host = f"127.0.0.1:{live.server.port}"
        assert results.next() == (host, "https://shop.example", "127.0.0.1", "websockets", "websocket", "/ws?key=test")
        assert results.next() == welcome["session"]
        assert results.next()["query"] == query


HEAD = Request("/ws", (("User-Agent", IPHONE), ("Host", "a.example")), "192.0.2.1", None)
PAGE = PageInfo(url="https://shop.example/x?a=1&a=2&b=")


def info_of(head: Request, page: PageInfo = PAGE) -> SessionInfo:
    """Return the info of a session that begins with that request."""
    return make_info(page, "index", head, "s-1", backend="tests", trusted_proxies=())


def test_user_agent_and_query_are_parsed_when_they_are_first_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens sessions must not hold up the event loop by what takes long to parse."""
    parsed: list[str] = []

    def parse(text: str, **_settings: bool) -> dict[str, list[str]]:
        parsed.append(text)
        return {}

    monkeypatch.setattr("pagewire_server.apps.info.parse_user_agent", parse)
    monkeypatch.setattr("pagewire_server.apps.info.parse_qs", parse)
    known = info_of(HEAD)
    assert parsed == []
    assert known.user_agent is known.user_agent
    assert known.query is known.query
    assert parsed == [IPHONE, "a=1&a=2&b="]


def test_user_agent_is_cut_before_it_is_parsed() -> None:
    """Its parser takes longer than the text is long; browsers send less than 512 characters."""
    known = info_of(Request("/ws", (("User-Agent", IPHONE + " x" * 4000),), "192.0.2.1", None))
    assert known.user_agent.ua_string == (IPHONE + " x" * 4000)[:512]
    assert known.user_agent.browser.family == "Mobile Safari"


def test_info_is_a_value() -> None:
    """It is compared by what is known, whether that has been parsed or not, and can be pickled."""
    known = info_of(HEAD)
    assert known.query == {"a": "2", "b": ""}
    assert known.user_agent.is_mobile
    assert known == info_of(HEAD)
    assert known != info_of(Request("/ws", (), "192.0.2.1", None))
    again = pickle.loads(pickle.dumps(known))  # noqa: S301 - our own
    assert again == known
    assert str(again) == str(known)
    assert "iPhone" in repr(known)
    with pytest.raises(AttributeError):
        known.app = "other"  # type: ignore[misc]  # that is the point


def test_dir_of_info_names_what_it_prints(serve: Serve, connect: Connect, results: Results) -> None:
    """Editors and notebooks offer these names."""

    def app() -> None:
        results.put((sorted(json.loads(str(info))), dir(info)))

    connect(serve(app))
    printed, offered = results.next()
    assert printed == offered


def test_info_without_a_page_falls_back_to_the_headers(serve: Serve, results: Results) -> None:
    """The language is the request's; what is unknown is empty."""

    def app() -> None:
        results.put((info.user_language, info.languages, info.timezone, info.url, info.query, info.origin))

    live = serve(app)
    with scripted_client(live.socket_url, additional_headers={"Accept-Language": "de-CH;q=0.9, en"}) as client:
        client.say_hello()
        assert results.next() == ("de-CH", (), "", "", {}, "")


@pytest.mark.parametrize(
    ("trusted", "forwarded", "address"),
    [
        ((), "203.0.113.7", "127.0.0.1"),
        (("127.0.0.1",), "203.0.113.7", "203.0.113.7"),
        (("127.0.0.0/8",), "6.6.6.6, 203.0.113.7", "203.0.113.7"),
        (("127.0.0.1", "10.0.0.0/8"), "203.0.113.7, 10.1.2.3", "203.0.113.7"),
        (("127.0.0.1",), "203.0.113.7:5000", "203.0.113.7"),
    ],
)
def test_forwarded_address_is_believed_from_trusted_proxies_only(
    serve: Serve, results: Results, trusted: tuple[str, ...], forwarded: str, address: str
) -> None:
    """The last address that no trusted proxy has; what stands before it anybody may have written."""

    def app() -> None:
        results.put(info.user_ip)

    live = serve(app, trusted_proxies=trusted)
    with scripted_client(live.socket_url, additional_headers={"X-Forwarded-For": forwarded}) as client:
        client.say_hello()
        assert results.next() == address


# -- local -----------------------------------------------------------------------------------------


def test_local_is_a_dictionary_by_attribute_and_item(serve: Serve, connect: Connect, results: Results) -> None:
    """As on PyWebIO's page; what is missing is None."""

    def app() -> None:
        local.name = "Wang"
        local.age = 22
        local[10] = "10"
        results.put((local.foo, local["bar"], local[10], "name" in local, "bar" in local, list(local)))
        del local.age
        del local["nothing"]
        results.put((local._dict, len(local), repr(local)))

    connect(serve(app))
    assert results.next() == (None, None, "10", True, False, ["name", "age", 10])
    left = {"name": "Wang", 10: "10"}
    assert results.next() == (left, 2, f"SessionLocal({left!r})")


def test_local_is_never_shared_between_sessions(serve: Serve, connect: Connect, results: Results) -> None:
    """Two sessions of one app at the same time."""
    both = threading.Barrier(2)

    def app() -> None:
        local.mine = info.session_id
        both.wait(PATIENCE)
        results.put(local.mine == info.session_id)

    live = serve(app)
    connect(live)
    connect(live)
    assert [results.next(), results.next()] == [True, True]


# -- the end -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["return", "raise", "leave", "shutdown"])
def test_deferred_functions_are_called_in_order_however_the_session_ends(
    serve: Serve, connect: Connect, results: Results, how: str
) -> None:
    """Plain and async; a failure is logged and the next is called; commands raise; info and local are there."""

    def app() -> None:
        local.name = "x"

        @defer_call
        def first() -> None:
            results.put(("first", local.name, info.app))
            with pytest.raises(SessionClosed):
                run_js("1")

        defer_call(lambda: 1 / 0)

        async def last() -> None:
            results.put(("last", local.name, info.app))

        defer_call(last)
        if how == "raise":
            raise RuntimeError("the app failed")
        if how != "return":
            results.put("held")
            hold()
            results.put("released")

    live = serve(app)
    client = connect(live)
    if how in {"leave", "shutdown"}:
        assert results.next() == "held"
        if how == "leave":
            client.leave()
        else:
            live.stop()
        got = {results.next() for _ in range(3)}
        assert got == {"released", ("first", "x", "index"), ("last", "x", "index")}
    else:
        assert results.next() == ("first", "x", "index")
        assert results.next() == ("last", "x", "index")
        assert client.receive_bye() == (("session_ended", 1000) if how == "return" else ("internal_error", 4500))


def test_hold_is_awaited_in_a_coroutine(serve: Serve, connect: Connect, results: Results) -> None:
    """It returns when the user leaves."""

    async def app() -> None:
        results.put("held")
        await hold()
        results.put("released")

    client = connect(serve(app))
    assert results.next() == "held"
    client.leave()
    assert results.next() == "released"


def test_coroutine_that_does_not_notice_the_end_is_cancelled(
    serve: Serve, connect: Connect, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for something else is given its grace, then cancelled."""
    monkeypatch.setattr("pagewire_server.apps.runner.TASK_GRACE", 0.01)

    async def app() -> None:
        results.put("waiting")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            results.put("cancelled")
            raise

    client = connect(serve(app))
    assert results.next() == "waiting"
    client.leave()
    assert results.next() == "cancelled"


# -- threads and tasks -------------------------------------------------------------------------------


def test_registered_thread_has_the_session_and_keeps_it(serve: Serve, connect: Connect, results: Results) -> None:
    """The session ends when its last registered thread has; one may be registered after its start."""
    go_on = threading.Event()

    def work() -> None:
        go_on.wait(PATIENCE)
        results.put(eval_js("1"))

    def app() -> None:
        early, late = threading.Thread(target=work), threading.Thread(target=work)
        register_thread(early)
        early.start()
        late.start()
        register_thread(late)
        go_on.set()

    client = connect(serve(app))
    for value in (1, 2):
        client.result(client.receive("eval_js"), value=value)
    assert {results.next(), results.next()} == {1, 2}
    client.ack()
    assert client.receive_bye() == ("session_ended", 1000)


def test_thread_without_a_session_is_told_what_to_do(serve: Serve, connect: Connect, results: Results) -> None:
    """SessionNotFound, in a thread that was not registered and outside of any app."""

    def work() -> None:
        try:
            run_js("1")
        except SessionNotFound as error:
            results.put(str(error))

    def app() -> None:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    connect(serve(app))
    assert "register_thread()" in results.next()
    with pytest.raises(SessionNotFound):
        _ = info.user_ip


def test_run_async_runs_beside_the_app(serve: Serve, connect: Connect, results: Results) -> None:
    """The session does not end before it; close() cancels it."""
    handlers: list[TaskHandler] = []

    async def ask() -> None:
        results.put(await eval_js("1"))

    async def wait() -> None:
        await asyncio.Event().wait()

    async def app() -> None:
        handlers.append(run_async(ask()))
        endless = run_async(wait())
        results.put(endless.closed())
        endless.close()
        results.put(await run_asyncio_coroutine(asyncio.sleep(0, "slept")))
        results.put(endless.closed())

    client = connect(serve(app))
    client.result(client.receive("eval_js"), value=1)
    assert [results.next() for _ in range(4)] == [False, "slept", True, 1]
    client.ack()
    assert client.receive_bye() == ("session_ended", 1000)
    assert handlers[0].closed()


def test_exception_arrives_through_run_asyncio_coroutine(serve: Serve, connect: Connect, results: Results) -> None:
    """As if it was awaited by itself."""

    async def fail() -> None:
        raise KeyError("x")

    async def app() -> None:
        try:
            await run_asyncio_coroutine(fail())
        except KeyError as error:
            results.put(error.args)

    connect(serve(app))
    assert results.next() == ("x",)


def test_each_style_refuses_what_is_the_others(serve: Serve, connect: Connect, results: Results) -> None:
    """register_thread is for plain functions, run_async for coroutines."""

    async def nothing() -> None:
        """Do nothing."""

    def app() -> None:
        with pytest.raises(RuntimeError, match="run_async"):
            run_async(nothing())
        results.put("plain")

    async def async_app() -> None:
        with pytest.raises(RuntimeError, match="register_thread"):
            register_thread(threading.Thread())
        results.put("coroutine")

    live = serve({"index": app, "other": async_app})
    connect(live)
    connect(live, app="other")
    assert {results.next(), results.next()} == {"plain", "coroutine"}


# -- events ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_async", [False, True])
def test_events_reach_their_handlers_in_order_and_hold_the_session(
    serve: Serve, connect: Connect, results: Results, *, is_async: bool
) -> None:
    """Several handlers of one name, plain and async; one that fails is logged; the app may return."""

    def register() -> None:
        on_event("a", lambda data: results.put(("a1", data)))

        @on_event("a")
        def second(data: Any) -> None:
            results.put(("a2", data))
            if data == 1:
                raise ValueError("a handler failed")

        @on_event("ask")
        async def ask(data: Any) -> None:
            results.put(("answer", data, await eval_js("1")))

    def app() -> None:
        register()

    async def async_app() -> None:
        register()

    client = connect(serve(async_app if is_async else app))
    for name, data in (("a", 1), ("nobody", 0), ("a", {"k": None})):
        client.emit(name, data)
    expected = [("a1", 1), ("a2", 1), ("a1", {"k": None}), ("a2", {"k": None})]
    assert [results.next() for _ in range(4)] == expected
    client.emit("ask", "now")
    client.result(client.receive("eval_js"), value=5)
    assert results.next() == ("answer", "now", 5)


def test_plain_handler_of_a_thread_may_block(serve: Serve, connect: Connect, results: Results) -> None:
    """It is called in a thread, with the session in it; the next event waits for it."""

    def app() -> None:
        on_event("ask", lambda data: results.put(eval_js("n", n=data)))

    client = connect(serve(app))
    client.emit("ask", 1)
    client.emit("ask", 2)
    for value in (1, 2):
        command = client.receive("eval_js")
        assert command["params"]["args"] == {"n": value}
        client.result(command, value=value)
        assert results.next() == value
