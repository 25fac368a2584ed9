"""Recorded conversations: acks, breaks, resumes, windows, pings (SPEC sections 8, 9 and 11)."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import Any

from golden_client import GoldenClient
from golden_stage import Stage, conversation

from pagewire_server.session import eval_js, hold, on_event, run_js


def _listen(stage: Stage, **options: Any) -> None:
    def app() -> None:
        on_event("fence", stage.tell)
        for number in range(3):
            run_js(f"run {number}")
        stage.tell("ready")
        hold()

    stage.serve(app, **options)


def _begin(stage: Stage) -> GoldenClient:
    client = stage.connect()
    for _ in range(3):
        client.receive("run_js")
    stage.told()
    return client


@conversation("delivery")
def acks_by_count(stage: Stage) -> None:
    """DELIVERY-5: after 32 messages; what has no seq does not count."""
    _listen(stage)
    client = _begin(stage)
    for number in range(70):
        client.emit("x", number)
        client.send({"type": "later"})
        if number % 32 == 31:
            client.receive("ack")


@conversation("delivery")
def acks_by_bytes(stage: Stage) -> None:
    """DELIVERY-5: after 262144 bytes."""
    _listen(stage)
    client = _begin(stage)
    for size in (262_144, 200_000, 62_000, 200, 300_000):
        client.emit("x", "x" * size)
        if size not in {200_000, 62_000}:
            client.receive("ack")
    client.emit("x", "ä" * 131_072)
    client.receive("ack")


@conversation("delivery")
def acks_by_timer(stage: Stage) -> None:
    """DELIVERY-6: from the first that is not acknowledged."""
    _listen(stage)
    client = _begin(stage)
    for number in range(3):
        client.emit("fence", number)
        stage.told()
        stage.advance(0.4)
    client.receive("ack")
    stage.advance(5)
    for number in range(32):
        client.emit("x", number)
    client.receive("ack")
    client.emit("fence")
    stage.told()
    stage.advance(0.5)
    client.emit("fence")
    stage.told()
    stage.advance(0.5)
    client.receive("ack")


@conversation("delivery")
def acks_of_the_client(stage: Stage) -> None:
    """DELIVERY-7: lower ones are ignored, one too high ends the session."""
    _listen(stage)
    client = _begin(stage)
    for seq in (2, 2, 1, 0, 3):
        client.ack(seq)
    client.emit("fence")
    stage.told()
    client.ack(4)
    client.read_to_end()


@conversation("delivery")
def resume_with_replay(stage: Stage) -> None:
    """RESUME-4: in order and unchanged, as often as it breaks; then what is new."""
    _listen(stage)
    client = _begin(stage)
    client.emit("fence", 1)
    stage.told()
    client.cut()
    for last_seq in (1, 1, 2):
        client = stage.reconnect(client, resume={"last_seq": last_seq, "streams": []})
        for _ in range(3 - last_seq):
            client.receive("run_js")
        client.emit("fence", last_seq)
        stage.told()
        client.cut()
    client = stage.reconnect(client)
    client.emit("fence", 5)
    stage.told()


@conversation("delivery")
def resume_with_replies_and_new_commands(stage: Stage) -> None:
    """A lost reply is taken from the next connection; what was called meanwhile comes after the replay."""
    go = threading.Event()

    def app() -> None:
        first = run_js("first")
        second = run_js("second")
        go.wait()
        third = run_js("third")
        stage.tell("queued")
        for call in (first, second, third):
            stage.attempt(call.wait)
        stage.attempt(partial(eval_js, "last"))

    stage.serve(app)
    client = stage.connect()
    first, second = client.receive(), client.receive()
    client.close(4000)
    stage.settle()
    go.set()
    stage.told()
    client = stage.reconnect(client, resume={"last_seq": 1, "streams": []})
    client.result(first)
    client.receive("run_js")
    third = client.receive("run_js")
    for command in (third, second):
        client.result(command)
    for _ in range(3):
        stage.told()
    client.result(client.receive("eval_js"), value="value")
    stage.told()
    client.cut()
    client = stage.reconnect(client)
    client.read_to_end()


@conversation("delivery")
def refused_resumes(stage: Stage) -> None:
    """RESUME-6, HELLO-12: below what was acknowledged, above what was written, or none at all."""
    _listen(stage)
    for resume in ({"last_seq": 1, "streams": []}, {"last_seq": 4, "streams": []}, None):
        client = _begin(stage)
        client.ack(2)
        client.emit("fence")
        stage.told()
        client.cut()
        again = stage.reconnect(client, hello=False)
        again.send(again.hello(resume=resume))
        again.read_to_end()


@conversation("delivery")
def takeover(stage: Stage) -> None:
    """RESUME-8: what the older still says is discarded."""
    _listen(stage)
    older = _begin(stage)
    newer = stage.reconnect(older)
    older.emit("fence", "not to be heard")
    older.read_to_end()
    newer.emit("fence", "heard")
    stage.told()


@conversation("delivery")
def away_for_too_long(stage: Stage) -> None:
    """RESUME-12: until then it is resumed."""
    _listen(stage, resume_window=30)
    client = _begin(stage)
    for seconds in (29, 31):
        client.close(4000)
        stage.advance(seconds)
        client = stage.reconnect(client, hello=False)
        client.send(client.hello(resume={"last_seq": 3, "streams": []}))
        client.receive()
    client.read_to_end()


@conversation("delivery")
def closes_without_bye(stage: Stage) -> None:
    """END-8, END-9: which end the session, and which do not."""
    _listen(stage)
    for code in (1000, 1001, 1003, 1007, 1009, 1011, 3000, 4000, 4400, 4401, 4409, 4413, 4500, 4999):
        client = _begin(stage)
        client.close(code, "of the client")
        stage.settle()
        again = stage.reconnect(client, hello=False)
        again.send(again.hello(resume={"last_seq": 3, "streams": []}))
        if again.receive()["type"] == "bye":
            again.read_to_end()
        else:
            again.leave()


@conversation("delivery")
def going_away(stage: Stage) -> None:
    """END-8: 1001 gives 5 s."""
    _listen(stage)
    client = _begin(stage)
    for seconds in (4.5, 5.5):
        client.close(1001)
        stage.advance(seconds)
        client = stage.reconnect(client, hello=False)
        client.send(client.hello(resume={"last_seq": 3, "streams": []}))
        client.receive()
    client.read_to_end()


@conversation("delivery")
def a_full_window(stage: Stage) -> None:
    """DELIVERY-9: the next comes once there is room, also after a resume; one larger message alone."""

    def app() -> None:
        for number in range(6):
            run_js(f"{number}" * 300)
        run_js("large" * 300)
        run_js("last")
        stage.tell("queued")
        hold()

    stage.serve(app, window_bytes=800)
    client = stage.connect()
    stage.told()
    client.receive(), client.receive()
    client.ack(1)
    client.receive()
    client.cut()
    client = stage.reconnect(client, resume={"last_seq": 2, "streams": []})
    client.receive(), client.receive()
    while client.last_seq < 8:
        client.ack()
        client.receive()


@conversation("delivery")
def a_full_outbox_in_a_coroutine(stage: Stage) -> None:
    """DELIVERY-10: SessionBusy."""

    def say_much(_data: object) -> None:
        for number in range(5):
            stage.attempt(partial(_run_long, number))
        stage.tell("all are said")

    async def app() -> None:
        on_event("more", say_much)
        stage.tell("listens")
        await hold()

    stage.serve(app, window_bytes=400, outbox_bytes=800)
    client = stage.connect()
    stage.told()
    client.emit("more")
    while stage.told() != "all are said":
        pass
    for _ in range(3):
        client.receive()
        client.ack()


@conversation("delivery")
def a_full_outbox_in_a_thread(stage: Stage) -> None:
    """DELIVERY-10: it waits for room."""

    def app() -> None:
        for number in range(5):
            _run_long(number)
        stage.tell("all are queued")
        hold()
        stage.attempt(partial(_run_long, 5))

    stage.serve(app, window_bytes=400, outbox_bytes=800)
    client = stage.connect()
    for _ in range(5):
        client.receive()
        client.ack()
    stage.told()
    client.leave()
    stage.told()


def _run_long(number: int) -> None:
    run_js(f"{number}" * 300)


@conversation("delivery")
def pings(stage: Stage) -> None:
    """BEAT-1, BEAT-2: of both kinds, every interval."""
    _listen(stage, heartbeat_interval=10)
    client = _begin(stage)
    for _ in range(3):
        stage.advance(10)
        client.receive("ping")
        client.receive_ping()
        client.ack()


@conversation("delivery")
def no_pong(stage: Stage) -> None:
    """BEAT-1: a break, which does not end the session."""
    _listen(stage, heartbeat_interval=10, heartbeat_timeout=5)
    client = _begin(stage)
    client.fall_silent()
    stage.advance(10)
    client.receive("ping")
    client.receive_ping()
    stage.advance(5)
    stage.advance(1)
    client.read_to_end()
    stage.reconnect(client, resume={"last_seq": 2, "streams": []}).receive("run_js")


@conversation("delivery")
def many_at_once(stage: Stage) -> None:
    """More frames than are written in one turn."""

    async def app() -> None:
        for number in range(200):
            run_js("count", number=number)
        await asyncio.gather(*(eval_js("ask", number=number) for number in range(3)))
        stage.tell("done")

    stage.serve(app)
    client = stage.connect()
    commands = [client.receive() for _ in range(203)]
    for command in commands:
        if command["type"] == "eval_js":
            client.result(command, value=command["seq"])
        else:
            client.result(command)
        if command["seq"] % 32 == 0:
            client.receive("ack")
    stage.told()
    client.ack()
    client.read_to_end()
