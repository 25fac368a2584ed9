"""The welcome of a client that is let in."""

from __future__ import annotations

from pagewire_protocol.handshake_messages import Heartbeat, ServerLimits, Software, WelcomeParams
from pagewire_server.options import Options
from pagewire_server.version import VERSION


def make_welcome(options: Options, session_id: str, version: str, *, resumed: bool) -> WelcomeParams:
    """Return the params of a `welcome`; its `last_seq` is filled in by the session."""
    return WelcomeParams(
        version=version,
        session=session_id,
        resumed=resumed,
        last_seq=0,
        server=Software(name="pagewire-server", version=VERSION),
        capabilities={},
        heartbeat=Heartbeat(
            interval_ms=_milliseconds(options.heartbeat_interval),
            timeout_ms=_milliseconds(options.heartbeat_timeout),
        ),
        limits=ServerLimits(
            max_message_bytes=options.max_message_bytes, stream_window_bytes=options.stream_window_bytes
        ),
        resume_window_ms=_milliseconds(options.resume_window),
    )


def _milliseconds(seconds: float) -> int:
    return max(round(seconds * 1000), 1)
