"""A TCP proxy that does to WebSocket connections what bad lines do; other connections pass unharmed."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from cutting_proxy import read_frame
from event_loops import loop_in_thread
from faults import SURVIVED, Fault, Kind
from live_server import PATIENCE

_DELAY_SECONDS: Final = 0.03
_RAW_BYTES: Final = 65_536
_PONG: Final = 10
"""Its opcode (RFC 6455, section 5.2)."""
_HISTORY: Final = 40
_NO_LINGER: Final = struct.pack("ii", 1, 0)
"""Makes a close an RST."""


class FaultyProxy:
    """Forwards connections to a port of this machine, with faults at random points, or as told by `strike`."""

    def __init__(self, target_port: int, faults: Iterable[Fault], limit: int | None) -> None:
        self.port = 0
        self.counts: Counter[Kind] = Counter()
        """The faults that have struck."""
        self.history: deque[str] = deque(maxlen=_HISTORY)
        """What happened last, with seconds."""
        self.pongs = 0
        """How many Pong frames clients have sent."""
        self.pings = 0
        """How many messages `ping` the server has sent."""
        self.connections = 0
        """How many WebSocket connections have been made."""
        self._target_port = target_port
        self._faults = iter(faults)
        self._limit = limit
        self._lines: list[_Line] = []
        self._running: set[asyncio.Task[None] | None] = set()
        """Held here: once one end is gone, a task that reads the other is referred to only weakly."""
        self._loop = asyncio.get_running_loop()

    # -- what a test calls, on any thread --------------------------------------------------------

    @property
    def total(self) -> int:
        """How many faults have struck."""
        return self.counts.total()

    @property
    def open_connections(self) -> int:
        """How many WebSocket connections have not ended on both sides."""
        return len(self._lines)

    def url(self, scheme: str = "ws", path: str = "/ws") -> str:
        """Return the address of something of the server's, by this proxy."""
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def strike(self, kind: Kind) -> None:
        """Do that to the newest connection, now."""
        self._call(lambda: self._lines[-1].suffer(Fault(kind)))

    def release(self) -> None:
        """Let all bytes go that are held."""
        self._call(self._free_all)

    def lead_to(self, port: int | None) -> None:
        """Lead new connections to another port; with None they are reset."""
        self._target_port = port or 0

    def describe(self) -> str:
        """Return what has struck, by kind."""
        rows = ", ".join(
            f"{kind.value} {count}" for kind, count in sorted(self.counts.items(), key=lambda row: row[0].value)
        )
        return f"{self.total} faults on {self.connections} connections: {rows}"

    # -- what a line calls -----------------------------------------------------------------------

    def begun(self, line: _Line) -> Fault | None:
        """Count a WebSocket connection; return the fault that it is to suffer."""
        self.connections += 1
        line.number = self.connections
        self.note(line, "begins")
        for older in self._lines:
            older.spare()
        self._lines.append(line)
        return self.next_fault()

    def count(self, line: _Line, kind: Kind) -> None:
        """Count a fault that strikes."""
        self.counts[kind] += 1
        self.note(line, kind.value)

    def note(self, line: _Line, event: str) -> None:
        """Keep what happened."""
        self.history.append(f"{self._loop.time():.2f} connection {line.number}: {event}")

    def next_fault(self, *, is_open: bool = False) -> Fault | None:
        """Return the next fault, or None once there were enough.

        A connection that `is_open` has said its hello: that can't come late any more.
        """
        if self._limit is not None and self.total >= self._limit:
            return None
        return next((fault for fault in self._faults if not (is_open and fault.kind is Kind.LATE_HELLO)), None)

    def welcomed(self, line: _Line) -> None:
        """Let go of hellos that came before."""
        self.note(line, "is answered")
        for older in self._lines[: self._lines.index(line)]:
            older.is_overtaken.set()

    def ended(self, line: _Line) -> None:
        """Forget a connection."""
        self.note(line, "ends")
        if line in self._lines:
            self._lines.remove(line)

    # -- connections -----------------------------------------------------------------------------

    async def listen(self) -> asyncio.Server:
        """Begin to take connections."""
        server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            _reset(writer)
            return
        line = _Line(self, _Lane(reader, server_writer), _Lane(server_reader, writer))
        self._running.add(asyncio.current_task())
        try:
            await line.run()
        except asyncio.CancelledError:
            # The proxy stops; passed on, Python 3.11 would log it as an error of this handler.
            return
        finally:
            self._running.discard(asyncio.current_task())
            self.ended(line)
            for end in (writer, server_writer):
                end.close()

    def _free_all(self) -> None:
        for line in self._lines:
            line.free()

    def _call(self, function: Callable[[], object]) -> None:
        async def call() -> None:
            function()

        asyncio.run_coroutine_threadsafe(call(), self._loop).result(PATIENCE)


