"""The handshake of a connection: from its request to the hello that is let in, or to the bye that says why not."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from pydantic import MISSING

from pagewire_protocol.byes import make_bye
from pagewire_protocol.codec import size_of
from pagewire_protocol.codes import ByeCode
from pagewire_protocol.control_messages import ByeParams
from pagewire_protocol.handshake_messages import (
    MAX_HELLO_BYTES,
    Heartbeat,
    HelloParams,
    ServerLimits,
    Software,
    WelcomeParams,
)
from pagewire_protocol.versions import SUBPROTOCOL
from pagewire_protocol.violations import PeerViolation
from pagewire_server.apps.program_code import ESCAPING, in_own_thread, is_coroutine_function
from pagewire_server.apps.runner import SHUTDOWN, AppRunner
from pagewire_server.apps.session import Session
from pagewire_server.core.handshake import (
    AdmissionRules,
    Admitted,
    ClientHello,
    Refused,
    admit,
    check_early,
    check_version,
    read_hello,
    unsupported_version,
)
from pagewire_server.core.limits import AddressRate, ConnectionLimiter, MessageRate
from pagewire_server.ops.logs import limited
from pagewire_server.options import Options
from pagewire_server.transports.websocket import WebSocket, send_bye
from pagewire_server.version import VERSION
from pagewire_server.web.requests import Request, counted_user, refused_page, user_address

logger = logging.getLogger("pagewire.server")

_CROWDED: Final = "No hello came, and too many connections wait."
_EVERYDAY: Final = frozenset(
    (ByeCode.CLIENT_LEFT, ByeCode.REPLACED, ByeCode.SERVER_SHUTDOWN, ByeCode.SESSION_ENDED, ByeCode.SESSION_GONE)
)
"""Why clients are refused that came too late, or left."""
_QUOTING: Final = frozenset((ByeCode.INVALID_MESSAGE, ByeCode.UNSUPPORTED_VERSION))
"""Whose messages quote the hello, and with it perhaps a secret (SEC-2)."""
_FAILED_CHECK: Final = make_bye(ByeCode.INTERNAL_ERROR, "The server failed.")
_LEFT: Final = make_bye(ByeCode.CLIENT_LEFT, "The client left before it was let in.")


PARSED_BYTES_PER_SECOND: Final = 262_144
"""How many bytes clients of one address may make the server parse before `welcome`: a few percent of the event loop.

