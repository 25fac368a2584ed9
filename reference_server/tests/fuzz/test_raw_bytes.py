"""Bytes that are no WebSocket, or a broken one, over a real socket: the server goes on serving another client."""

from __future__ import annotations

import logging
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from live_server import PATIENCE, LiveServer, Serve
from neighbour import Neighbour, ask_for_ever
from scripted_client import Connect

UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: pagewire.v1\r\n\r\n"
)
MASK = b"\x00\x00\x00\x00"

REQUESTS = {
    "nothing": b"",
    "zeros": bytes(1000),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "half a request": UPGRADE[:60],
    "a line without end": b"GET /" + b"a" * 100_000,
    "headers without end": b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000,
    "a header without colon": b"GET /ws HTTP/1.1\r\nHost\r\n\r\n",
    "another version": UPGRADE.replace(b"HTTP/1.1", b"HTTP/9.9"),
    "a POST with a body": b"POST /ws HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "a body without end": b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
    "no key": UPGRADE.replace(b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", b""),
    "a bad key": UPGRADE.replace(b"AAAAAAAAAAAAAAAAAAAAAA==", b"A"),
    "two keys": UPGRADE.replace(b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: A\r\nSec-WebSocket-Version: 13"),
    "an odd version": UPGRADE.replace(b": 13", b": 99"),
    "an odd path": UPGRADE.replace(b"/ws", b"http://[\xff"),
    "an odd host": UPGRADE.replace(b"Host: x", b"Host: [\xc3"),
    "an odd subprotocol": UPGRADE.replace(b"pagewire.v1", b",,;\xff"),
    "an odd extension": UPGRADE.replace(b"Host: x", b"Host: x\r\nSec-WebSocket-Extensions: ;;=,\xff"),
    "an odd address": UPGRADE.replace(b"Host: x", b"Host: x\r\nX-Forwarded-For: ,,\xff,::"),
}

FRAMES = {
    "no mask": b"\x81\x02{}",
    "an unknown opcode": b"\x83\x80" + MASK,
    "a reserved bit": b"\xc1\x80" + MASK,
    "all reserved bits": b"\xf1\x80" + MASK,
    "a control frame in fragments": b"\x09\x80" + MASK,
    "a control frame too long": b"\x89\xfe\x00\x7e" + MASK + bytes(126),
    "a continuation of nothing": b"\x80\x80" + MASK,
    "a message within a message": b"\x01\x80" + MASK + b"\x01\x80" + MASK,
    "a length of 2^63": b"\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00" + MASK,
    "a length of 1 TiB": b"\x81\xff\x00\x00\x01\x00\x00\x00\x00\x00" + MASK + b"x" * 1000,
    "a length of 5 MiB in fragments": (b"\x01\xff\x00\x00\x00\x00\x00\x20\x00\x00" + MASK + bytes(1 << 21)) * 3,
    "empty fragments": b"\x01\x80" + MASK + (b"\x00\x80" + MASK) * 10_000,
    "no UTF-8": b"\x81\x82" + MASK + b"\xff\xfe",
    "half a character": b"\x81\x81" + MASK + b"\xc3",
    "a close without its code": b"\x88\x81" + MASK + b"\x03",
    "a close with an odd code": b"\x88\x82" + MASK + b"\x00\x00",
    "pings": (b"\x89\x80" + MASK) * 10_000,
    "half a frame": b"\x81\xfe\x10",
}


@contextmanager
def stranger(live: LiveServer, *, upgrade: bool) -> Iterator[socket.socket]:
    """Connect, and open a WebSocket by hand if asked to."""
    with socket.create_connection(("127.0.0.1", live.server.port), PATIENCE) as end:
        if upgrade:
            end.sendall(UPGRADE)
            assert end.recv(12) == b"HTTP/1.1 101"
        yield end


def send_and_wait_for_the_end(end: socket.socket, data: bytes) -> None:
    """Send as much as is taken, say that this was all, and read until the server closes."""
    with suppress(ConnectionError):
        end.sendall(data)
        end.shutdown(socket.SHUT_WR)
        while end.recv(65536):
            pass


@pytest.mark.parametrize("kind", REQUESTS)
def test_bytes_that_are_no_request_end_their_connection_only(
    serve: Serve, connect: Connect, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the handshake is; and no stranger fills the log with errors."""
    live = serve(ask_for_ever)
    neighbour = Neighbour(connect(live))
    with stranger(live, upgrade=False) as end:
        send_and_wait_for_the_end(end, REQUESTS[kind])
    assert neighbour.is_served()
    live.until(lambda: not len(live.server._door.limiter) and not live.server._handshake.sockets)
    assert not [record for record in caplog.records if record.levelno > logging.WARNING], "a refusal is no more"


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_that_are_broken_end_their_connection_only(serve: Serve, connect: Connect, kind: str) -> None:
    """RFC 6455: masks, lengths, fragments, opcodes, reserved bits."""
    live = serve(ask_for_ever)
    neighbour = Neighbour(connect(live))
    with stranger(live, upgrade=True) as end:
        send_and_wait_for_the_end(end, FRAMES[kind])
    assert neighbour.is_served()
    live.until(lambda: not live.server._handshake.sockets)


def test_random_bytes_end_their_connections_only(serve: Serve, connect: Connect) -> None:
    """As a request, and as frames."""
    live = serve(ask_for_ever)
    neighbour = Neighbour(connect(live))
    generator = random.Random(1)  # noqa: S311 - it only has to be repeatable
    for number in range(100):
        with stranger(live, upgrade=bool(number % 2)) as end:
            send_and_wait_for_the_end(end, generator.randbytes(generator.randrange(300)))
    assert neighbour.is_served()
    live.until(lambda: not len(live.server._door.limiter) and not live.server._handshake.sockets)
