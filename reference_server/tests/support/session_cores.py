"""Session cores without a server: made of a hello, attached, and read to the last frame."""

from __future__ import annotations

from typing import Any

from scripted_client import make_hello

from pagewire_protocol.handshake_messages import HelloParams
from pagewire_protocol.stream_frames import ChunkParts
from pagewire_server import Options
from pagewire_server.core.handshake import ClientHello
from pagewire_server.core.session import SessionCore


def client_hello(**changes: Any) -> ClientHello:
    """Return a good hello, without its secrets, with some params changed."""
    return ClientHello.of(HelloParams.model_validate(make_hello(**changes)["params"]))


def make_core(*, is_attached: bool = True, capabilities: dict[str, Any] | None = None, **options: Any) -> SessionCore:
    """Return the core of a new session, on its first connection unless it is not attached; options are a server's."""
    hello = client_hello(capabilities=capabilities or {})
    core = SessionCore(hello, Options(**options).session_limits)
    if is_attached:
        assert core.attach(hello) == 0
    return core


def frames(core: SessionCore, now: float = 0.0) -> list[bytes | ChunkParts]:
    """Return all frames that a core writes now."""
    found = []
    while (frame := core.next_frame(now)) is not None:
        found.append(frame)
    return found
