"""Plain HTTP/1.1 on the server's port: what each request gets, in which order, and what becomes of its connection."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from live_server import PATIENCE, LiveServer, Serve
from neighbour import Neighbour, ask_for_ever
from raw_http import RawClient, raw_client
from scripted_client import Connect

from pagewire_server.backends.default.http import KEEP_ALIVE_SECONDS, HttpConnection
from pagewire_server.options import Options
from pagewire_server.session import hold
from pagewire_server.web.requests import Request
from pagewire_server.web.responses import Response
from pagewire_server.web.site import MAX_BODY_BYTES, Site

HELLO_TIMEOUT = Options().hello_timeout
GET = "GET /health HTTP/1.1"
HOST = "Host: x"
UPGRADE = ("Upgrade: websocket", "Connection: Upgrade")
HANDSHAKE = (*UPGRADE, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")
MAX_LINE = 8190
MOST = 1 << 20


@pytest.fixture
def live(serve: Serve, tmp_path: Path) -> LiveServer:
    """Serve one file."""
    (tmp_path / "a.txt").write_text("content of a", encoding="utf-8")
    return serve(hold, static=tmp_path)


@pytest.fixture
def client(live: LiveServer) -> Iterator[RawClient]:
    """Connect to the server."""
    with raw_client(live.server.port) as raw:
        yield raw


def connections(live: LiveServer) -> list[HttpConnection]:
    """Return those that the server counts."""
    return list(live.server._door._connections)


# -- one connection, many requests --------------------------------------------------------------


def test_connection_is_kept(client: RawClient) -> None:
    """HTTP/1.1: after a file, after a 404 and after a 304."""
    first = client.ask("GET /a.txt HTTP/1.1", HOST)
    assert (first.status, first.body) == (200, b"content of a")
    assert client.ask("GET /nothing HTTP/1.1", HOST).status == 404
    assert client.ask("GET /a.txt HTTP/1.1", HOST, f"If-None-Match: {first.headers['etag']}").status == 304
    assert client.ask("GET /a.txt HTTP/1.1", HOST).body == b"content of a"


def test_requests_that_come_together_are_answered_in_order(client: RawClient) -> None:
    """Whatever each of them takes."""
    paths = ["/a.txt", "/health", "/nothing", "/a.txt", "/pagewire/index.js"]
    client.socket.sendall(b"".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in paths))
    types = [client.receive().headers["content-type"].partition(";")[0] for _ in paths]
    assert types == ["text/plain", "application/json", "text/plain", "text/plain", "text/javascript"]


def test_client_that_ends_its_half_gets_its_answers(client: RawClient) -> None:
    """All of them; then the server ends its own."""
    client.socket.sendall(b"GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
    client.socket.shutdown(1)
    assert [client.receive().body for _ in range(2)] == [b"content of a"] * 2
    assert client.is_closed()


def test_connection_closes_where_the_client_asks_for_it(client: RawClient) -> None:
    """The response says so, too."""
    assert client.ask(GET, HOST, "Connection: close").headers["connection"] == "close"
    assert client.is_closed()


def test_http_1_0_is_answered_and_closed(client: RawClient) -> None:
    """It asks for no host."""
    response = client.ask("GET /a.txt HTTP/1.0")
    assert (response.status, response.body, response.headers["connection"]) == (200, b"content of a", "close")
    assert client.is_closed()


def test_idle_connection_is_closed_after_a_while(live: LiveServer, client: RawClient) -> None:
    """Without a word: there is no request to answer."""
    client.ask(GET, HOST)
    live.until(lambda: bool(live.server._door._idle))
    live.skip(KEEP_ALIVE_SECONDS + 1)
    assert client.is_closed()


def test_idle_connection_is_closed_at_once_when_the_server_stops(live: LiveServer, client: RawClient) -> None:
    """Nobody waits for it."""
    client.ask(GET, HOST)
    live.stop()
    assert client.is_closed()


def test_connection_is_not_kept_while_the_server_drains(live: LiveServer, connect: Connect) -> None:
    """The client finds the next server; its session goes on."""
    session = connect(live)
    with raw_client(live.server.port) as first, raw_client(live.server.port) as second:
        for client in (first, second):
            assert client.ask(GET, HOST).status == 200
        draining = live.begin(live.server.drain())
        live.until(lambda: live.server._runner.is_stopping)
        for client, path in ((first, "/health"), (second, "/a.txt")):
            response = client.ask(f"GET {path} HTTP/1.1", HOST)
            assert (response.status, response.headers["connection"]) == (503, "close")
            assert client.is_closed()
    session.leave()
    draining.result(PATIENCE)


def test_every_response_says_by_whom_and_when(client: RawClient) -> None:
    """The pages of refused requests have the policy of all pages, too."""
    for lines in ([GET, HOST], ["GET /nothing HTTP/1.1", HOST], ["POST /a.txt HTTP/1.1", HOST], ["nonsense", HOST]):
        response = client.ask(*lines)
        assert response.headers["server"].startswith("pagewire/")
        assert response.headers["date"].endswith(" GMT")
        assert response.headers["x-content-type-options"] == "nosniff"
        assert lines[0] == GET or "script-src 'self'" in response.headers["content-security-policy"]


# -- methods ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/a.txt", "/health", "/nothing", "/ws"])
def test_head_gets_the_headers_of_get_alone(client: RawClient, path: str) -> None:
    """RFC 9110, 9.3.2."""
    head = client.ask(f"HEAD {path} HTTP/1.1", HOST)
    got = client.ask(f"GET {path} HTTP/1.1", HOST)
    head.headers.pop("date"), got.headers.pop("date")
    assert (head.status, head.headers) == (got.status, got.headers)
    assert int(head.headers["content-length"]) == len(got.body)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT"])
@pytest.mark.parametrize("path", ["/a.txt", "/health", "/ws"])
def test_other_methods_are_not_allowed(client: RawClient, method: str, path: str) -> None:
    """The response says which are."""
    response = client.ask(f"{method} {path} HTTP/1.1", HOST, "Content-Length: 0")
    assert (response.status, response.headers["allow"]) == (405, "GET, HEAD")
    assert client.ask(GET, HOST).status == 200


def test_unknown_method_is_not_implemented(client: RawClient) -> None:
    """RFC 9110, 9.1."""
    assert client.ask("BREW /a.txt HTTP/1.1", HOST).status == 501
    assert client.ask(GET, HOST).status == 200


# -- bodies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_body_is_discarded(client: RawClient, method: str) -> None:
    """With its length, or in chunks with a trailer; the next request is found after it."""
    body = b"GET /evil HTTP/1.1\r\n\r\n" * 2000
    lines = (f"{method} /a.txt HTTP/1.1", HOST)
    chunks = b"".join(b"%x;x=y\r\n%b\r\n" % (len(part), part) for part in (body[:1], body[1:9], body[9:]))
    status = 200 if method == "GET" else 405
    assert client.ask(*lines, f"Content-Length: {len(body)}", body=body).status == status
    assert client.ask(*lines, "Transfer-Encoding: chunked", body=chunks + b"0\r\nX: y\r\n\r\n").status == status
    assert client.ask(GET, HOST).status == 200


def test_body_that_is_too_large_is_refused_unread(client: RawClient) -> None:
    """413; the client gets to read that, though it goes on to send."""
    client.send("POST /a.txt HTTP/1.1", HOST, f"Content-Length: {1 << 40}")
    client.socket.sendall(bytes(1 << 20))
    response = client.receive()
    assert (response.status, response.headers["connection"]) == (413, "close")


def test_chunked_body_without_end_ends_its_connection(client: RawClient) -> None:
    """After the response."""
    client.send("GET /a.txt HTTP/1.1", HOST, "Transfer-Encoding: chunked")
    assert client.receive().status == 200
    chunk = b"1000\r\n%b\r\n" % bytes(4096)
    client.socket.sendall(chunk * (MAX_BODY_BYTES // 4096 + 1))
    assert client.is_closed()


def test_client_that_waits_for_continue_is_answered_at_once(client: RawClient) -> None:
    """Its body is not wanted; what follows may be the body or not, so that the connection ends."""
    response = client.ask("POST /a.txt HTTP/1.1", HOST, "Content-Length: 10", "Expect: 100-continue")
    assert (response.status, response.headers["connection"]) == (405, "close")
    assert client.is_closed()


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer requests by their own body: read whole, or in pieces as it comes."""

    async def respond(_site: Site, request: Request, **_state: object) -> Response:
        assert request.body
        headers = {"Content-Type": "text/plain"}
        if request.path == "/pieces":
            return Response(HTTPStatus.OK, headers, request.body.pieces(MOST))
        body = await request.body.read(MOST)
        return Response(HTTPStatus.OK, headers | {"Content-Length": str(len(body))}, body)

    monkeypatch.setattr(Site, "respond", respond)


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize("path", ["/whole", "/pieces"])
def test_body_is_read_by_whoever_serves_the_request(client: RawClient, path: str) -> None:
    """The response may begin before the request has come whole."""
    for size in (1, 4000):
        body = bytes(range(256)) * size
        response = client.ask(f"POST {path} HTTP/1.1", HOST, f"Content-Length: {len(body)}", body=body)
        assert (response.status, response.body) == (200, body)