Of 65,536 bytes, the worst that was found takes 5 ms: arrays that nest deep (a usual hello takes 25 µs)."""

PARSED_BURST_BYTES: Final = 2_097_152
"""How many at once: for the hellos of 2,000 users behind a proxy that come back after a restart."""

MOST_ADDRESSES: Final = 10_000
"""How many addresses are remembered for that."""


@dataclass(slots=True)
class _Listening:
    """A connection whose hello has not come."""

    address: str
    limit: asyncio.Timeout
    deadline: float
    has_spoken: bool = False
    """Whether what it has said waits to be parsed."""


class Handshake:
    """Admits the clients of one server."""

    def __init__(self, options: Options, runner: AppRunner, allowed_hosts: Collection[str]) -> None:
        self._options = options
        self._allowed_hosts = allowed_hosts
        self._runner = runner
        self._rules = AdmissionRules(
            apps=runner.apps,
            max_sessions=options.max_sessions,
            max_sessions_per_address=options.max_sessions_per_address,
        )
        self._limiter = ConnectionLimiter(options.max_waiting_connections, options.max_waiting_connections_per_address)
        self._rate = AddressRate(PARSED_BYTES_PER_SECOND, PARSED_BURST_BYTES, MOST_ADDRESSES)
        self._turn = asyncio.Lock()
        """Held to parse one message, and until others have run: many that come at once don't add up to a stall."""
        self._listening: dict[WebSocket, _Listening] = {}
        """Connections whose hello has not come, the oldest first."""
        self.sockets: set[WebSocket] = set()
        """Connections before the end of their handshake."""
        self._undecided: set[asyncio.Future[None]] = set()
        """Done once `authenticate` has answered, or once the server closes."""

    async def admit(self, socket: WebSocket) -> Admitted[Session]:
        """Return what a client is let in with; Refused or PeerViolation if it is not.

        The checks are those of SPEC section 4, in its order (HELLO-10).
        """
        options = self._options
        address = counted_user(socket.head, options.trusted_proxies)
        refusal = refused_page(
            socket.head, self._allowed_hosts, options.allowed_origins, is_tls=options.tls is not None
        )
        if refusal:
            raise Refused(make_bye(ByeCode.FORBIDDEN_ORIGIN, refusal))
        if not self._limiter.try_add(address):
            self._make_room(address)
            self._limiter.add(address)
        socket.rate = MessageRate(options.max_messages_per_second)
        self.sockets.add(socket)
        try:
            return await self._admit(socket, address)
        finally:
            self._limiter.remove(address)
            self.sockets.discard(socket)

    async def close(self, bye: ByeParams) -> None:
        """Say `bye` to all whose handshake is not over, and wait no longer for what `authenticate` says of them."""
        for decided in self._undecided:
            _set_done(decided)
        await asyncio.gather(*(send_bye(socket, bye) for socket in self.sockets))

    def welcome(self, session: Session, version: str, *, resumed: bool) -> WelcomeParams:
        """Return the params of a `welcome`; its `last_seq` is filled in by the session."""
        options = self._options
        return WelcomeParams(
            version=version,
            session=session.info.session_id,
            resumed=resumed,
            last_seq=0,
            server=Software(name="pagewire-server", version=VERSION),
            capabilities={},
            heartbeat=Heartbeat(
                interval_ms=_milliseconds(options.heartbeat_interval),
                timeout_ms=_milliseconds(options.heartbeat_timeout),
            ),
            limits=ServerLimits(
                max_message_bytes=options.max_message_bytes,
                max_values=options.max_values,
                stream_window_bytes=options.stream_window_bytes,
            ),
            resume_window_ms=_milliseconds(options.resume_window),
        )

    async def _admit(self, socket: WebSocket, address: str) -> Admitted[Session]:
        options = self._options
        if socket.subprotocol != SUBPROTOCOL:
            raise Refused(unsupported_version([]))
        params = await self._receive_hello(socket, address)
        version = check_version(params.versions)
        if options.authenticate:
            auth = None if params.auth is MISSING else params.auth
            await self._authenticate(partial(options.authenticate, auth, socket.head.native))
            if not socket.is_open:
                raise Refused(_LEFT)
        while socket.unread:
            message = await socket.receive()
            await self._pause(socket, self._seconds_to_wait(message, address))
            async with self._turn:
                if check_early(message, MAX_HELLO_BYTES):
                    raise Refused(_LEFT)
        if self._runner.is_closing:
            raise Refused(SHUTDOWN)
        now = asyncio.get_running_loop().time()
        return admit(ClientHello.of(params), version, self._runner.directory, self._rules, address=address, now=now)

    def _make_room(self, address: str) -> None:
        """Let the oldest that says nothing go for one more: whoever has something to say says it at once.

        The newcomer is not refused by `too_many_sessions`: that would end the session of one that resumes.
        """
        is_full_for_address = self._limiter.is_full_for(address)
        for socket, listening in self._listening.items():
            if not listening.has_spoken and (not is_full_for_address or listening.address == address):
                del self._listening[socket]
                listening.limit.reschedule(asyncio.get_running_loop().time())
                return
        raise Refused(make_bye(ByeCode.HELLO_TIMEOUT, _CROWDED))

    async def _receive_hello(self, socket: WebSocket, address: str) -> HelloParams:
        deadline = socket.opened_at + self._options.hello_timeout
        try:
            async with asyncio.timeout_at(deadline) as limit:
                listening = self._listening[socket] = _Listening(address, limit, deadline)
                while True:
                    hello = await self._next_hello(socket, listening)
                    if hello:
                        return hello
        except TimeoutError:
            was_let_go = socket not in self._listening
            reason = _CROWDED if was_let_go else f"No hello came within {self._options.hello_timeout:g} s."
            raise Refused(make_bye(ByeCode.HELLO_TIMEOUT, reason)) from None
        finally:
            self._listening.pop(socket, None)

    async def _next_hello(self, socket: WebSocket, listening: _Listening) -> HelloParams | None:
        """Return the hello in the next message, or None if the message is to be ignored (WIRE-16).

        How long a message waits to be parsed does not count for `hello_timeout`, unless the message is ignored: else a
        client could go on sending such messages for ever.
        """
        message = await socket.receive()
        if not socket.is_open:
            raise Refused(_LEFT)
        if not isinstance(message, str):
            raise PeerViolation("the first message is a binary frame, not a hello")
        seconds = self._seconds_to_wait(message, listening.address)
        listening.has_spoken = True
        listening.limit.reschedule(listening.deadline + seconds)
        await self._pause(socket, seconds)
        async with self._turn:
            hello = read_hello(message, MAX_HELLO_BYTES)  # HELLO-25
            await asyncio.sleep(0)
        if hello is None:
            listening.has_spoken = False
            listening.limit.reschedule(listening.deadline)
        return hello

    def _seconds_to_wait(self, message: str | bytes, address: str) -> float:
        """Return how long a message has to wait until it may be parsed; what is refused unparsed costs nothing."""
        size = size_of(message) if isinstance(message, str) else 0
        if not 0 < size <= MAX_HELLO_BYTES:
            return 0
        return self._rate.take(address, size, asyncio.get_running_loop().time())

    @staticmethod
    async def _pause(socket: WebSocket, seconds: float) -> None:
        """Read nothing for some seconds; Refused if the connection ends meanwhile."""
        if not seconds:
            return
        socket.pause_reading()
        try:
            async with asyncio.timeout(seconds):
                await socket.until_closed()
        except TimeoutError:
            socket.resume_reading()
        if not socket.is_open:
            raise Refused(_LEFT)

    async def _authenticate(self, check: Callable[[], object]) -> None:
        # In a task of its own: one that swallows its cancellation holds up nobody.
        loop = asyncio.get_running_loop()
        decided: asyncio.Future[None] = loop.create_future()
        checking = loop.create_task(_refusal_of(check))
        checking.add_done_callback(lambda _: _set_done(decided))
        self._undecided.add(decided)
        try:
            async with asyncio.timeout(self._options.hello_timeout):
                await decided
        except TimeoutError:
            kind = "authenticate took too long"
            logger.error("authenticate took more than %g s", self._options.hello_timeout, extra=limited(kind))  # noqa: TRY400 - whose, is known
            raise Refused(make_bye(ByeCode.INTERNAL_ERROR, "The check of auth took too long.")) from None
        finally:
            self._undecided.discard(decided)
            checking.cancel()
        if not checking.done():
            raise Refused(SHUTDOWN)
        refusal = _FAILED_CHECK if checking.cancelled() else checking.result()
        if refusal:
            raise Refused(refusal)


def log_refusal(bye: ByeParams, request: Request, trusted_proxies: Sequence[str]) -> None:
    """Log that the client of a request was not let in: what is part of everyday life at INFO, all else as a warning."""
    level = logging.INFO if bye.code in _EVERYDAY else logging.WARNING
    message = "see the client's log" if bye.code in _QUOTING else bye.message
    user = user_address(request, trusted_proxies)
    logger.log(level, "refused %s: %s: %s", user, bye.code, message, extra=limited(f"refused, {bye.code}"))


async def _refusal_of(check: Callable[[], object]) -> ByeParams | None:
    """Return why the client is refused, or None if `authenticate` accepts it."""
    try:
        verdict = check() if is_coroutine_function(check) else await in_own_thread(check, "pagewire-authenticate")
        if inspect.isawaitable(verdict):
            verdict = await verdict
    except (Exception, *ESCAPING):
        logger.exception("authenticate failed", extra=limited("authenticate failed"))
        return _FAILED_CHECK
    return None if verdict else make_bye(ByeCode.UNAUTHORIZED, "The server did not accept the client's auth.")


def _set_done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _milliseconds(seconds: float) -> int:
    return max(round(seconds * 1000), 1)
