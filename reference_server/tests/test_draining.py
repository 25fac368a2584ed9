"""A server that goes: sessions under way are finished, new ones are sent elsewhere, and its health says so."""

from __future__ import annotations

import json
from concurrent.futures import Future
from pathlib import Path

import pytest
from live_server import PATIENCE, LiveServer, Serve
from node_client import node_client
from plain_requests import get
from scripted_client import Connect, ScriptedClient, make_hello

from pagewire_server.session import eval_js, hold


async def ask_twice() -> None:
    """Need two values of the page."""
    await eval_js("first")
    await eval_js("second")


def drain(live: LiveServer) -> Future[None]:
    """Begin to drain, and return once that has begun."""
    draining = live.begin(live.server.drain())
    live.until(lambda: live.server._runner._draining.has_begun)
    return draining


def refused(client: ScriptedClient) -> tuple[str, int]:
    """Say hello and return the bye that must come."""
    client.send(make_hello())
    return client.receive_bye()


def test_health_tells_how_many_sessions_there_are(serve: Serve, connect: Connect) -> None:
    """As JSON that nobody stores."""
    live = serve(hold)
    connect(live)
    response = get(live, "/health")
    assert (response.status, json.loads(response.body)) == (200, {"status": "ok", "sessions": 1})
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"


def test_session_under_way_is_finished_over_a_break(serve: Serve, connect: Connect) -> None:
    """The server closes once the last session has ended by itself."""
    live = serve(ask_twice)
    client = connect(live)
    client.result(client.receive("eval_js"), value=1)
    client.receive("eval_js")
    draining = drain(live)
    client.break_connection()
    live.until(lambda: live.is_detached)
    again = connect(live, instance=client.hello["params"]["instance"], resume={"last_seq": 1, "streams": []})
    assert (again.welcome["resumed"], again.welcome["session"]) == (True, client.welcome["session"])
    assert not draining.done()
    again.seq = again.welcome["last_seq"]
    again.result(again.receive("eval_js"), value=2)
    again.ack()
    assert again.receive_bye() == ("session_ended", 1000)
    draining.result(PATIENCE)
    with pytest.raises(ConnectionRefusedError):
        get(live, "/health")


def test_new_session_and_page_are_sent_elsewhere(serve: Serve, connect: Connect) -> None:
    """A load balancer that asks is told, too."""
    live = serve(hold)
    client = connect(live)
    drain(live)
    assert refused(connect(live, hello=False)) == ("server_shutdown", 1012)
    assert get(live, "/").status == 503
    assert b"<p>The server stops.</p>" in get(live, "/", Accept="text/html").body
    health = get(live, "/health")
    assert (health.status, json.loads(health.body)) == (503, {"status": "draining", "sessions": 1})
    assert live.server.session_count == 1
    client.leave()


def ends_in_ms(client: ScriptedClient) -> int:
    """Return what the notice says that must come now."""
    params = client.receive_any()["params"]
    assert params["code"] == "draining"
    return int(params["ends_in_ms"])


def test_every_client_is_told_when_its_session_ends_at_the_latest(serve: Serve, connect: Connect) -> None:
    """NOTICE-1, NOTICE-3: the whole window."""
    live = serve(hold, drain_window=90)
    clients = [connect(live) for _ in range(3)]
    drain(live)
    assert [ends_in_ms(client) for client in clients] == [pytest.approx(90_000, abs=PATIENCE * 1000)] * 3


def test_client_that_resumes_is_told_how_much_is_left(serve: Serve, connect: Connect) -> None:
    """NOTICE-2, NOTICE-3: right after its welcome, before what is sent again."""
    live = serve(ask_twice, drain_window=1000)
    client = connect(live)
    client.receive("eval_js")
    drain(live)
    client.break_connection()
    live.until(lambda: live.is_detached)
    live.skip(100)
    again = connect(live, instance=client.hello["params"]["instance"], resume={"last_seq": 0, "streams": []})
    assert ends_in_ms(again) == pytest.approx(900_000 - PATIENCE * 500, abs=PATIENCE * 500)
    assert again.receive_any()["type"] == "eval_js"


def test_client_is_told_nothing_unless_the_server_drains(serve: Serve, connect: Connect) -> None:
    """By `close` its session ends at once."""
    live = serve(hold)
    client = connect(live)
    live.stop()
    assert client.receive_any()["type"] == "bye"


def test_client_without_a_page_says_so_on_its_error_output(serve: Serve, tmp_path: Path) -> None:
    """In a line; it goes on until the server ends the session."""
    live = serve(hold, drain_window=3600)
    with node_client(live.socket_url, tmp_path) as client:
        live.until(lambda: live.server.session_count == 1)
        live.begin(live.server.drain())
        assert client.stderr
        line = client.stderr.readline()
        assert line == "pagewire-headless: The server is stopping. This session ends within 60 minutes.\n"
        assert live.server.session_count == 1
        live.sessions[0].loop.call_soon_threadsafe(live.sessions[0].finish)


def test_server_without_sessions_is_gone_at_once(serve: Serve) -> None:
    """However long the window is."""
    drain(serve(hold, drain_window=1e6)).result(PATIENCE)


def test_end_of_the_window_ends_the_rest(serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """As closing does, and the log says how many that were."""
    live = serve(hold, drain_window=0.05)
    client = connect(live)
    draining = drain(live)
    assert client.receive_bye() == ("server_shutdown", 1012)
    draining.result(PATIENCE)
    assert "not done after 0.05 s; sessions to be ended: 1" in caplog.text
