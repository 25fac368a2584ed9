"""What a client might send: good messages of every type, the same with odd fields, examples, and bytes gone wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from choices import Choices

Message = dict[str, Any]

INSTANCE: Final = "an-instance-that-fuzzes"

ODD_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 2, 3, 2**53 - 1, 2**53, 10**400, 1.5, -0.0, 1e308, float("inf"), float("nan"),
    "", "1", "x" * 128, "x" * 129, "x" * 70_000, "\ud800", "\udc00\ud800", "\u202e\u0000\u2028", "\U0001f600" * 65,
    "index", "no-such-app", "__proto__", "1.0", "99999.1", [], {}, [[]], [1, "a", None], {"": {"": ""}}, {"a" * 200: 1},
)  # fmt: skip
"""Values that stand where others belong."""

TYPES: Final = (
    "hello", "welcome", "ack", "ping", "stream_ack", "bye", "cancel", "event", "run_js", "eval_js", "download",
    "set_env", "go_app", "result", "error", "vendor:x", "x", "", "t" * 128, "t" * 129,
)  # fmt: skip

RESULTS: Final[dict[str, Message]] = {
    "eval_js": {"value": 1},
    "run_js": {},
    "go_app": {},
    "download": {"bytes": 10},
    "set_env": {"applied": ["title"], "ignored": []},
}
"""What answers each command."""

ERRORS: Final[tuple[Message, ...]] = (
    {"code": "exception", "message": "m", "exception": {"name": "n", "message": "m", "stack": "s"}},
    {"code": "cancelled", "message": "m", "data": {}},
)

_PLAIN_VALUES: Final[tuple[Any, ...]] = (None, 1, -1.5, "", "\U0001f600", "x" * 3000, [1, [2]], {"a": {"b": None}})
_EXAMPLES: Final = Path(__file__).parents[3] / "protocol" / "examples" / "1.0"
_BROKEN_PIECES: Final = (b"\x00", b'"', b"{", b"[" * 300, b"1e999", b"\xc3\xa9", b"\\ud800", b",", b"9" * 400, b":")


@dataclass
class Position:
    """What a good client would know at this moment."""

    seq: int = 0
    """Of its last session message."""
    last_seq: int = 0
    """Of the last one that it received."""
    awaited: dict[int, str] = field(default_factory=dict)
    """The types of the commands that await a reply, by id."""


@cache
def examples() -> tuple[str, ...]:
    """Return the texts of all examples, valid and invalid."""
    return tuple(
        path.read_text(encoding="utf-8") for path in sorted(_EXAMPLES.rglob("*.json")) if path.parent != _EXAMPLES
    )


def make_hello(choices: Choices, attempt: int, *, resume: Message | None) -> str:
    """Return a hello, most often a good one; `attempt` is the number of the last one."""
    params: Message = {
        "versions": ["1.0"],
        "client": {"name": "fuzz", "version": "1"},
        "instance": INSTANCE,
        "attempt": attempt + choices.below(2),
        "app": "index",
        "capabilities": {"streams": {}},
        "page": {"url": "http://x/?app=index", "languages": ["en"]},
        "limits": {"max_message_bytes": choices.of((65536, 4194304))},
    }
    if resume:
        params["resume"] = resume
    message = {"type": "hello", "params": params}
    return _spoiled(choices, message) if choices.one_in(8) else json.dumps(message)


def make_frame(choices: Choices, position: Position) -> str | bytes:
    """Return the next frame of a client, good or bad; what is consumed is counted in `position`."""
    kind = choices.below(96)
    if kind == 0:
        return choices.data(choices.below(40))
    if kind == 1:
        return choices.data(choices.below(200)).decode(errors="replace")
    if kind in {2, 3}:
        text = choices.of(examples())
        return _mutated(choices, text) if kind == 2 else _renumbered(choices, text, position)
    message = _good_message(choices, position)
    if kind in {4, 5, 6}:
        return _spoiled(choices, message)
    text = json.dumps(message, ensure_ascii=bool(choices.below(2)))
    return _mutated(choices, text) if kind in {7, 8} else text


def _good_message(choices: Choices, position: Position) -> Message:
    if choices.below(32) < 12:
        return _control_message(choices, position)
    position.seq += 1
    envelope: Message = {"type": "event", "seq": position.seq}
    if choices.one_in(20):
        return envelope | {"type": choices.of(TYPES), "id": choices.below(100), "params": {}}
    if choices.below(2) and position.awaited:
        return envelope | _reply(choices, position.awaited)
    return envelope | {"params": {"name": choices.of(("tick", "other")), "data": choices.of(_PLAIN_VALUES)}}


def _control_message(choices: Choices, position: Position) -> Message:
    """Return an ack, a bye, an unknown one, or one that was received before."""
    kind = choices.below(12)
    if kind == 0:
        return {"type": choices.of(TYPES), "params": choices.of(ODD_VALUES)}
    if kind == 1:
        return {"type": "bye", "params": {"code": "client_left", "message": "", "retry": "never"}}
    if kind == 2 and position.seq:
        return {"type": choices.of(TYPES), "seq": 1 + choices.below(position.seq), "params": {}}
    if kind < 6 and position.awaited:
        offset = choices.of((0, 0, 0, 16384, 16385))
        return {"type": "stream_ack", "params": {"id": choices.of([*position.awaited]), "offset": offset}}
    return {"type": "ack", "params": {"seq": choices.below(position.last_seq + 1)}}


def _reply(choices: Choices, awaited: dict[int, str]) -> Message:
    """Answer a command, now and then as if it were another."""
    id_ = choices.of([*awaited])
    params = choices.of(ERRORS) if choices.one_in(4) else RESULTS[awaited[id_]]
    if choices.one_in(16):
        params = choices.of([*RESULTS.values()])
    return {"type": "error" if "code" in params else "result", "id": id_, "params": params}


def _spoiled(choices: Choices, message: Message) -> str:
    """Replace, remove, add, or bury a field somewhere."""
    node: Any = json.loads(json.dumps(message))
    top = node
    while isinstance(node, dict) and node:
        name = choices.of(sorted(node))
        if isinstance(node[name], dict) and node[name] and not choices.one_in(3):
            node = node[name]
            continue
        move = choices.below(5)
        if move == 0:
            del node[name]
        elif move == 1:
            node[name] = choices.of(ODD_VALUES)
        elif move == 2:
            node[choices.of(("seq", "id", "type", "params", "more", "__proto__"))] = choices.of(ODD_VALUES)
        elif move == 3:
            node[name] = _deep(choices.of((1, 127, 128, 129, 198, 250, 3000)))
        else:
            node[name] = [node[name]]
        break
    text = json.dumps(top)
    return text.replace("{", '{"type":"event",', 1) if choices.one_in(12) else text


def _deep(levels: int) -> Any:
    # As deep as json.dumps goes.
    value: Any = 1
    for _ in range(min(levels, 400)):
        value = [value]
    return value


def _renumbered(choices: Choices, text: str, position: Position) -> str:
    """Give a message of the examples the next `seq`, so that it gets further, and perhaps an `id` that is awaited."""
    try:
        message = json.loads(text)
    except ValueError:
        return text
    if isinstance(message, dict) and "seq" in message:
        position.seq += 1
        message["seq"] = position.seq
        if position.awaited and "id" in message:
            message["id"] = choices.of([*position.awaited])
    return json.dumps(message)


def _mutated(choices: Choices, text: str) -> str:
    """Change some bytes."""
    data = bytearray(text[:100_000].encode(errors="replace"))
    for _ in range(1 + choices.below(3)):
        start = choices.below(len(data) + 1)
        move = choices.below(4)
        if move == 0:
            data[start : start + 1 + choices.below(8)] = b""
        elif move == 1:
            data[start:start] = choices.of(_BROKEN_PIECES)
        elif move == 2:
            data[start:start] = data[start : start + choices.below(64)]
        else:
            data[start : start + 1] = choices.data(1)
    return data.decode(errors="replace")
