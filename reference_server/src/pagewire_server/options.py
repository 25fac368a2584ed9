"""How a server is set up: its limits, its clocks, whom it lets in, what it serves."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pagewire_protocol.fields import MIN_MESSAGE_BYTES, MIN_MESSAGE_VALUES
from pagewire_protocol.handshake_messages import MAX_STREAMS
from pagewire_server.core.limits import SessionLimits

if TYPE_CHECKING:
    import ssl

    from websockets.http11 import Request

_ALLOWED_HOST: Final = re.compile(r"\*|(\.?[\w-]+(\.[\w-]+)*\.?|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?", re.ASCII)
_LEAST: Final = {
    "max_message_bytes": MIN_MESSAGE_BYTES,
    "max_values": MIN_MESSAGE_VALUES,
    "stream_window_bytes": MIN_MESSAGE_BYTES,
}
"""What SPEC asks of the limits that the client is told."""

KIB: Final = 1024
MIB: Final = 1024 * KIB

DEFAULT_CSP: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'"
)
"""What the page may load: its own host's files. 'unsafe-eval' is what running commands takes (SPEC section 14)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings of `serve`. Times are in seconds, sizes in bytes. Every default is safe on the open network."""

    allowed_origins: frozenset[str] = frozenset()
    """Origins beside the server's own whose pages are let in, such as "https://example.org" (SEC-1)."""
    allowed_hosts: frozenset[str] = frozenset()
    """Names by which the server may be reached, such as "app.example.org", against DNS rebinding (SEC-6).

    Always accepted are IP addresses, names without a dot, those in `localhost`, `local`, `internal` and `home.arpa`,
    and the host that the server listens on. ".example.org" is that name and all names in it; "*" accepts every host.
    Ports do not count. Other requests get 421, and WebSockets `bye forbidden_origin`."""
    authenticate: Callable[[Any, Request], bool | Awaitable[bool]] | None = None
    """Called with the hello's `auth` (None if absent) and the request; False refuses the client: 4401.

    A plain function is called in a thread of its own. Either kind has `hello_timeout` to answer."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies that are believed about the user's address.

    It is used for `info.user_ip` and for the limits per address. Proxies name it in `X-Forwarded-For` or `Forwarded`
    (RFC 7239). If a request has both, `Forwarded` is ignored. So a proxy that writes `Forwarded` must remove
    `X-Forwarded-For`. What is not an address is not believed: the nearest address that is known counts."""
    content_security_policy: str = DEFAULT_CSP
    """Sent with every file that the server serves."""
    strict_csp: bool = False
    """Serve HTML files under a policy without 'unsafe-eval': their `nonce="{{nonce}}"` becomes one of that response.

    What `content_security_policy` says of scripts is replaced by `script-src 'nonce-...' 'self'`."""
    static: Path | None = None
    """A folder whose files are served at `/` before the server's own page.

    Dot files and dot folders in it are not served, except `/.well-known/`."""
    max_sessions: int = 10_000
    """At once; past it clients are told `too_many_sessions`."""
    max_sessions_per_address: int | None = 200
    """At once, those whose client is away included; past it clients are told `too_many_sessions`. None: no limit.

    The address is the user's, of IPv6 its network of 64 bits. Behind a proxy that is not among `trusted_proxies` all
    users have the proxy's."""
    max_waiting_connections: int = 1000
    """Connections at once that are not a WebSocket; past it the oldest that is idle is closed, else the newcomer.

    WebSockets without a hello have the same limit; past it the oldest is let go."""
    max_waiting_connections_per_address: int | None = 50
    """The same of one address. None: no limit.

    Of a user behind one of `trusted_proxies` so many requests are served at once; others wait."""
    max_messages_per_second: float | None = 1000.0
    """Of one session, beside replies and acks; five seconds' worth may come at once. A message counts once per KiB.

    Past it the server stops reading that connection until tokens are back: nothing is lost, TCP slows the client. None:
    no limit."""
    max_message_bytes: int = 4 * MIB
    """The largest message taken from a client."""
    max_values: int = 50_000
    """The most JSON values in a message of a client, however deep; names of members do not count.

    Nobody else is served while a message is parsed; with the default that takes less than 0.1 s, whatever is in the
    message. A client answers a command whose result has more values by the error `too_large`, and `pagewire.emit`
    throws. A string is one value: `eval_js("JSON.stringify(rows)")` returns a table of any size that fits
    `max_message_bytes`."""
    max_waiting_events: int = 10_000
    """How many calls of event handlers of one session may wait; past it the session ends."""
    max_waiting_event_bytes: int = 8 * MIB
    """Bytes of the events that wait for handlers of one session, or are being handled; past it reading pauses. An event
    counts as 64 bytes for each of its values if that is more.

    What the program waits for, such as the value of `eval_js`, has to be read. Meanwhile the server reads on, and past
    twice as many bytes the session ends."""
    stream_window_bytes: int = 2 * MIB
    """What may be unacknowledged of one download; a chunk is a quarter of it."""
    max_streams: int = MAX_STREAMS
    """Streamed downloads of one session at once, at most 64 (STREAM-13); past it calls wait or raise `SessionBusy`."""
    window_bytes: int = MIB
    """What may be unacknowledged of a session's messages on a connection (DELIVERY-9)."""
    outbox_bytes: int = 8 * MIB
    """What may wait beyond the window; past it calls wait or raise `SessionBusy` (DELIVERY-10)."""
    inline_bytes: int = 64 * KIB
    """Downloads up to this size travel in one message (DL-8)."""
    hello_timeout: float = 10.0
    """From the accept of a connection to its hello, or to the end of its first request's head.

    It stands still while a hello waits to be parsed (SECURITY.md).
    """
    heartbeat_interval: float = 15.0
    """Between two pings."""
    heartbeat_timeout: float = 15.0
    """How long a Pong may be missing."""
    resume_window: float = 120.0
    """How long a session waits for a client that is away."""
    going_away_window: float = field(default=5.0, repr=False)
    """How long it waits after a close with 1001 (END-8)."""
    tls: ssl.SSLContext | None = None
    """With it the server speaks HTTPS and WSS; `pagewire_server.ops.tls.server_context` makes one of two files."""
    metrics_port: int | None = None
    """Where `/metrics` is served for Prometheus, 0 for a free port; None serves none. Needs `pagewire[metrics]`."""
    metrics_host: str = "127.0.0.1"
    """What that listens on; whoever reaches it may read it."""
    drain_window: float = 30.0
    """How long sessions may go on after SIGTERM, SIGHUP or `Server.drain`, before the server stops."""
    deferred_window: float = 10.0
    """How long the server waits for deferred functions when it stops."""

    def __post_init__(self) -> None:
        """Refuse what cannot work, by name."""
        for name in ("allowed_origins", "allowed_hosts", "trusted_proxies"):
            if isinstance(getattr(self, name), str):
                raise TypeError(f"{name} is one str; it takes a collection of them")
        for network in self.trusted_proxies:
            try:
                ipaddress.ip_network(network, strict=False)
            except ValueError as error:
                raise ValueError(f"trusted_proxies has {network!r}: {error}") from None
        for host in self.allowed_hosts:
            if not _ALLOWED_HOST.fullmatch(host):
                raise ValueError(
                    f"allowed_hosts has {host!r}; it takes names such as app.example.org, .example.org or *"
                )
        self._check_numbers()
        self._check_counts()

    @property
    def session_limits(self) -> SessionLimits:
        """What of this concerns one session."""
        return SessionLimits(
            max_message_bytes=self.max_message_bytes,
            max_values=self.max_values,
            window_bytes=self.window_bytes,
            outbox_bytes=self.outbox_bytes,
            stream_window_bytes=self.stream_window_bytes,
            max_streams=self.max_streams,
            resume_window=self.resume_window,
            going_away_window=self.going_away_window,
        )

    def _check_numbers(self) -> None:
        for name in ("hello_timeout", "heartbeat_interval", "heartbeat_timeout", "resume_window", "drain_window"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name} is {getattr(self, name)}; it takes seconds")
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; SPEC asks for at least {least}")
        for name in ("hello_timeout", "heartbeat_interval", "heartbeat_timeout"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")
        for name in (
            *("resume_window", "drain_window", "max_sessions"),
            *("window_bytes", "outbox_bytes", "inline_bytes", "max_waiting_event_bytes"),
        ):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it can't be negative")
        if self.inline_bytes > 64 * KIB:
            raise ValueError(f"inline_bytes is {self.inline_bytes}; SPEC allows at most 65536 (DL-8)")

    def _check_counts(self) -> None:
        for name in ("max_waiting_connections", "max_streams"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.max_streams > MAX_STREAMS:
            raise ValueError(f"max_streams is {self.max_streams}; SPEC allows at most {MAX_STREAMS} (STREAM-13)")
        for name in ("max_sessions_per_address", "max_waiting_connections_per_address", "max_messages_per_second"):
            if getattr(self, name) is not None and not getattr(self, name) >= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1, or None for no limit")
