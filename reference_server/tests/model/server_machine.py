"""The server's session as a machine of numbered states: `SessionCore`, and a program that follows a script."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, NamedTuple

from pagewire_protocol.byes import make_bye
from pagewire_protocol.codec import control_frame
from pagewire_protocol.codes import ByeCode
from pagewire_protocol.handshake_messages import Heartbeat, HelloParams, ServerLimits, Software, WelcomeParams
from pagewire_protocol.stream_frames import ChunkParts
from pagewire_protocol.violations import PeerViolation
from pagewire_server.core.delivery import ACK_DELAY
from pagewire_server.core.handshake import ClientHello
from pagewire_server.core.limits import SessionLimits
from pagewire_server.core.session import Command, EventReceived, Replied, SessionCore
from pagewire_server.options import KIB, Options

LIMITS: Final = Options(stream_window_bytes=64 * KIB).session_limits
PIECE: Final = 2
"""Bytes of each piece that a script feeds."""

CANCELLED: Final = '{"code":"cancelled","message":"the server gave up waiting"}'
"""What the client answers to a command that was cancelled."""

Output = tuple[str, str]
"""What the session asks of its shell: ("text", frame), ("binary", hex), ("bye", code), ("attached", "") to the
connection whose hello came, ("refused", code) to it alone, ("wrong", what the promise forbids)."""

_ATOMS: Final = (int, str, bytes, float, Enum, memoryview)
"""What never changes; nobody writes through these views."""

MakeCore = Callable[[ClientHello, SessionLimits], SessionCore]


class Step(Enum):
    """What a program does."""

    EVALUATE = "eval"
    CANCEL = "cancel"
    """Gives up on the last command."""
    DOWNLOAD = "download"
    PIECE = "piece"
    """Feeds the last download."""
    FINISH = "finish"
    """Says that all of the last download was fed."""
    RETURN = "return"
    """The app is done: the session drains."""


@dataclass
class Program:
    """How far the app has come, and what it has seen."""

    at: int = 0
    commands: list[Command] = field(default_factory=list)
    answered: dict[int, str] = field(default_factory=dict)
    events: int = 0
    fed: dict[int, str] = field(default_factory=dict)
    is_ended: bool = False


@dataclass
class _State:
    core: SessionCore | None
    program: Program


class ServerStep(NamedTuple):
    """What an event does to a server."""

    state: int
    outputs: tuple[Output, ...]


class ServerMachine:
    """Applies each event once to each state, and remembers what came of it. State 0 has no session yet."""

    def __init__(self, script: Sequence[Step], make_core: MakeCore = SessionCore) -> None:
        self.script = tuple(script)
        self._make_core = make_core
        self._states: list[_State] = []
        self._numbers: dict[Any, int] = {}
        self._known: dict[tuple[int, str, str], ServerStep | None] = {}
        self._number_of(_State(None, Program()))

    @property
    def state_count(self) -> int:
        """How many states have been come to."""
        return len(self._states)

    def program(self, state: int) -> Program:
        """Return what the program has seen in `state`."""
        return self._states[state].program

    def is_attached(self, state: int) -> bool:
        """Whether the session has a connection."""
        core = self._states[state].core
        return core is not None and core.is_attached

    def is_settled(self, state: int) -> bool:
        """Whether all that was sent is acknowledged and answered, or the session has ended."""
        core, program = self._states[state].core, self._states[state].program
        if core is None or program.at < len(self.script):
            return False
        return program.is_ended or (core._outbox.is_empty and not core.unanswered)

    def step(self, state: int, name: str, argument: str = "") -> ServerStep | None:
        """Return what event `name` does in `state`; None if it can't happen there."""
        key = (state, name, argument)
        if key not in self._known:
            self._known[key] = self._try(key)
        return self._known[key]

    def _try(self, key: tuple[int, str, str]) -> ServerStep | None:
        number, name, argument = key
        state: _State = _copy(self._states[number], {})
        try:
            outputs = _EVENTS[name](self, state, argument)
        except PeerViolation as violation:
            outputs = [("wrong", f"the server complains: {violation}")]
        if outputs is None:
            return None
        outputs += _write(state)
        return ServerStep(self._number_of(state), tuple(outputs))

    def _number_of(self, state: _State) -> int:
        frozen = _freeze(state)
        if frozen not in self._numbers:
            self._numbers[frozen] = len(self._states)
            self._states.append(state)
        return self._numbers[frozen]

    # -- events; each changes the state, and gives outputs, or None where it can't happen -----------

    def _hello(self, state: _State, text: str) -> list[Output]:
        hello = ClientHello.of(HelloParams.model_validate(json.loads(text)["params"]))
        if state.program.is_ended:
            return [("refused", ByeCode.SESSION_ENDED)]
        is_resumed = state.core is not None
        if state.core is not None and state.core.is_stale(hello):
            return [("refused", ByeCode.REPLACED)]  # HELLO-20
        core = state.core = state.core or self._make_core(hello, LIMITS)
        return [("attached", ""), ("text", _welcome(core.attach(hello), is_resumed=is_resumed))]

    def _run(self, state: _State, _argument: str) -> list[Output] | None:
        if state.core is None or state.program.at == len(self.script):
            return None
        is_done = _SCRIPT[self.script[state.program.at]](state.core, state.program)
        state.program.at += is_done
        return [] if is_done else None

    def _text(self, state: _State, text: str) -> list[Output]:
        core, program = _living(state), state.program
        effect = core.receive_text(text, 0.0)
        match effect:
            case Replied(command, params):
                program.answered[command.id] = params.model_dump_json()
                if program.answered[command.id] not in _due_answers(command, program):
                    return [("wrong", f"command {command.id} is answered by {program.answered[command.id]}")]
            case EventReceived(_, count):
                program.events += 1
                if count != program.events:
                    return [("wrong", f"event {count} came as number {program.events}")]
        return []

    def _acknowledge(self, state: _State, _argument: str) -> list[Output] | None:
        core = state.core
        if core is None or not core.is_attached or core.inbox.ack_deadline is None:
            return None
        return [_output(frame)] if (frame := core.next_frame(ACK_DELAY)) else []

    def _detach(self, state: _State, _argument: str) -> list[Output]:
        _living(state).detach(None)
        return []


