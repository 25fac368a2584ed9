"""Bugs that the model checker must find: each a change of the server, by a class, or of the client, by a patch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from client_machine import Patch
from delivery_bugs import (
    AcknowledgesOneTooHigh,
    ForgetsWhatItWrites,
    ReplaysBackwards,
    ReplaysNothing,
    ReplaysWithNewNumbers,
)
from product import Bounds
from scenarios import Scenario
from server_machine import MakeCore, Step

from pagewire_protocol.stream_frames import ChunkParts
from pagewire_server.core.delivery import Inbox, Outbox
from pagewire_server.core.handshake import ClientHello
from pagewire_server.core.limits import SessionLimits
from pagewire_server.core.session import Command, SessionCore, SessionState
from pagewire_server.core.streams import OutgoingStream

# -- in the server -----------------------------------------------------------------------------------


class StreamStartsAgain(OutgoingStream):
    """Sends what it still has from its beginning, whatever the client has received."""

    def resume(self, offset: int | None) -> None:
        del offset
        super().resume(None)


class StreamForgetsItsEnd(OutgoingStream):
    """Sends the end once only."""

    def resume(self, offset: int | None) -> None:
        is_sent = self._end_is_sent
        super().resume(offset)
        self._end_is_sent = is_sent


class TakesLateHellos(SessionCore):
    """Lets a connection that the client has given up take over (HELLO-20)."""

    def is_stale(self, hello: ClientHello) -> bool:
        del hello
        return False


class SendsChunksBeforeTheReplay(SessionCore):
    """A chunk overtakes the command that it belongs to."""

    def next_frame(self, now: float) -> bytes | ChunkParts | None:
        chunk = self._streams.next_frame() if self.is_attached and self._outbox.is_replaying else None
        return chunk or super().next_frame(now)


class EndsWithoutItsReplies(SessionCore):
    """Is drained while commands are unanswered."""

    @property
    def is_drained(self) -> bool:
        return self.state is SessionState.DRAINING and self._outbox.is_empty


class ForgetsToCancel(SessionCore):
    """Gives up on a command, and does not tell the client that it may."""

    def cancel(self, command: Command) -> bool:
        self._commands.pop(command.id, None)
        return False


def with_outbox(make: type[Outbox]) -> MakeCore:
    """Return a core with another outbox."""
    return _changed(lambda core, limits: setattr(core, "_outbox", make(window_bytes=limits.window_bytes)))


def with_inbox(make: type[Inbox]) -> MakeCore:
    """Return a core with another inbox."""
    return _changed(lambda core, _limits: setattr(core, "inbox", make()))


def with_streams(make: type[OutgoingStream]) -> MakeCore:
    """Return a core with other streams."""

    class Core(SessionCore):
        def send(
            self,
            type_: str,
            params: bytes,
            *,
            streams: bool = False,
            content: bytes | None = None,
            owner: object = None,
        ) -> Command:
            command = super().send(type_, params, streams=streams, content=content, owner=owner)
            if command.stream:
                command.stream.__class__ = make
            return command

    return Core


def _changed(change: Callable[[SessionCore, SessionLimits], None]) -> MakeCore:
    def make_core(hello: ClientHello, limits: SessionLimits) -> SessionCore:
        core = SessionCore(hello, limits)
        change(core, limits)
        return core

    return make_core


# -- all of them -------------------------------------------------------------------------------------

COMMANDS: Final = Scenario("commands", (Step.EVALUATE, Step.EVALUATE), Bounds(events=1, cuts=1))
STREAM: Final = Scenario("a stream", (Step.DOWNLOAD, Step.PIECE, Step.PIECE, Step.FINISH), Bounds(cuts=1))
END: Final = Scenario("the end", (Step.EVALUATE, Step.CANCEL, Step.EVALUATE, Step.RETURN), Bounds(cuts=1))


@dataclass(frozen=True)
class Bug:
    """One bug, and where it shows."""

    name: str
    scenario: Scenario = COMMANDS
    make_core: MakeCore = SessionCore
    patches: tuple[Patch, ...] = field(default=())


def _client(name: str, file: str, old: str, new: str, scenario: Scenario = COMMANDS) -> Bug:
    return Bug(name, scenario, patches=(Patch(file, old, new),))


BUGS: Final = (
    Bug("server replays nothing", make_core=with_outbox(ReplaysNothing)),
    Bug("server replays backwards", make_core=with_outbox(ReplaysBackwards)),
    Bug("server replays with new numbers", make_core=with_outbox(ReplaysWithNewNumbers)),
    Bug("server forgets what it writes", make_core=with_outbox(ForgetsWhatItWrites)),
    Bug("server acknowledges what has not come", make_core=with_inbox(AcknowledgesOneTooHigh)),
    Bug("server takes late hellos", make_core=TakesLateHellos),
    Bug("server starts a stream again", STREAM, with_streams(StreamStartsAgain)),
    Bug("server forgets the end of a stream", STREAM, with_streams(StreamForgetsItsEnd)),
    Bug("server sends chunks before their command", STREAM, SendsChunksBeforeTheReplay),
    Bug("server ends before the replies", END, EndsWithoutItsReplies),
    Bug("server forgets to cancel", END, ForgetsToCancel),
    _client("client replays nothing", "core/session.js", "...this.#outbox.replay().map(sendFrame), ", ""),
    _client(
        "client says hello as if it were new",
        "core/session.js",
        "this.#connection.wasWelcomed ? this.#resumePoint() : undefined",
        "undefined",
    ),
    _client("client does not count its hellos", "core/session.js", "this.#helloCount + 1", "1"),
    _client(
        "client resumes where it was before",
        "core/session.js",
        "last_seq: this.#inbox.acknowledge(), streams",
        "last_seq: Math.max(this.#inbox.acknowledge() - 1, 0), streams",
    ),
    _client(
        "client resumes a stream from its beginning",
        "core/streams.js",
        "return { id, offset: stream.received }",
        "return { id, offset: 0 }",
        STREAM,
    ),
    _client(
        "client does not count the bytes of a stream",
        "core/streams.js",
        "stream.received += bytes",
        "stream.received = bytes",
        STREAM,
    ),
    _client(
        "client writes only what comes after the welcome",
        "core/session.js",
        "...this.#write(), this.#announce()",
        "this.#announce()",
    ),
    _client(
        "client forgets one message too many",
        "core/outbox.js",
        "this.#written.splice(0, count)",
        "this.#written.splice(0, count + 1)",
    ),
    _client(
        "client answers a cancelled command twice",
        "core/session.js",
        "if (this.#end !== null || !this.#inbox.answered(id)) return [];",
        "this.#inbox.answered(id);",
        END,
    ),
)
