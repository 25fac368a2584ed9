"""One connection over HTTP: requests in order, one at a time, until it closes, or becomes a WebSocket.

A task reads each head, asks the `Service` for the response, writes that, and reads the next. It holds little: what
comes while nobody reads stays in the kernel but for one piece, and a piece is written once the one before has left.
Whatever it waits for has a deadline:

- the first head `hello_timeout` from the accept, and any other as long from its first byte;
- a body as long, and a second more for each `body.BODY_BYTES_PER_SECOND` of it;
- each piece that is written `STALL_SECONDS`;
- the next request `KEEP_ALIVE_SECONDS`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Final, Protocol, cast

from pagewire_server.backends.default.body import IncomingBody
from pagewire_server.backends.default.exchange import Exchange, find_head, response_to_nothing
from pagewire_server.backends.default.turns import Turns
from pagewire_server.backends.default.upgrade import WebSocketHost, native_request
from pagewire_server.ops.logs import limited
from pagewire_server.web.requests import Request
from pagewire_server.web.responses import Pages, Refusal, Response
from pagewire_server.web.site import MAX_BODY_BYTES

logger = logging.getLogger("pagewire.server")

KEEP_ALIVE_SECONDS: Final = 75.0
STALL_SECONDS: Final = 30.0
LINGER_SECONDS: Final = 2.0
"""How long what a client still sends is read after the last response: else a reset could overtake that."""


class Service(Protocol):
    """What answers the requests of a port."""

    pages: Pages

    def websockets(self, request: Request) -> WebSocketHost | None:
        """Return what opens a WebSocket for a request; None if it does not ask for one."""

    def check_host(self, request: Request) -> None:
        """Check that the server answers for the request's host; Refusal otherwise."""

    async def respond(self, request: Request) -> Response:
        """Return the response to a plain request; Refusal if it is not served."""


class Counted(Protocol):
    """Where a connection is counted."""

    parsing: Turns
    """To be waited for before anything is parsed."""

    def is_idle(self, connection: HttpConnection) -> None:
        """Note that a connection has nothing to do, and may be closed for another."""

    def is_busy(self, connection: HttpConnection) -> None:
        """Note that it has."""

    def turn(self, connection: HttpConnection, request: Request) -> AbstractAsyncContextManager[None]:
        """Return what waits until one more request of its user may be served; Refusal if that takes too long."""

    def forget(self, connection: HttpConnection) -> None:
        """Count it no more: it is lost, or a WebSocket."""


class _Stalled(Exception):  # noqa: N818 - what the client does
    """The client does not read, or did not send what it announced."""


