"""What connections can take of a server before they are a session: room, descriptors, memory, and time."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import subprocess
import sys
import threading
from asyncio.sslproto import SSLProtocol
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path

import pytest
from certificates import Pair, make_pair
from live_server import PATIENCE, LiveServer, Serve
from neighbour import Neighbour, ask_for_ever
from raw_http import RawClient, raw_client
from scripted_client import Connect

from pagewire_server.backends.default import http
from pagewire_server.backends.default import turns as turns_module
from pagewire_server.backends.default.exchange import Exchange
from pagewire_server.backends.default.http import STALL_SECONDS
from pagewire_server.ops.tls import server_context
from pagewire_server.options import Options
from pagewire_server.session import hold
from pagewire_server.web.files import PIECE_BYTES
from pagewire_server.web.requests import Request
from pagewire_server.web.responses import Response
from pagewire_server.web.site import Site

HELLO_TIMEOUT = Options().hello_timeout
REQUEST = ("GET /health HTTP/1.1", "Host: x")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Make a certificate and its key."""
    return make_pair(tmp_path_factory.mktemp("tls"))


def count(live: LiveServer) -> int:
    """Return how many connections count."""
    return len(live.server._door.limiter)


# -- room ---------------------------------------------------------------------------------------


def test_oldest_idle_connection_is_closed_for_a_newcomer(serve: Serve) -> None:
    """Nobody is refused because of those that have what they asked for."""
    live = serve(hold, max_waiting_connections_per_address=2)
    port = live.server.port
    with raw_client(port) as first, raw_client(port) as second:
        for client in (first, second):
            client.ask(*REQUEST)
            live.until(lambda: list(live.server._door._idle) != [])
        first.ask(*REQUEST)
        live.until(lambda: len(live.server._door._idle) == 2)
        with raw_client(port) as third:
            assert third.ask(*REQUEST).status == 200
            assert second.is_closed()
            assert first.ask(*REQUEST).status == 200
            assert count(live) == 2


def test_connection_that_waits_is_not_closed_for_a_newcomer(serve: Serve) -> None:
    """Else those who open connections could close those of others."""
    live = serve(hold, max_waiting_connections=2)
    port = live.server.port
    with raw_client(port) as first, raw_client(port) as second:
        live.until(lambda: count(live) == 2)
        with raw_client(port) as third:
            assert third.is_closed()
        for client in (first, second):
            assert client.ask(*REQUEST).status == 200


@pytest.mark.parametrize("with_tls", [False, True])
def test_few_addresses_keep_nobody_out(
    serve: Serve, pair: Pair, caplog: pytest.LogCaptureFixture, with_tls: bool
) -> None:
    """The oldest connection of the address that has most is broken for one of another; before its TLS handshake too."""
    caplog.set_level(logging.INFO)
    tls = server_context(pair.certificate, pair.key) if with_tls else None
    live = serve(hold, max_waiting_connections=3, tls=tls)
    port = live.server.port
    with ExitStack() as stack:
        first, second, third = [stack.enter_context(raw_client(port, address="127.0.0.2")) for _ in range(3)]
        live.until(lambda: count(live) == 3)
        with raw_client(port, pair.trusted() if with_tls else None) as other:
            assert other.ask(*REQUEST).status == 200
            assert first.is_closed()
            assert count(live) == 3
            with raw_client(port, address="127.0.0.2") as fourth:
                assert other.is_closed()  # it was idle
                live.until(lambda: count(live) == 3)
                # Both addresses would have as many: who waits is not closed for that.
                with raw_client(port) as newcomer:
                    assert second.is_closed()
                    live.until(lambda: count(live) == 3)
                    with raw_client(port) as another:
                        assert another.is_closed()
                    if not with_tls:
                        assert [each.ask(*REQUEST).status for each in (third, fourth, newcomer)] == [200, 200, 200]
    assert "broke the oldest connection of 127.0.0.2, which has 3, for another address" in caplog.text