class _Lane:
    """One direction of a connection: bytes flow, are held, or are dropped."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.flows = asyncio.Event()
        self.flows.set()
        self.drops = False
        self.pieces = 0

    async def write(self, data: bytes) -> None:
        """Pass `data` on once it may flow; ConnectionError if nobody takes it."""
        await self.flows.wait()
        if data and not self.drops:
            self.writer.write(data)
            await self.writer.drain()

    def finish(self) -> None:
        """Pass an end on, after which nothing comes."""
        if not self.drops and self.writer.can_write_eof() and not self.writer.is_closing():
            self.writer.write_eof()
        self.drops = True


class _Line:
    """A connection of a client, and the one to the server that it is led to."""

    def __init__(self, proxy: FaultyProxy, up: _Lane, down: _Lane) -> None:
        self.number = 0
        """From 1; 0 for what is no WebSocket."""
        self.is_overtaken = asyncio.Event()
        """Set when a newer connection has been welcomed."""
        self._proxy = proxy
        self._up = up
        self._down = down
        self._is_websocket = False
        self._fault: Fault | None = None
        self._bytes_left = 0
        self._frees_after: int | None = None

    async def run(self) -> None:
        """Forward until both directions have ended."""
        await asyncio.gather(self._pump(self._up), self._pump(self._down))

    def free(self) -> None:
        """End a stall."""
        self._frees_after = None
        for lane in (self._up, self._down):
            lane.flows.set()

    def spare(self) -> None:
        """Suffer nothing more: a newer connection has begun."""
        self._take(None)
        self.free()

    def suffer(self, fault: Fault) -> None:
        """Have it struck by a fault, now."""
        self._proxy.count(self, fault.kind)
        match fault.kind:
            case Kind.RESET:
                self._reset()
            case Kind.CLOSE | Kind.HALVED_FRAME:
                self._up.finish()
                self._down.finish()
            case Kind.HALF_CLOSE_UP:
                self._up.finish()
            case Kind.HALF_CLOSE_DOWN:
                self._down.finish()
            case Kind.BLACK_HOLE:
                self._up.drops = self._down.drops = True
            case Kind.LATE_HELLO:
                self._down.drops = True
                _reset(self._down.writer)
            case _:
                self._hold(fault)

    def _reset(self) -> None:
        for lane in (self._up, self._down):
            _reset(lane.writer)

    def _hold(self, fault: Fault) -> None:
        if fault.kind is not Kind.STALL_UP:
            self._down.flows.clear()
        if fault.kind is not Kind.STALL_DOWN:
            self._up.flows.clear()
        if fault.kind is Kind.DELAY:
            asyncio.get_running_loop().call_later(_DELAY_SECONDS, self.free)
        elif fault.kind is not Kind.STALL_BOTH:
            self._frees_after = fault.frees_after

    # -- bytes -----------------------------------------------------------------------------------

    async def _pump(self, lane: _Lane) -> None:
        try:
            while piece := await self._read(lane):
                await self._pass_on(lane, piece)
                lane.pieces += 1
                if self._is_websocket and lane is self._down and lane.pieces == 2:
                    self._proxy.welcomed(self)
        except ConnectionError:
            if not lane.drops:
                self._reset()
        self.free()
        lane.finish()

    async def _read(self, lane: _Lane) -> bytes:
        """Return the head of the request or the answer, then frame by frame, or what comes where it is no WebSocket."""
        try:
            if not lane.pieces:
                return await self._read_head(lane)
            if not self._is_websocket:
                return await lane.reader.read(_RAW_BYTES)
            frame = await read_frame(lane.reader)
        except asyncio.IncompleteReadError as broken:
            return broken.partial
        self._proxy.pings += lane is self._down and b'"type":"ping"' in frame
        self._proxy.pongs += lane is self._up and frame[0] & 0x0F == _PONG
        return frame

    async def _read_head(self, lane: _Lane) -> bytes:
        head = await lane.reader.readuntil(b"\r\n\r\n")
        if lane is self._up and b"upgrade: websocket" in head.lower():
            self._is_websocket = True
            self._take(self._proxy.begun(self))
        return head

    async def _pass_on(self, lane: _Lane, piece: bytes) -> None:
        point = self._find_point(lane, piece)
        if point is None:
            self._count(lane, piece)
            await lane.write(piece)
            return
        assert self._fault
        await lane.write(piece[:point])
        fault, self._fault = self._fault, None
        self.suffer(fault)
        if fault.kind in SURVIVED:
            self._take(self._proxy.next_fault(is_open=True))
        if fault.kind is Kind.LATE_HELLO:
            await self.is_overtaken.wait()
        await lane.write(piece[point:])

    def _find_point(self, lane: _Lane, piece: bytes) -> int | None:
        """Return the point in `piece` at which the fault strikes."""
        fault = self._fault
        if fault is None or (fault.kind in SURVIVED and self._up.pieces < 2):
            return None
        if fault.kind is Kind.LATE_HELLO:
            return 0 if lane is self._up and lane.pieces == 1 else None
        if fault.before is not None:
            return 0 if fault.before in piece else None
        if self._bytes_left < len(piece):
            return len(piece) // 2 if fault.kind is Kind.HALVED_FRAME else self._bytes_left
        self._bytes_left -= len(piece)
        return None

    def _take(self, fault: Fault | None) -> None:
        self._fault = fault
        self._bytes_left = fault.after_bytes if fault else 0

    def _count(self, lane: _Lane, piece: bytes) -> None:
        if self._frees_after is not None and lane.flows.is_set():
            self._frees_after -= len(piece)
            if self._frees_after <= 0:
                self.free()


def _reset(writer: asyncio.StreamWriter) -> None:
    if not writer.transport.is_closing() and (end := writer.get_extra_info("socket")):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    writer.transport.abort()


@contextmanager
def faulty_proxy(target_port: int, faults: Iterable[Fault] = (), limit: int | None = None) -> Iterator[FaultyProxy]:
    """Run a proxy in a thread of its own until the block ends; after `limit` faults it makes no more by itself."""
    with loop_in_thread("faulty-proxy") as loop:

        async def start() -> tuple[FaultyProxy, asyncio.Server]:
            proxy = FaultyProxy(target_port, faults, limit)
            return proxy, await proxy.listen()

        proxy, server = asyncio.run_coroutine_threadsafe(start(), loop).result(PATIENCE)
        try:
            yield proxy
        finally:
            loop.call_soon_threadsafe(server.close)
