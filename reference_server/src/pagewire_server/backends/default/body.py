"""The body of a request, as it comes on a connection: read by whoever serves the request, or discarded."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Final, Protocol

from pagewire_server.backends.default.exchange import Exchange
from pagewire_server.backends.default.turns import Turns
from pagewire_server.web.responses import Refusal
from pagewire_server.web.site import MAX_BODY_BYTES

BODY_BYTES_PER_SECOND: Final = 4_096
"""How fast a body must come on average, beside the seconds that every request has."""


class Incoming(Protocol):
    """The connection that a request comes on."""

    parsing: Turns
    """To be waited for before anything is parsed."""

    async def take(self, most: int, deadline: float) -> bytes:
        """Return the next bytes that have come; Refusal if none come in time."""

    def give_back(self, data: bytes) -> None:
        """Keep what belongs to the next request."""

    async def write(self, data: bytes) -> None:
        """Write, and wait until it has left."""


class IncomingBody:
    """The body of a request, as it comes."""

    def __init__(self, connection: Incoming, exchange: Exchange, deadline: float) -> None:
        self._connection = connection
        self._exchange = exchange
        self._deadline = deadline
        self._count = 0
        self._is_broken = False

    @property
    def length(self) -> int | None:
        """How long it is; None if only its end says so."""
        return self._exchange.declared_length

    @property
    def must_close(self) -> bool:
        """Whether what is left of it cannot be discarded, so that no other request may follow."""
        if self._exchange.is_whole:
            return False
        too_long = (self.length or 0) > MAX_BODY_BYTES
        return self._is_broken or too_long or self._exchange.waits_for_continue

    async def read(self, most: int) -> bytes:
        """Return all of it; Refusal says why it cannot be read."""
        return b"".join([piece async for piece in self.pieces(most)])

    async def pieces(self, most: int) -> AsyncGenerator[bytes, None]:
        """Return it in pieces; Refusal says why it cannot be read."""
        try:
            if (self.length or 0) > most:
                raise _too_large(most)
            if self._exchange.waits_for_continue:
                await self._connection.write(self._exchange.continue_())
            while not self._exchange.is_whole:
                for piece in await self._next():
                    self._count += len(piece)
                    if self._count > most:
                        raise _too_large(most)
                    yield piece
        except Refusal:
            self._is_broken = True
            raise

    async def _next(self) -> list[bytes]:
        deadline = self._deadline + self._count / BODY_BYTES_PER_SECOND
        data = await self._connection.take(self._exchange.bite, deadline)
        # What comes in many small chunks, on many connections, must not keep the loop from everybody else.
        await self._connection.parsing.wait()
        pieces = self._exchange.receive(data)
        if self._exchange.is_whole:
            self._connection.give_back(self._exchange.leftover)
        return pieces


def _too_large(most: int) -> Refusal:
    return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body of a request may have {most} bytes here.")
