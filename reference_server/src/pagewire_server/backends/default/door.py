"""The sockets that a server listens on: connections are accepted, counted, given TLS, and then served over HTTP.

A connection counts from the accept until it is lost or a WebSocket, so that whoever opens one and says nothing can have
only so many, TLS or not. If there is no room for one more, the oldest that is idle between two requests is closed for
it; if there is none, the newcomer is closed.
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
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any, Final, Never

from pagewire_server.backends.default.http import HttpConnection, Service
from pagewire_server.backends.default.upgrade import WebSocketHost
from pagewire_server.core.limits import ConnectionLimiter
from pagewire_server.ops.logs import limited
from pagewire_server.options import Options
from pagewire_server.transports.websocket import LEAVE_SECONDS
from pagewire_server.web.requests import Request, counted_peer
from pagewire_server.web.responses import Pages, Refusal

try:
    import resource
except ImportError:  # on Windows
    HAS_LIMITS = False
else:
    HAS_LIMITS = True

logger = logging.getLogger("pagewire.server")

BACKLOG: Final = 128
ACCEPTS_AT_ONCE: Final = 32
"""After how many connections others have a turn of the event loop."""
PAUSE_SECONDS: Final = 0.2
"""How long nothing is accepted after an accept that failed."""

_FIRST_OF_METHODS: Final = frozenset(letter.encode() for letter in string.ascii_letters)
_NOT_HERE: Final = frozenset((errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL))
"""Errors of an address that a name has, and this machine has not."""
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
        self._tasks: set[asyncio.Task[None]] = set()
        """They accept, or connect."""
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

    def _make_room(self, address: str | None) -> bool:
        """Close the connection that is idle for longest, of those that one more from `address` could replace."""
        is_full_for_address = self.limiter.is_full_for(address)
        for connection in self._idle:
            if not is_full_for_address or self._connections[connection] == address:
                connection.stop()
                self.forget(connection)
                return True
        return False

    # -- accepting -----------------------------------------------------------------------------

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, listening: socket.socket) -> None:
        loop, count = asyncio.get_running_loop(), 0
        with listening:
            while True:
                try:
                    accepted, address = await loop.sock_accept(listening)
                    self._admit(accepted, str(address[0]) if isinstance(address, tuple) and address else "")
                except OSError as error:
                    await self._accept_later(listening, error)
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
        self._begin(self._connect(connection, accepted))

    async def _accept_later(self, listening: socket.socket, error: OSError) -> None:
        """Deal with an accept that failed, so that it neither fails again at once nor fills the log."""
        if isinstance(error, ConnectionError):
            await asyncio.sleep(0)  # the client has gone already
            return
        if error.errno not in _NO_ROOM:
            logger.error("can't accept a connection: %s", error, extra=limited("can't accept"))
        elif not self._make_room(None):
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
            text = "a connection of %s did not begin: %s"
            logger.info(text, connection.peer, str(error) or "it took too long", extra=limited("no connection began"))
        except BaseException:
            self._lose(connection, accepted)
            raise

    def _lose(self, connection: HttpConnection, accepted: socket.socket) -> None:
        accepted.close()
        self.forget(connection)


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


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def descriptor_limit() -> int | None:
    """Return how many descriptors this process may have; None where that is unknown."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] if HAS_LIMITS else None


async def listen(host: str, port: int) -> list[socket.socket]:
    """Return sockets that listen on all addresses of `host`, on the same port; OSError if there are none."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    listening: list[socket.socket] = []
    failure: OSError | None = None
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            at = listening[0].getsockname()[1] if listening else port
            try:
                listening.append(_listen_at(family, kind, protocol, (address[0], at, *address[2:])))
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                failure = error
    except BaseException:
        for each in listening:
            each.close()
        raise
    if not listening:
        raise failure or OSError(f"{host!r} has no address")
    return listening


def _listen_at(family: int, kind: int, protocol: int, address: tuple[Any, ...]) -> socket.socket:
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setblocking(False)
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        text = f"error while attempting to bind on address {address!r}: {(error.strerror or str(error)).lower()}"
        raise OSError(error.errno, text) from None
    return listening
