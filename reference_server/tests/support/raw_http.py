"""HTTP as bytes on a socket, for tests of what a library for clients would not send, or would hide."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from live_server import PATIENCE


@dataclass(frozen=True)
class RawResponse:
    """A response as it came. The names of its headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class RawClient:
    """One connection, from which responses are read one by one."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._received = b""

    def send(self, *lines: str, body: bytes = b"") -> None:
        """Send the head that these lines are, and a body."""
        self.socket.sendall("\r\n".join((*lines, "", "")).encode("latin-1") + body)

    def receive(self, *, is_head: bool = False) -> RawResponse:
        """Return the next response; `is_head` says that it has no body whatever its head says."""
        head = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        fields = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in fields}
        status = int(head[0].split(" ")[1])
        is_empty = is_head or status in {100, 101, 204, 304}
        return RawResponse(status, headers, b"" if is_empty else self._body(headers))

    def ask(self, *lines: str, body: bytes = b"") -> RawResponse:
        """Send a request and return its response."""
        self.send(*lines, body=body)
        return self.receive(is_head=lines[0].startswith("HEAD "))

    def take(self, count: int) -> bytes:
        """Read as many bytes as `count` says, which may have come with the response."""
        while len(self._received) < count:
            self._more()
        taken, self._received = self._received[:count], self._received[count:]
        return taken

    def is_closed(self) -> bool:
        """Wait for the end, with nothing more before it."""
        try:
            return not self._received and not self.socket.recv(1)
        except ConnectionError:
            return True

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return self.take(int(headers["content-length"]))
        body = b""
        while size := int(self._until(b"\r\n"), 16):
            body += self.take(size)
            self._until(b"\r\n")
        self._until(b"\r\n")
        return body

    def _until(self, end: bytes) -> bytes:
        while end not in self._received:
            self._more()
        return self.take(self._received.index(end) + len(end))

    def _more(self) -> None:
        received = self.socket.recv(65_536)
        if not received:
            raise EOFError(f"the connection ended after {self._received!r}")
        self._received += received


@contextmanager
def raw_client(port: int, context: ssl.SSLContext | None = None, *, address: str = "127.0.0.1") -> Iterator[RawClient]:
    """Connect to a port of this machine from an `address` of it; with a `context` over TLS."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE, (address, 0)) as connection:
        if context is None:
            yield RawClient(connection)
        else:
            with context.wrap_socket(connection, server_hostname="127.0.0.1") as encrypted:
                yield RawClient(encrypted)