def _due_answers(command: Command, program: Program) -> list[str]:
    answers = [
        f'{{"bytes":{len(program.fed[command.id]) // 2}}}'
        if command.type == "download"
        else f'{{"value":{command.id}}}'
    ]
    return [*answers, CANCELLED] if command.is_cancelled else answers


def _living(state: _State) -> SessionCore:
    if state.core is None:
        raise RuntimeError("an event of a session that there is not")
    return state.core


_EVENTS: Final[dict[str, Callable[[ServerMachine, _State, str], list[Output] | None]]] = {
    "hello": ServerMachine._hello,
    "run": ServerMachine._run,
    "text": ServerMachine._text,
    "acknowledge": ServerMachine._acknowledge,
    "detach": ServerMachine._detach,
}


# -- the program; each step says whether it could be made now ------------------------------------


def _evaluate(core: SessionCore, program: Program) -> bool:
    program.commands.append(core.send("eval_js", b'{"expression":"n","args":{}}'))
    return True


def _cancel(core: SessionCore, program: Program) -> bool:
    command = program.commands[-1]
    if core.cancel(command):
        program.answered[command.id] = "withdrawn"
    return True


def _download(core: SessionCore, program: Program) -> bool:
    params = b'{"name":"f","media_type":"text/plain","size":null,"content":{"kind":"stream"}}'
    command = core.send("download", params, streams=True)
    program.commands.append(command)
    program.fed[command.id] = ""
    return True


