"""A client for benchmarks: it answers at once, counts every byte of its socket, and keeps no content."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable
from typing import Any, Final, NamedTuple

ACK_EVERY: Final = 32
TEXT: Final = 1
_BINARY: Final = 2
_CLOSE: Final = 8
_PING: Final = 9
_PONG: Final = 10
_CHUNK: Final = struct.Struct(">QQ")
_READ_BYTES: Final = 1 << 20
_NO_MASK: Final = bytes(4)


class Frame(NamedTuple):
    """A frame from the server: the whole payload of a text, the first 16 bytes of anything else."""

    opcode: int
    length: int
    head: bytes


class FrameReader:
    """Finds frames in what the socket gives (RFC 6455, section 5.2), without keeping what is binary."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._head = bytearray()
        self._opcode = 0
        self._length = -1
        self._seen = 0

    def feed(self, data: memoryview) -> list[Frame]:
        """Return the frames that end in `data`."""
        frames = []
        at = 0
        while at < len(data):
            if self._length < 0:
                self._header.append(data[at])
                at += 1
                self._read_header()
            else:
                taken = min(self._length - self._seen, len(data) - at)
                kept = taken if self._opcode == TEXT else min(taken, max(_CHUNK.size - self._seen, 0))
                self._head += data[at : at + kept]
                self._seen += taken
                at += taken
            if self._length == self._seen:
                frames.append(Frame(self._opcode, self._length, bytes(self._head)))
                self._begin()
        return frames

    def _read_header(self) -> None:
        header = self._header
        if len(header) < 2:
            return
        extra = {126: 2, 127: 8}.get(header[1], 0)
        if len(header) == 2 + extra:
            self._opcode = header[0] & 0x0F
            self._length = int.from_bytes(header[2:], "big") if extra else header[1]

    def _begin(self) -> None:
        self._header.clear()
        self._head.clear()
        self._length = -1
        self._seen = 0


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return a frame of a client, masked by zeros."""
    length = len(payload)
    if length < 126:
        head = bytes((0x80 | opcode, 0x80 | length))
    elif length < 65536:
        head = struct.pack(">BBH", 0x80 | opcode, 0x80 | 126, length)
    else:
        head = struct.pack(">BBQ", 0x80 | opcode, 0x80 | 127, length)
    return head + _NO_MASK + payload


def message_frame(message: dict[str, Any]) -> bytes:
    """Return a message as the frame of a client."""
    return client_frame(json.dumps(message, separators=(",", ":")).encode())


def upgrade_request(port: int, target: str = "/ws?key=benchmark") -> bytes:
    """Return the request that opens a WebSocket."""
    lines = (
        f"GET {target} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: pagewire.v1",
        "",
        "",
    )
    return "\r\n".join(lines).encode()


class Conversation:
    """The protocol as far as a benchmark needs it, without IO: each frame that comes, and what is sent for it."""

    def __init__(self, instance: str, app: str = "index", ack_every: int = ACK_EVERY) -> None:
        self.instance = instance
        self.app = app
        self.ack_every = ack_every
        """After how many messages an ack is sent; there is no timer for it, so a session that is to end wants 1."""
        self.is_welcomed = False
        self.bye: str | None = None
        """The code that the server ended it with."""
        self.reports: list[dict[str, Any]] = []
        """The arguments of every `run_js("report", ...)`."""
        self.commands = 0
        """How many were answered."""
        self.streamed = 0
        """Bytes of content that came."""
        self.streams_ended = 0
        self._seq = 0
        self._last_seq = 0
        self._quarter = 0
        self._streams: dict[int, list[int]] = {}

    def hello(self) -> bytes:
        """Return the first frame."""
        params = {
            "versions": ["1.0"],
            "client": {"name": "benchmark", "version": "1"},
            "instance": self.instance,
            "attempt": 1,
            "app": self.app,
            "capabilities": {"streams": {}},
            "page": {},
            "limits": {"max_message_bytes": 4194304},
        }
        return message_frame({"type": "hello", "params": params})

    def emit(self, name: str, data: object = None) -> bytes:
        """Return the frame of an event."""
        return self._session("event", {"name": name, "data": data})

    def leave(self) -> bytes:
        """Return the frame of the bye that a page sends when it goes."""
        return message_frame({"type": "bye", "params": {"code": "client_left", "message": "", "retry": "never"}})

    def receive(self, frame: Frame) -> bytes:
        """Return what is to be sent for a frame."""
        if frame.opcode == _BINARY:
            return self._receive_chunk(frame)
        if frame.opcode == TEXT:
            return self._receive_message(json.loads(frame.head))
        answers = {_PING: _PONG, _CLOSE: _CLOSE}
        return client_frame(frame.head, answers[frame.opcode]) if frame.opcode in answers else b""

    def _receive_message(self, message: dict[str, Any]) -> bytes:
        params = message["params"]
        self._last_seq = message.get("seq", self._last_seq)
        match message["type"]:
            case "welcome":
                self.is_welcomed = True
                self._quarter = params["limits"]["stream_window_bytes"] // 4
            case "bye":
                self.bye = params["code"]
            case "ping":
                return self._ack()
            case "download" if params["content"]["kind"] == "stream":
                self._streams[message["id"]] = [0, 0]
            case "eval_js":
                return self._result(message, {"value": params["args"].get("a")})
            case "run_js":
                if params["code"] == "report":
                    self.reports.append(params["args"])
                return self._result(message, {})
        return b""

    def _receive_chunk(self, frame: Frame) -> bytes:
        id_, offset = _CHUNK.unpack(frame.head)
        stream = self._streams.get(id_)
        if stream is None:
            return b""
        received, acknowledged = stream
        if offset != received:
            raise ValueError(f"a chunk at {offset}, where {received} is next")
        received += frame.length - _CHUNK.size
        self.streamed += received - offset
        stream[0] = received
        is_end = frame.length == _CHUNK.size
        if not is_end and received - acknowledged < self._quarter:
            return b""
        stream[1] = received
        ack = message_frame({"type": "stream_ack", "params": {"id": id_, "offset": received}})
        if not is_end:
            return ack
        del self._streams[id_]
        self.streams_ended += 1
        return ack + self._session("result", {"bytes": received}, id_)

    def _result(self, command: dict[str, Any], params: dict[str, Any]) -> bytes:
        self.commands += 1
        result = self._session("result", params, command["id"])
        return result + self._ack() if command["seq"] % self.ack_every == 0 else result

    def _ack(self) -> bytes:
        return message_frame({"type": "ack", "params": {"seq": self._last_seq}})

    def _session(self, type_: str, params: dict[str, Any], id_: int | None = None) -> bytes:
        self._seq += 1
        id_part = {} if id_ is None else {"id": id_}
        return message_frame({"type": type_, "seq": self._seq, **id_part, "params": params})


class CountingSocket:
    """A blocking WebSocket of a client that counts what goes through its TCP socket both ways."""

    def __init__(self, port: int, target: str = "/ws?key=benchmark") -> None:
        self.received = 0
        """Bytes, headers and all."""
        self.sent = 0
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._reader = FrameReader()
        self._socket.sendall(upgrade_request(port, target))
        answer = bytearray()
        while not answer.endswith(b"\r\n\r\n"):
            answer += self._socket.recv(1) or _refuse("no answer to the upgrade")
        if b" 101 " not in answer:
            _refuse(answer.decode())

    def send(self, frames: bytes) -> None:
        """Send frames that are ready."""
        if frames:
            self._socket.sendall(frames)
            self.sent += len(frames)

    def receive(self) -> list[Frame]:
        """Wait for bytes; return the frames that end in them."""
        count = self._socket.recv_into(self._buffer)
        if not count:
            _refuse("the server closed the connection")
        self.received += count
        return self._reader.feed(self._buffer[:count])

    def close(self) -> None:
        """Close, without a word."""
        self._socket.close()


class WireClient:
    """A `Conversation` over a `CountingSocket`, welcomed."""

    def __init__(self, port: int, instance: str, app: str = "index") -> None:
        self.socket = CountingSocket(port)
        self.conversation = Conversation(instance, app)
        self.socket.send(self.conversation.hello())
        self.run_until(lambda: self.conversation.is_welcomed)

    def emit(self, name: str, data: object = None) -> None:
        """Send an event."""
        self.socket.send(self.conversation.emit(name, data))

    def ask(self, name: str, data: object = None) -> dict[str, Any]:
        """Send an event and return the report that answers it."""
        reports = self.conversation.reports
        known = len(reports)
        self.emit(name, data)
        self.run_until(lambda: len(reports) > known)
        return reports[-1]

    def run_until(self, condition: Callable[[], bool]) -> None:
        """Answer what comes until `condition` holds, which is looked at after each read."""
        while not condition():
            for frame in self.socket.receive():
                if frame.opcode == _CLOSE:
                    _refuse(f"the server closed: {self.conversation.bye}")
                self.socket.send(self.conversation.receive(frame))

    def close(self) -> None:
        """Leave."""
        self.socket.send(self.conversation.leave())
        self.socket.close()


def _refuse(why: str) -> bytes:
    raise ConnectionError(why)
