"""One object guards the core of a session: threads that send and cancel at once never leave its connection silent."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from live_server import PATIENCE, Serve
from results import Results
from scripted_client import Connect, ScriptedClient

from pagewire_protocol.byes import make_bye
from pagewire_protocol.codes import ByeCode
from pagewire_server.apps.commands import PendingCommand
from pagewire_server.apps.session import Session
from pagewire_server.core.directory import SessionDirectory
from pagewire_server.options import MIB
from pagewire_server.session import download, eval_js, hold, register_thread

THREADS = 4
ROUNDS = 40
AT_ONCE = 16
"""So that the threads together have as many streams as a session may have."""
CONTENT = bytes(66_000)
"""Streamed, and little enough to be sent at once: then every stream is looked at for each frame that is written."""


@contextmanager
def eager_threads() -> Iterator[None]:
    """Have the interpreter change threads as often as it can: what happens once a day happens at once."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def send_and_cancel(number: int, results: Results) -> None:
    """Begin downloads and give each up while it is sent; then ask for a sign of life."""
    for turn in range(ROUNDS):
        handles = [download(f"{number}-{turn}-{count}.bin", CONTENT) for count in range(AT_ONCE)]
        eval_js("'alive'")
        for each in handles:
            each.cancel()
    results.put(eval_js("'alive'"))


def send_and_withdraw(session: Session) -> None:
    """Queue streamed commands and take them back, for a client that is away."""
    params = b'{"name":"n","media_type":"a/b","size":null,"content":{"kind":"stream"}}'
    for _ in range(ROUNDS):
        calls = [PendingCommand(session, "download", lambda _params: None) for _ in range(AT_ONCE)]
        for call in calls:
            call.submit("download", params, streams=True)
        for call in calls:
            call.give_up(asyncio.CancelledError(), quietly=True)


def answer_until_the_end(client: ScriptedClient) -> str:
    """Acknowledge every chunk, answer every command and cancel; return the code that ends the session."""
    received: dict[int, int] = {}
    while True:
        frame = client.connection.recv(PATIENCE)
        if isinstance(frame, bytes):
            id_, offset = int.from_bytes(frame[:8], "big"), int.from_bytes(frame[8:16], "big")
            assert offset == received.get(id_, 0)
            received[id_] = offset + len(frame) - 16
            client.send({"type": "stream_ack", "params": {"id": id_, "offset": received[id_]}})
            continue
        message = json.loads(frame)
        client.last_seq = message.get("seq", client.last_seq)
        match message["type"]:
            case "cancel":
                client.error(message["params"], "cancelled")
            case "eval_js":
                client.result(message, value="alive")
            case "bye":
                code: str = message["params"]["code"]
                return code
        client.ack()


def test_core_is_read_while_threads_change_it(serve: Serve, connect: Connect) -> None:
    """Whatever the connection and the metrics ask of a session at any moment has an answer."""
    live = serve(hold)
    connect(live, capabilities={"streams": {}}).break_connection()
    live.until(lambda: live.is_detached)
    (session,) = live.sessions
    threads = [threading.Thread(target=send_and_withdraw, args=(session,), daemon=True) for _ in range(THREADS)]

    async def look_until_they_are_done() -> int:
        count = 0
        while any(thread.is_alive() for thread in threads):
            for _ in range(100):
                assert session.next_frame() is None
                assert (session.queued_bytes >= 0, session.ack_deadline, session.has_ended) == (True, None, False)
            count += 100
            await asyncio.sleep(0)
        return count

    with eager_threads():
        for thread in threads:
            thread.start()
        assert live.run(look_until_they_are_done()) > 0
    assert session.queued_bytes == 0


def test_sessions_are_listed_on_any_thread() -> None:
    """A scrape of the metrics sums over them while they come and go."""
    directory: SessionDirectory[int] = SessionDirectory(resume_window=0)
    bye = make_bye(ByeCode.SESSION_ENDED, "")
    is_over = threading.Event()
    failures: list[Exception] = []

    def scrape() -> None:
        while not is_over.is_set():
            try:
                sum(directory.sessions())
            except RuntimeError as error:
                failures.append(error)

    with eager_threads():
        thread = threading.Thread(target=scrape, daemon=True)
        thread.start()
        for number in range(20_000):
            directory.add(b"%d" % number, 1)
            if number >= AT_ONCE:
                directory.bury(b"%d" % (number - AT_ONCE), bye, now=1)
        is_over.set()
        thread.join(PATIENCE)
    assert failures == []


class HeldThread(int):
    """The ident of the event loop's thread, at which one other thread is held when it asks whether it is that one."""

    def __init__(self, _ident: int) -> None:
        self.held = -1
        self.is_held = threading.Event()
        self.may_go_on = threading.Event()

    def __eq__(self, other: object) -> bool:
        if other == self.held:
            self.is_held.set()
            self.may_go_on.wait(PATIENCE)
        return super().__eq__(other)

    __hash__ = int.__hash__


def test_thread_that_wakes_a_replaced_connection_does_not_silence_the_newer(serve: Serve, connect: Connect) -> None:
    """It had looked for the connection, and was held up until another took over: no wake came through after that."""
    live = serve(hold, heartbeat_interval=600)
    older = connect(live, instance="an-instance-that-comes-back")
    # Once it has written its welcome, and looked for more.
    live.until(lambda: live.server.session_count == 1)
    (session,) = live.sessions
    session.loop_thread = ident = HeldThread(session.loop_thread)
    commands = [PendingCommand(session, "run_js", lambda _params: None) for _ in range(2)]

    def send_and_be_held() -> None:
        ident.held = threading.get_ident()
        commands[0].submit("run_js", b'{"code":"1","args":{}}')

    thread = threading.Thread(target=send_and_be_held, daemon=True)
    thread.start()
    assert ident.is_held.wait(PATIENCE)
    newer = connect(live, instance="an-instance-that-comes-back", resume={"last_seq": 0, "streams": []})
    assert newer.receive("run_js")["params"]["code"] == "1"
    ident.may_go_on.set()
    thread.join(PATIENCE)
    commands[1].submit("run_js", b'{"code":"2","args":{}}')
    assert newer.receive("run_js")["params"]["code"] == "2"
    assert older.receive_bye() == ("replaced", 4409)


def test_threads_that_send_and_cancel_never_silence_the_connection(
    serve: Serve, connect: Connect, results: Results, caplog: pytest.LogCaptureFixture
) -> None:
    """The core was read without its lock: a stream was dropped between a check and its use, and the writer died."""

    def app() -> None:
        for number in range(1, THREADS):
            thread = threading.Thread(target=send_and_cancel, args=(number, results), daemon=True)
            register_thread(thread)
            thread.start()
        send_and_cancel(0, results)

    live = serve(app, max_messages_per_second=None, stream_window_bytes=64 * MIB)
    with eager_threads():
        client = connect(live, capabilities={"streams": {}})
        assert answer_until_the_end(client) == "session_ended"
    assert [results.next() for _ in range(THREADS)] == ["alive"] * THREADS
    assert not [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
