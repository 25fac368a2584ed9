"""One fuzzed conversation with the server's session, without a socket, and what must hold whatever the client sends."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress

from choices import Choices
from frames import Position, make_frame, make_hello

from pagewire_protocol import codec
from pagewire_protocol.byes import close_code, make_bye
from pagewire_protocol.codec import control_frame
from pagewire_protocol.codes import ByeCode
from pagewire_protocol.control_messages import ByeParams
from pagewire_protocol.messages import Side
from pagewire_protocol.stream_frames import unpack_chunk
from pagewire_protocol.violations import PeerViolation
from pagewire_server import Options
from pagewire_server.apps.commands import PendingCommand
from pagewire_server.apps.info import make_info
from pagewire_server.apps.session import Session
from pagewire_server.core.directory import SessionDirectory
from pagewire_server.core.handshake import AdmissionRules, ClientHello, Refused, admit, check_version, read_hello
from pagewire_server.errors import SessionError
from pagewire_server.web.requests import Request

OPTIONS = Options(
    max_message_bytes=65536, stream_window_bytes=65536, window_bytes=4096, outbox_bytes=8192, max_waiting_events=50
)
MAX_FRAMES = 24
NEIGHBOUR = (
    '{"type":"hello","params":{"versions":["1.0"],"client":{"name":"n","version":"1"},"instance":"the-neighbour-of-all",'
    '"attempt":1,"app":"index","capabilities":{},"page":{},"limits":{"max_message_bytes":65536}}}'
)
COMMANDS = {
    "eval_js": b'{"expression":"1","args":{}}',
    "run_js": b'{"code":"1","args":{}}',
    "set_env": b'{"title":"t"}',
    "go_app": b'{"app":"index","new_window":true}',
    "download": b'{"name":"n","media_type":"a/b","size":null,"content":{"kind":"stream"}}',
}


RULES = AdmissionRules(apps=("index",), max_sessions=100, max_sessions_per_address=None)


class FakeConnection:
    """A connection that keeps the bye."""

    def __init__(self) -> None:
        self.bye: ByeParams | None = None
        self.is_dropped = False

    def wake(self) -> None:
        """Wait to be asked for frames."""

    def leave(self, bye: ByeParams) -> None:
        """Keep why."""
        self.bye = bye

    def announce_end(self, ends_at: float) -> None:
        """Tell nobody: the server does not drain."""

    def pause_reading(self) -> None:
        """Go on: what is fed is a choice of the fuzzer's."""

    def resume_reading(self) -> None:
        """Go on."""

    def drop(self) -> None:
        """Take nothing more."""
        self.is_dropped = True


