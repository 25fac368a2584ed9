"""The checks of a client's first message, in the order of SPEC section 4, and the answer to one that passes them.

The transport makes the checks that concern the request (origin, subprotocol) and asks the program about `auth`; all
others are made here. A hello contains the client's secrets, so that nothing keeps it: what the server goes on with is
a `ClientHello` (SEC-2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

from pydantic import MISSING

from pagewire_protocol import codec
from pagewire_protocol.byes import make_bye
from pagewire_protocol.codes import ByeCode
from pagewire_protocol.control_messages import ByeParams
from pagewire_protocol.handshake_messages import HelloParams, PageInfo, ResumePoint
from pagewire_protocol.registry import Side
from pagewire_protocol.versions import SUPPORTED_VERSIONS
from pagewire_protocol.violations import PeerViolation
from pagewire_server.core.directory import SessionDirectory


@dataclass(frozen=True, slots=True)
class ClientHello:
    """A valid hello without its secrets."""

    key: bytes
    """The SHA-256 of the client's instance, by which its session is found."""
    attempt: int
    app: str
    page: PageInfo
    max_message_bytes: int
    """The largest message that the client accepts."""
    takes_streams: bool
    """Whether the client announces the capability `streams`."""
    resume: ResumePoint | None
    """Where the client was; None where it does not resume."""

    @classmethod
    def of(cls, hello: HelloParams) -> Self:
        """Return what the server keeps of `hello`."""
        return cls(
            key=hashlib.sha256(hello.instance.encode()).digest(),
            attempt=hello.attempt,
            app=hello.app,
            page=hello.page,
            max_message_bytes=hello.limits.max_message_bytes,
            takes_streams="streams" in hello.capabilities,
            resume=None if hello.resume is MISSING else hello.resume,
        )


class Resumable(Protocol):
    """A living session, as far as a hello of its client can be told from a stale one."""

    def is_stale(self, hello: ClientHello) -> bool:
        """Whether `hello` came after a later one of its client (HELLO-20)."""


Session = TypeVar("Session", bound=Resumable)


class Refused(Exception):  # noqa: N818 - an outcome of the handshake, not a mistake of ours
    """The client is not let in: send `bye` and close."""

    def __init__(self, bye: ByeParams) -> None:
        super().__init__(bye.message)
        self.bye = bye


@dataclass(frozen=True, slots=True)
class Admitted(Generic[Session]):
    """The client is let in."""

    hello: ClientHello
    version: str
    """Of the protocol, for this session."""
    address: str
    """Where the client is, as the limits count."""
    session: Session | None
    """What it resumes; None for a new session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionRules:
    """Whom a server lets in."""

    apps: Collection[str]
    max_sessions: int
    max_sessions_per_address: int | None
    """None means no limit."""


def read_hello(text: str, max_bytes: int) -> HelloParams | None:
    """Return the hello in a first message; PeerViolation if it is anything else (HELLO-16).

    None for an unknown type without `seq`, which is ignored even here (WIRE-16).
    """
    envelope = codec.parse(text, max_bytes=max_bytes)
    if not envelope.is_known and envelope.seq is None and not codec.has_id(envelope):
        return None
    if envelope.type != "hello":
        raise PeerViolation(f"type: the first message is {envelope.type}, not hello")
    codec.check_form(envelope, Side.CLIENT)
    return codec.read_params(envelope, HelloParams)


def check_early(message: str | bytes, max_bytes: int) -> bool:
    """Check a message that came between hello and welcome: True for a bye, PeerViolation for others (HELLO-2)."""
    if isinstance(message, str) and codec.parse(message, max_bytes=max_bytes).type == "bye":
        return True
    raise PeerViolation("a message between hello and welcome")


def negotiate(offered: Iterable[str], supported: Iterable[str] = SUPPORTED_VERSIONS) -> str | None:
    """Return the highest version in common (HELLO-11), or None, which is `unsupported_version`."""
    return max(set(offered) & set(supported), key=_numbers, default=None)


def _numbers(version: str) -> tuple[int, ...]:
    """Return a version as numbers, so that "1.10" comes after "1.9"."""
    return tuple(map(int, version.split(".")))


def check_version(offered: Collection[str]) -> str:
    """Return the version of the session; Refused if there is none in common (HELLO-11)."""
    version = negotiate(offered)
    if version is None:
        raise Refused(unsupported_version(offered))
    return version


def unsupported_version(requested: Collection[str]) -> ByeParams:
    """Return the bye for a client that speaks none of our versions."""
    return make_bye(
        ByeCode.UNSUPPORTED_VERSION,
        f"This server speaks {', '.join(SUPPORTED_VERSIONS)}; the client asked for {', '.join(requested) or 'none'}.",
        {"supported": list(SUPPORTED_VERSIONS), "requested": list(requested)},
    )


def admit(
    hello: ClientHello,
    version: str,
    directory: SessionDirectory[Session],
    rules: AdmissionRules,
    *,
    address: str,
    now: float,
) -> Admitted[Session]:
    """Make the checks from `instance` on (HELLO-10); Refused says why not."""
    session = directory.find(hello.key)
    if session is None:
        _check_new(hello, directory, rules, address, now)
    elif session.is_stale(hello):
        # HELLO-20: nothing is touched; the session may be in use on a later connection.
        raise Refused(make_bye(ByeCode.REPLACED, "A later hello of this client came before this one."))
    return Admitted(hello, version, address, session)


def _check_new(
    hello: ClientHello, directory: SessionDirectory[Session], rules: AdmissionRules, address: str, now: float
) -> None:
    if (bye := directory.tombstone(hello.key, now)) is not None:
        raise Refused(bye)
    if hello.resume is not None:
        raise Refused(make_bye(ByeCode.SESSION_GONE, "This session is no longer known to the server."))
    if hello.app not in rules.apps:
        raise Refused(make_bye(ByeCode.UNKNOWN_APP, f"There is no app {hello.app!r} here.", {"app": hello.app}))
    if len(directory) >= rules.max_sessions:
        raise Refused(make_bye(ByeCode.TOO_MANY_SESSIONS, "The server has no room for one more session."))
    most = rules.max_sessions_per_address
    if most is not None and directory.count_at(address) >= most:
        raise Refused(make_bye(ByeCode.TOO_MANY_SESSIONS, f"Your address has {most} sessions here already."))