@pytest.mark.usefixtures("echo")
def test_client_is_told_to_continue_once_its_body_is_wanted(client: RawClient) -> None:
    """100, and then the response."""
    client.send("POST /whole HTTP/1.1", HOST, "Content-Length: 5", "Expect: 100-continue")
    assert client.receive().status == 100
    client.socket.sendall(b"hello")
    assert client.receive().body == b"hello"
    assert client.ask("POST /whole HTTP/1.1", HOST, "Content-Length: 1", body=b"x").body == b"x"


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize("path", ["/whole", "/pieces"])
def test_body_that_breaks_off_is_not_taken_for_a_whole_one(client: RawClient, path: str) -> None:
    """A response that has begun breaks off, too."""
    client.send(f"POST {path} HTTP/1.1", HOST, "Content-Length: 50", body=b"hello")
    client.socket.shutdown(1)
    if path == "/whole":
        assert client.receive().status == 400
    else:
        with pytest.raises((EOFError, ConnectionError)):
            client.receive()


@pytest.mark.parametrize(
    "chunks", [b"x\r\n", b"-1\r\n", b"5\r\nabcdefgh", b"0\r\nno field\r\n\r\n", b"0\r\n" + b"a: b\r\n" * 9000]
)
def test_malformed_chunks_end_their_connection_only(client: RawClient, chunks: bytes) -> None:
    """The request itself was answered."""
    assert client.ask("GET /a.txt HTTP/1.1", HOST, "Transfer-Encoding: chunked", body=chunks).status == 200
    assert client.is_closed()


