"""A client of recorded conversations: it sends word for word, and records each frame as it comes."""

from __future__ import annotations

import fcntl
import json
import socket
import termios
from collections import deque
from contextlib import suppress
from typing import Any, Final

from golden_record import Record
from websockets.client import ClientProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Origin, Subprotocol
from websockets.uri import parse_uri

Message = dict[str, Any]

PATIENCE: Final = 30.0
"""Seconds that anything may take."""
SUBPROTOCOL: Final = "pagewire.v1"


class GoldenClient:
    """One connection. Pings of the WebSocket are answered and not recorded, unless `receive_ping` asks for one."""

    def __init__(
        self,
        record: Record,
        number: int,
        port: int,
        instance: str,
        attempt: int,
        *,
        subprotocols: tuple[str, ...] = (SUBPROTOCOL,),
        origin: str | None = None,
        path: str = "/ws?key=golden",
        headers: dict[str, str] | None = None,
    ) -> None:
        self.instance = instance
        self.attempt = attempt
        """Of the last hello of the instance."""
        self.capabilities: dict[str, Any] = {}
        self.seq = 0
        """Of the last session message sent."""
        self.last_seq = 0
        """Of the last session message received."""
        self._record = record
        self._number = number
        self._protocol = ClientProtocol(
            parse_uri(f"ws://127.0.0.1:{port}{path}"),
            origin=None if origin is None else Origin(origin.replace("PORT", str(port))),
            subprotocols=[Subprotocol(name) for name in subprotocols] or None,
            max_size=None,
        )
        self._protocol.key = "Z29sZGVuLWdvbGRlbi1nbw=="
        self._frames: deque[Frame] = deque()
        self._pings: deque[Frame] = deque()
        self._is_over = False
        self._is_mute = False
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open(path, headers or {})

    def _open(self, path: str, headers: dict[str, str]) -> None:
        request = self._protocol.connect()
        for name, value in headers.items():
            request.headers[name] = value
        self._protocol.send_request(request)
        self._flush()
        response: Response | None = None
        while response is None:
            assert self._pull(), "the server closed before its response"
            for event in self._protocol.events_received():
                if isinstance(event, Response):
                    response = event
                else:
                    self._sort(event)
        self._add(connects=path, status=response.status_code, subprotocol=self._protocol.subprotocol)
        self.response = response

    # -- what it says ----------------------------------------------------------------------------

    def hello(self, **changes: Any) -> Message:
        """Return the next good hello, with some params changed; None removes one."""
        self.attempt += 1
        params: Message = {
            "versions": ["1.0"],
            "client": {"name": "golden", "version": "1"},
            "instance": self.instance,
            "attempt": self.attempt,
            "app": "index",
            "capabilities": {},
            "page": {},
            "limits": {"max_message_bytes": 4194304},
        }
        params |= changes
        self.capabilities = params["capabilities"]
        return {"type": "hello", "params": {name: value for name, value in params.items() if value is not None}}

    def say_hello(self, **changes: Any) -> Message:
        """Send a hello; return the params of the welcome that must come. The next `seq` is what it asks for."""
        self.send(self.hello(**changes))
        welcome: Message = self.receive("welcome")["params"]
        self.seq = welcome["last_seq"]
        return welcome

    def send(self, message: object) -> None:
        """Send a message as it is."""
        self.send_text(json.dumps(message))

    def send_text(self, text: str | bytes) -> None:
        """Send a text frame."""
        self._add(client=text)
        self._protocol.send_text(text.encode() if isinstance(text, str) else text)
        self._flush()

    def send_binary(self, data: bytes) -> None:
        """Send a binary frame."""
        self._add(client_binary=data)
        self._protocol.send_binary(data)
        self._flush()

    def send_session(self, type_: str, params: object, id_: int | None = None) -> None:
        """Send a session message with the next `seq`."""
        self.seq += 1
        self.send({"type": type_, "seq": self.seq, **({} if id_ is None else {"id": id_}), "params": params})

    def result(self, command: Message, **params: Any) -> None:
        """Answer a command."""
        self.send_session("result", params, command["id"])

    def error(self, command: Message, code: str, message: str = "it failed", **params: Any) -> None:
        """Answer a command by an error."""
        self.send_session("error", {"code": code, "message": message, **params}, command["id"])

    def emit(self, name: str, data: Any = None) -> None:
        """Send an event."""
        self.send_session("event", {"name": name, "data": data})

    def ack(self, seq: int | None = None) -> None:
        """Acknowledge all that was received, or up to `seq`."""
        self.send({"type": "ack", "params": {"seq": self.last_seq if seq is None else seq}})

    def stream_ack(self, id_: int, offset: int) -> None:
        """Acknowledge the bytes of a stream."""
        self.send({"type": "stream_ack", "params": {"id": id_, "offset": offset}})

    def fall_silent(self) -> None:
        """Send nothing more from now on, no Pong either."""
        self._add(client_falls_silent=True)
        self._is_mute = True

    @property
    def has_unsent(self) -> bool:
        """Whether something that was sent has not reached the server's socket."""
        return not self._is_over and fcntl.ioctl(self._socket, termios.TIOCOUTQ, bytes(4)) != bytes(4)

    # -- what it hears ---------------------------------------------------------------------------

    def receive(self, type_: str | None = None) -> Message:
        """Return the next text message; it must be of `type_`, if that is given."""
        frame = self._next_frame()
        assert frame.opcode is Opcode.TEXT, frame
        message: Message = json.loads(bytes(frame.data))
        assert type_ in {None, message["type"]}, message
        self.last_seq = message.get("seq", self.last_seq)
        return message

    def receive_chunk(self) -> tuple[int, int, bytes]:
        """Return the next binary frame: id, offset, payload."""
        frame = self._next_frame()
        assert frame.opcode is Opcode.BINARY, frame
        data = bytes(frame.data)
        return int.from_bytes(data[:8], "big"), int.from_bytes(data[8:16], "big"), data[16:]

    def receive_ping(self) -> None:
        """Wait for a Ping of the WebSocket; what is in it is random."""
        while not self._pings:
            assert self._pull_frames(), "the connection ended"
        self._pings.popleft()
        self._add(server_ping=True)

    def read_to_end(self) -> None:
        """Record what comes until the end of the connection."""
        while frame := self._next_or_end():
            self._add_frame(frame)

    def _next_frame(self) -> Frame:
        frame = self._next_or_end()
        assert frame, "the connection ended"
        self._add_frame(frame)
        return frame

    def _next_or_end(self) -> Frame | None:
        while not self._frames:
            if not self._pull_frames():
                if not self._is_over:
                    self._is_over = True
                    self._add(ends=True)
                    self._socket.close()
                return None
        return self._frames.popleft()

    # -- how it ends -----------------------------------------------------------------------------

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the WebSocket without a bye; record what comes until the end."""
        self._add(client_closes=[code, reason])
        with suppress(OSError):
            self._protocol.send_close(code, reason)
            self._flush()
        self.read_to_end()

    def leave(self) -> None:
        """Leave as a page does, unless the connection is over; record what comes until the end."""
        if not self._is_over and not self._protocol.close_rcvd:
            self.send({"type": "bye", "params": {"code": "client_left", "message": "", "retry": "never"}})
            self.close()
        self.read_to_end()

    def cut(self) -> None:
        """Cut the TCP connection; what was not read is lost."""
        self._add(client_cuts=True)
        self.drop()

    def drop(self) -> None:
        """Close the socket, for the test's sake."""
        self._is_over = True
        self._socket.close()

    # -- frames ----------------------------------------------------------------------------------

    def _add(self, **entry: Any) -> None:
        self._record.add(connection=self._number, **entry)

    def _add_frame(self, frame: Frame) -> None:
        more = {} if frame.fin else {"fin": False}
        match frame.opcode:
            case Opcode.TEXT:
                self._add(server=bytes(frame.data).decode(), **more)
            case Opcode.CLOSE:
                close = Close.parse(bytes(frame.data))
                self._add(server_closes=[close.code, close.reason])
            case _:
                name = frame.opcode.name.lower()
                self._add(**{f"server_{name}": bytes(frame.data)}, **more)

    def _pull_frames(self) -> bool:
        is_open = self._pull()
        for event in self._protocol.events_received():
            self._sort(event)
        return is_open or bool(self._frames)

    def _sort(self, event: object) -> None:
        assert isinstance(event, Frame), event
        (self._pings if event.opcode is Opcode.PING else self._frames).append(event)

    def _pull(self) -> bool:
        """Read what there is; False at the end."""
        if self._is_over:
            return False
        try:
            data = self._socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        with suppress(OSError):
            self._flush()
        return bool(data)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data and not self._is_mute:
                self._socket.sendall(data)
