"""The handshake of a connection: from its request to the hello that is let in, or to the bye that says why not."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Collection
from functools import partial
from typing import Final, NamedTuple

from pydantic import MISSING
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request
from websockets.protocol import State

from pagewire_protocol.byes import make_bye
from pagewire_protocol.codes import ByeCode
from pagewire_protocol.control_messages import ByeParams
from pagewire_protocol.handshake_messages import HelloParams
from pagewire_protocol.versions import SUBPROTOCOL
from pagewire_protocol.violations import PeerViolation
from pagewire_server.options import Options
from pagewire_server.runtime.info import first_header
from pagewire_server.runtime.live_session import LiveSession
from pagewire_server.runtime.own_thread import in_own_thread
from pagewire_server.runtime.program_code import ESCAPING, is_coroutine_function
from pagewire_server.sessions.directory import SessionDirectory
from pagewire_server.sessions.handshake import (
    Admitted,
    Refused,
    admit,
    check_early,
    check_version,
    read_hello,
    unsupported_version,
)
from pagewire_server.sessions.message_rate import MessageRate
from pagewire_server.websocket.origins import is_foreign
from pagewire_server.websocket.prompt_connection import PromptConnection
from pagewire_server.websocket.waiting_room import WaitingRoom, counted_address

logger = logging.getLogger("pagewire.server")


_CROWDED: Final = "No hello came, and too many connections wait."


class _Listening(NamedTuple):
    address: str
    limit: asyncio.Timeout


class Greeter:
    """Greets the connections of one server."""

    def __init__(self, options: Options, apps: Collection[str], directory: SessionDirectory[LiveSession]) -> None:
        self._options = options
        self._apps = apps
        self._directory = directory
        self._room = WaitingRoom(options.max_waiting_connections, options.max_waiting_connections_per_address)
        self._listening: dict[PromptConnection, _Listening] = {}
        """Connections whose hello has not come, the oldest first."""
        self._is_stopping = False
        self.sockets: set[PromptConnection] = set()
        """Connections before the end of their handshake."""

    def stop(self) -> None:
        """Let nobody in any more."""
        self._is_stopping = True

    async def greet(self, socket: PromptConnection) -> tuple[HelloParams, Admitted[LiveSession]]:
        """Return the hello that a connection is let in with; Refused or PeerViolation if it is not."""
        address = counted_address(socket, self._options.trusted_proxies)
        self._make_room(address)
        socket.rate = MessageRate(self._options.max_messages_per_second)
        self.sockets.add(socket)
        self._room.enter(address)
        try:
            return await self._shake_hands(socket, address)
        finally:
            self._room.leave(address)
            self.sockets.discard(socket)

    async def _shake_hands(self, socket: PromptConnection, address: str) -> tuple[HelloParams, Admitted[LiveSession]]:
        """Make the checks of SPEC section 4, in its order (HELLO-10)."""
        options = self._options
        request = request_of(socket)
        origin = first_header(request.headers, "Origin")
        host = first_header(request.headers, "Host") or ""
        if is_foreign(origin, host, options.allowed_origins, is_tls=options.tls is not None):
            raise Refused(make_bye(ByeCode.FORBIDDEN_ORIGIN, f"Pages of {origin} are not let in here."))
        if socket.subprotocol != SUBPROTOCOL:
            raise Refused(unsupported_version([]))
        hello = await self._receive_hello(socket, address)
        version = check_version(hello)
        await self._authenticate(hello, request)
        if await self._has_left(socket):
            raise Refused(make_bye(ByeCode.CLIENT_LEFT, "The client left before it was let in."))
        if self._is_stopping:
            raise Refused(shutdown())
        now = asyncio.get_running_loop().time()
        return hello, admit(hello, version, self._directory, apps=self._apps, options=options, address=address, now=now)

    async def _has_left(self, socket: PromptConnection) -> bool:
        """Whether the client is gone, or has said so, before it was let in."""
        while socket.state is State.OPEN and socket.has_unread:
            if check_early(await socket.receive(), self._options.max_message_bytes):
                return True
        return socket.state is not State.OPEN

    def _make_room(self, address: str) -> None:
        """Let the oldest that says nothing go for one more: whoever has something to say says it at once.

        The newcomer is not refused by `too_many_sessions`: that would end the session of one that resumes.
        """
        if self._room.has_room(address):
            return
        is_full_for_address = self._room.is_full_for(address)
        for socket, listening in self._listening.items():
            if not is_full_for_address or listening.address == address:
                del self._listening[socket]
                listening.limit.reschedule(asyncio.get_running_loop().time())
                return
        raise Refused(make_bye(ByeCode.HELLO_TIMEOUT, _CROWDED))

    async def _receive_hello(self, socket: PromptConnection, address: str) -> HelloParams:
        options = self._options
        try:
            async with asyncio.timeout(options.hello_timeout) as limit:
                self._listening[socket] = _Listening(address, limit)
                while True:
                    message = await socket.receive()
                    if not isinstance(message, str):
                        raise PeerViolation("the first message is a binary frame, not a hello")
                    hello = read_hello(message, options.max_message_bytes)
                    if hello:
                        return hello
        except TimeoutError:
            was_let_go = socket not in self._listening
            reason = _CROWDED if was_let_go else f"No hello came within {options.hello_timeout:g} s."
            raise Refused(make_bye(ByeCode.HELLO_TIMEOUT, reason)) from None
        finally:
            self._listening.pop(socket, None)

    async def _authenticate(self, hello: HelloParams, request: Request) -> None:
        if self._options.authenticate is None:
            return
        auth = None if hello.auth is MISSING else hello.auth
        try:
            async with asyncio.timeout(self._options.hello_timeout):
                is_good = await _call(partial(self._options.authenticate, auth, request))
        except TimeoutError:
            logger.error("authenticate took more than %g s", self._options.hello_timeout)  # noqa: TRY400 - whose, is known
            raise Refused(make_bye(ByeCode.INTERNAL_ERROR, "The check of auth took too long.")) from None
        except (Exception, *ESCAPING):
            logger.exception("authenticate failed")
            raise Refused(make_bye(ByeCode.INTERNAL_ERROR, "The server failed.")) from None
        if not is_good:
            raise Refused(make_bye(ByeCode.UNAUTHORIZED, "The server did not accept the client's auth."))


async def _call(check: Callable[[], object]) -> object:
    verdict = check() if is_coroutine_function(check) else await in_own_thread(check, "pagewire-authenticate")
    return await verdict if inspect.isawaitable(verdict) else verdict


def shutdown() -> ByeParams:
    """Return the bye for everybody when the server stops."""
    return make_bye(ByeCode.SERVER_SHUTDOWN, "The server stops.")


def request_of(socket: ServerConnection) -> Request:
    """Return the request that opened a connection."""
    if socket.request is None:
        raise RuntimeError("a connection without its request")
    return socket.request
