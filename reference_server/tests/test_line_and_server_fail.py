"""What becomes of the Node client's session when the line goes silent, a welcome is lost, the server is killed."""

from __future__ import annotations

import threading
from pathlib import Path

from faults import Fault, Kind
from faulty_proxy import faulty_proxy
from live_server import PATIENCE, Serve
from node_client import node_client
from results import Results
from scripted_client import scripted_client
from server_process import server_process

from pagewire_server.core.session import SessionState
from pagewire_server.session import download, eval_js, hold

CONTENT = bytes(range(256)) * 2000
BEAT = {"heartbeat_interval": 0.2, "heartbeat_timeout": 0.2}

PROGRAM = """
from pagewire_server.session import eval_js, hold

def main():
    print(eval_js("'begun'"), flush=True)
    hold()
"""


def test_lost_welcome_starts_no_second_app(serve: Serve, tmp_path: Path, results: Results) -> None:
    """HELLO-12: the hello that is sent again finds the session."""

    def app() -> None:
        results.put("begun")
        results.put(eval_js("1"))

    lost = Fault(Kind.RESET, before=b'"type":"welcome"')
    with faulty_proxy(serve(app).server.port, [lost]) as proxy, node_client(proxy.url(), tmp_path) as client:
        assert [results.next(), results.next()] == ["begun", 1]
        assert client.wait(PATIENCE) == 0
    assert results.empty()
    assert (proxy.total, proxy.connections) == (1, 2)


def test_session_that_ends_while_its_client_is_away_delivers_its_last_file(serve: Serve, tmp_path: Path) -> None:
    """END-10: it drains once the client is back, and the client leaves content."""
    is_away = threading.Event()

    def app() -> None:
        assert is_away.wait(PATIENCE)
        download("last.bin", CONTENT)

    live = serve(app)
    port = live.server.port
    with faulty_proxy(port) as proxy, node_client(proxy.url(), tmp_path) as client:
        live.until(lambda: bool(live.sessions) and not live.is_detached)
        proxy.lead_to(None)
        proxy.strike(Kind.RESET)
        live.until(lambda: live.is_detached)
        is_away.set()
        live.until(lambda: live.sessions[0]._core.state is SessionState.DRAINING)
        proxy.lead_to(port)
        assert client.wait(PATIENCE) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"last.bin": CONTENT}


def test_client_notices_a_black_hole_by_its_silence_and_resumes(serve: Serve, tmp_path: Path, results: Results) -> None:
    """BEAT-4: no end of the connection reaches it."""

    def app() -> None:
        results.put(eval_js("globalThis.count = 1"))
        results.put(eval_js("new Promise(resolve => { globalThis.settle = resolve })"))

    live = serve(app, **BEAT)
    with faulty_proxy(live.server.port) as proxy, node_client(proxy.url(), tmp_path) as client:
        assert results.next() == 1
        first = live.sessions
        proxy.strike(Kind.BLACK_HOLE)
        live.until(lambda: proxy.connections == 2 and not live.is_detached)
        assert live.sessions == first
        client.terminate()
    assert results.empty()


def test_server_notices_a_black_hole_by_the_missing_pong(serve: Serve) -> None:
    """BEAT-1: the connection is a broken one then, and its session waits for the client."""
    live = serve(hold, **BEAT)
    with faulty_proxy(live.server.port) as proxy, scripted_client(proxy.url()) as client:
        client.say_hello()
        assert not live.is_detached
        proxy.strike(Kind.BLACK_HOLE)
        live.until(lambda: live.is_detached)
        assert live.server.session_count == 1


def test_client_of_a_server_that_was_killed_is_told_so_by_the_next_and_exits_with_1(tmp_path: Path) -> None:
    """HELLO-13: the next server, on the same port, starts no app for it in silence."""
    (tmp_path / "app.py").write_text(PROGRAM, encoding="utf-8")
    with server_process(tmp_path, "run", "app:main") as (first, port):
        assert first.stdout
        with node_client(f"ws://127.0.0.1:{port}/ws", tmp_path / "files") as client:
            assert first.stdout.readline() == "begun\n"
            first.kill()
            first.wait(PATIENCE)
            with server_process(tmp_path, "run", "app:main", port=port) as (second, _):
                _, errors = client.communicate(timeout=PATIENCE)
                second.terminate()
                assert second.communicate(timeout=PATIENCE)[0] == ""
    assert client.returncode == 1
    assert errors == "pagewire-headless: session_gone: This session is no longer known to the server.\n"