def test_connection_counts_while_it_is_served(serve: Serve, tmp_path: Path) -> None:
    """And from then on until it is a session or lost."""
    make_large(tmp_path)
    live = serve(hold, static=tmp_path, max_waiting_connections_per_address=1)
    with small_client(live) as reader:
        reader.send("GET /large.bin HTTP/1.1", "Host: x")
        reader.socket.recv(1)
        with raw_client(live.server.port) as other:
            assert other.is_closed()


def test_session_does_not_count(serve: Serve, connect: Connect) -> None:
    """It has a limit of its own."""
    live = serve(hold, max_waiting_connections_per_address=1)
    connect(live)
    connect(live)
    with raw_client(live.server.port) as client:
        assert client.ask(*REQUEST).status == 200


def test_requests_of_a_proxied_user_take_turns(serve: Serve, tmp_path: Path) -> None:
    """Beyond the limit they wait: a page loads many modules at once. Others behind the proxy do not."""
    make_large(tmp_path)
    options = {"static": tmp_path, "trusted_proxies": ("127.0.0.1",), "max_waiting_connections_per_address": 1}
    live = serve(hold, **options)
    user, other = "X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.2"
    with small_client(live) as first, raw_client(live.server.port) as second, raw_client(live.server.port) as third:
        first.send("GET /large.bin HTTP/1.1", "Host: x", user)
        first.socket.recv(1)
        second.send(*REQUEST, user)
        assert third.ask(*REQUEST, other).status == 200
        live.until(lambda: any(requests.count == 2 for requests in live.server._door._requests.values()))
        first.socket.close()
        assert second.receive().status == 200
        live.until(lambda: not live.server._door._requests)


def test_proxied_user_does_not_wait_for_ever(serve: Serve, tmp_path: Path) -> None:
    """503, with when to come again."""
    make_large(tmp_path)
    options = {"static": tmp_path, "trusted_proxies": ("127.0.0.1",), "max_waiting_connections_per_address": 1}
    live = serve(hold, **options)
    with small_client(live) as first, raw_client(live.server.port) as second:
        first.send("GET /large.bin HTTP/1.1", "Host: x", "X-Forwarded-For: 192.0.2.1")
        first.socket.recv(1)
        second.send(*REQUEST, "X-Forwarded-For: 192.0.2.1")
        live.until(lambda: any(requests.count == 2 for requests in live.server._door._requests.values()))
        live.skip(HELLO_TIMEOUT + 1)
        response = second.receive()
        assert (response.status, response.headers["retry-after"]) == (503, "1")


# -- turns --------------------------------------------------------------------------------------

TOGETHER = 20


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 999 + b"0\r\n\r\n",
    ],
    ids=["heads", "chunks"],
)
def test_what_comes_on_many_connections_at_once_is_parsed_in_turns(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, request_bytes: bytes
) -> None:
    """Everybody else has a turn of the event loop as soon as the time of one is used up."""
    monkeypatch.setattr(turns_module, "SECONDS_PER_TURN", 0.0)
    live, turns, parsed = serve(hold), [0], list[int]()

    class Noted(Exchange):
        def __init__(self, head: bytes) -> None:
            parsed.append(turns[0])
            super().__init__(head)

        def receive(self, data: bytes) -> list[bytes]:
            if data:
                parsed.append(turns[0])
            return super().receive(data)

    async def arrive() -> None:
        for connection in list(live.server._door._connections):
            connection.data_received(request_bytes)
        while len(live.server._door._idle) < TOGETHER:
            await asyncio.sleep(0)
            turns[0] += 1

    monkeypatch.setattr(http, "Exchange", Noted)
    with ExitStack() as stack:
        clients = [stack.enter_context(raw_client(live.server.port)) for _ in range(TOGETHER)]
        live.until(lambda: count(live) == TOGETHER and all(each._reader for each in live.server._door._connections))
        live.run(arrive())
        assert [client.receive().status for client in clients] == [200] * TOGETHER
    assert len(parsed) >= TOGETHER
    assert sorted(set(parsed)) == parsed


