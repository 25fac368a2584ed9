"""A WebSocket of the `websockets` library as a transport wants it: prompt, slowed down at need, without copies."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import socket as socket_module
import struct
from collections.abc import Callable
from socket import IPPROTO_TCP
from typing import Final

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.protocol import SEND_EOF, Event, State

from pagewire_protocol.stream_frames import ChunkParts
from pagewire_server.backends.default.turns import Turns
from pagewire_server.core.limits import UNIT_BYTES, MessageRate
from pagewire_server.transports.websocket import FrameSource, SocketClosed
from pagewire_server.web.requests import Request

NOT_SENT: Final[int | None] = getattr(socket_module, "TCP_NOTSENT_LOWAT", None)
"""The socket option that bounds what the kernel holds and has not sent; not on every platform."""

NOT_SENT_BYTES: Final = 262_144
"""How much that is."""

CLOSE_SLACK_BYTES: Final = 65_536
"""How much more than a message the library accepts, so that ours is the error that a client sees (WIRE-23)."""

UNREAD_FRAMES: Final = 1
"""How many frames may wait for `receive` before nothing more is read: what comes before `welcome` fills no memory."""

BYTES_AT_ONCE: Final = 4_096
"""How much of what a client has sent is looked at before it is asked whether others should have a turn."""

LITTLE_BYTES: Final = 256
"""How much of it is looked at whoever else has a turn: it is not many frames."""

LARGE_FRAME_BYTES_AT_ONCE: Final = 16_384
"""How much of it where no frame has ended so far."""

FRAMES_AT_ONCE: Final = 64
"""After how many frames others have a turn; one counts for each KiB that it has begun.

