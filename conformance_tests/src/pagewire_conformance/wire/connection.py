"""One WebSocket of the client under test: the suite's end of it, down to single frames and bytes."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from websockets.exceptions import InvalidState
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from pagewire_conformance.wire.arrivals import Arrival, Kind
from pagewire_protocol.versions import SUBPROTOCOL

_READ_BYTES = 65536
_NO_CODE = 1005
_ABNORMAL = 1006
_LEAST_SPLIT = 2


@dataclass
class Behavior:
    """How the suite's end behaves on the level of TCP and WebSocket."""

    select: Callable[[Sequence[Subprotocol]], Subprotocol | None] = lambda offered: (
        Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None
    )
    """Chooses the subprotocol from those that are offered."""
    answers_close: bool = True
    """Whether a Close frame is answered, as RFC 6455 asks."""
    jitter: random.Random | None = field(default=None, repr=False)
    """Splits what is sent into pieces at random places, with pauses of milliseconds between them."""


class Connection:
    """One connection of the client, from its WebSocket handshake on."""

    def __init__(
        self, sock: socket.socket, number: int, behavior: Behavior, report: Callable[[Connection, Arrival], None]
    ) -> None:
        self.number = number
        self.request: Request | None = None
        """The request that opened it."""
        self._socket = sock
        self._behavior = behavior
        self._report = report
        self._lock = threading.Lock()
        self._lost = False
        self._kind = Kind.TEXT
        self._pieces: list[bytes] = []
        self._protocol = ServerProtocol(
            select_subprotocol=lambda _, offered: behavior.select(offered), max_size=None, extensions=None
        )
        self._reader = threading.Thread(target=self._read, name=f"connection-{number}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._reader.start()

    # --- What the suite does ---

    def send_text(self, data: bytes, *, fragments: int = 1) -> None:
        """Send one message of text, in as many frames as `fragments` says."""
        self._send_message(self._protocol.send_text, data, fragments)

    def send_binary(self, data: bytes, *, fragments: int = 1) -> None:
        """Send one binary message."""
        self._send_message(self._protocol.send_binary, data, fragments)

    def send_frame(self, data: bytes) -> None:
        """Send a text frame although the closing handshake has begun."""
        with self._lock:
            self._write(Frame(Opcode.TEXT, data).serialize(mask=False))

    def send_close(self, code: int | None, reason: str = "") -> None:
        """Send a Close frame; None sends one without a code."""
        with self._lock, contextlib.suppress(InvalidState):
            self._protocol.send_close(code, reason if code is not None else "")
            self._flush()

    def ping(self, data: bytes = b"pagewire") -> None:
        """Send a WebSocket Ping frame."""
        with self._lock, contextlib.suppress(InvalidState):
            self._protocol.send_ping(data)
            self._flush()

    def cut(self) -> None:
        """Break the connection, without a word: the client sees a reset."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._shut()

    def end(self) -> None:
        """End it in an orderly way on the level of TCP, without a Close frame."""
        self._shut()

    def refuse_frames(self) -> None:
        """Answer no Close frame from now on."""
        self._behavior.answers_close = False

    # --- Within ---

    def _shut(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _send_message(self, send: Callable[[bytes, bool], None], data: bytes, fragments: int) -> None:
        size = max(1, -(-len(data) // fragments))
        parts = [data[start : start + size] for start in range(0, len(data), size)] or [b""]
        with self._lock, contextlib.suppress(InvalidState):  # the client may have closed it meanwhile
            for index, part in enumerate(parts):
                is_last = index == len(parts) - 1
                if index == 0:
                    send(part, is_last)
                else:
                    self._protocol.send_continuation(part, is_last)
            self._flush()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if not data:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_WR)
            else:
                self._write(data)

    def _write(self, data: bytes) -> None:
        # A client that has gone is noticed by the reader.
        with contextlib.suppress(OSError):
            for piece, pause in self._split(data):
                if pause:
                    threading.Event().wait(pause)
                self._socket.sendall(piece)

    def _split(self, data: bytes) -> list[tuple[bytes, float]]:
        jitter = self._behavior.jitter
        if jitter is None or len(data) < _LEAST_SPLIT:
            return [(data, 0.0)]
        place = jitter.randrange(1, len(data))
        return [(data[:place], jitter.random() * 0.005), (data[place:], jitter.random() * 0.01)]

    def _read(self) -> None:
        while True:
            try:
                data = self._socket.recv(_READ_BYTES)
            except OSError:
                data = b""
            with self._lock:
                arrivals = self._digest(data)
            for arrival in arrivals:
                self._report(self, arrival)
            if not data:
                self._lose()
                return

    def _digest(self, data: bytes) -> list[Arrival]:
        if self._protocol.state is State.CLOSED and not data:
            return []
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        arrivals: list[Arrival] = []
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._accept(event)
            elif isinstance(event, Frame):
                arrivals += self._take(event)
        if self._behavior.answers_close or not any(arrival.kind is Kind.CLOSE for arrival in arrivals):
            self._flush()
        return arrivals

    def _accept(self, request: Request) -> None:
        self.request = request
        self._protocol.send_response(self._protocol.accept(request))
        if self._protocol.state is State.OPEN:
            # Before the client has the answer: its next connection could be reported first.
            self._report(self, self._arrival(Kind.OPENED))

    def _take(self, frame: Frame) -> list[Arrival]:
        match frame.opcode:
            case Opcode.TEXT | Opcode.BINARY | Opcode.CONT:
                return self._join(frame)
            case Opcode.PONG:
                return [self._arrival(Kind.PONG, bytes(frame.data))]
            case Opcode.CLOSE:
                code = Close.parse(bytes(frame.data)).code if frame.data else _NO_CODE
                return [self._arrival(Kind.CLOSE, close_code=code)]
        return []

    def _join(self, frame: Frame) -> list[Arrival]:
        if frame.opcode is not Opcode.CONT:
            self._kind = Kind.TEXT if frame.opcode is Opcode.TEXT else Kind.BINARY
            self._pieces = []
        self._pieces.append(bytes(frame.data))
        return [self._arrival(self._kind, b"".join(self._pieces))] if frame.fin else []

    def _lose(self) -> None:
        self._shut()
        if not self._lost:
            self._lost = True
            error = self._protocol.parser_exc
            what = b"" if error is None or isinstance(error, EOFError) else str(error).encode()
            self._report(self, self._arrival(Kind.LOST, what, close_code=_ABNORMAL))

    def _arrival(self, kind: Kind, data: bytes = b"", close_code: int = 0) -> Arrival:
        return Arrival(kind, self.number, time.monotonic(), data, close_code)
