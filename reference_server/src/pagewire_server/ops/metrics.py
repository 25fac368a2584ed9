"""What happens in a server, counted for Prometheus and served on a port of its own; needs prometheus-client."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, urlsplit

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

from pagewire_protocol.codec import size_of
from pagewire_protocol.codes import ErrorCode
from pagewire_protocol.stream_frames import HEADER_BYTES, ChunkParts
from pagewire_server.core.session import Command
from pagewire_server.web.files import preferred_coding
from pagewire_server.web.requests import Request
from pagewire_server.web.responses import Refusal, Response

LAG_INTERVAL: Final = 0.5
"""Seconds between two looks at how late the event loop is."""

_OUTCOMES: Final = frozenset(("ok", "withdrawn", "session_closed", *(code.value for code in ErrorCode)))
_COMMAND_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_LAG_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Metrics:
    """What happens in a server, counted in a registry of its own.

    The two functions are called at each scrape, in a thread. Everything else is called on the event loop, except where
    it says otherwise.
    """

    def __init__(self, count_sessions: Callable[[], int], count_outbox_bytes: Callable[[], int]) -> None:
        registry = self.registry = CollectorRegistry()
        self.port = 0
        """Where it is served, once it is."""
        self._lag_timer: asyncio.TimerHandle | None = None
        self._queued_at: dict[Command, float] = {}
        _gauge(registry, "pagewire_sessions", "Sessions that live, their clients away or not", count_sessions)
        _gauge(registry, "pagewire_outbox_bytes", "Bytes that wait for their first write", count_outbox_bytes)
        self._connections = Gauge("pagewire_connections", "WebSockets that are open", registry=registry)
        self._started = Counter("pagewire_sessions_started", "Sessions that began", registry=registry)
        self._ended = Counter("pagewire_sessions_ended", "Sessions that ended, by bye", ("code",), registry=registry)
        self._refused = Counter(
            "pagewire_refused_handshakes", "Clients that were not let in, by bye", ("code",), registry=registry
        )
        self._resumes = Counter("pagewire_resumes", "Clients that came back to their session", registry=registry)
        self._events = Counter("pagewire_events", "Events that pages emitted", registry=registry)
        self._stream_bytes = Counter(
            "pagewire_stream_bytes", "Bytes of downloads' content written in chunks", registry=registry
        )
        self._commands = Counter(
            "pagewire_commands", "Commands that are finished", ("type", "outcome"), registry=registry
        )
        self._seconds = Histogram(
            "pagewire_command_seconds",
            "From a call to its reply",
            ("type",),
            registry=registry,
            buckets=_COMMAND_SECONDS,
        )
        self._lag = Histogram(
            "pagewire_event_loop_lag_seconds",
            "How late the event loop was, every half second",
            registry=registry,
            buckets=_LAG_SECONDS,
        )
        # Their own search for the labels takes as long as a tenth of a round trip.
        self._command_counter = cache(self._commands.labels)
        self._command_timer = cache(self._seconds.labels)
        self._count_messages(registry)

    def _count_messages(self, registry: CollectorRegistry) -> None:
        labels = ("direction", "kind")
        messages = Counter("pagewire_messages", "Messages of clients that were let in", labels, registry=registry)
        sizes = Counter("pagewire_message_bytes", "Bytes of those messages", labels, registry=registry)
        # Looked up once: these are counted for every message.
        self._sent_text, self._sent_text_bytes = messages.labels("sent", "text"), sizes.labels("sent", "text")
        self._sent_binary, self._sent_binary_bytes = messages.labels("sent", "binary"), sizes.labels("sent", "binary")
        self._got_text, self._got_text_bytes = messages.labels("received", "text"), sizes.labels("received", "text")
        self._got_binary = messages.labels("received", "binary")
        self._got_binary_bytes = sizes.labels("received", "binary")

    # -- serving -------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to watch the event loop."""
        self._sample_later()

    def stop(self) -> None:
        """Watch it no more."""
        if self._lag_timer:
            self._lag_timer.cancel()

    async def respond(self, request: Request) -> Response:
        """Return the response to a scrape, at whatever path; Refusal for other methods.

        Every host is accepted: Prometheus is told a name or an address of any kind.
        """
        allowed = "GET, HEAD, OPTIONS"
        if request.method == "OPTIONS":
            return Response(HTTPStatus.OK, {"Allow": allowed, "Content-Length": "0"})
        if request.method not in {"GET", "HEAD"}:
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.method} is not allowed here.", Allow=allowed)
        if request.path == "/favicon.ico":
            raise Refusal(HTTPStatus.NOT_FOUND, "There is none here.")
        return await asyncio.to_thread(self._expose, request)

    def _expose(self, request: Request) -> Response:
        """Return all samples, or those that the query names, in the format that the client prefers."""
        encode, media_type = choose_encoder(request.header("Accept") or "")
        names = parse_qs(urlsplit(request.target).query).get("name[]")
        body = encode(self.registry.restricted_registry(names) if names else self.registry)
        headers = {"Content-Type": media_type, "Vary": "Accept, Accept-Encoding", "Cache-Control": "no-store"}
        if preferred_coding(request.header_values("Accept-Encoding"), ("gzip",)):
            body = gzip.compress(body, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        return Response(HTTPStatus.OK, headers | {"Content-Length": str(len(body))}, body)

    def _sample_later(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + LAG_INTERVAL
        self._lag_timer = loop.call_at(due, self._sample, due)

    def _sample(self, due: float) -> None:
        self._lag.observe(max(asyncio.get_running_loop().time() - due, 0))
        self._sample_later()

    # -- what happens --------------------------------------------------------------------------

    def connection_opened(self) -> None:
        """A WebSocket was opened; its hello is still to come."""
        self._connections.inc()

    def connection_closed(self) -> None:
        """It was closed, or broke."""
        self._connections.dec()

    def handshake_refused(self, code: str) -> None:
        """A client was not let in; `code` is its bye's."""
        self._refused.labels(code).inc()

    def session_began(self) -> None:
        """A new session began."""
        self._started.inc()

    def session_resumed(self) -> None:
        """A client came back to its session."""
        self._resumes.inc()

    def session_ended(self, code: str) -> None:
        """A session ended, by a bye with `code`."""
        self._ended.labels(code).inc()

    def sent(self, frame: bytes | ChunkParts) -> None:
        """A frame was written to a client that is let in: a text, or a chunk in its parts."""
        if isinstance(frame, bytes):
            self._sent_text.inc()
            self._sent_text_bytes.inc(len(frame))
        else:
            self._sent_binary.inc()
            size = sum(map(len, frame))
            self._sent_binary_bytes.inc(size)
            self._stream_bytes.inc(size - HEADER_BYTES)

    def received(self, message: str | bytes) -> None:
        """A message came from a client that is let in."""
        if isinstance(message, str):
            self._got_text.inc()
            self._got_text_bytes.inc(size_of(message))
        else:
            self._got_binary.inc()
            self._got_binary_bytes.inc(len(message))

    def command_queued(self, command: Command) -> None:
        """The program has called for something. On any thread."""
        self._queued_at[command] = time.perf_counter()

    def command_finished(self, command: Command, outcome: str) -> None:
        """A command was answered, by `ok` or an error's code; or it was `withdrawn`, or lost: `session_closed`.

        On any thread.
        """
        # The code is the client's word: any other would be one more series.
        known = outcome if outcome in _OUTCOMES else "other"
        self._command_counter(command.type, known).inc()
        queued_at = self._queued_at.pop(command, None)
        if queued_at is not None and known not in {"withdrawn", "session_closed"}:
            self._command_timer(command.type).observe(time.perf_counter() - queued_at)

    def event_received(self) -> None:
        """The page emitted an event."""
        self._events.inc()


def _gauge(registry: CollectorRegistry, name: str, what: str, count: Callable[[], int]) -> None:
    Gauge(name, what, registry=registry).set_function(count)
