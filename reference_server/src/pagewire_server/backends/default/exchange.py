"""One request and its response on a connection, by h11, without IO.

Every request has an h11 connection of its own. It is given the head only once that is whole and has passed the limits
here, so that parsing it costs little; and what comes after the body is handed back as `leftover`, for the next request.
"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import h11

from pagewire_server.version import VERSION
from pagewire_server.web.responses import Refusal, Response

# The limits are Apache's. The WebSocket library's own are no lower.
MAX_HEAD_BYTES: Final = 32_768
MAX_LINE_BYTES: Final = 8_190
MAX_FIELDS: Final = 100

SERVER: Final = f"pagewire/{VERSION}"

_HEAD_END: Final = re.compile(rb"\n\r?\n")
_HOST: Final = re.compile(rb"\nhost:", re.IGNORECASE)
_HOST_ABSENT: Final = b"Host:\r\n"
_LONGEST_END: Final = 3
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_BITE: Final = 65_536
_CHUNKED_BITE: Final = 2_048


def find_head(buffer: bytearray, searched: int) -> int:
    """Return where the head at the start of `buffer` ends; 0 if it is not whole yet; Refusal if it is too large.

    Nothing ends within the first `searched` bytes.
    """
    found = _HEAD_END.search(buffer, max(searched - _LONGEST_END, 0))
    end = found.end() if found else len(buffer)
    line = buffer.find(b"\n", 0, MAX_LINE_BYTES + len("\r\n"))
    if line < 0 and len(buffer) > MAX_LINE_BYTES:
        raise Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "The request line is too long.")
    if end > MAX_HEAD_BYTES or buffer.count(b"\n", 0, end) > MAX_FIELDS + 2:
        raise Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The head of the request is too large.")
    return end if found else 0


class Exchange:
    """A request whose head is whole, and the response to it."""

    def __init__(self, head: bytes) -> None:
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        # Without `Host`, which h11 requires, a request is answered all the same: it comes from no browser (SEC-6).
        has_host = _HOST.search(head) is not None
        self._h11.receive_data(head if has_host else _with_host(head))
        event = self._next_event()
        if not isinstance(event, h11.Request):
            raise _malformed("the request line is missing")
        self.method = event.method.decode("ascii")
        self.target = event.target.decode("ascii")
        self.version = event.http_version.decode("ascii")
        raw = event.headers.raw_items()
        self.headers = tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in raw)
        if not has_host:
            self.headers = tuple(field for field in self.headers if field[0].lower() != "host")
        self._is_chunked = any(name.lower() == "transfer-encoding" for name, _ in self.headers)
        self._check(raw)
        self._use_origin_form()
        self.is_whole = False
        """Whether the request has come whole, its body included."""
        self.leftover = b""
        """What has come after it."""
        self.receive(b"")

    @property
    def declared_length(self) -> int | None:
        """How long the body is, 0 if there is none; None if only its end says so."""
        if self._is_chunked:
            return None
        return next((int(value) for name, value in self.headers if name.lower() == "content-length"), 0)

    @property
    def waits_for_continue(self) -> bool:
        """Whether the client sends the body only after a 100 (RFC 9110, 10.1.1)."""
        return self._h11.they_are_waiting_for_100_continue

    @property
    def is_answered(self) -> bool:
        """Whether a response has begun."""
        return self._h11.our_state not in {h11.IDLE, h11.SEND_RESPONSE}

    @property
    def keeps_alive(self) -> bool:
        """Whether one more request may follow, now that this one is answered."""
        return self.is_whole and self._h11.our_state is h11.DONE

    # -- the request's body ----------------------------------------------------------------------

    @property
    def bite(self) -> int:
        """How many bytes of the body to give to `receive` at once: chunks of one byte each take the longest."""
        return _CHUNKED_BITE if self._is_chunked else _BITE

    def receive(self, data: bytes) -> list[bytes]:
        """Return the pieces of the body that `data` completes; Refusal if it is malformed."""
        if data:
            self._h11.receive_data(data)
        pieces = []
        while isinstance(event := self._next_event(), h11.Data):
            pieces.append(bytes(event.data))
        if isinstance(event, h11.EndOfMessage):
            self.is_whole = True
            self.leftover = self._h11.trailing_data[0]
        return pieces

    def continue_(self) -> bytes:
        """Return the bytes that let the client send the body."""
        return self._h11.send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))

    # -- the response ----------------------------------------------------------------------------

    def begin(self, status: HTTPStatus, headers: Mapping[str, str], *, closes: bool) -> bytes:
        """Return the head of a response."""
        return begin_response(self._h11, status, headers, closes=closes)

    def send(self, piece: bytes) -> list[bytes]:
        """Return a piece of its body as it is sent."""
        return self._h11.send_with_data_passthrough(h11.Data(data=piece)) or []

    def end(self) -> bytes:
        """Return its end; LocalProtocolError if it is shorter than its head says."""
        return self._h11.send(h11.EndOfMessage())

    # -- the head --------------------------------------------------------------------------------

    def _next_event(self) -> object:
        try:
            return self._h11.next_event()
        except h11.RemoteProtocolError as error:
            if error.error_status_hint == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
                raise _malformed("its body's framing is too long") from None
            if error.error_status_hint == HTTPStatus.NOT_IMPLEMENTED:
                raise Refusal(HTTPStatus.NOT_IMPLEMENTED, "This server knows no such Transfer-Encoding.") from None
            # The library's own text quotes the request.
            raise _malformed("it is not HTTP/1.1") from None

    def _check(self, raw: list[tuple[bytes, bytes]]) -> None:
        if self.version not in {"1.0", "1.1"}:
            raise Refusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "This server speaks HTTP/1.1.")
        has_length = any(name.lower() == "content-length" for name, _ in self.headers)
        if self._is_chunked and (has_length or self.version == "1.0"):
            # A proxy may have seen another end of the body (RFC 9112, 6.1 and 6.3).
            raise _malformed("the length of its body is ambiguous")
        if len(self.target) > MAX_LINE_BYTES:
            raise Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "The request line is too long.")
        for name, value in raw:
            if len(name) + len(value) + 2 > MAX_LINE_BYTES:
                raise Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "A field of the request's head is too large.")
            if _CONTROL.search(value):
                raise _malformed("a header contains control characters")

    def _use_origin_form(self) -> None:
        """Make a target that is a whole URL a path, and its host the one that counts (RFC 9112, 3.2.2)."""
        if not self.target.lower().startswith(("http://", "https://")):
            return
        try:
            parts = urlsplit(self.target)
        except ValueError:
            raise _malformed("its target is not a URL") from None
        others = (field for field in self.headers if field[0].lower() != "host")
        self.headers = (("Host", parts.netloc), *others)
        self.target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def begin_response(
    connection: h11.Connection, status: HTTPStatus, headers: Mapping[str, str], *, closes: bool
) -> bytes:
    """Return the head of a response, with what every response has."""
    fields = [*headers.items(), ("Date", email.utils.formatdate(usegmt=True)), ("Server", SERVER)]
    if closes:
        fields = [*((name, value) for name, value in fields if name != "Connection"), ("Connection", "close")]
    return connection.send(
        h11.Response(
            status_code=status.value,
            reason=status.phrase.encode(),
            headers=[(name.encode("ascii"), value.encode("latin-1", "replace")) for name, value in fields],
        )
    )


def response_to_nothing(response: Response) -> bytes:
    """Return a whole response, in memory, to a request whose head could not be read."""
    body = response.body if isinstance(response.body, bytes) else b""
    connection = h11.Connection(h11.SERVER)
    head = begin_response(connection, response.status, response.headers, closes=True)
    return head + connection.send(h11.Data(data=body)) + connection.send(h11.EndOfMessage())


def _with_host(head: bytes) -> bytes:
    line = head.find(b"\n") + 1
    return head[:line] + _HOST_ABSENT + head[line:]


def _malformed(reason: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, f"The request is malformed: {reason}.")
