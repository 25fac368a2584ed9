"""What a client does on a connection, in the order in which it was noticed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What has arrived."""

    OPENED = "opened"
    """The client opened the connection, and the WebSocket's handshake is done."""
    TEXT = "text"
    BINARY = "binary"
    PONG = "pong"
    CLOSE = "close"
    """A Close frame."""
    LOST = "lost"
    """The connection is gone; nothing more comes on it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One thing that a client did."""

    kind: Kind
    connection: int
    """1 for the client's first connection, 2 for the next."""
    time: float
    """In seconds, by `time.monotonic`."""
    data: bytes = b""
    """Of LOST: in which way the client broke RFC 6455, if it did."""
    close_code: int = 0
    """Of a Close frame; 1005 where it has none. Of LOST: 1006."""
