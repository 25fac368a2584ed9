"""Where thousands wait for one thing, a few are told in each turn of the event loop: others are served in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest
from live_server import LiveServer, Serve
from scripted_client import Connect

from pagewire_server.apps.runner import TASK_GRACE
from pagewire_server.apps.session import TOLD_AT_ONCE, Session
from pagewire_server.session import SessionClosed, eval_js, hold, on_event

MANY = 2_000
TWO_SLICES = 2 * TOLD_AT_ONCE
"""What is told in a turn and what it leads to may come before one look."""


def most_in_a_turn(live: LiveServer, count: Callable[[], int], act: Callable[[], object], *, until: int) -> int:
    """Do something on the event loop; return by how much `count` grew in one turn, at most, until it was `until`."""

    async def watch() -> int:
        counts = [count()]
        act()
        async with asyncio.timeout(20):
            while counts[-1] < until:
                await asyncio.sleep(0)
                counts.append(count())
        return max(after - before for before, after in pairwise(counts))

    return live.run(watch())


def test_handlers_that_wait_for_a_page_learn_of_its_end_in_turns(serve: Serve, connect: Connect) -> None:
    """A client decides how many they are, up to `max_waiting_events`, and when it ends."""
    told: list[SessionClosed] = []

    async def ask(_: object) -> None:
        try:
            await eval_js("1")
        except SessionClosed as closed:
            told.append(closed)

    live = serve(lambda: on_event("ask", ask), max_messages_per_second=None)
    client = connect(live)
    for number in range(MANY):
        client.emit("ask", number)
    session = live.sessions[0]
    live.until(lambda: len(session.events.tasks) == MANY)
    leave = partial(client.send, {"type": "bye", "params": {"code": "client_left", "message": "", "retry": "never"}})
    assert 0 < most_in_a_turn(live, lambda: len(told), leave, until=MANY) <= TWO_SLICES
    live.until(lambda: not session.events.tasks)


def test_handlers_that_do_not_go_are_cancelled_in_turns(serve: Serve, connect: Connect) -> None:
    """When the session has ended, and their time is over."""
    cancelled: list[object] = []

    async def wait(number: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(number)

    live = serve(lambda: on_event("wait", wait), max_messages_per_second=None)
    client = connect(live)
    for number in range(MANY):
        client.emit("wait", number)
    session = live.sessions[0]
    live.until(lambda: len(session.events.tasks) == MANY)
    client.leave()
    live.until(lambda: session.has_ended)
    live.run(asyncio.sleep(0))
    most = most_in_a_turn(live, lambda: len(cancelled), partial(live.skip, TASK_GRACE), until=MANY)
    assert 0 < most <= TWO_SLICES


def test_sessions_learn_in_turns_that_the_server_drains(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server may have thousands."""
    monkeypatch.setattr("pagewire_server.apps.runner.TOLD_AT_ONCE", 1)
    announce = Session.announce_end
    told: list[Session] = []

    def note(session: Session, ends_at: float) -> None:
        told.append(session)
        announce(session, ends_at)

    monkeypatch.setattr(Session, "announce_end", note)
    live = serve(hold)
    clients = [connect(live) for _ in range(5)]
    draining: list[asyncio.Task[None]] = []

    def drain() -> None:
        draining.append(asyncio.ensure_future(live.server.drain()))

    assert most_in_a_turn(live, lambda: len(told), drain, until=5) == 1
    for client in clients:
        assert client.receive("notice")["params"]["code"] == "draining"
        client.leave()
    live.until(draining[0].done)
