"""One typical message of each type: `examples` in the schemas, and examples/1.0/*/valid_typical.json."""

from __future__ import annotations

from typing import Final

from pagewire_protocol.json_objects import JsonObject

EXAMPLES: Final[dict[str, JsonObject]] = {
    "hello": {
        "type": "hello",
        "params": {
            "versions": ["1.0"],
            "client": {"name": "pagewire-js", "version": "0.1.0"},
            "instance": "Ck3nW0u0Qm2b9Zr4T7yXfA",
            "attempt": 1,
            "app": "index",
            "capabilities": {"streams": {}},
            "page": {
                "url": "http://localhost:8080/",
                "language": "en-GB",
                "languages": ["en-GB", "en"],
                "timezone": "Europe/London",
            },
            "limits": {"max_message_bytes": 4194304},
        },
    },
    "welcome": {
        "type": "welcome",
        "params": {
            "version": "1.0",
            "session": "s-5f2c9a",
            "resumed": False,
            "last_seq": 0,
            "server": {"name": "pagewire-server", "version": "0.1.0"},
            "capabilities": {},
            "heartbeat": {"interval_ms": 15000, "timeout_ms": 15000},
            "limits": {"max_message_bytes": 4194304, "max_values": 50000, "stream_window_bytes": 2097152},
            "resume_window_ms": 120000,
        },
    },
    "ack": {"type": "ack", "params": {"seq": 7}},
    "ping": {"type": "ping", "params": {}},
    "stream_ack": {"type": "stream_ack", "params": {"id": 4, "offset": 524288}},
    "notice": {"type": "notice", "params": {"code": "draining", "ends_in_ms": 300000}},
    "bye": {
        "type": "bye",
        "params": {"code": "session_ended", "message": "The app is done.", "retry": "never"},
    },
    "cancel": {"type": "cancel", "seq": 5, "params": {"id": 3}},
    "event": {"type": "event", "seq": 2, "params": {"name": "clicked", "data": {"button": "save"}}},
    "run_js": {
        "type": "run_js",
        "seq": 1,
        "id": 1,
        "params": {"code": "console.log(a + b)", "args": {"a": 1, "b": 2}},
    },
    "eval_js": {
        "type": "eval_js",
        "seq": 2,
        "id": 2,
        "params": {"expression": "window.innerWidth * scale", "args": {"scale": 2}},
    },
    "download": {
        "type": "download",
        "seq": 3,
        "id": 3,
        "params": {
            "name": "hello-world.txt",
            "media_type": "text/plain",
            "size": 12,
            "content": {"kind": "inline", "base64": "aGVsbG8gd29ybGQh"},
        },
    },
    "set_env": {"type": "set_env", "seq": 4, "id": 4, "params": {"title": "Report", "output_max_width": "80%"}},
    "go_app": {"type": "go_app", "seq": 5, "id": 5, "params": {"app": "settings", "new_window": True}},
    "result": {"type": "result", "seq": 2, "id": 2, "params": {"value": 2560}},
    "error": {
        "type": "error",
        "seq": 3,
        "id": 6,
        "params": {
            "code": "exception",
            "message": "The code threw ReferenceError: x is not defined",
            "exception": {
                "name": "ReferenceError",
                "message": "x is not defined",
                "stack": "ReferenceError: x is not defined\n    at eval (eval at run:3:9)",
            },
        },
    },
}


class MissingExample(Exception):  # noqa: N818 - what is wrong with the table
    """A type of message has no typical example."""


def example_of(type_: str) -> JsonObject:
    """Return the typical message of a type; `MissingExample` says where to add it."""
    if type_ not in EXAMPLES:
        raise MissingExample(f"{type_} has no example; add one to EXAMPLES in {__name__}")
    return EXAMPLES[type_]