def _piece(core: SessionCore, program: Program) -> bool:
    command = program.commands[-1]
    data = bytes([len(program.fed[command.id])] * PIECE)
    if command.stream and command.stream.room >= PIECE:
        core.feed(command, memoryview(data))
        core.flush_streams()
        program.fed[command.id] += data.hex()
        return True
    return False


def _finish(core: SessionCore, program: Program) -> bool:
    command = program.commands[-1]
    core.finish(command)
    return command.stream is not None


def _return(core: SessionCore, _program: Program) -> bool:
    core.drain()
    return True


_SCRIPT: Final = {
    Step.EVALUATE: _evaluate,
    Step.CANCEL: _cancel,
    Step.DOWNLOAD: _download,
    Step.PIECE: _piece,
    Step.FINISH: _finish,
    Step.RETURN: _return,
}


# -- the shell: it writes whatever there is at once, and says goodbye when all is drained ----------


def _write(state: _State) -> list[Output]:
    core = state.core
    if core is None or state.program.is_ended:
        return []
    outputs: list[Output] = []
    while frame := core.next_frame(0.0):
        outputs.append(_output(frame))
    if core.is_drained:
        core.end()
        program = state.program
        program.is_ended = True
        outputs.append(("bye", ByeCode.SESSION_ENDED))
        if any(command.id not in program.answered for command in program.commands):
            outputs.append(("wrong", "the session ends before all commands are answered"))
    return outputs


def _output(frame: bytes | ChunkParts) -> Output:
    return ("text", frame.decode()) if isinstance(frame, bytes) else ("binary", b"".join(frame).hex())


def _welcome(last_seq: int, *, is_resumed: bool) -> str:
    params = WelcomeParams(
        version="1.0",
        session="s-1",
        resumed=is_resumed,
        last_seq=last_seq,
        server=Software(name="model", version="1"),
        capabilities={},
        heartbeat=Heartbeat(interval_ms=15_000, timeout_ms=15_000),
        limits=ServerLimits(
            max_message_bytes=64 * KIB, max_values=LIMITS.max_values, stream_window_bytes=LIMITS.stream_window_bytes
        ),
        resume_window_ms=120_000,
    )
    return control_frame("welcome", params).decode()


def bye_frame(code: str) -> str:
    """Return the text of a bye."""
    return control_frame("bye", make_bye(ByeCode(code), "")).decode()


# -- a step is tried on a copy, which shares nothing that changes --------------------------------------


def _copy(value: Any, seen: dict[int, Any]) -> Any:
    if value is None or value is LIMITS or isinstance(value, _ATOMS):
        return value
    if id(value) in seen:
        return seen[id(value)]
    copied: Any
    match value:
        case list() | deque():
            copied = seen[id(value)] = type(value)()
            copied.extend(_copy(item, seen) for item in value)
        case tuple():
            copied = tuple(_copy(item, seen) for item in value)
        case dict():
            copied = seen[id(value)] = {}
            copied.update((key, _copy(item, seen)) for key, item in value.items())
        case bytearray():
            copied = bytearray(value)
        case _:
            copied = seen[id(value)] = object.__new__(type(value))
            for name in _names(value):
                setattr(copied, name, _copy(getattr(value, name), seen))
    return copied


def _names(value: object) -> list[str]:
    """Return the names of what an object holds, in slots or not."""
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return [*slots, *getattr(value, "__dict__", {})]


# -- states are compared by all that they hold -------------------------------------------------------


def _freeze(value: Any) -> Any:
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if value is None or isinstance(value, _ATOMS):
        return value
    if isinstance(value, list | tuple | deque):
        return tuple(_freeze(item) for item in value)
    if isinstance(value, dict):
        return tuple((key, _freeze(item)) for key, item in value.items())
    if value is LIMITS:
        return None
    return (type(value).__name__, *(_freeze(getattr(value, name)) for name in _names(value)))
