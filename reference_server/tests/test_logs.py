"""Logs: each record of a session carries its id, no record carries a secret, and one record is one line of JSON."""

from __future__ import annotations

import json
import logging
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from live_server import PATIENCE, LiveServer, Serve
from scripted_client import Connect, make_hello, scripted_client

from pagewire_server.ops.logs import JsonFormatter, TextFormatter
from pagewire_server.session import defer_call, hold, on_event, run_js

SECRETS = {"instance": "instance-that-is-secret", "auth": "hunter2-the-token", "key": "key-of-the-url"}


def text_of(record: logging.LogRecord) -> str:
    """Return all that a record holds, as any formatter may show it."""
    trace = JsonFormatter().formatException(record.exc_info) if record.exc_info else ""
    return f"{record.getMessage()} {record.args!r} {trace} {vars(record)!r}"


def record_of(message: str, **fields: Any) -> logging.LogRecord:
    """Return a record of a session."""
    return logging.makeLogRecord({"name": "pagewire.session", "levelname": "INFO", "msg": message, **fields})


def test_every_record_of_a_session_carries_its_id(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """From its beginning over all that fails in it to its end."""
    may_fail = threading.Event()

    def fail(_data: object = None) -> None:
        raise ValueError("it failed")

    def app() -> None:
        defer_call(fail)
        on_event("x", fail)
        run_js("nope()")
        assert may_fail.wait(PATIENCE)
        fail()

    caplog.set_level(logging.DEBUG, "pagewire")
    live = serve(app)
    client = connect(live)
    client.error(client.receive("run_js"), "exception", exception={"name": "E", "message": "no"})
    client.emit("x")
    live.until(lambda: "event 'x' failed" in caplog.text)
    client.break_connection()
    again = connect(live, instance=client.hello["params"]["instance"], resume={"last_seq": 1, "streams": []})
    may_fail.set()
    assert again.receive_bye() == ("internal_error", 4500)
    live.until(lambda: "the deferred function" in caplog.text)
    records = [record for record in caplog.records if record.name in {"pagewire.session", "pagewire.connection"}]
    for part in (
        "began",
        "run_js failed",
        "the app 'index' failed",
        "event 'x' failed",
        "connection is closed",
        "ended",
    ):
        assert any(part in record.getMessage() for record in records), part
    assert {getattr(record, "session", None) for record in records} == {client.welcome["session"]}


def test_secrets_stand_in_no_record_of_a_whole_session(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """SEC-2: neither message nor arguments nor traceback, with all loggers at DEBUG."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "pagewire.websockets")
    live = serve(hold, authenticate=lambda auth, _request: auth == SECRETS["auth"])
    secrets = {name: SECRETS[name] for name in ("instance", "auth")}
    for changes in ({"versions": [SECRETS["auth"]]}, {"app": "nowhere"}, {"limits": None}):
        refuse(live, secrets | changes)
    refuse(live, secrets | {"auth": [SECRETS["auth"]]})
    client = connect(live, **secrets)
    client.break_connection()
    again = connect(live, resume={"last_seq": 0, "streams": []}, **secrets)
    assert again.welcome["resumed"]
    again.send({"type": "hello", "seq": "x", "params": secrets})
    assert again.receive_bye() == ("invalid_message", 4400)
    live.until(lambda: "ended: invalid_message" in caplog.text)
    # The client of this test logs what it sends.
    ours = [record for record in caplog.records if record.name != "websockets.client"]
    assert any("began" in record.getMessage() for record in ours)
    for secret in SECRETS.values():
        assert not [record for record in ours if secret in text_of(record)]


def refuse(live: LiveServer, changes: dict[str, Any]) -> None:
    """Say a hello that must be refused."""
    with scripted_client(f"{live.socket_url}&key={SECRETS['key']}") as client:
        client.send(make_hello(**changes))
        client.receive("bye")


def test_json_record_is_one_line_with_all_its_fields() -> None:
    """Line breaks and odd characters within it included."""
    error = ValueError("first\nsecond")
    trace = (ValueError, error, None)
    record = record_of("a\n\u2028\udc80 %s", args=("b",), exc_info=trace, session="s-1", created=0.25)
    line = JsonFormatter().format(record)
    fields = json.loads(line)
    assert len(line.splitlines()) == 1
    assert fields == {
        "time": "1970-01-01T00:00:00.250+00:00",
        "level": "INFO",
        "logger": "pagewire.session",
        "message": "a\n\u2028\udc80 b",
        "session": "s-1",
        "exception": "ValueError: first\nsecond",
    }
    assert datetime.fromisoformat(fields["time"]).tzinfo == UTC


def test_text_of_a_client_cannot_look_like_a_record() -> None:
    """Only the first line of a record begins at the margin."""
    lines = TextFormatter().format(record_of("said: x\n2030-01-01 ERROR\rmore\u2028and more")).split("\n")
    assert lines[0].endswith("INFO pagewire.session: said: x")
    assert lines[1:] == ["  2030-01-01 ERROR", "  more", "  and more"]