# -- heads --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("nonsense", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nHost: y", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nno colon", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nspace before : colon", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nA: \x01", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2", 400),
        ("GET /\x7f HTTP/1.1\r\nHost: x", 400),
        ("GET /\u00e4 HTTP/1.1\r\nHost: x", 400),
        ("GET http://[x HTTP/1.1\r\nHost: x", 400),
        ("\x16\x03\x01", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked", 400),
        ("POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip", 501),
        ("PRI * HTTP/2.0", 505),
        ("GET / HTTP/3.0\r\nHost: x", 505),
        (f"GET /{'x' * MAX_LINE} HTTP/1.1\r\nHost: x", 414),
        (f"GET / HTTP/1.1\r\nHost: x\r\nA: {'x' * MAX_LINE}", 431),
        ("GET / HTTP/1.1\r\nHost: x" + "\r\nA: b" * 200, 431),
        ("GET / HTTP/1.1\r\nHost: x" + f"\r\nA: {'x' * 8000}" * 5, 431),
    ],
)
def test_head_that_is_not_accepted_is_answered(client: RawClient, head: str, status: int) -> None:
    """And nothing follows on that connection."""
    response = client.ask(head)
    assert (response.status, response.headers["connection"]) == (status, "close")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert client.is_closed()