class HttpConnection(asyncio.Protocol):
    """A connection that was accepted."""

    def __init__(self, service: Service, counted: Counted, peer: str, opened_at: float, hello_timeout: float) -> None:
        self.peer = peer
        """The address at the other end; empty if it has none."""
        self.opened_at = opened_at
        """When it was accepted, and then when the request began that is served."""
        self.service = service
        self._counted = counted
        self.parsing = counted.parsing
        """`Counted.parsing`."""
        self._hello_timeout = hello_timeout
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._task: asyncio.Task[None] | None = None
        """Serves it, once it is connected."""
        self._is_stopping = False
        self._waits_for_head = False
        self._is_first = True
        self._incoming = bytearray()
        self._has_ended = False
        """Whether the client sends no more."""
        self._reader: asyncio.Future[None] | None = None
        self._is_paused = False
        self._writer: asyncio.Future[None] | None = None
        """Waits until what was written has left; None if it has."""

    def stop(self) -> None:
        """Close it, now or once the request that is served is answered."""
        self._is_stopping = True
        if self._waits_for_head:
            self._transport.close()

    def abort(self) -> None:
        """Break it now."""
        if self._task:
            self._transport.abort()

    # -- asyncio's hooks -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve."""
        self._transport = cast("asyncio.Transport", transport)
        # Not 0: under TLS that is "full" for a transport that is empty.
        self._transport.set_write_buffer_limits(high=1, low=0)
        self._task = self._loop.create_task(self._run())

    def data_received(self, data: bytes) -> None:
        """Keep what came; read no more of it until it is used."""
        self._incoming += data
        if self._reader:
            self._wake_reader()
        elif not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """Answer what was asked before."""
        self._has_ended = True
        self._wake_reader()
        # TLS has no half of a connection.
        return self._transport.get_extra_info("ssl_object") is None

    def connection_lost(self, _error: Exception | None) -> None:
        """Stop."""
        self._counted.forget(self)
        if self._task:
            self._task.cancel()

    def pause_writing(self) -> None:
        """Wait until what was written has left."""
        self._writer = self._loop.create_future()

    def resume_writing(self) -> None:
        """Write on."""
        if self._writer and not self._writer.done():
            self._writer.set_result(None)
        self._writer = None

    # -- requests ------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            may_follow = True
            while may_follow:
                may_follow = await self._serve_one()
                # Requests that came together must not keep the loop from everybody else.
                await asyncio.sleep(0)
        except _Stalled:
            self._transport.abort()
        except Exception:
            logger.exception("a connection failed", extra=limited("a connection failed"))
            self._transport.abort()

    async def _serve_one(self) -> bool:
        """Answer one request; False if none may follow."""
        if self._is_stopping:
            self._transport.close()
            return False
        try:
            head = await self._read_head()
            if not head:
                self._transport.close()
                return False
            await self.parsing.wait()
            exchange = Exchange(head)
        except Refusal as refusal:
            # What follows on the connection is not known to be a request.
            await self.write(response_to_nothing(self.service.pages.refuse(None, refusal)))
            await self._linger()
            return False
        deadline = self._loop.time() + self._hello_timeout
        body = None if exchange.is_whole else IncomingBody(self, exchange, deadline)
        request = self._request(exchange, body)
        try:
            if self._open_websocket(exchange, request):
                return False
            async with self._counted.turn(self, request):
                response = await self._answer(request)
                await self._respond(exchange, response, body)
        except Refusal as refusal:
            if exchange.is_answered:
                raise _Stalled from None  # its body, which the response is made of, does not come
            await self._respond(exchange, self.service.pages.refuse(request, refusal), body)
        return await self._end(exchange, body)

    async def _answer(self, request: Request) -> Response:
        """Return the response to a plain request, whatever happens."""
        try:
            return await self.service.respond(request)
        except Refusal as refusal:
            return self.service.pages.refuse(request, refusal)
        except Exception:
            logger.exception("a request failed", extra=limited("a request failed"))
            failed = Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed.")
            return self.service.pages.refuse(request, failed)

    async def _read_head(self) -> bytes | None:
        """Return the next head, blank lines before it left out; None if nothing more is asked."""
        self._waits_for_head = True
        try:
            return await self._next_head()
        finally:
            self._waits_for_head = False

    async def _next_head(self) -> bytes | None:
        is_first, deadline = self._is_first, self.opened_at + self._hello_timeout
        self._is_first = False
        if not is_first and not self._incoming:
            self._counted.is_idle(self)
            if not await self._has_more(self._loop.time() + KEEP_ALIVE_SECONDS):
                return None
            self._counted.is_busy(self)
        if not is_first:
            self.opened_at = self._loop.time()
            deadline = self.opened_at + self._hello_timeout
        searched = 0
        while True:
            if self._incoming.startswith((b"\r", b"\n")):
                self._incoming = self._incoming.lstrip(b"\r\n")
                searched = 0
            end = find_head(self._incoming, searched) if self._incoming else 0
            if end:
                head = bytes(self._incoming[:end])
                del self._incoming[:end]
                return head
            searched = len(self._incoming)
            if not await self._has_more(deadline):
                if self._incoming and not self._has_ended:
                    raise Refusal(HTTPStatus.REQUEST_TIMEOUT, "The request did not come in time.")
                return None

    def _request(self, exchange: Exchange, body: IncomingBody | None) -> Request:
        native = native_request(exchange.method, exchange.target, exchange.version, exchange.headers)
        return Request(exchange.target, exchange.headers, self.peer, native, exchange.method, body)

    def _open_websocket(self, exchange: Exchange, request: Request) -> bool:
        """Hand the connection over if the request opens a WebSocket."""
        host = self.service.websockets(request) if exchange.version == "1.1" and exchange.is_whole else None
        if not host:
            return False
        self._read_on()
        try:
            host.open(request, self._transport, self.opened_at, bytes(self._incoming), has_ended=self._has_ended)
        except Refusal:
            self.service.check_host(request)
            raise
        self._counted.forget(self)
        return True

    async def _end(self, exchange: Exchange, body: IncomingBody | None) -> bool:
        """Discard what nobody has read of the request; close the connection if no other may follow."""
        if body and not body.must_close:
            with contextlib.suppress(Refusal):
                async for _ in body.pieces(MAX_BODY_BYTES):
                    pass
        if exchange.keeps_alive:
            return True
        if exchange.is_whole:
            self._transport.close()
        else:
            await self._linger()
        return False

    async def _linger(self) -> None:
        """Close the connection, but first read what the client still sends."""
        # Where the client has reset the connection, which is not known yet, there is nothing to end.
        with contextlib.suppress(OSError):
            if self._transport.can_write_eof():
                self._transport.write_eof()
        deadline = self._loop.time() + LINGER_SECONDS
        while not self._has_ended:
            self._incoming.clear()
            if not await self._has_more(deadline):
                break
        self._transport.close()

    # -- responses -----------------------------------------------------------------------------

    async def _respond(self, exchange: Exchange, response: Response, asked: IncomingBody | None) -> None:
        is_last = self._has_ended and not self._incoming
        body, closes = response.body, self._is_stopping or is_last or (asked is not None and asked.must_close)
        head = exchange.begin(response.status, response.headers, closes=closes)
        has_body = exchange.method != "HEAD" and response.status not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
        if isinstance(body, bytes):
            content = exchange.send(body) if has_body and body else []
            await self.write(b"".join((head, *content, exchange.end())))
            return
        try:
            if has_body:
                self._transport.write(head)
                async for piece in body:
                    self._transport.write(b"".join(exchange.send(piece)))
                    # While the client does not read, what the transport keeps is enough.
                    del piece
                    await self._until_written()
                head = b""
            await self.write(head + exchange.end())
        except OSError as error:
            # Its head has promised more: only a connection that breaks says that this is not the whole.
            logger.info("can't read on for a response: %s", error, extra=limited("can't read on"))
            raise _Stalled from None
        finally:
            await body.aclose()

    # -- bytes ---------------------------------------------------------------------------------

    async def write(self, data: bytes) -> None:
        """Write, and wait until it has left; the connection is broken if the client does not read."""
        self._transport.write(data)
        await self._until_written()

    async def _until_written(self) -> None:
        if not self._writer:
            return
        try:
            async with asyncio.timeout(STALL_SECONDS):
                await self._writer
        except TimeoutError:
            logger.info("a client does not read a response", extra=limited("a client does not read"))
            raise _Stalled from None

    async def take(self, most: int, deadline: float) -> bytes:
        """Return the next bytes that have come; Refusal if none come in time."""
        if not self._incoming and not await self._has_more(deadline):
            if self._has_ended:
                raise Refusal(HTTPStatus.BAD_REQUEST, "The request ended before its body.")
            raise Refusal(HTTPStatus.REQUEST_TIMEOUT, "The request did not come in time.")
        taken = bytes(self._incoming[:most])
        del self._incoming[:most]
        return taken

    def give_back(self, data: bytes) -> None:
        """Keep what belongs to the next request."""
        self._incoming[:0] = data

    async def _has_more(self, deadline: float) -> bool:
        """Wait for more to come; False at its end, or at the deadline."""
        if self._has_ended:
            return False
        before = len(self._incoming)
        self._reader = self._loop.create_future()
        self._read_on()
        try:
            async with asyncio.timeout_at(deadline):
                await self._reader
        except TimeoutError:
            return False
        finally:
            self._reader = None
        return len(self._incoming) > before

    def _wake_reader(self) -> None:
        if self._reader and not self._reader.done():
            self._reader.set_result(None)

    def _read_on(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()