# -- TLS ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent", [b"", b"\x16\x03\x01\x02\x00", b"\x16\x03\x01\x00\x05aaaaa"], ids=["nothing", "half", "garbage"]
)
def test_failed_handshake_leaves_no_garbage(
    serve: Serve, pair: Pair, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    """Of each connection 256 KiB would wait to be collected."""
    caplog.set_level(logging.INFO)
    live = serve(hold, tls=server_context(pair.certificate, pair.key))

    def fail(count: int) -> None:
        with raw_client(live.server.port) as client:
            client.socket.sendall(sent)
            client.socket.shutdown(socket.SHUT_WR)
            live.until(lambda: caplog.text.count("did not begin") == count)

    fail(1)
    gc.collect()
    gc.disable()
    try:
        fail(2)
        fail(3)
        live.until(lambda: not any(isinstance(each, SSLProtocol) for each in gc.get_objects()))
    finally:
        gc.enable()


def test_sockets_that_say_nothing_are_few_before_tls(serve: Serve, pair: Pair) -> None:
    """They hold no more descriptors than the limit says; the next is closed at once."""
    live = serve(hold, tls=server_context(pair.certificate, pair.key), max_waiting_connections_per_address=5)
    with ExitStack() as stack:
        silent = [stack.enter_context(raw_client(live.server.port)) for _ in range(50)]
        assert [client.is_closed() for client in silent[5:]] == [True] * 45
        assert count(live) == 5
        live.skip(HELLO_TIMEOUT + 1)
        assert all(client.is_closed() for client in silent[:5])
    live.until(lambda: not count(live))
    with raw_client(live.server.port, pair.trusted()) as client:
        assert client.ask(*REQUEST).status == 200
        assert client.ask(*REQUEST).status == 200


def test_plain_http_on_a_tls_port_is_told_so(serve: Serve, pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    """By a page, on any path, a WebSocket's too; and by a few lines in the log."""
    caplog.set_level(logging.INFO)
    live = serve(hold, tls=server_context(pair.certificate, pair.key))
    for path in ("/", "/ws", "/health") * 4:
        with raw_client(live.server.port) as client:
            response = client.ask(f"GET {path} HTTP/1.1", "Host: evil.example", "Accept: text/html")
            assert (response.status, response.headers["content-type"]) == (400, "text/html; charset=utf-8")
            assert b"speaks HTTPS" in response.body
            assert client.is_closed()
    assert caplog.text.count("spoke HTTP where HTTPS is spoken") == 5


def test_broken_tls_is_a_line_in_the_log(serve: Serve, pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    """No traceback, and few lines."""
    caplog.set_level(logging.INFO)
    live = serve(ask_for_ever, tls=server_context(pair.certificate, pair.key))
    for data in (b"\x16\x03\x01\x00\x05hello", b"\x80\x00\x00", b"\0", b"\xff" * 100) * 3:
        with raw_client(live.server.port) as client:
            client.socket.sendall(data)
            client.socket.shutdown(1)
            while client.socket.recv(100):
                pass
    live.until(lambda: not count(live))
    assert caplog.text.count("a connection of 127.0.0.1 did not begin") == 5
    assert not [record for record in caplog.records if record.exc_info or record.levelno > logging.INFO]


# -- time ---------------------------------------------------------------------------------------


def test_time_for_the_hello_begins_at_the_accept(serve: Serve) -> None:
    """The request does not begin it anew."""
    live = serve(hold)
    with raw_client(live.server.port) as client:
        live.until(lambda: count(live) == 1)
        live.skip(HELLO_TIMEOUT - 2)
        client.send(
            *("GET /ws HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
            *("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol: pagewire.v1"),
        )
        assert client.receive().status == 101
        live.until(lambda: bool(live.server._handshake._listening))
        live.skip(3)
        received = b""
        while b"hello_timeout" not in received:
            piece = client.socket.recv(1000)
            assert piece, received
            received += piece


# -- memory -------------------------------------------------------------------------------------


def make_large(folder: Path) -> None:
    """Write a file that no buffer of the kernel holds."""
    with (folder / "large.bin").open("wb") as file:
        file.truncate(64 << 20)


def small_client(live: LiveServer) -> RawClientContext:
    """Connect, with little room in the kernel for what is not read."""
    return RawClientContext(live.server.port)


class RawClientContext:
    """A client that the kernel keeps little for."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(("127.0.0.1", port))

    def __enter__(self) -> RawClient:
        """Return it."""
        return RawClient(self._socket)

    def __exit__(self, *_error: object) -> None:
        """Close it."""
        self._socket.close()


def test_client_that_does_not_read_costs_little_and_is_let_go(
    serve: Serve, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A piece of the file at most; and it has so long for each."""
    caplog.set_level(logging.INFO)
    make_large(tmp_path)
    live = serve(ask_for_ever, static=tmp_path)
    neighbour = Neighbour(connect(live))
    with ExitStack() as stack:
        clients = [stack.enter_context(small_client(live)) for _ in range(20)]
        for client in clients:
            client.send("GET /large.bin HTTP/1.1", "Host: x")
        connections = live.server._door._connections
        live.until(lambda: len(connections) == 20 and all(connection._writer for connection in connections))
        buffered = [connection._transport.get_write_buffer_size() for connection in connections]
        assert max(buffered) <= PIECE_BYTES
        assert neighbour.is_served()
        live.skip(STALL_SECONDS + 1)
        live.until(lambda: not count(live))
    assert "a client does not read a response" in caplog.text


def test_large_file_comes_whole(serve: Serve, tmp_path: Path, pair: Pair) -> None:
    """Over TLS, too; and the connection is kept."""
    content = bytes(range(256)) * 20_000
    (tmp_path / "a.bin").write_bytes(content)
    plain, encrypted = (
        serve(hold, static=tmp_path),
        serve(hold, static=tmp_path, tls=server_context(pair.certificate, pair.key)),
    )
    for live, context in ((plain, None), (encrypted, pair.trusted())):
        with raw_client(live.server.port, context) as client:
            for _ in range(2):
                assert client.ask("GET /a.bin HTTP/1.1", "Host: x").body == content


def test_response_is_finished_before_the_server_closes(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the last one of its connection."""
    is_asked, may_answer = threading.Event(), asyncio.Event()

    async def respond(_site: Site, _request: Request, **_state: object) -> Response:
        is_asked.set()
        await may_answer.wait()
        return Response(HTTPStatus.OK, {"Content-Length": "2"}, b"ok")

    monkeypatch.setattr(Site, "respond", respond)
    live = serve(hold)

    async def stop() -> None:
        closing = asyncio.create_task(live.server.close())
        while not live.server._runner.is_closing:  # noqa: ASYNC110 - there is no event of it
            await asyncio.sleep(0)
        may_answer.set()
        await closing

    with raw_client(live.server.port) as client:
        client.send(*REQUEST)
        assert is_asked.wait(PATIENCE)
        live.run(stop())
        response = client.receive()
        assert (response.body, response.headers["connection"]) == (b"ok", "close")
        assert client.is_closed()


# -- descriptors --------------------------------------------------------------------------------

FEW_DESCRIPTORS = """
import asyncio, resource, sys
from pagewire_server import Options, create_server

async def main():
    options = Options(max_waiting_connections=1000, max_waiting_connections_per_address=1000)
    async with create_server(lambda: None, port=0, options=options) as server:
        resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30))
        print(server.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


def is_served(port: int) -> bool:
    """Whether a request is answered."""
    try:
        with raw_client(port) as client:
            return client.ask(*REQUEST).status == 200
    except (EOFError, ConnectionError):
        return False


def test_server_without_descriptors_refuses_and_goes_on() -> None:
    """Newcomers are closed, and do not wait in vain; the log has a few lines; later all is as before."""
    command = [sys.executable, "-c", FEW_DESCRIPTORS]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        port = int(process.stdout.readline())
        with ExitStack() as stack:
            clients = [stack.enter_context(raw_client(port)) for _ in range(100)]
            assert all(client.is_closed() for client in clients[40:])
        while not is_served(port):
            pass
        process.stdin.close()
        log = process.stderr.read()
    assert "the limit is 30" in log
    assert log.count("\n") <= 10
