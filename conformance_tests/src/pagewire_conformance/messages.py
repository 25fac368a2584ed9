"""What a case sends: messages without their `seq`, which the peer gives them, as it does an `id` that is not given."""

from __future__ import annotations

import base64
import struct
from typing import Any, Final

from pagewire_protocol.registry import KINDS, SENT_BY, Kind, Side

Message = dict[str, Any]

SESSION_TYPES: Final = frozenset(type_ for type_ in SENT_BY[Side.SERVER] if KINDS[type_] is not Kind.CONTROL)
"""Types of this version that carry a `seq`, and are sent by a server."""

COMMAND_TYPES: Final = frozenset(type_ for type_ in SESSION_TYPES if KINDS[type_] is Kind.COMMAND)

REPLY_TYPES: Final = frozenset(type_ for type_, kind in KINDS.items() if kind is Kind.REPLY)

_CHUNK_HEADER: Final = struct.Struct(">QQ")


def run_js(code: str, **args: Any) -> Message:
    """A `run_js` command (SPEC section 5.1)."""
    return {"type": "run_js", "params": {"code": code, "args": args}}


def eval_js(expression: str, **args: Any) -> Message:
    """An `eval_js` command (SPEC section 5.2)."""
    return {"type": "eval_js", "params": {"expression": expression, "args": args}}


def download(content: bytes, name: str = "file.bin", **params: Any) -> Message:
    """A `download` command with its content in it (SPEC section 5.4)."""
    inline = {"kind": "inline", "base64": base64.b64encode(content).decode()}
    return download_of(inline, name, **{"size": len(content), **params})


def download_stream(size: int | None, name: str = "file.bin") -> Message:
    """A `download` command whose content comes in chunks (SPEC section 10)."""
    return download_of({"kind": "stream"}, name, size=size)


def download_of(content: Message, name: str = "file.bin", **params: Any) -> Message:
    """A `download` command with any `content`."""
    return {
        "type": "download",
        "params": {"name": name, "media_type": "application/octet-stream", "size": None, "content": content, **params},
    }


def set_env(**settings: Any) -> Message:
    """A `set_env` command (SPEC section 5.5)."""
    return {"type": "set_env", "params": settings}


def go_app(app: str, *, new_window: bool) -> Message:
    """A `go_app` command (SPEC section 5.6)."""
    return {"type": "go_app", "params": {"app": app, "new_window": new_window}}


def cancel(id_: int) -> Message:
    """A `cancel` (SPEC section 5.7)."""
    return {"type": "cancel", "params": {"id": id_}}


def ack(seq: int) -> Message:
    """An `ack` (SPEC section 8)."""
    return {"type": "ack", "params": {"seq": seq}}


def ping() -> Message:
    """A `ping` (SPEC section 11)."""
    return {"type": "ping", "params": {}}


def notice(code: str, **params: Any) -> Message:
    """A `notice` (SPEC section 12.1)."""
    return {"type": "notice", "params": {"code": code, **params}}


def bye(code: str, retry: str, message: str = "The suite says so.") -> Message:
    """A `bye` (SPEC section 12)."""
    return {"type": "bye", "params": {"code": code, "message": message, "retry": retry}}


def chunk(id_: int, offset: int, payload: bytes) -> bytes:
    """A binary frame of a stream (SPEC section 10)."""
    return _CHUNK_HEADER.pack(id_, offset) + payload
