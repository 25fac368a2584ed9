"""What happens in a server is counted for Prometheus, on a port of its own."""

from __future__ import annotations

import re
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from live_server import LiveServer, Serve
from plain_requests import get_from
from prometheus_client.parser import text_string_to_metric_families
from scripted_client import Connect, make_hello

from pagewire_server import Options, create_server
from pagewire_server.__main__ import main
from pagewire_server.apps.commands import PendingCommand
from pagewire_server.errors import MissingExtraError
from pagewire_server.ops.metrics import Metrics
from pagewire_server.session import download, eval_js, hold, on_event

README = Path(__file__).parents[1] / "README.md"
METERED: dict[str, Any] = {"metrics_port": 0}
CONTENT = bytes(100_000)


def metrics_of(live: LiveServer) -> Metrics:
    """Return what the server counts with."""
    observer = live.server._runner.metrics
    assert isinstance(observer, Metrics)
    return observer


def scrape(live: LiveServer) -> dict[str, float]:
    """Return all samples, as a scrape gives them, by name and the values of their labels."""
    text = get_from(metrics_of(live).port, "/metrics").body.decode()
    return {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_life_of_a_session_is_counted(serve: Serve, connect: Connect) -> None:
    """From the handshake over a break to the end."""
    live = serve(hold, **METERED)
    client = connect(live)
    connect(live, hello=False)
    live.until(lambda: metrics_of(live)._connections._value.get() == 2)
    seen = scrape(live)
    assert (seen["pagewire_sessions"], seen["pagewire_connections"]) == (1, 2)
    assert seen["pagewire_sessions_started_total"] == 1
    client.break_connection()
    again = connect(live, instance=client.hello["params"]["instance"])
    again.leave()
    live.until(lambda: live.server.session_count == 0 and metrics_of(live)._connections._value.get() == 1)
    seen = scrape(live)
    assert seen["pagewire_resumes_total"] == 1
    assert seen["pagewire_sessions_ended_total session_ended"] == 1
    assert (seen["pagewire_sessions"], seen["pagewire_sessions_started_total"]) == (0, 1)


def test_refused_handshake_is_counted_by_its_code(serve: Serve, connect: Connect) -> None:
    """Whatever the client did wrong."""
    live = serve(hold, **METERED)
    for changes in ({"app": "nowhere"}, {"versions": ["9.0"]}, {"versions": ["9.0"]}, {"versions": None}):
        client = connect(live, hello=False)
        client.send(make_hello(**changes))
        client.receive_bye()
    refused = {name: value for name, value in scrape(live).items() if name.startswith("pagewire_refused")}
    assert refused == {
        "pagewire_refused_handshakes_total unknown_app": 1,
        "pagewire_refused_handshakes_total unsupported_version": 2,
        "pagewire_refused_handshakes_total invalid_message": 1,
    }


def test_command_is_counted_by_type_and_outcome(serve: Serve, connect: Connect) -> None:
    """A code that only the client knows makes no series of its own."""

    async def app() -> None:
        for _ in range(4):
            await eval_js("x")

    live = serve(app, **METERED)
    client = connect(live)
    client.result(client.receive("eval_js"), value=1)
    client.error(client.receive("eval_js"), "not_serializable")
    client.error(client.receive("eval_js"), "made:up")
    client.receive("eval_js")
    client.leave()
    live.until(lambda: live.server.session_count == 0)
    seen = scrape(live)
    for outcome in ("ok", "not_serializable", "other", "session_closed"):
        assert seen[f"pagewire_commands_total {outcome} eval_js"] == 1
    assert seen["pagewire_command_seconds_count eval_js"] == 3
    assert metrics_of(live)._queued_at == {}


def test_messages_and_bytes_are_counted_each_way(serve: Serve, connect: Connect) -> None:
    """Text and binary apart; the bytes of a stream without its frames' heads."""

    def app() -> None:
        on_event("x", lambda _data: None)
        download("a.bin", CONTENT)

    live = serve(app, **METERED)
    client = connect(live, capabilities={"streams": {}})
    client.receive("download")
    chunk, end = client.connection.recv(), client.connection.recv()
    client.emit("x", "\u00e9")
    live.until(lambda: metrics_of(live)._events._value.get() == 1)
    seen = scrape(live)
    assert (len(chunk), len(end)) == (16 + len(CONTENT), 16)
    assert seen["pagewire_messages_total sent binary"] == 2
    assert seen["pagewire_message_bytes_total sent binary"] == len(chunk) + len(end)
    assert seen["pagewire_stream_bytes_total"] == len(CONTENT)
    assert seen["pagewire_messages_total sent text"] == 2
    assert (seen["pagewire_messages_total received text"], seen["pagewire_events_total"]) == (1, 1)


def test_what_waits_for_a_client_that_is_away_is_shown(serve: Serve, connect: Connect) -> None:
    """Summed over the sessions at each scrape."""
    live = serve(hold, **METERED)
    connect(live).break_connection()
    live.until(lambda: live.is_detached)
    assert scrape(live)["pagewire_outbox_bytes"] == 0
    PendingCommand(live.sessions[0], "run_js", lambda _params: None).submit("run_js", b"{}")
    assert scrape(live)["pagewire_outbox_bytes"] > 0


def test_lag_of_the_event_loop_is_observed(serve: Serve) -> None:
    """Again and again."""
    live = serve(hold, **METERED)
    live.until(lambda: metrics_of(live)._lag._sum.get() > 0)
    assert scrape(live)["pagewire_event_loop_lag_seconds_count"] >= 1


def test_every_metric_stands_in_the_readme(serve: Serve) -> None:
    """And no other does."""
    documented = set(re.findall(r"`(pagewire_\w+)`(?=[ ,|])", README.read_text(encoding="utf-8")))
    families = metrics_of(serve(hold, **METERED)).registry.collect()
    names = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    assert documented == names


def test_two_servers_count_apart_and_end_their_ports(serve: Serve, connect: Connect) -> None:
    """In one process."""
    first, second = serve(hold, **METERED), serve(hold, **METERED)
    connect(first)
    assert scrape(first)["pagewire_sessions"] == 1
    assert scrape(second)["pagewire_sessions"] == 0
    port = metrics_of(first).port
    first.stop()
    with pytest.raises(ConnectionRefusedError):
        get_from(port, "/metrics")


def test_taken_port_of_the_metrics_is_an_error_and_leaves_no_server(serve: Serve) -> None:
    """Before anything is served."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        serve(hold, metrics_port=taken.getsockname()[1])


def test_missing_library_is_said_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the start; without the option it is not needed."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "pagewire_server.ops.metrics")
    create_server(hold)
    with pytest.raises(MissingExtraError, match=r"pip install 'pagewire\[metrics\]'"):
        create_server(hold, options=Options(metrics_port=0))


def test_command_says_what_is_missing_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1, no traceback."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "pagewire_server.ops.metrics")
    assert main(["demo", "--no-browser", "--port", "0", "--metrics-port", "0"]) == 1
    assert capsys.readouterr().err.startswith("pagewire-server: metrics_port needs prometheus-client: pip install")