def test_head_without_end_is_answered(client: RawClient) -> None:
    """Before it is whole."""
    client.socket.sendall(b"GET /" + b"x" * 10_000)
    assert client.receive().status == 414


def test_head_without_end_in_many_fields_is_answered(client: RawClient) -> None:
    """Also before it is whole."""
    client.socket.sendall(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 1000)
    assert client.receive().status == 431


def test_blank_lines_before_a_request_are_ignored(client: RawClient) -> None:
    """RFC 9112, 2.2: some clients send one after a body."""
    client.socket.sendall(b"\r\n\r\n")
    assert client.ask(GET, HOST).status == 200
    client.socket.sendall(b"\r\n")
    assert client.ask(GET, HOST).status == 200


def test_head_may_come_byte_by_byte(client: RawClient) -> None:
    """However the network cuts it."""
    for byte in b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n":
        client.socket.sendall(bytes([byte]))
    assert client.receive().status == 200


def test_head_that_does_not_come_in_time_is_answered(live: LiveServer, client: RawClient) -> None:
    """408; for the second request the time begins with its first byte."""
    client.ask(GET, HOST)
    live.until(lambda: bool(live.server._door._idle))
    live.skip(HELLO_TIMEOUT + 1)
    client.socket.sendall(b"GET / HT")
    live.until(lambda: any(connection._incoming for connection in connections(live)))
    live.skip(HELLO_TIMEOUT + 1)
    assert client.receive().status == 408


def test_silence_from_the_start_is_closed(live: LiveServer, client: RawClient) -> None:
    """Without a response to nothing."""
    live.until(lambda: bool(connections(live)))
    live.skip(HELLO_TIMEOUT + 1)
    assert client.is_closed()


def test_body_that_does_not_come_in_time_ends_its_connection(live: LiveServer, client: RawClient) -> None:
    """It was answered before."""
    assert client.ask("GET /a.txt HTTP/1.1", HOST, "Content-Length: 5", body=b"abcd").status == 200
    live.until(lambda: any(connection._reader for connection in connections(live)))
    live.skip(HELLO_TIMEOUT + 3)
    assert client.is_closed()


@pytest.mark.parametrize("lines", [(), ("X-Host: x",), ("A: b\r\n host: x",)])
def test_request_without_host_is_answered(client: RawClient, lines: tuple[str, ...]) -> None:
    """It comes from no browser (SEC-6)."""
    assert client.ask("GET /a.txt HTTP/1.1", *lines).status == 200


def test_host_of_a_whole_url_is_the_one_that_counts(client: RawClient) -> None:
    """RFC 9112, 3.2.2."""
    assert client.ask("GET http://x/a.txt?a HTTP/1.1", "Host: evil.example").body == b"content of a"
    assert client.ask("GET http://evil.example/a.txt HTTP/1.1", HOST).status == 421


# -- upgrades -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/a.txt", "/ws"])
def test_other_upgrades_are_ignored(client: RawClient, path: str) -> None:
    """As if it was not there; and the connection is kept."""
    response = client.ask(f"GET {path} HTTP/1.1", HOST, "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings")
    assert response.status == (200 if path == "/a.txt" else 426)
    assert client.ask(GET, HOST).status == 200


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (HANDSHAKE[:3], 400),
        ((*HANDSHAKE[:3], "Sec-WebSocket-Key: short"), 400),
        ((*HANDSHAKE, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="), 400),
        ((*UPGRADE, "Sec-WebSocket-Version: 8", HANDSHAKE[3]), 400),
        ((HANDSHAKE[0], *HANDSHAKE[2:]), 426),
        (("Upgrade: websocket, x", *HANDSHAKE[1:]), 426),
    ],
)
def test_malformed_handshake_is_answered_like_any_request(
    client: RawClient, lines: tuple[str, ...], status: int
) -> None:
    """After the check of the host."""
    response = client.ask("GET /ws HTTP/1.1", HOST, *lines)
    assert response.status == status
    assert "script-src" in response.headers["content-security-policy"]
    assert ("upgrade" in response.headers) == (status == 426)
    assert client.ask("GET /ws HTTP/1.1", "Host: evil.example", *lines).status == 421
    assert client.ask("GET /ws HTTP/1.1", HOST, *HANDSHAKE).status == 101


