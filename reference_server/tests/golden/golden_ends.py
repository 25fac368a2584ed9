"""Recorded conversations: how sessions end (SPEC section 12)."""

from __future__ import annotations

import asyncio
import threading

from golden_handshake import idle
from golden_stage import Stage, conversation

from pagewire_server.session import SessionClosed, eval_js, hold, on_event, run_js


@conversation("ends")
def app_returns(stage: Stage) -> None:
    """With nothing to say; with something unacknowledged; while the client is away."""

    def says() -> None:
        run_js("last words").wait()

    async def coroutine() -> None:
        await run_js("last words")

    stage.serve({"index": lambda: None, "says": says, "coroutine": coroutine})
    stage.connect().read_to_end()
    for app in ("says", "coroutine"):
        client = stage.connect(app=app)
        client.result(client.receive("run_js"))
        client.cut()
        client = stage.reconnect(client)
        client.read_to_end()


@conversation("ends")
def away_while_it_drains(stage: Stage) -> None:
    """END-10: it ends as the app did, once the client was away for too long."""

    def app() -> None:
        run_js("unanswered")
        stage.tell("returns")

    stage.serve(app, resume_window=20)
    client = stage.connect()
    client.receive("run_js")
    stage.told()
    client.receive("cancel")
    client.close(4000)
    stage.advance(19)
    client = stage.reconnect(client)
    client.close(4000)
    stage.advance(21)
    again = stage.reconnect(client, hello=False)
    again.send(again.hello(resume={"last_seq": 2, "streams": []}))
    again.read_to_end()


@conversation("ends")
def app_fails(stage: Stage) -> None:
    """`internal_error`, after what it said was delivered."""

    def thread() -> None:
        run_js("before").wait()
        raise RuntimeError("of the program")

    async def coroutine() -> None:
        await run_js("before")
        on_event("x", stage.tell)
        raise RuntimeError("of the program")

    def at_once() -> None:
        raise SystemExit(3)

    stage.serve({"index": thread, "coroutine": coroutine, "at once": at_once})
    for app in ("index", "coroutine"):
        client = stage.connect(app=app)
        client.result(client.receive("run_js"))
        client.ack()
        client.read_to_end()
    stage.connect(app="at once").read_to_end()


@conversation("ends")
def client_leaves(stage: Stage) -> None:
    """By bye of several codes; whoever waits is told."""

    def app() -> None:
        stage.attempt(lambda: eval_js("asked"))
        stage.attempt(lambda: run_js("too late"))
        hold()
        stage.tell("held no longer")

    stage.serve(app)
    codes = ("client_left", "internal_error", "vendor:x", "client_left")
    for code, retry in zip(codes, ("never", "never", "resume", "resume"), strict=True):
        client = stage.connect()
        client.receive("eval_js")
        client.send({"type": "bye", "params": {"code": code, "message": "ä", "retry": retry, "data": 1}})
        client.emit("not to be heard")
        client.close(1000)
        for _ in range(3):
            stage.told()
        again = stage.reconnect(client, hello=False)
        again.send(again.hello())
        again.read_to_end()


@conversation("ends")
def server_closes(stage: Stage) -> None:
    """Everybody is told: sessions, and who is in the handshake."""

    async def ask() -> None:
        try:
            await eval_js("asked")
        except SessionClosed as closed:
            stage.tell(closed)

    server = stage.serve({"index": idle, "ask": ask})
    clients = [stage.connect(), stage.connect(app="ask"), stage.connect(hello=False)]
    clients[1].receive("eval_js")
    away = stage.connect()
    away.cut()
    stage.settle()
    closing = stage.begin(server.close())
    for client in clients:
        client.read_to_end()
    stage.told()
    closing.result(30)


@conversation("ends")
def session_is_finished_while_the_server_drains(stage: Stage) -> None:
    """Over a resume; then the server closes."""
    go = threading.Event()

    def app() -> None:
        eval_js("first")
        go.wait()
        eval_js("second")

    server = stage.serve(app)
    client = stage.connect()
    client.result(client.receive("eval_js"), value=1)
    draining = stage.begin(server.drain())
    client.receive("notice")
    client.cut()
    stage.advance(5)
    client = stage.reconnect(client)
    client.receive("notice")
    go.set()
    client.result(client.receive("eval_js"), value=2)
    client.ack()
    client.read_to_end()
    draining.result(30)


@conversation("ends")
def drain_window_is_over(stage: Stage) -> None:
    """Who is left is told that the server stops."""
    server = stage.serve(idle, drain_window=60)
    client = stage.connect()
    draining = stage.begin(server.drain())
    stage.advance(60)
    client.read_to_end()
    draining.result(30)


@conversation("ends")
def coroutine_holds(stage: Stage) -> None:
    """What is awaited there comes to an end with the session."""

    async def app() -> None:
        waiting = asyncio.ensure_future(eval_js("asked"))
        await hold()
        try:
            await waiting
        except SessionClosed as closed:
            stage.tell(closed)

    stage.serve(app)
    client = stage.connect()
    client.receive("eval_js")
    client.leave()
    stage.told()
