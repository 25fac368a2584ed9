"""The params of the two messages that open a connection: hello and welcome."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import MISSING, Field

from pagewire_protocol.fields import (
    Capabilities,
    CommandId,
    Instance,
    Integer,
    Json,
    Limit,
    Name,
    PositiveInteger,
    ShortText,
    ValueLimit,
    Version,
    WireModel,
)

MAX_HELLO_BYTES: Final = 65536
"""The largest message that a client sends until `welcome` (HELLO-21)."""

MAX_STREAMS: Final = 64
"""How many streams of a session may be unfinished at once (STREAM-13)."""


class Software(WireModel):
    """The program at one end."""

    name: Name
    """The program's name, for example `pagewire-js`."""
    version: Name
    """The program's own version."""


class PageInfo(WireModel):
    """The page a client is, as far as there is one."""

    url: Annotated[str, Field(max_length=8192)] | MISSING = MISSING
    """Without its fragment; absent if that is longer than 8192 characters (HELLO-22)."""
    language: ShortText | MISSING = MISSING
    """As `navigator.language`, for example `de-CH`."""
    languages: Annotated[list[ShortText], Field(max_length=64)] | MISSING = MISSING
    """As `navigator.languages`, the preferred one first."""
    timezone: ShortText | MISSING = MISSING
    """An IANA name, for example `Europe/Zurich`."""


class ClientLimits(WireModel):
    """What a client accepts."""

    max_message_bytes: Limit
    """The largest text frame, in bytes of UTF-8."""


class StreamPosition(WireModel):
    """How much of an unfinished stream has been received."""

    id: CommandId
    """The id of the download's command."""
    offset: Integer
    """Bytes received, which count as acknowledged."""


class ResumePoint(WireModel):
    """Where a client was when its connection broke."""

    last_seq: Integer
    """The last session message received from the server."""
    streams: Annotated[list[StreamPosition], Field(max_length=MAX_STREAMS)]
    """Every stream whose command is received and not answered."""


class HelloParams(WireModel):
    """Who the client is, what it can do, and where it was."""

    versions: Annotated[list[Version], Field(min_length=1, max_length=64)]
    """Every version the client speaks."""
    client: Software
    instance: Instance
    """A secret of at least 128 bits, the same for the life of the client; whoever has it has the session."""
    attempt: PositiveInteger
    """Greater in each hello of the instance than in every earlier one, so that a late one is known (HELLO-20)."""
    app: Name
    """The app to run; `index` where the page names none."""
    capabilities: Capabilities
    """What the client can do beyond the least: a name to an object of settings (EXT-2)."""
    page: PageInfo
    limits: ClientLimits
    auth: Json | MISSING = MISSING
    """For the server's own check."""
    resume: ResumePoint | MISSING = MISSING
    """Present if and only if this instance has ever been welcomed."""


class Heartbeat(WireModel):
    """How the link is watched. SPEC section 11."""

    interval_ms: PositiveInteger
    """Between two pings."""
    timeout_ms: PositiveInteger
    """How much longer than the interval silence may last."""


class ServerLimits(WireModel):
    """What a server accepts, and how it sends streams."""

    max_message_bytes: Limit
    """The largest text frame, in bytes of UTF-8."""
    max_values: ValueLimit
    """The most JSON values in a message, itself included; names of members do not count."""
    stream_window_bytes: Limit
    """The most bytes of one stream that are sent and not acknowledged; a chunk is at most a quarter."""


class WelcomeParams(WireModel):
    """Which session this is, and what the server accepts."""

    version: Version
    """The highest version that both sides speak."""
    session: Name
    """The session's public id, for logs."""
    resumed: bool
    """Whether the session was there before this hello."""
    last_seq: Integer
    """The last session message received from the client."""
    server: Software
    capabilities: Capabilities
    """What the server can do beyond the least: a name to an object of settings (EXT-2)."""
    heartbeat: Heartbeat
    limits: ServerLimits
    resume_window_ms: Integer
    """How long the session waits for a client that is away."""
