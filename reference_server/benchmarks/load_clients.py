"""Thousands of clients on one event loop, each a `Conversation` that answers at once."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any, Final, cast

from wire_client import ACK_EVERY, TEXT, Conversation, Frame, FrameReader, client_frame, upgrade_request

PATIENCE: Final = 120.0
_AT_ONCE: Final = 100


class LoadClient(asyncio.Protocol):
    """A client of Pagewire; of a bare server where `is_bare`: it answers every command, and keeps what is none."""

    def __init__(self, port: int, app: str, *, is_bare: bool = False) -> None:
        loop = asyncio.get_running_loop()
        self.conversation = Conversation(
            secrets.token_urlsafe(16), app, ack_every=1 if app.startswith("brief") else ACK_EVERY
        )
        self.opened: asyncio.Future[None] = loop.create_future()
        self.reported: asyncio.Future[dict[str, Any]] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self.transport: asyncio.Transport
        self._port = port
        self._is_bare = is_bare
        self._answer: bytearray | None = bytearray()
        self._reader = FrameReader()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(upgrade_request(self._port))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits."""
        self.closed.set_result(None)
        for future in (self.opened, self.reported):
            if not future.done():
                future.set_exception(exc or ConnectionError(f"closed: {self.conversation.bye}"))
                # Not everybody who closes has asked.
                future.exception()

    def data_received(self, data: bytes) -> None:
        """Answer every frame."""
        if self._answer is not None:
            self._answer += data
            _, end, data = bytes(self._answer).partition(b"\r\n\r\n")
            if not end:
                return
            self._answer = None
            self._begin()
        for frame in self._reader.feed(memoryview(data)):
            self.transport.write(self._receive_bare(frame) if self._is_bare else self.conversation.receive(frame))
        self._tell()

    def emit(self, name: str) -> None:
        """Send an event."""
        self.transport.write(self.conversation.emit(name))

    def leave(self) -> None:
        """Leave as a page does."""
        if not self._is_bare:
            self.transport.write(self.conversation.leave())
        self.transport.close()

    def _begin(self) -> None:
        if self._is_bare:
            self.opened.set_result(None)
        else:
            self.transport.write(self.conversation.hello())

    def _tell(self) -> None:
        if self.conversation.is_welcomed and not self.opened.done():
            self.opened.set_result(None)
        if self.conversation.reports and not self.reported.done():
            self.reported.set_result(self.conversation.reports[0])

    def _receive_bare(self, frame: Frame) -> bytes:
        if frame.opcode != TEXT:
            return b""
        message = json.loads(frame.head)
        if "trips" in message:
            self.reported.set_result(message)
            return b""
        result = {"type": "result", "seq": message["seq"], "id": message["id"], "params": {"value": 1}}
        return client_frame(json.dumps(result).encode())


async def open_client(port: int, app: str, *, is_bare: bool = False) -> LoadClient:
    """Connect one client, and wait until it is welcomed."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE):
        _, client = await loop.create_connection(lambda: LoadClient(port, app, is_bare=is_bare), "127.0.0.1", port)
        await client.opened
    return client


async def open_clients(port: int, apps: list[str], *, is_bare: bool = False) -> list[LoadClient]:
    """Connect one client for each of `apps`, a hundred at a time."""
    clients = []
    for start in range(0, len(apps), _AT_ONCE):
        opening = (open_client(port, app, is_bare=is_bare) for app in apps[start : start + _AT_ONCE])
        clients += await asyncio.gather(*opening)
    return clients


async def close_clients(clients: list[LoadClient]) -> None:
    """Leave with all of them, and wait until they are gone."""
    for client in clients:
        client.leave()
    await asyncio.gather(*(client.closed for client in clients))
