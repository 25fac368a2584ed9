"""The correct client's WebSocket: frames in and out, without a thread of its own."""

from __future__ import annotations

import contextlib
import select
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Opened:
    """The handshake is done."""

    subprotocol: str | None


@dataclass(frozen=True)
class Text:
    """A text message came."""

    data: bytes


@dataclass(frozen=True)
class Binary:
    """A binary message came."""

    data: bytes


@dataclass(frozen=True)
class Closed:
    """The connection is over. 1006: without a Close frame; 1005: with one that has no code."""

    code: int


class Wire:
    """One connection. OSError if it cannot be made."""

    def __init__(self, url: str, subprotocols: tuple[str, ...]) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=5)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._protocol = ClientProtocol(
            parse_uri(url), subprotocols=[Subprotocol(name) for name in subprotocols] or None, max_size=None
        )
        self._pieces: list[bytes] = []
        self._is_text = True
        self.close_code: int | None = None
        """Of the Close frame that came."""
        self.is_over = False
        self._protocol.send_request(self._protocol.connect())
        self._flush()

    def fileno(self) -> int:
        """For select."""
        return self._socket.fileno()

    def receive(self, timeout: float) -> list[Opened | Text | Binary | Closed]:
        """Wait for what comes next, at most `timeout` seconds."""
        if self.is_over or not select.select([self], [], [], timeout)[0]:
            return []
        try:
            data = self._socket.recv(_READ_BYTES)
        except OSError:
            data = b""
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        found: list[Opened | Text | Binary | Closed] = []
        for event in self._protocol.events_received():
            found += self._digest(event)
        self._flush()
        if not data or self._protocol.state is State.CLOSED:
            self.abort()
            found.append(Closed(1006 if self.close_code is None else self.close_code))
        return found

    def send_text(self, text: str, *, reserved_bit: bool = False) -> None:
        """Send a text message; `reserved_bit` marks it as compressed."""
        with contextlib.suppress(InvalidState, OSError):
            if reserved_bit:
                self._protocol.send_frame(Frame(Opcode.TEXT, text.encode(), rsv1=True))
            else:
                self._protocol.send_text(text.encode("utf-8", "surrogatepass"))
            self._flush()

    def send_binary(self, data: bytes) -> None:
        """Send a binary message."""
        with contextlib.suppress(InvalidState, OSError):
            self._protocol.send_binary(data)
            self._flush()

    def close(self, code: int | None) -> None:
        """Send a Close frame; the other side ends the connection."""
        with contextlib.suppress(InvalidState, OSError):
            self._protocol.send_close(code)
            self._flush()

    def abort(self) -> None:
        """End the connection, without a word."""
        self.is_over = True
        self._socket.close()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            with contextlib.suppress(OSError):
                if data:
                    self._socket.sendall(data)
                else:
                    self._socket.shutdown(socket.SHUT_WR)

    def _digest(self, event: object) -> list[Opened | Text | Binary | Closed]:
        if isinstance(event, Response):
            if self._protocol.state is not State.OPEN:
                return []
            return [Opened(self._protocol.subprotocol)]
        if not isinstance(event, Frame):
            return []
        match event.opcode:
            case Opcode.TEXT | Opcode.BINARY:
                self._is_text = event.opcode is Opcode.TEXT
                self._pieces = []
                return self._join(event)
            case Opcode.CONT:
                return self._join(event)
            case Opcode.CLOSE:
                self.close_code = Close.parse(bytes(event.data)).code
        return []

    def _join(self, frame: Frame) -> list[Opened | Text | Binary | Closed]:
        self._pieces.append(bytes(frame.data))
        if not frame.fin:
            return []
        data = b"".join(self._pieces)
        return [Text(data) if self._is_text else Binary(data)]
