"""A connection of the library's that hands whole text messages over where they arrive, and can be slowed down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.protocol import Event
from websockets.typing import Data

from pagewire_server.sessions.message_rate import MessageRate
from pagewire_server.websocket.waiting_room import WaitingRoom, counted_peer


class PromptConnection(ServerConnection):
    """Spares each message the queue, and the turn of the event loop until its reader runs: a tenth of a round trip.

    `process_event` is the library's own hook for subclasses. Messages in fragments, binary ones, and those that would
    overtake one that is not read yet go to `receive`; so would all, if the hook was ever gone.
    """

    take_text: Callable[[str], None] | None = None
    """Is given whole text messages as they arrive, once it is set; it counts them in `rate`."""
    rate: MessageRate | None = None
    """How fast the client may send; all other frames are counted here."""
    _unread = 0
    """Messages that wait for `receive`."""
    _is_held = False
    """Whether it reads nothing, for the client has sent too much."""
    _is_behind = False
    """Whether it was held since the last Pong."""
    _is_at_door = False
    """Whether it is counted as one whose request has not come."""
    _door: WaitingRoom
    _trusted: tuple[str, ...]

    @classmethod
    def behind(cls, door: WaitingRoom, trusted: tuple[str, ...]) -> Callable[..., PromptConnection]:
        """Return what makes connections that wait behind `door` until their request has come."""

        def make(*arguments: Any, **settings: Any) -> PromptConnection:  # noqa: ANN401 - the library's own
            connection = cls(*arguments, **settings)
            connection._door, connection._trusted = door, trusted
            return connection

        return make

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless too many have begun and sent no request."""
        super().connection_made(transport)
        self.recv_messages.resume = self._resume_unless_held
        address = counted_peer(self, self._trusted)
        if self._door.has_room(address):
            self._door.enter(address)
            self._is_at_door = True
        else:
            # There is nobody to talk to yet: it is a failed attempt (WIRE-1).
            self.transport.abort()

    async def handshake(self, *arguments: Any, **settings: Any) -> None:  # noqa: ANN401 - the library's own
        """Take the request and respond to it."""
        try:
            await super().handshake(*arguments, **settings)
        finally:
            self._leave_door()

    def process_event(self, event: Event) -> None:
        """Hand over a text message, or leave the event to the library."""
        if not isinstance(event, Frame):
            self._leave_door()
            super().process_event(event)
            return
        if event.opcode in DATA_OPCODES and (text := self._whole_text(event)) is not None and self.take_text:
            self.take_text(text)
        else:
            self._take_other(event)
        self._keep_to_rate()

    @property
    def has_unread(self) -> bool:
        """Whether `receive` would return at once."""
        return self._unread > 0

    async def receive(self) -> Data:
        """Return the next message that was not handed over; ConnectionClosed at the end."""
        message = await self.recv()
        self._unread -= 1
        return message

    def release(self) -> None:
        """Read on, whatever the rate, from now on."""
        self.rate = None
        self._read_on()

    def _leave_door(self) -> None:
        if self._is_at_door:
            self._is_at_door = False
            self._door.leave(counted_peer(self, self._trusted))

    def _take_other(self, frame: Frame) -> None:
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
