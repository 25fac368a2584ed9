"""The server's own code fails in the middle of a session: its page is told and let go, the log says why."""

from __future__ import annotations

import gc
import json
import threading
from contextlib import suppress
from typing import Any

import pytest
from live_server import PATIENCE, Serve
from results import Results
from scripted_client import Connect, Message, ScriptedClient, make_hello
from websockets.exceptions import ConnectionClosed

from pagewire_server import session as session_api
from pagewire_server.apps import events
from pagewire_server.apps.commands import Outcome
from pagewire_server.apps.room import Room
from pagewire_server.apps.session import Session
from pagewire_server.backends.default.websocket import DefaultWebSocket
from pagewire_server.core.delivery import Inbox, Outbox
from pagewire_server.core.session import SessionCore
from pagewire_server.core.streams import OutgoingStream, OutgoingStreams
from pagewire_server.ops.draining import Draining
from pagewire_server.ops.metrics import Metrics
from pagewire_server.session import SessionClosed, download, eval_js, hold
from pagewire_server.transports.websocket import WebSocketConnection

FAILED = ("internal_error", 4500)


class PlantedError(Exception):
    """A bug of ours."""


def plant_once(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
    """Have a method, or a function of a module, fail the next time that it is called."""
    original = getattr(owner, name)
    has_failed = threading.Event()

    def fail_once(*arguments: Any, **settings: Any) -> Any:
        if has_failed.is_set():
            return original(*arguments, **settings)
        has_failed.set()
        raise PlantedError(name)

    monkeypatch.setattr(owner, name, fail_once)


A_FEW_BYTES = b"a few bytes"
AFTER_THEM = "'the few bytes have come'"


def answer_until_closed(client: ScriptedClient) -> None:
    """Answer every command and cancel, and acknowledge all that comes, until the connection is closed.

    `AFTER_THEM` is answered once the few bytes have come: the server has flushed them by then.
    """
    answered = set()
    later: list[Message] = []
    has_few_bytes = False
    with suppress(ConnectionClosed):
        while True:
            if has_few_bytes and later:
                client.result(later.pop(), value=1)
            frame = client.connection.recv(PATIENCE)
            if isinstance(frame, bytes):
                has_few_bytes |= frame[16:] == A_FEW_BYTES
                id_, offset = int.from_bytes(frame[:8], "big"), int.from_bytes(frame[8:16], "big")
                if len(frame) == 16:
                    answered.add(id_)
                    client.result({"id": id_}, bytes=offset)
                continue
            message = json.loads(frame)
            client.last_seq = message.get("seq", client.last_seq)
            if message["type"] == "eval_js" and message["params"]["expression"] == AFTER_THEM:
                later.append(message)
            elif message["type"] == "eval_js":
                client.result(message, value=1)
            elif message["type"] == "cancel" and message["params"]["id"] not in answered:
                client.error(message["params"], "cancelled")
            client.ack()


def plant(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
    """Have a method fail from now on."""

    def fail(*_arguments: object) -> None:
        raise PlantedError(name)

    monkeypatch.setattr(owner, name, fail)


def planted_errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged with the planted bug as its reason."""
    return [record.name for record in caplog.records if record.exc_info and record.exc_info[0] is PlantedError]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("owner", "name"), [(SessionCore, "next_frame"), (DefaultWebSocket, "write_text"), (Session, "next_frame")]
)
def test_page_is_told_where_the_writer_fails(
    serve: Serve,
    connect: Connect,
    results: Results,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    owner: type,
    name: str,
    *,
    is_async: bool,
) -> None:
    """Whether it writes in its own task or on behalf of who sends; whoever waits is told as well."""

    def ask() -> None:
        try:
            eval_js("1")
            eval_js("2")
        except SessionClosed as error:
            results.put(str(error))

    async def ask_async() -> None:
        try:
            await eval_js("1")
            await eval_js("2")
        except SessionClosed as error:
            results.put(str(error))

    live = serve(ask_async if is_async else ask)
    client = connect(live)
    first = client.receive("eval_js")
    plant(monkeypatch, owner, name)
    client.result(first, value=1)
    assert client.receive_bye() == FAILED
    assert results.next().endswith("The server failed.")
    assert planted_errors(caplog) == ["pagewire.session"]
    assert live.server.session_count == 0


def test_page_is_told_where_the_reader_fails(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What is wrong with the server is not said to be the client's fault."""
    live = serve(hold)
    client = connect(live)
    plant(monkeypatch, SessionCore, "receive_text")
    client.emit("something")
    assert client.receive_bye() == FAILED
    assert planted_errors(caplog) == ["pagewire.session"]
    assert live.server.session_count == 0


def test_page_is_told_where_a_timer_fails(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as the one that lets a few bytes of a download go."""

    def slow() -> Any:
        yield b"a few bytes"
        hold()

    live = serve(lambda: download("slow.txt", slow()).wait())
    plant(monkeypatch, SessionCore, "flush_streams")
    client = connect(live, capabilities={"streams": {}})
    client.receive("download")
    assert client.receive_bye() == FAILED
    assert planted_errors(caplog) == ["pagewire.session"]


FAILING = [
    (SessionCore, "attach"),
    (SessionCore, "cancel"),
    (SessionCore, "drain"),
    (SessionCore, "end"),
    (SessionCore, "next_frame"),
    (SessionCore, "receive_text"),
    (SessionCore, "send"),
    (SessionCore, "_drop_stream"),
    (SessionCore, "_receive_reply"),
    (Outbox, "acknowledge"),
    (Outbox, "next_frame"),
    (Outbox, "resume"),
    (Inbox, "acknowledge"),
    (Inbox, "receive"),
    (OutgoingStream, "feed"),
    (OutgoingStream, "finish"),
    (OutgoingStream, "next_frame"),
    (OutgoingStreams, "close"),
    (OutgoingStreams, "flush"),
    (OutgoingStreams, "make"),
    (OutgoingStreams, "next_frame"),
    (Session, "attach"),
    (Session, "finish"),
    (Session, "next_frame"),
    (Session, "receive_text"),
    (Session, "_end_if_drained"),
    (Session, "_flush"),
    (Session, "_stop_expiry"),
    (Session, "_wake_from_thread"),
    (session_api, "_value_of"),
    (Outcome, "succeed"),
    (Room, "has_changed"),
    (events.EventHandlers, "close"),
    (Draining, "session_ended"),
    (Metrics, "command_finished"),
    (Metrics, "command_queued"),
    (Metrics, "received"),
    (Metrics, "sent"),
    (Metrics, "session_began"),
    (Metrics, "session_ended"),
    (WebSocketConnection, "_arm_ack_timer"),
    (WebSocketConnection, "_receive"),
    (WebSocketConnection, "_write_frames"),
    (WebSocketConnection, "_write_now"),
    (DefaultWebSocket, "carry"),
    (DefaultWebSocket, "release"),
    (DefaultWebSocket, "write_frames"),
    (DefaultWebSocket, "write_text"),
]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("owner", "name"), FAILING, ids=lambda value: getattr(value, "__name__", value))
def test_nobody_waits_for_ever_whatever_fails(
    serve: Serve,
    connect: Connect,
    results: Results,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    owner: Any,
    name: str,
    *,
    is_async: bool,
) -> None:
    """The page is let go, the app goes on or is told, nothing of the session stays, and it is logged."""

    def slow() -> Any:
        yield A_FEW_BYTES
        eval_js(AFTER_THEM)
        yield bytes(70_000)

    def app() -> None:
        try:
            eval_js("1")
            download("whole.bin", bytes(70_000))
            download("given up.bin", bytes(70_000)).cancel()
            download("slow.bin", slow()).wait()
        finally:
            results.put("over")

    async def app_async() -> None:
        try:
            await eval_js("1")
            download("whole.bin", bytes(70_000))
            download("given up.bin", bytes(70_000)).cancel()
            await download("slow.bin", slow())
        finally:
            results.put("over")

    live = serve(app_async if is_async else app, metrics_port=0, resume_window=0.05)
    client = connect(live, hello=False)
    plant_once(monkeypatch, owner, name)
    client.send(make_hello(capabilities={"streams": {}}))
    answer_until_closed(client)
    if has_begun(caplog):
        assert results.next() == "over"
    live.until(lambda: live.server.session_count == 0)
    live.stop()
    # What nobody waits for is logged when it goes, and an error refers to the frames that it came through.
    gc.collect()
    assert planted_errors(caplog), "nothing was logged"


def has_begun(caplog: pytest.LogCaptureFixture) -> bool:
    """Return whether a session's app was started."""
    return not any(record.getMessage() == "a handshake failed" for record in caplog.records)


def test_download_that_gets_no_thread_is_given_up(
    serve: Serve, connect: Connect, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program is told; the page does not wait for content, nor the session for a thread that there never was."""

    def no_thread(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def app() -> None:
        eval_js("1")
        monkeypatch.setattr(threading.Thread, "start", no_thread)
        try:
            download("pieces.bin", iter([b"piece"]))
        except RuntimeError as error:
            results.put(str(error))
        finally:
            monkeypatch.undo()

    client = connect(serve(app), capabilities={"streams": {}})
    client.result(client.receive("eval_js"), value=1)
    client.ack()
    assert results.next() == "can't start new thread"
    answer_cancels(client)


def answer_cancels(client: ScriptedClient) -> None:
    """Answer what is cancelled, acknowledge all, and wait for the session's good end."""
    while (message := client.receive())["type"] != "bye":
        client.ack()
        if message["type"] == "cancel":
            client.error(message["params"], "cancelled")
    assert message["params"]["code"] == "session_ended"


@pytest.mark.parametrize("owner", [Session, SessionCore])
def test_break_that_is_not_understood_ends_the_session(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, owner: type
) -> None:
    """Nothing would ever end it: the timer of its client's absence does not run."""
    live = serve(hold)
    client = connect(live)
    plant_once(monkeypatch, owner, {Session: "_wait_for_client", SessionCore: "detach"}[owner])
    client.break_connection()
    live.until(lambda: live.server.session_count == 0)
    assert planted_errors(caplog) == ["pagewire.session"]


def test_reader_that_dies_before_its_client_is_attached_leaves_no_session(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would have waited for a client that does not know of it."""
    live = serve(hold)
    plant_once(monkeypatch, Session, "attach")
    client = connect(live, hello=False)
    client.send(make_hello())
    assert client.receive_bye() == FAILED
    assert live.server.session_count == 0