def test_connection_may_become_a_websocket_after_other_requests(live: LiveServer, client: RawClient) -> None:
    """Its time for the hello begins with that request; what came with it is read."""
    client.ask(GET, HOST)
    live.until(lambda: bool(live.server._door._idle))
    live.skip(HELLO_TIMEOUT + 1)
    close = b"\x88\x80\x00\x00\x00\x00"
    response = client.ask("GET /ws HTTP/1.1", HOST, *HANDSHAKE, "Sec-WebSocket-Protocol: pagewire.v1", body=close)
    assert (response.status, response.headers["sec-websocket-protocol"]) == (101, "pagewire.v1")
    live.until(lambda: not connections(live))
    assert client.take(2) == b"\x88\x00"


def test_old_http_opens_no_websocket(client: RawClient) -> None:
    """RFC 9110, 7.8: `Upgrade` is ignored there."""
    assert client.ask("GET /ws HTTP/1.0", HOST, *HANDSHAKE).status == 426


# -- anything -----------------------------------------------------------------------------------

GOOD_HEADS = (
    b"GET /a.txt HTTP/1.1\r\nHost: x\r\nAccept-Encoding: br;q=1, gzip;q=0.5\r\nRange: bytes=1-3\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b'HEAD /%20?x HTTP/1.1\r\nHost: [::1]:80\r\nIf-None-Match: W/"x", *\r\nContent-Length: 3\r\n\r\nabc',
    "\r\n".join(("GET /ws HTTP/1.1", HOST, *HANDSHAKE, "Sec-WebSocket-Protocol: pagewire.v1", "", "")).encode(),
)
PIECES = (b"\r\n", b"\n", b"\0", b"\xff", b":", b" ", b"\t", b"HTTP/1.1", b"Host: y\r\n", b"0", b";", b",", b"=", b'"')


def mutated(generator: random.Random) -> bytes:
    """Return requests in which some bytes were changed, removed or put in."""
    data = bytearray(b"".join(generator.choices(GOOD_HEADS, k=generator.randint(1, 3))))
    for _ in range(generator.randint(0, 6)):
        at = generator.randrange(len(data))
        match generator.randrange(4):
            case 0:
                data[at] = generator.randrange(256)
            case 1:
                del data[at : at + generator.randint(1, 20)]
            case 2:
                data[at:at] = generator.choice(PIECES)
            case _:
                data[at:at] = data[at : at + generator.randint(1, 60)]
    return bytes(data)


def test_whatever_is_sent_fails_nothing(serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """Others are served, and nothing is logged as a failure of the server."""
    live = serve(ask_for_ever)
    neighbour = Neighbour(connect(live))
    generator = random.Random(10)  # noqa: S311 - it only has to be repeatable
    for number in range(300):
        with raw_client(live.server.port) as client:
            data = mutated(generator)
            client.socket.sendall(data)
            client.socket.shutdown(1)
            try:
                while client.socket.recv(65_536):
                    pass
            except ConnectionError:
                pass
        assert number % 50 or neighbour.is_served()
    live.until(lambda: not connections(live) and not live.server._handshake.sockets)
    assert neighbour.is_served()
    assert not [record for record in caplog.records if record.exc_info]


def test_client_that_goes_as_its_request_is_refused_is_no_failure(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The refusal resets the connection, which is not known yet when its end is to be said."""
    peer = socket.create_connection(("127.0.0.1", live.server.port))
    peer.sendall(b"GET / HT")

    async def leave_once_it_is_too_late() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(HELLO_TIMEOUT + 1, peer.close)
        live.skip(HELLO_TIMEOUT + 2)

    live.until(lambda: any(connection._incoming for connection in connections(live)))
    live.run(leave_once_it_is_too_late())
    live.until(lambda: not connections(live))
    assert "failed" not in caplog.text