What was looked at by then is handled first."""

WRITES_AT_ONCE: Final = 64
"""How many frames are written before others have a turn."""

LONGEST_HOLD: Final = 10.0
"""After how many seconds without reading it is looked at again, if there is no heartbeat that asks for less."""

FRAGMENTS_PER_SECOND: Final = 4_096
"""How many bytes a second of a message in fragments must come, on average."""

UNREAD_PONG_BYTES: Final = 65_536
"""How much memory Pongs may take that the client does not read; past it the connection is broken."""

PONG_BYTES: Final = 256
"""What a Pong takes at most: it has up to 125 bytes, and a Python object where it waits."""

_FINAL_BINARY: Final = 0x82
_LENGTH_IN_16_BITS: Final = 126
_LENGTH_IN_64_BITS: Final = 127


class DefaultWebSocket(ServerConnection):
    """Spares each message the queue, and the turn of the event loop until its reader runs: a tenth of a round trip.

    `process_event` is the library's own hook for subclasses. Binary messages, and those that would overtake one that is
    not read yet go to `receive`; so would all, if the hook was ever gone.

    What is counted for the rate: a message once it is whole, unless it answers the server; one that is never whole when
    its connection is lost; and at once what `receive` will return, control frames, and fragments under `UNIT_BYTES`,
    which are otherwise as many as the client likes.
    """

    turns: Turns
    """Those of all sockets."""
    take_text: Callable[[str], bool] | None = None
    rate: MessageRate | None = None
    unread = 0
    """Messages that wait for `receive`."""
    frames_written = 0
    opened_at = 0.0
    """When `hello_timeout` began, on the loop's clock."""
    head: Request
    """The request that opened it."""
    _backlog = b""
    """What has come and is not all looked at yet; else empty."""
    _looked_at = 0
    """How many bytes of the backlog are looked at."""
    _is_look_due = False
    """Whether the event loop will call `_look_at_backlog`."""
    _frames_left = FRAMES_AT_ONCE
    """How many more frames are handled before others have a turn."""
    _has_eof = False
    """Whether the client will send no more than the backlog."""
    _is_lost = False
    """Whether the connection is gone, and only the backlog is left of it."""
    _lost_with: Exception | None = None
    _is_held = False
    """Whether it reads nothing, for the client has sent too much, or the session wants nothing more for now."""
    _is_paused = False
    """Whether the session wants nothing more for now."""
    _hold_timer: asyncio.TimerHandle | None = None
    _is_behind = False
    """Whether it was held since the last Pong."""
    _fragments: bytearray | None = None
    """What has come of a text message in fragments; None outside of one, and within one that `receive` will return."""
    _incomplete_since: float | None = None
    """When the first fragment of a message came whose last has not; None if there is none such."""
    _incomplete_bytes = 0
    _last_fragment_at = 0.0
    _incomplete_timer: asyncio.TimerHandle | None = None
    _unread_pong_bytes = 0
    _frames_before_pongs = 0
    """How many frames were written before those Pongs."""

    # -- the WebSocket that a transport uses -----------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether neither side has begun to close."""
        return self.state is State.OPEN

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
        self.unread -= 1
        if self._backlog:
            self._look_soon()
        return message if isinstance(message, str) else bytes(message)

    async def send_text(self, text: bytes) -> None:
        """Send a text message, once there is room; SocketClosed if it is closed."""
        try:
            await self.send(text, text=True)
        except ConnectionClosed:
            raise SocketClosed from None

    def write_text(self, text: bytes) -> bool:
        """Write a text message now; False if the socket does not accept it at once.

        Without the locks that the library's `send` needs for several tasks, a round trip takes a third less.
        """
        if not self._may_write:
            return False
        self.protocol.send_text(text)
        for output in self.protocol.data_to_send():
            self.transport.write(output)
        self.frames_written += 1
        return True

    def write_frames(self, source: FrameSource) -> bool:
        """Write what `source` gives, as long as the socket accepts it at once; False if more may be left."""
        transport = self.transport
        for _ in range(WRITES_AT_ONCE):
            if not self._may_write:
                return False
            frame = source.next_frame()
            if frame is None:
                return True
            if isinstance(frame, bytes):
                self.write_text(frame)
            else:
                write_binary(transport, frame)
                self.frames_written += 1
            if not source.has_frames:
                return True
        return False

    @property
    def _may_write(self) -> bool:
        # The transport knows first that the connection broke: what is written to it then is a line of asyncio's log.
        transport = self.transport
        return self.state is State.OPEN and not (transport.get_write_buffer_size() or transport.is_closing())

    async def until_writable(self) -> None:
        """Wait until what was written has left, or until the end."""
        if self.is_open and not self.transport.is_closing():
            try:
                await self.drain()
            except ConnectionClosed:
                return
        else:
            await self.wait_closed()

    async def until_closed(self) -> None:
        """Wait for the end of the connection; while nothing is read, the other side's end may go unnoticed."""
        await self.wait_closed()

    def carry(self, rate: MessageRate, take_text: Callable[[str], bool], max_message_bytes: int) -> None:
        """Begin to carry a session: keep to its rate, and buffer little, in this process and in the kernel."""
        self.rate, self.take_text = rate, take_text
        if self._backlog:
            self._look_soon()
        self.protocol.max_message_size = max_message_bytes + CLOSE_SLACK_BYTES
        # Not 0: under TLS that is "full" for a transport that is empty.
        self.transport.set_write_buffer_limits(high=1, low=0)
        if NOT_SENT is not None:
            self.transport.get_extra_info("socket").setsockopt(IPPROTO_TCP, NOT_SENT, NOT_SENT_BYTES)

    def pause_reading(self) -> None:
        """Read nothing until `resume_reading`; who does not read waits for no Pong either."""
        self._is_paused = True
        if not self._is_held:
            self._hold_back(math.inf)

    def resume_reading(self) -> None:
        """Read on, as fast as the rate allows."""
        self._is_paused = False
        self._hold_or_read_on()

    def release(self) -> None:
        """Read on from now on, whatever the rate."""
        self.rate = None
        self._is_paused = False
        self._read_on()

    def abort(self) -> None:
        """Break the connection now."""
        self._forget_backlog()
        self.transport.abort()

    # -- the library's hooks ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        super().connection_made(transport)
        self.recv_messages.resume = self._resume_unless_held

    def data_received(self, data: bytes) -> None:
        """Look at what has come: in one turn of the event loop at little, if it is many frames."""
        # Most messages are short: they need no turn.
        is_little = len(data) <= LITTLE_BYTES or (len(data) <= BYTES_AT_ONCE and self.turns.has_time())
        if is_little and self.take_text is not None and not self._backlog:
            super().data_received(data)
            return
        self._backlog, self._looked_at = self._backlog[self._looked_at :] + data, 0
        if self._is_look_due:
            return
        if self.turns.has_time():
            self._look_at_backlog()
        else:
            self.transport.pause_reading()
            self._look_soon()

    def eof_received(self) -> None:
        """End, once all is looked at; before a session is carried nobody is there for it."""
        if self.take_text is None:
            self._forget_backlog()
        if self._backlog:
            self._has_eof = True
        else:
            super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """End, once all is looked at; before a session is carried nobody is there for it."""
        if self.take_text is None:
            self._forget_backlog()
        if self._backlog:
            self._is_lost, self._lost_with = True, exc
            self._look_soon()
        else:
            self._end(exc)

    def _end(self, exc: Exception | None) -> None:
        self._message_is_complete()
        if self._fragments is not None and self.rate:
            self.rate.take(len(self._fragments), self.loop.time())
        super().connection_lost(exc)
        self._forget_messages()

    def _forget_messages(self) -> None:
        """Keep nothing that the client has sent: connections are cycles, which go only when garbage is collected."""
        self._fragments = None
        self.protocol.reader.buffer.clear()
        if self.protocol.parser_exc:
            # Its traceback has the frame, and with it the last message.
            self.protocol.parser_exc.__traceback__ = None

    def send_data(self) -> None:
        """Write what the library has to send in one call of the kernel; nothing once the connection is broken."""
        output = self.protocol.data_to_send()
        if self.transport.is_closing():
            return
        if data := b"".join(output):
            self.transport.write(data)
        if SEND_EOF in output:
            if self.transport.can_write_eof():
                # It breaks just now; uvloop raises RuntimeError.
                with contextlib.suppress(OSError, RuntimeError):
                    self.transport.write_eof()
            else:
                self.transport.close()

    def process_event(self, event: Event) -> None:
        """Hand over a text message, or leave the event to the library."""
        if not isinstance(event, Frame):
            super().process_event(event)
            return
        self._frames_left -= 1 + len(event.data) // UNIT_BYTES
        if event.opcode in DATA_OPCODES and not (event.fin and self._incomplete_since is None):
            self._watch_fragments(event)
        frame = self._assemble(event)
        counts = len(event.data) < UNIT_BYTES if frame is None else not self._process_frame(frame)
        seconds = self.rate.take(len((frame or event).data), self.loop.time()) if self.rate and counts else 0
        if self._is_held:
            return
        if seconds:
            self._hold_back(seconds)
        elif self._is_behind:
            self._excuse_pongs()

    # -- the backlog ---------------------------------------------------------------------------

    def _forget_backlog(self) -> None:
        self._backlog, self._looked_at = b"", 0

    def _look_soon(self) -> None:
        """Look at the backlog in the next turn that has time for it, after all other sockets that wait for one."""
        if not self._is_look_due:
            self._is_look_due = True
            self.turns.call_soon(self._look_at_backlog)

    def _look_at_backlog(self) -> None:
        """Look at what has come until others should have a turn, or nothing more is wanted for now.

        A client can put thousands of frames into what is read at once.
        """
        self._is_look_due = False
        self._frames_left = FRAMES_AT_ONCE
        size = BYTES_AT_ONCE
        while self._backlog and self._frames_left > 0 and self._wants_more:
            piece = self._backlog[self._looked_at : self._looked_at + size]
            self._looked_at += len(piece)
            if self._looked_at == len(self._backlog):
                self._forget_backlog()
            super().data_received(piece)
            # It is in the middle of a large frame.
            size = BYTES_AT_ONCE if self._frames_left < FRAMES_AT_ONCE else LARGE_FRAME_BYTES_AT_ONCE
        if not self._backlog:
            self._backlog_is_empty()
            return
        if not self._is_lost:
            self.transport.pause_reading()
        if self._wants_more:
            self._look_soon()

    @property
    def _wants_more(self) -> bool:
        # Once the connection is gone, no more than the backlog can come, and nobody can be slowed down.
        return self._is_lost or not (self.unread or self._is_held or self.recv_messages.paused)

    def _backlog_is_empty(self) -> None:
        if self._is_lost:
            self._end(self._lost_with)
            return
        if self._has_eof:
            super().eof_received()
        self._resume_unless_held()

    def _assemble(self, frame: Frame) -> Frame | None:
        """Return a text message in fragments as one frame, once it is whole; any other frame as it is."""
        if frame.opcode is Opcode.TEXT and not frame.fin and self.take_text and not self.unread:
            self._fragments = bytearray(frame.data)
            return None
        if frame.opcode is not Opcode.CONT or self._fragments is None:
            return frame
        self._fragments += frame.data
        if not frame.fin:
            return None
        whole, self._fragments = Frame(Opcode.TEXT, self._fragments), None
        return whole

    def _process_frame(self, frame: Frame) -> bool:
        """Hand over a text message, or leave the frame to the library; return whether it answers the server."""
        text = None if self.take_text is None or self.unread else _whole_text(frame)
        if text is not None and self.take_text:
            return self.take_text(text)
        self._process_other(frame)
        return False

    def _process_other(self, frame: Frame) -> None:
        if frame.opcode in DATA_OPCODES:
            self.unread += frame.fin
        elif frame.opcode is Opcode.PONG:
            self._is_behind = False
        elif frame.opcode is Opcode.PING:
            self._count_pong()
        super().process_event(frame)

    def _count_pong(self) -> None:
        """Break the connection if the client does not read the answers to its Pings."""
        # Frames are written only once all before them has left.
        if self.frames_written != self._frames_before_pongs or not self.transport.get_write_buffer_size():
            self._frames_before_pongs = self.frames_written
            self._unread_pong_bytes = 0
            return
        self._unread_pong_bytes += PONG_BYTES
        if self._unread_pong_bytes > UNREAD_PONG_BYTES:
            self.logger.info("a client sends Pings and does not read the Pongs: the connection is broken")
            self.abort()

    # -- the deadline of a message in fragments ------------------------------------------------

    @property
    def _longest_pause(self) -> float:
        """How long the next fragment may take: as long as the heartbeat gives a client that is busy with one frame."""
        return sum(seconds or LONGEST_HOLD for seconds in (self.ping_interval, self.ping_timeout))

    def _watch_fragments(self, frame: Frame) -> None:
        """Begin to watch that a message is completed, or go on, or end."""
        if frame.fin:
            self._message_is_complete()
            return
        self._last_fragment_at = self.loop.time()
        if self._incomplete_since is None:
            self._incomplete_since, self._incomplete_bytes = self._last_fragment_at, 0
            self._incomplete_timer = self.loop.call_later(self._longest_pause, self._check_fragments)
        self._incomplete_bytes += len(frame.data)

    def _message_is_complete(self) -> None:
        self._incomplete_since = None
        if self._incomplete_timer:
            self._incomplete_timer.cancel()
            self._incomplete_timer = None

    def _check_fragments(self) -> None:
        """Break the connection if the message comes too slowly: else it would fill memory for ever."""
        if self._incomplete_since is None:
            return
        if self._is_held:
            self._excuse_fragments()
        now, average = self.loop.time(), self._incomplete_since + self._incomplete_bytes / FRAGMENTS_PER_SECOND
        deadline = min(self._last_fragment_at, average) + self._longest_pause
        if deadline > now:
            self._incomplete_timer = self.loop.call_at(deadline, self._check_fragments)
        else:
            self.logger.info("a client does not complete a message in fragments: the connection is broken")
            self.abort()

    def _excuse_fragments(self) -> None:
        """Count anew from now: what is late may be there, and was not read."""
        if self._incomplete_since is not None:
            self._incomplete_since = self._last_fragment_at = self.loop.time()

    # -- backpressure --------------------------------------------------------------------------

    def _hold_back(self, seconds: float) -> None:
        """Read nothing for some seconds."""
        self._is_held = self._is_behind = True
        self.transport.pause_reading()
        self._hold(seconds)

    def _hold(self, seconds: float) -> None:
        if self._hold_timer:
            self._hold_timer.cancel()
        longest = LONGEST_HOLD if self.ping_timeout is None else self.ping_timeout / 2
        self._hold_timer = self.loop.call_later(min(seconds, longest), self._hold_or_read_on)

    def _hold_or_read_on(self) -> None:
        if not self._is_held:
            return
        self._excuse_pongs()
        seconds = self.rate.pause(self.loop.time()) if self.rate else 0
        if self._is_paused or seconds:
            self._hold(math.inf if self._is_paused else seconds)
        else:
            self._read_on()

    def _read_on(self) -> None:
        if self._is_held:
            self._is_held = False
            self._excuse_fragments()
            if self._hold_timer:
                self._hold_timer.cancel()
                self._hold_timer = None
            self._resume_unless_held()

    def _resume_unless_held(self) -> None:
        if self._is_held or self.recv_messages.paused:
            return
        if self._backlog:
            self._look_soon()
        else:
            self.transport.resume_reading()

    def _excuse_pongs(self) -> None:
        """Wait for no Pong that is late because it is not read: it is behind what the client has sent (BEAT-1)."""
        if self.pending_pings:
            self.acknowledge_pings(next(reversed(self.pending_pings)))


def _whole_text(frame: Frame) -> str | None:
    """Return the text of a frame that is a whole text message; None for any other."""
    if frame.opcode is not Opcode.TEXT or not frame.fin:
        return None
    try:
        return str(frame.data, "utf-8")
    except UnicodeDecodeError:
        return None


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