class FuzzedServer:
    """A directory of sessions, in which one neighbour lives on from conversation to conversation."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        """Of frames, and of the codes of byes."""
        self._request = Request("/ws", (), "192.0.2.1", None)
        self._directory: SessionDirectory[Session] = SessionDirectory(resume_window=0)
        hello, self._neighbour = self._let_in(NEIGHBOUR)
        self._neighbour.attach(FakeConnection(), hello)
        self._asked = 0
        self._attempts = 0

    async def converse(self, choices: Choices) -> None:
        """Let a client send what `choices` makes, and check what must hold; AssertionError if it does not."""
        position = Position()
        resume = None
        for _ in range(1 + choices.below(3)):
            session, link = self._connect(choices, resume)
            if session is None or self._listen(choices, session, link, position):
                break
            session.detach(link, choices.of((None, 1001, 1006)))
            streams = [{"id": id_, "offset": choices.below(3)} for id_ in [*position.awaited][: choices.below(3)]]
            resume = {"last_seq": choices.below(position.last_seq + 1), "streams": streams}
        await asyncio.sleep(0)
        for session in self._directory.sessions():
            if session is not self._neighbour:
                self._finish(session)
        self._ask_neighbour()

    # -- the client that fuzzes ----------------------------------------------------------------

    def _connect(self, choices: Choices, resume: dict[str, object] | None) -> tuple[Session | None, FakeConnection]:
        link = FakeConnection()
        self._attempts += 1
        try:
            hello, session = self._let_in(make_hello(choices, self._attempts, resume=resume))
        except Refused as refused:
            self._check_bye(refused.bye)
            return None, link
        except PeerViolation as violation:
            self._check_bye(make_bye(violation.code, str(violation)))
            return None, link
        try:
            session.attach(link, hello)
        except PeerViolation as violation:
            bye = make_bye(violation.code, f"hello: resume: {violation}")
            session.end(bye)
            self._check_bye(bye)
            self._check_ended(session)
            return None, link
        return session, link

    def _listen(self, choices: Choices, session: Session, link: FakeConnection, position: Position) -> bool:
        """Send frames; True if the session has ended over it."""
        for _ in range(choices.below(MAX_FRAMES)):
            self._act(choices, session)
            if not session.has_ended:
                self._write(session, position)
                self._receive(session, make_frame(choices, position))
                self.counts["frames"] += 1
            if session.has_ended:
                self._check_ended(session)
                if link.bye:
                    self._check_bye(link.bye)
                assert link.bye or link.is_dropped, "the session ended without a bye"
                return True
        return False

    def _receive(self, session: Session, frame: str | bytes) -> None:
        try:
            if isinstance(frame, str):
                # What no decoder of UTF-8 gives is no text.
                session.receive_text(frame.encode(errors="replace").decode())
            else:
                session.receive_binary(frame)
        except PeerViolation as violation:
            session.end(make_bye(violation.code, str(violation)))

    def _act(self, choices: Choices, session: Session) -> None:
        """Do what a program might do at any time."""
        move = choices.below(10)
        commands = session._core.unanswered
        if move < len(COMMANDS):
            type_ = [*COMMANDS][move]
            call: PendingCommand[object] = PendingCommand(session, type_, lambda params: params)
            call.fail = lambda *_arguments, **_settings: None  # type: ignore[method-assign]  # nobody waits: no log
            with suppress(SessionError, ValueError):
                streams = type_ == "download" and session.takes_streams
                call.submit(type_, COMMANDS[type_], streams=streams)
                if streams and call.command:
                    session.feed(call.command, memoryview(bytes(OPTIONS.stream_window_bytes // 4)), wait=False)
        elif move == 5 and commands:
            session.cancel(choices.of(commands))
        elif move == 6 and choices.one_in(4):
            session.finish()

    def _write(self, session: Session, position: Position) -> None:
        """Read what the server writes; each message must be a valid one."""
        while frame := session.next_frame():
            if isinstance(frame, tuple):
                unpack_chunk(b"".join(frame))
                continue
            message = codec.read(frame.decode(), Side.SERVER)
            position.last_seq = getattr(message, "seq", position.last_seq)
        commands = session._core.unanswered
        position.awaited = {command.id: command.type for command in commands if command.message.seq}

    def _finish(self, session: Session) -> None:
        biggest = OPTIONS.outbox_bytes + OPTIONS.window_bytes + 100 * len(session._core.unanswered)
        assert session.queued_bytes <= biggest, f"{session.queued_bytes} bytes wait"
        assert session.events.waiting <= OPTIONS.max_waiting_events
        session.end(make_bye(ByeCode.SESSION_ENDED, "The test is over."))
        self._check_ended(session)

    # -- what must hold ------------------------------------------------------------------------

    def _check_bye(self, bye: ByeParams) -> None:
        codec.read(control_frame("bye", bye).decode(), Side.SERVER)
        close_code(bye)
        self.counts[bye.code] += 1

    def _check_ended(self, session: Session) -> None:
        assert session.has_ended
        assert session.next_frame() is None, "something is written after the end"
        assert not session._core.unanswered
        assert not session._core._streams.unfinished
        assert session._connection is None
        assert session._expiry is None
        assert len(self._directory) == 1, "a session that ended is still known"

    def _ask_neighbour(self) -> None:
        """Have the neighbour answer a command."""
        session, self._asked = self._neighbour, self._asked + 1
        call: PendingCommand[object] = PendingCommand(session, "eval_js", lambda params: params)
        call.submit("eval_js", COMMANDS["eval_js"])
        texts = []
        while frame := session.next_frame():
            texts.append(b"".join(frame) if isinstance(frame, tuple) else frame)
        n = self._asked
        # There may be an ack beside it.
        assert any(b'"eval_js","seq":%d,' % n in text for text in texts), f"the neighbour is not served: {texts}"
        session.receive_text(f'{{"type":"result","seq":{n},"id":{n},"params":{{"value":{n}}}}}')
        session.receive_text(f'{{"type":"ack","params":{{"seq":{n}}}}}')
        assert call.done()

    # -- the server ----------------------------------------------------------------------------

    def _let_in(self, text: str) -> tuple[ClientHello, Session]:
        now = asyncio.get_running_loop().time()
        params = read_hello(text, OPTIONS.max_message_bytes)
        if params is None:
            raise PeerViolation("it was ignored, and nothing followed")
        version = check_version(params.versions)
        hello = ClientHello.of(params)
        admitted = admit(hello, version, self._directory, RULES, address="", now=now)
        if admitted.session:
            return hello, admitted.session
        info = make_info(hello.page, "index", self._request, "s-1", backend="fuzz", trusted_proxies=())

        def bury(_session: Session, bye: ByeParams) -> None:
            self._directory.bury(hello.key, bye, now)

        session = Session(hello, info, apps=("index",), options=OPTIONS, metrics=None, on_end=bury)
        self._directory.add(hello.key, session)
        session.events.add("tick", lambda _data: None)
        return hello, session
