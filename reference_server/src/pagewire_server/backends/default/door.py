"""The sockets that a server listens on: connections are accepted, counted, given TLS, and then served over HTTP.

A connection counts from the accept until it is lost or a WebSocket, so that whoever opens one and says nothing can have
only so many, TLS or not. If there is no room for one more, the oldest that is idle between two requests is closed for
it; if there is none, the oldest of the address that has most, as long as that has more than the newcomer's would have;
else the newcomer is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
import ssl
import string
import traceback
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final, Never

from pagewire_server.backends.default.http import HttpConnection, Service
from pagewire_server.backends.default.listening import BACKLOG, listen
from pagewire_server.backends.default.turns import Turns
from pagewire_server.backends.default.upgrade import WebSocketHost
from pagewire_server.core.limits import ConnectionLimiter
from pagewire_server.ops.descriptors import descriptor_limit
from pagewire_server.ops.logs import limited
from pagewire_server.options import Options
from pagewire_server.transports.websocket import LEAVE_SECONDS
from pagewire_server.web.requests import Request, counted_peer, counted_user
from pagewire_server.web.responses import Pages, Refusal

logger = logging.getLogger("pagewire.server")

ACCEPTS_AT_ONCE: Final = 32
"""After how many connections others have a turn of the event loop."""
PAUSE_SECONDS: Final = 0.2
"""How long nothing is accepted after an accept that failed."""

_FIRST_OF_METHODS: Final = frozenset(letter.encode() for letter in string.ascii_letters)
_NO_ROOM: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class Door:
    """Listens on one port."""

    def __init__(
        self, service: Service, options: Options, host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> None:
        self._service = service
        self._options = options
        self._host = host
        self.port = port
        """That it listens on: the one that was found, where 0 was asked for."""
        self._tls = tls
        self.limiter = ConnectionLimiter(options.max_waiting_connections, options.max_waiting_connections_per_address)
        self._connections: dict[HttpConnection, str | None] = {}
        """All that are counted, and as whose."""
        self._idle: dict[HttpConnection, None] = {}
        """Those between two requests, the one that is idle for longest first."""
        self._requests: dict[str, _Requests] = {}
        """By user, those behind trusted proxies."""
        self._tasks: set[asyncio.Task[None]] = set()
        """They accept, or connect."""
        self._connecting: dict[HttpConnection, asyncio.Task[None]] = {}
        """The tasks of those that are not connected yet: TLS is not agreed on, or nothing has come."""
        self.parsing = Turns()
        self._reserve: int | None = None
        """A descriptor that is given up to accept a connection where no other is left."""
        self._is_empty = asyncio.Event()

    async def open(self) -> None:
        """Begin to listen; OSError if the port is taken."""
        listening = await listen(self._host, self.port)
        self.port = listening[0].getsockname()[1]
        self._keep_reserve()
        for each in listening:
            self._begin(self._accept(each))

    async def close(self) -> None:
        """Stop listening, and close all connections: one that is served has `LEAVE_SECONDS` to end."""
        for task in self._tasks:
            task.cancel()
        for connection in list(self._connections):
            connection.stop()
        self._is_empty.clear()
        if self._connections:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_SECONDS):
                    await self._is_empty.wait()
        for connection in list(self._connections):
            connection.abort()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._reserve is not None:
            os.close(self._reserve)
            self._reserve = None

    # -- counting ------------------------------------------------------------------------------

    def is_idle(self, connection: HttpConnection) -> None:
        """Note that a connection has nothing to do, and may be closed for another."""
        self._idle[connection] = None

    def is_busy(self, connection: HttpConnection) -> None:
        """Note that it has."""
        self._idle.pop(connection, None)

    def forget(self, connection: HttpConnection) -> None:
        """Count it no more: it is lost, or a WebSocket."""
        self._idle.pop(connection, None)
        if connection in self._connections:
            self.limiter.remove(self._connections.pop(connection))
            if not self._connections:
                self._is_empty.set()

    @asynccontextmanager
    async def turn(self, connection: HttpConnection, request: Request) -> AsyncIterator[None]:
        """Wait until one more request of its user may be served; Refusal if that takes too long.

        Without a proxy there is nothing to wait for: connections are counted. A trusted proxy's count for nobody, so
        that the requests on them are.
        """
        most = self._options.max_waiting_connections_per_address
        if most is None or self._connections.get(connection) is not None:
            yield
            return
        user = counted_user(request, self._options.trusted_proxies)
        requests = self._requests.setdefault(user, _Requests(most))
        requests.count += 1
        try:
            await self._wait_for(requests.free)
            try:
                yield
            finally:
                requests.free.release()
        finally:
            requests.count -= 1
            if not requests.count:
                del self._requests[user]

    async def _wait_for(self, free: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout(self._options.hello_timeout):
                await free.acquire()
        except TimeoutError:
            text = "Too many requests of this address are served already."
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, text, Retry_After="1") from None

    def _make_room(self, address: str | None) -> bool:
        """Close another connection for one more from `address`; False if there is none that should be."""
        return self._close_idle(address) or (not self.limiter.is_full_for(address) and self._drop_for(address))

    def _close_idle(self, address: str | None) -> bool:
        """Close the connection that is idle for longest, of those that one more from `address` could replace."""
        is_full_for_address = self.limiter.is_full_for(address)
        for connection in self._idle:
            if not is_full_for_address or self._connections[connection] == address:
                connection.stop()
                self.forget(connection)
                return True
        return False

    def _drop_for(self, address: str | None) -> bool:
        """Break the oldest connection of the address that has most, if that is not fewer than `address` has then.

        So those who open connections close their own, and a few addresses keep nobody out.
        """
        greatest, count = self.limiter.greatest()
        if count <= self.limiter.count(address) + 1:
            return False
        connection = next(each for each, counted in self._connections.items() if counted == greatest)
        text = "broke the oldest connection of %s, which has %d, for another address"
        logger.info(text, greatest, count, extra=limited("broke a connection for another address"))
        connection.abort()
        if connection in self._connecting:
            self._connecting.pop(connection).cancel()
        self.forget(connection)
        return True

    # -- accepting -----------------------------------------------------------------------------

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _accept(self, listening: socket.socket) -> None:
        loop, count = asyncio.get_running_loop(), 0
        with listening:
            while True:
                try:
                    accepted, address = await loop.sock_accept(listening)
                    self._admit(accepted, str(address[0]) if isinstance(address, tuple) and address else "")
                except OSError as error:
                    await self._accept_later(listening, error)
                except Exception:
                    # Without this task nobody would be let in any more.
                    logger.exception("a connection was not accepted", extra=limited("a connection was not accepted"))
                    await asyncio.sleep(PAUSE_SECONDS)
                count += 1
                if not count % ACCEPTS_AT_ONCE:
                    await asyncio.sleep(0)

    def _admit(self, accepted: socket.socket, peer: str) -> None:
        address = counted_peer(peer, self._options.trusted_proxies)
        if not self.limiter.has_room(address) and not self._make_room(address):
            # There is nobody to talk to yet: it is a failed attempt (WIRE-1).
            accepted.close()
            logger.info("closed a connection of %s: too many wait", peer, extra=limited("too many connections wait"))
            return
        self.limiter.add(address)
        opened_at = asyncio.get_running_loop().time()
        connection = HttpConnection(self._service, self, peer, opened_at, self._options.hello_timeout)
        self._connections[connection] = address
        task = self._connecting[connection] = self._begin(self._connect(connection, accepted))
        task.add_done_callback(lambda _task: self._connecting.pop(connection, None))

    async def _accept_later(self, listening: socket.socket, error: OSError) -> None:
        """Deal with an accept that failed, so that it neither fails again at once nor fills the log."""
        if isinstance(error, ConnectionError):
            await asyncio.sleep(0)  # the client has gone already
            return
        if error.errno not in _NO_ROOM:
            logger.error("can't accept a connection: %s", error, extra=limited("can't accept"))
        elif not self._close_idle(None):
            self._refuse(listening)
            text = "no descriptor is left (%s; the limit is %s): %d connections without a session; new ones are closed"
            limit, waiting = descriptor_limit(), len(self._connections)
            logger.error(text, error.strerror, limit, waiting, extra=limited("no descriptor is left"))
        await asyncio.sleep(PAUSE_SECONDS)

    def _refuse(self, listening: socket.socket) -> None:
        """Accept what waits, and close it: its clients know at once, and do not wait in vain."""
        if self._reserve is None:
            self._keep_reserve()
            return
        os.close(self._reserve)
        self._reserve = None
        with contextlib.suppress(OSError):
            for _ in range(BACKLOG):
                listening.accept()[0].close()
        self._keep_reserve()

    def _keep_reserve(self) -> None:
        with contextlib.suppress(OSError):
            self._reserve = os.open(os.devnull, os.O_RDONLY)

    # -- connecting ----------------------------------------------------------------------------

    async def _connect(self, connection: HttpConnection, accepted: socket.socket) -> None:
        seconds = self._options.hello_timeout
        try:
            async with asyncio.timeout_at(connection.opened_at + seconds):
                tls = self._tls
                if tls and await _speaks_plain_http(accepted):
                    text = "a client of %s spoke HTTP where HTTPS is spoken"
                    logger.info(text, connection.peer, extra=limited("HTTP where HTTPS is spoken"))
                    connection.service, tls = _HttpsOnly(self._service.pages), None
                await asyncio.get_running_loop().connect_accepted_socket(
                    lambda: connection,
                    accepted,
                    ssl=tls,
                    ssl_handshake_timeout=seconds if tls else None,
                    ssl_shutdown_timeout=LEAVE_SECONDS if tls else None,
                )
        except OSError as error:  # a TimeoutError and those of TLS, too
            self._lose(connection, accepted)
            _free_frames(error)
            text = "a connection of %s did not begin: %s"
            logger.info(text, connection.peer, str(error) or "it took too long", extra=limited("no connection began"))
        except Exception:
            self._lose(connection, accepted)
            logger.exception("a connection did not begin", extra=limited("a connection failed to begin"))
        except BaseException:
            self._lose(connection, accepted)
            raise

    def _lose(self, connection: HttpConnection, accepted: socket.socket) -> None:
        accepted.close()
        self.forget(connection)


class _Requests:
    """Requests of one user that are served, or wait for that."""

    def __init__(self, most: int) -> None:
        self.free = asyncio.Semaphore(most)
        self.count = 0


class _HttpsOnly:
    """Tells clients that speak HTTP where HTTPS is spoken."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def websockets(self, _request: Request) -> WebSocketHost | None:
        """Return None: there is none."""

    def check_host(self, request: Request) -> None:
        """Accept any: no more is told than that."""

    async def respond(self, _request: Request) -> Never:
        """Refuse it."""
        text = "This port speaks HTTPS, and the request came over HTTP. Use a URL that begins with https://."
        raise Refusal(HTTPStatus.BAD_REQUEST, text, Connection="close")


async def _speaks_plain_http(accepted: socket.socket) -> bool:
    """Wait for the first byte, without reading it; whether it begins a method, as TLS never does."""
    loop = asyncio.get_running_loop()
    while True:
        with contextlib.suppress(BlockingIOError):
            return accepted.recv(1, socket.MSG_PEEK) in _FIRST_OF_METHODS
        readable: asyncio.Future[None] = loop.create_future()
        try:
            loop.add_reader(accepted, _finish, readable)
        except NotImplementedError:
            return False  # on Windows' own event loop, where this is not told
        try:
            await readable
        finally:
            loop.remove_reader(accepted)


def _free_frames(error: BaseException | None) -> None:
    """Free what the frames of `error` hold, and of those before it: else that is kept until garbage is collected.

    asyncio has 256 KiB for each connection over TLS.
    """
    while error:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
