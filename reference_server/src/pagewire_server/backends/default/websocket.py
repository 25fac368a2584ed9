"""A WebSocket of the `websockets` library as a transport wants it: prompt, slowed down at need, without copies."""

from __future__ import annotations

import asyncio
import os
import socket as socket_module
import struct
from collections.abc import Callable, Sequence
from socket import IPPROTO_TCP
from typing import Any, Final

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.protocol import Event, State

from pagewire_protocol.stream_frames import ChunkParts
from pagewire_server.core.limits import ConnectionLimiter, MessageRate
from pagewire_server.transports.websocket import SocketClosed
from pagewire_server.web.requests import Request, counted_address, is_trusted

NOT_SENT: Final[int | None] = getattr(socket_module, "TCP_NOTSENT_LOWAT", None)
"""The socket option that bounds what the kernel holds and has not sent; not on every platform."""

NOT_SENT_BYTES: Final = 262_144
"""How much that is."""

_FINAL_BINARY: Final = 0x82
_LENGTH_IN_16_BITS: Final = 126
_LENGTH_IN_64_BITS: Final = 127


class DefaultWebSocket(ServerConnection):
    """Spares each message the queue, and the turn of the event loop until its reader runs: a tenth of a round trip.

    `process_event` is the library's own hook for subclasses. Messages in fragments, binary ones, and those that would
    overtake one that is not read yet go to `receive`; so would all, if the hook was ever gone.
    """

    take_text: Callable[[str], None] | None = None
    rate: MessageRate | None = None
    _limiter: ConnectionLimiter
    _trusted_proxies: Sequence[str]
    _request: Request | None = None
    _unread = 0
    """Messages that wait for `receive`."""
    _is_held = False
    """Whether it reads nothing, for the client has sent too much."""
    _is_behind = False
    """Whether it was held since the last Pong."""
    _is_waiting = False
    """Whether it counts as one whose request has not come."""

    @classmethod
    def limited_by(cls, limiter: ConnectionLimiter, trusted_proxies: Sequence[str]) -> Callable[..., DefaultWebSocket]:
        """Return what makes connections that `limiter` counts until their request has come."""

        def make(*arguments: Any, **settings: Any) -> DefaultWebSocket:  # noqa: ANN401 - the library's own
            connection = cls(*arguments, **settings)
            connection._limiter, connection._trusted_proxies = limiter, trusted_proxies
            return connection

        return make

    # -- the WebSocket that a transport uses -----------------------------------------------------

    @property
    def peer(self) -> str:
        """The address at the other end; empty if it has none."""
        address = self.remote_address
        return str(address[0]) if isinstance(address, Sequence) and address else ""

    @property
    def head(self) -> Request:
        """The request that opened it."""
        if self._request is None:
            if self.request is None:
                raise RuntimeError("a connection without its request")
            headers = tuple(self.request.headers.raw_items())
            self._request = Request(self.request.path, headers, self.peer, self.request)
        return self._request

    @property
    def is_open(self) -> bool:
        """Whether neither side has begun to close."""
        return self.state is State.OPEN

    @property
    def has_unread(self) -> bool:
        """Whether `receive` would return at once."""
        return self._unread > 0

    @property
    def closed_with(self) -> tuple[int | None, int | None]:
        """The close codes that this side has sent and received; None where there was none."""
        sent, received = self.protocol.close_sent, self.protocol.close_rcvd
        return sent.code if sent else None, received.code if received else None

    @property
    def unwritten_bytes(self) -> int:
        """How much of what was written waits in this process."""
        return self.transport.get_write_buffer_size()

    async def receive(self) -> str | bytes:
        """Return the next message that was not handed over; SocketClosed at the end."""
        try:
            message = await self.recv()
        except ConnectionClosed:
            raise SocketClosed from None
        self._unread -= 1
        return message if isinstance(message, str) else bytes(message)

    async def send_text(self, text: bytes) -> None:
        """Send a text message, once there is room; SocketClosed if it is closed."""
        try:
            await self.send(text, text=True)
        except ConnectionClosed:
            raise SocketClosed from None

    def write_text(self, text: bytes) -> None:
        """Write a text message now.

        Without the locks that the library's `send` needs for several tasks, a round trip takes a third less.
        """
        self.protocol.send_text(text)
        for output in self.protocol.data_to_send():
            self.transport.write(output)

    def write_binary(self, parts: ChunkParts) -> None:
        """Write a binary message in parts now."""
        write_binary(self.transport, parts)

    async def until_writable(self) -> None:
        """Wait until what was written has left, or until the end."""
        if self.is_open:
            try:
                await self.drain()
            except ConnectionClosed:
                return
        else:
            await self.wait_closed()

    def hold_little_back(self) -> None:
        """Buffer as little as keeps the line busy, in this process and in the kernel."""
        # Not 0: under TLS that is "full" for a transport that is empty.
        self.transport.set_write_buffer_limits(high=1, low=0)
        if NOT_SENT is not None:
            self.transport.get_extra_info("socket").setsockopt(IPPROTO_TCP, NOT_SENT, NOT_SENT_BYTES)

    def release(self) -> None:
        """Read on from now on, whatever the rate."""
        self.rate = None
        self._read_on()

    def abort(self) -> None:
        """Break the connection now."""
        self.transport.abort()

    # -- the library's hooks ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless too many have begun and sent no request."""
        super().connection_made(transport)
        self.recv_messages.resume = self._resume_unless_held
        address = self._counted_peer()
        if self._limiter.has_room(address):
            self._limiter.add(address)
            self._is_waiting = True
        else:
            # There is nobody to talk to yet: it is a failed attempt (WIRE-1).
            self.transport.abort()

    async def handshake(self, *arguments: Any, **settings: Any) -> None:  # noqa: ANN401 - the library's own
        """Read the request and respond to it."""
        try:
            await super().handshake(*arguments, **settings)
        finally:
            self._stop_waiting()

    def process_event(self, event: Event) -> None:
        """Hand over a text message, or leave the event to the library."""
        if not isinstance(event, Frame):
            self._stop_waiting()
            super().process_event(event)
            return
        if event.opcode in DATA_OPCODES and (text := self._whole_text(event)) is not None and self.take_text:
            self.take_text(text)
        else:
            self._process_other(event)
        self._keep_to_rate()

    def _counted_peer(self) -> str | None:
        """Return the address that counts before the request has come; None for a trusted proxy's."""
        return None if is_trusted(self.peer, self._trusted_proxies) else counted_address(self.peer)

    def _stop_waiting(self) -> None:
        if self._is_waiting:
            self._is_waiting = False
            self._limiter.remove(self._counted_peer())

    def _process_other(self, frame: Frame) -> None:
        if self.rate:
            self.rate.take(len(frame.data), self.loop.time())
        if frame.opcode in DATA_OPCODES:
            self._unread += frame.fin
        elif frame.opcode is Opcode.PONG:
            self._is_behind = False
        super().process_event(frame)

    def _whole_text(self, frame: Frame) -> str | None:
        if self.take_text is None or self._unread or frame.opcode is not Opcode.TEXT or not frame.fin:
            return None
        try:
            return str(frame.data, "utf-8")
        except UnicodeDecodeError:
            return None

    # -- backpressure --------------------------------------------------------------------------

    def _keep_to_rate(self) -> None:
        if self.rate is None or self._is_held:
            return
        if seconds := self.rate.pause(self.loop.time()):
            self._is_held = self._is_behind = True
            self.transport.pause_reading()
            self._hold(seconds)
        elif self._is_behind:
            self._excuse_pongs()

    def _hold(self, seconds: float) -> None:
        timeout = self.ping_timeout
        self.loop.call_later(seconds if timeout is None else min(seconds, timeout / 2), self._hold_or_read_on)

    def _hold_or_read_on(self) -> None:
        if not self._is_held:
            return
        self._excuse_pongs()
        if self.rate and (seconds := self.rate.pause(self.loop.time())):
            self._hold(seconds)
        else:
            self._read_on()

    def _read_on(self) -> None:
        if self._is_held:
            self._is_held = False
            self._resume_unless_held()

    def _resume_unless_held(self) -> None:
        if not self._is_held and not self.recv_messages.paused:
            self.transport.resume_reading()

    def _excuse_pongs(self) -> None:
        """Wait for no Pong that is late because it is not read: it is behind what the client has sent (BEAT-1)."""
        if self.pending_pings:
            self.acknowledge_pings(next(reversed(self.pending_pings)))


