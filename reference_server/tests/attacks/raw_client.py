"""A client on a bare socket: it says what it is told, and reads only when it is told. None of our code, no library."""

from __future__ import annotations

import itertools
import json
import os
import secrets
import select
import socket
import ssl
import struct
import time
from collections.abc import Callable
from typing import Any, Final, Self

PATIENCE: Final = 30.0
"""Seconds that an attack waits for anything that has to come."""

TEXT: Final = 1
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

_sources = itertools.count(2)


def new_address() -> str:
    """Return an address of this machine that no client has used yet: Linux answers to all of 127.0.0.0/8."""
    number = next(_sources)
    return f"127.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def frame(payload: bytes, opcode: int = TEXT, *, is_final: bool = True, is_masked: bool = True) -> bytes:
    """Return a frame (RFC 6455, section 5.2), masked by zeros."""
    mask = 0x80 if is_masked else 0
    first = opcode | (0x80 if is_final else 0)
    if len(payload) < 126:
        head = bytes((first, mask | len(payload)))
    elif len(payload) < 65536:
        head = struct.pack(">BBH", first, mask | 126, len(payload))
    else:
        head = struct.pack(">BBQ", first, mask | 127, len(payload))
    return head + (bytes(4) if is_masked else b"") + payload


def hello(**changes: Any) -> str:
    """Return a hello, as JSON, with some params changed."""
    params = {
        "versions": ["1.0"],
        "client": {"name": "raw", "version": "1"},
        "instance": secrets.token_urlsafe(16),
        "attempt": 1,
        "app": "index",
        "capabilities": {},
        "page": {},
        "limits": {"max_message_bytes": 4194304},
    }
    return json.dumps({"type": "hello", "params": params | changes})


class RawClient:
    """One TCP connection. It ends with its block, or with `close`."""

    def __init__(self, port: int, *, source: str = "127.0.0.1", tls: bool = False, receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        self.port = port
        self.seq = 0
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()

    # -- HTTP --------------------------------------------------------------------------------------

    def request(self, target: str, method: str = "GET", **headers: str) -> None:
        """Send the head of a request; in the names of headers `_` becomes `-`."""
        named = {"Host": f"127.0.0.1:{self.port}"} | {name.replace("_", "-"): text for name, text in headers.items()}
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {text}" for name, text in named.items() if text)]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def response(self) -> tuple[int, bytes]:
        """Return the status of the response, 0 if the connection ended instead, and the rest of the head."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._read():
                return 0, bytes(self._buffer)
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer[:] = rest
        return int(head.split(b" ", 2)[1]), head

    def get(self, target: str, **headers: str) -> tuple[int, bytes]:
        """Return the status and the body of a response, which has a Content-Length or ends the connection."""
        self.request(target, **headers)
        status, head = self.response()
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), None)
        while (length is None or len(self._buffer) < length) and self._read():
            pass
        return status, bytes(self._buffer)

    # -- WebSocket ---------------------------------------------------------------------------------

    def upgrade(self, **headers: str) -> int:
        """Ask for a WebSocket; return the status."""
        asked = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec_WebSocket_Version": "13",
            "Sec_WebSocket_Protocol": "pagewire.v1",
        }
        self.request("/ws?key=attack", **(asked | headers))
        return self.response()[0]

    def open_session(self, app: str = "index", **headers: str) -> str:
        """Upgrade and say hello; return what type of message answers it."""
        if self.upgrade(**headers) != 101:
            return ""
        self.send(hello(app=app))
        return str(self.receive().get("type", ""))

    def send(self, text: str) -> None:
        """Send a message, as one frame."""
        self.socket.sendall(frame(text.encode()))

    def send_session(self, type_: str, params: str, id_: int | None = None) -> None:
        """Send a session message with the next `seq`; `params` are JSON."""
        self.seq += 1
        id_text = "" if id_ is None else f'"id":{id_},'
        self.send(f'{{"type":"{type_}","seq":{self.seq},{id_text}"params":{params}}}')

    def leave(self) -> None:
        """Say bye, and close (END-2)."""
        self.send(json.dumps({"type": "bye", "params": {"code": "client_left", "message": "", "retry": "never"}}))
        self.socket.sendall(frame((1000).to_bytes(2, "big"), CLOSE))

    def receive(self) -> dict[str, Any]:
        """Return the next message that is no ping and no ack, answering Pings; {} where the connection ends."""
        while True:
            opcode, payload = self._receive_frame()
            if opcode == PING:
                self.socket.sendall(frame(payload, PONG))
            elif opcode == TEXT:
                message: dict[str, Any] = json.loads(payload)
                if message["type"] not in {"ping", "ack"}:
                    return message
            elif opcode in {0, CLOSE}:
                return {}

    def _receive_frame(self) -> tuple[int, bytes]:
        while True:
            head = bytes(self._buffer[:10])
            if len(head) >= 2:
                extra = {126: 2, 127: 8}.get(head[1], 0)
                start = 2 + extra
                if len(head) >= start:
                    length = int.from_bytes(head[2:start], "big") if extra else head[1]
                    if len(self._buffer) >= start + length:
                        payload = bytes(self._buffer[start : start + length])
                        del self._buffer[: start + length]
                        return head[0] & 0x0F, payload
            if not self._read():
                return 0, b""

    def _read(self) -> bool:
        try:
            data = self.socket.recv(1 << 20)
        except OSError:
            return False
        self._buffer += data
        return bool(data)


def send_while_accepted(
    clients: list[RawClient], data: bytes, most: int, is_over: Callable[[], bool] = lambda: False, patience: float = 2.0
) -> None:
    """Send `data` again and again to each server's end, up to `most` bytes each, without reading.

    It ends if nobody accepts a byte for `patience` seconds, all connections have ended, or `is_over`.
    """
    view = memoryview(data)
    sent = {client.socket: 0 for client in clients}
    for each in sent:
        each.setblocking(False)
    accepted_at = time.monotonic()
    while sent and time.monotonic() - accepted_at < patience and not is_over():
        for ready in select.select([], list(sent), [], 0.1)[1]:
            try:
                sent[ready] += ready.send(view[sent[ready] % len(data) :])
                accepted_at = time.monotonic()
            except BlockingIOError:
                continue
            except OSError:
                del sent[ready]
                continue
            if sent[ready] >= most:
                del sent[ready]


def count_open(clients: list[RawClient], patience: float) -> int:
    """Return how many connections the server has not ended after at most `patience` seconds; Pings are answered."""
    living = {client.socket for client in clients}
    end = time.monotonic() + patience
    while living and time.monotonic() < end:
        for ready in select.select(list(living), [], [], 0.1)[0]:
            try:
                data = ready.recv(65536)
                if b"\x89" in data:
                    ready.sendall(frame(data[data.index(b"\x89") + 2 :][: data[data.index(b"\x89") + 1]], PONG))
            except OSError:
                data = b""
            if not data:
                living.discard(ready)
    return len(living)


def lower_priority() -> None:
    """Let everybody else go first on the processors: what is to be measured is the server."""
    os.nice(19)
