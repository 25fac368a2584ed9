"""TLS: page and WebSocket come over it, from its own origin; a wrong file is named."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from certificates import Pair, make_pair
from live_server import PATIENCE, Serve
from raw_http import raw_client
from scripted_client import Message, make_hello, scripted_client
from websockets.frames import Frame, Opcode

from pagewire_server.__main__ import main
from pagewire_server.ops.tls import server_context
from pagewire_server.session import eval_js, on_event

PROGRAM = "async def main(): pass\n"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Make the pair of most tests."""
    return make_pair(tmp_path_factory.mktemp("tls"))


async def ask() -> None:
    """Need one value of the page."""
    await eval_js("1 + 1")


def test_page_and_session_come_over_tls(serve: Serve, pair: Pair) -> None:
    """From the page's own origin, with the port and, where it is 443, without."""
    live = serve(ask, tls=server_context(pair.certificate, pair.key))
    port = live.server.port
    assert live.url == f"https://127.0.0.1:{port}/"
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=pair.trusted(), timeout=PATIENCE)
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    connection.close()
    origin = f"https://127.0.0.1:{port}"
    with scripted_client(f"wss://127.0.0.1:{port}/ws", ssl=pair.trusted(), origin=origin) as client:
        client.say_hello()
        client.result(client.receive("eval_js"), value=2)
        client.ack()
        assert client.receive_bye() == ("session_ended", 1000)


def test_foreign_origin_is_refused_over_tls(serve: Serve, pair: Pair) -> None:
    """SEC-1: the port counts there, too."""
    live = serve(ask, tls=server_context(pair.certificate, pair.key))
    url = f"wss://127.0.0.1:{live.server.port}/ws"
    with scripted_client(url, ssl=pair.trusted(), origin="https://127.0.0.1") as client:
        assert client.receive_bye() == ("forbidden_origin", 4403)


def test_many_large_messages_come_whole_over_tls(serve: Serve, pair: Pair) -> None:
    """Each larger than a record of TLS."""

    async def app() -> None:
        for number in range(50):
            assert await eval_js("text", text="x" * 50_000 + str(number)) == number

    live = serve(app, tls=server_context(pair.certificate, pair.key))
    with scripted_client(f"wss://127.0.0.1:{live.server.port}/ws", ssl=pair.trusted()) as client:
        client.say_hello()
        for number in range(50):
            command = client.receive("eval_js")
            assert command["params"]["args"]["text"] == "x" * 50_000 + str(number)
            client.result(command, value=number)
            client.ack()
        assert client.receive_bye() == ("session_ended", 1000)


def test_old_tls_is_refused(pair: Pair) -> None:
    """1.2 is the least."""
    assert server_context(pair.certificate, pair.key).minimum_version is ssl.TLSVersion.TLSv1_2


def test_wrong_file_is_named(pair: Pair, tmp_path: Path) -> None:
    """Whichever of the two it is, and what is wrong with it."""
    (tmp_path / "other").mkdir()
    other = make_pair(tmp_path / "other")
    locked = make_pair(tmp_path, "-passout", "pass:secret")
    missing, text = tmp_path / "missing.pem", tmp_path / "text.pem"
    text.write_text("hello", encoding="utf-8")
    for certificate, key, message in (
        (missing, pair.key, f"{missing} can't be read: No such file"),
        (pair.certificate, missing, f"{missing} can't be read: No such file"),
        (text, pair.key, f"{text} has no certificate in PEM"),
        (pair.key, pair.key, f"{pair.key} has no certificate in PEM"),
        (pair.certificate, text, f"{text} has no private key in PEM"),
        (pair.certificate, other.key, f"{other.key} is not the key of the certificate in {pair.certificate}"),
        (locked.certificate, locked.key, f"{locked.key} has no private key in PEM, or one with a password"),
    ):
        with pytest.raises(ValueError, match="pem") as caught:
            server_context(certificate, key)
        assert str(caught.value).startswith(message)


def test_command_serves_over_tls(pair: Pair, tmp_path: Path) -> None:
    """And says so."""
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    command = [sys.executable, "-m", "pagewire_server", "run", "program:main", "--port", "0"]
    command += ["--tls-cert", str(pair.certificate), "--tls-key", str(pair.key)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line.startswith("Pagewire is at https://127.0.0.1:")
            url = f"wss://127.0.0.1:{line.split(':')[2].split('/')[0]}/ws"
            with scripted_client(url, ssl=pair.trusted()) as client:
                client.say_hello()
                assert client.receive_bye() == ("session_ended", 1000)
        finally:
            process.terminate()
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("option", ["--tls-cert", "--tls-key"])
def test_command_wants_both_files(option: str, pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1, and the reason in a line."""
    assert main(["run", "nowhere:main", option, str(pair.certificate)]) == 1
    assert capsys.readouterr().err == "pagewire-server: --tls-cert and --tls-key go together\n"


def test_events_sent_right_before_the_end_are_handled_over_tls(serve: Serve, pair: Pair) -> None:
    """The end of a TLS stream may come with them, while most of them are not looked at yet."""
    seen: list[object] = []

    async def listen() -> None:
        on_event("tick", seen.append)

    live = serve(listen, tls=server_context(pair.certificate, pair.key), max_messages_per_second=None)
    numbers = list(range(2000))
    events = b"".join(
        text_frame({"type": "event", "seq": number + 1, "params": {"name": "tick", "data": number}})
        for number in numbers
    )
    with raw_client(live.server.port, pair.trusted()) as client:
        host, key = f"Host: 127.0.0.1:{live.server.port}", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
        upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", key)
        client.ask("GET /ws HTTP/1.1", host, *upgrade, "Sec-WebSocket-Protocol: pagewire.v1")
        client.socket.sendall(text_frame(make_hello()))
        live.until(lambda: bool(live.sessions) and live.sessions[0].is_attached)
        assert isinstance(client.socket, ssl.SSLSocket)
        # What the server has sent meanwhile is not read.
        with suppress(OSError):
            client.socket.sendall(events)
            client.socket.unwrap()
        live.until(lambda: live.is_detached)
    assert seen == numbers


def text_frame(message: Message) -> bytes:
    """Return the frame of a message of a client."""
    return Frame(Opcode.TEXT, json.dumps(message).encode()).serialize(mask=True)