def write_binary(transport: asyncio.Transport, parts: ChunkParts) -> None:
    """Write one whole binary message of a server (RFC 6455, section 5.2); what the kernel doesn't take now waits.

    It goes past the library, which copies each frame twice: there is no extension, and nothing may be half-way through
    a message.
    """
    frame = (_frame_head(sum(map(len, parts))), *parts)
    rest = _after(frame, _write_at_once(transport, frame))
    if rest:
        transport.write(b"".join(rest))


def _write_at_once(transport: asyncio.Transport, frame: ChunkParts) -> int:
    # TLS encrypts what it writes; what waits comes first; and Windows has no such call.
    if transport.get_extra_info("ssl_object") or transport.get_write_buffer_size() or not hasattr(os, "writev"):
        return 0
    try:
        return os.writev(transport.get_extra_info("socket").fileno(), frame)
    except OSError:
        # It takes nothing now, or is broken: the transport finds out which.
        return 0


def _frame_head(length: int) -> bytes:
    if length < _LENGTH_IN_16_BITS:
        return bytes((_FINAL_BINARY, length))
    if length < 1 << 16:
        return struct.pack(">BBH", _FINAL_BINARY, _LENGTH_IN_16_BITS, length)
    return struct.pack(">BBQ", _FINAL_BINARY, _LENGTH_IN_64_BITS, length)


def _after(parts: ChunkParts, count: int) -> list[memoryview]:
    """Return what is left of `parts` after the first `count` bytes."""
    rest = []
    for part in parts:
        if count < len(part):
            rest.append(memoryview(part)[count:])
        count = max(count - len(part), 0)
    return rest
