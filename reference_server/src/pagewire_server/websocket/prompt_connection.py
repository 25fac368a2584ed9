"""A connection of the library's that hands whole text messages over where they arrive."""

from __future__ import annotations

from collections.abc import Callable

from websockets.asyncio.server import ServerConnection
from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.protocol import Event
from websockets.typing import Data


class PromptConnection(ServerConnection):
    """Spares each message the queue, and the turn of the event loop until its reader runs: a tenth of a round trip.

    `process_event` is the library's own hook for subclasses. Messages in fragments, binary ones, and those that would
    overtake one that is not read yet go to `receive`; so would all, if the hook was ever gone.
    """

    take_text: Callable[[str], None] | None = None
    """Is given whole text messages as they arrive, once it is set."""
    _unread = 0
    """Messages that wait for `receive`."""

    def process_event(self, event: Event) -> None:
        """Hand over a text message, or leave the event to the library."""
        if not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
        elif (text := self._whole_text(event)) is not None and self.take_text:
            self.take_text(text)
        else:
            self._unread += event.fin
            super().process_event(event)

    @property
    def has_unread(self) -> bool:
        """Whether `receive` would return at once."""
        return self._unread > 0

    async def receive(self) -> Data:
        """Return the next message that was not handed over; ConnectionClosed at the end."""
        message = await self.recv()
        self._unread -= 1
        return message

    def _whole_text(self, frame: Frame) -> str | None:
        if self.take_text is None or self._unread or frame.opcode is not Opcode.TEXT or not frame.fin:
            return None
        try:
            return str(frame.data, "utf-8")
        except UnicodeDecodeError:
            return None
