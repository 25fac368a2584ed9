"""How a hello is answered: the order of the checks of SPEC section 4, from the fourth on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import MISSING

from pagewire_protocol import codec
from pagewire_protocol.byes import make_bye
from pagewire_protocol.codes import ByeCode
from pagewire_protocol.control_messages import ByeParams
from pagewire_protocol.handshake_messages import HelloParams
from pagewire_protocol.messages import Side
from pagewire_protocol.versions import SUPPORTED_VERSIONS, negotiate
from pagewire_protocol.violations import PeerViolation
from pagewire_server.options import Options
from pagewire_server.sessions.directory import SessionDirectory, instance_hash


class Resumable(Protocol):
    """A living session, as far as a hello of its instance can be told from a late one."""

    def is_late(self, hello: HelloParams) -> bool:
        """Whether `hello` came after a later one of the instance."""


Session = TypeVar("Session", bound=Resumable)


class Refused(Exception):  # noqa: N818 - an outcome of the handshake, not a mistake of ours
    """The client is not let in: send `bye` and close."""

    def __init__(self, bye: ByeParams) -> None:
        super().__init__(bye.message)
        self.bye = bye


@dataclass(frozen=True, slots=True)
class Admitted(Generic[Session]):
    """The client is let in: with the session it resumes, or None for a new one."""

    session: Session | None
    key: bytes
    version: str
    address: str
    """Where it is, as the limits count."""


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
    """Take a message that came between hello and welcome: True if it is a bye, PeerViolation if not (HELLO-2)."""
    if isinstance(message, str) and codec.parse(message, max_bytes=max_bytes).type == "bye":
        return True
    raise PeerViolation("a message between hello and welcome")


def check_version(hello: HelloParams) -> str:
    """Return the version of the session; Refused if there is none in common (HELLO-11)."""
    version = negotiate(hello.versions)
    if version is None:
        raise Refused(unsupported_version(hello.versions))
    return version


def unsupported_version(requested: Collection[str]) -> ByeParams:
    """Return the bye for a client that speaks none of our versions."""
    return make_bye(
        ByeCode.UNSUPPORTED_VERSION,
        f"This server speaks {', '.join(SUPPORTED_VERSIONS)}; the client asked for {', '.join(requested) or 'none'}.",
        {"supported": list(SUPPORTED_VERSIONS), "requested": list(requested)},
    )


def admit(
    hello: HelloParams,
    version: str,
    directory: SessionDirectory[Session],
    *,
    apps: Collection[str],
    options: Options,
    address: str,
    now: float,
) -> Admitted[Session]:
    """Make the checks from `instance` on (HELLO-10); Refused says why not."""
    key = instance_hash(hello.instance)
    if (session := directory.find(key)) is not None:
        if session.is_late(hello):
            # HELLO-20: nothing is touched; the session may be in use on a later connection.
            raise Refused(make_bye(ByeCode.REPLACED, "A later hello of this client came before this one."))
        return Admitted(session, key, version, address)
    if (bye := directory.tombstone(key, now)) is not None:
        raise Refused(bye)
    if hello.resume is not MISSING:
        raise Refused(make_bye(ByeCode.SESSION_GONE, "This session is no longer known to the server."))
    if hello.app not in apps:
        raise Refused(make_bye(ByeCode.UNKNOWN_APP, f"There is no app {hello.app!r} here.", {"app": hello.app}))
    if len(directory) >= options.max_sessions:
        raise Refused(make_bye(ByeCode.TOO_MANY_SESSIONS, "The server has no room for one more session."))
    most = options.max_sessions_per_address
    if most is not None and directory.count_at(address) >= most:
        raise Refused(make_bye(ByeCode.TOO_MANY_SESSIONS, f"Your address has {most} sessions here already."))
    return Admitted(None, key, version, address)
