"""Logs: each record of a session carries its id, no record carries a secret, and one record is one line of JSON."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from live_server import PATIENCE, LiveServer, Serve
from results import Results
from scripted_client import Connect, make_hello, scripted_client

from pagewire_server.errors import CommandError, JavaScriptError
from pagewire_server.ops import logs
from pagewire_server.ops.client_text import MAX_STACK_LINES, indented
from pagewire_server.ops.logs import JsonFormatter, LineLimit, TextFormatter, limited
from pagewire_server.session import defer_call, eval_js, hold, info, on_event, run_js

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


# -- what a client says -----------------------------------------------------------------------------

NASTY = "\x1b[31m\x07\x00\x7f\x9b\u202e\u2066\u2028"
SHOWN = r"\u001b[31m\u0007\u0000\u007f\u009b\u202e\u2066\u2028"


def lines_of(caplog: pytest.LogCaptureFixture) -> str:
    """Return what a program's own formatter makes of all records of the package."""
    formatter = logging.Formatter("%(levelname)s %(name)s %(message)s")
    return "\n".join(formatter.format(record) for record in caplog.records if record.name.startswith("pagewire"))


def assert_is_fit_for_a_terminal(text: str) -> None:
    """Only line feeds and tabs control anything."""
    assert not [character for character in NASTY if character in text and not character.isprintable()]


@pytest.mark.parametrize("on_error", ["none", "raise"])
def test_javascript_error_is_cut_and_escaped_in_the_log(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture, on_error: Any
) -> None:
    """1,024 characters of its name and message, 8,192 of its stack, whose lines are indented; raised, too."""
    live = serve(lambda: eval_js("nope()", on_error_=on_error))
    client = connect(live)
    million = "x" * 1_000_000
    thrown = {"name": "Error", "message": f"{NASTY}{million}", "stack": f"Error: no\n\tat a\nERROR {NASTY}{million}"}
    client.error(client.receive("eval_js"), "exception", exception=thrown)
    live.until(lambda: "failed" in caplog.text)
    text = lines_of(caplog)
    assert_is_fit_for_a_terminal(text)
    assert f"Error: {SHOWN}x" in text
    left = len(NASTY) + len(million) - 1024
    assert f"... ({left} more characters)" in text
    assert len(text) < 16_000
    if on_error == "none":
        assert f"\n  Error: no\n  \tat a\n  ERROR {SHOWN}xxx" in text
        assert text.count("more characters)") == 2


def test_attributes_of_an_error_are_as_the_page_sent_them() -> None:
    """What is cut and escaped is its text."""
    long = NASTY + "x" * 2000
    error = JavaScriptError("E", long, long)
    assert (error.message, error.stack) == (long, long)
    assert str(error) == f"E: {SHOWN}{'x' * (1024 - len(NASTY))}... ({len(NASTY) + 976} more characters)"
    assert str(CommandError("code\x1b", "short")) == r"code\u001b: short"


def test_last_words_of_a_client_are_cut_and_escaped(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """Code and message of its bye."""
    live = serve(hold)
    client = connect(live)
    client.send({"type": "bye", "params": {"code": f"x{NASTY}", "message": f"{NASTY}{'x' * 50_000}", "retry": "never"}})
    live.until(lambda: "the client ended it" in caplog.text)
    text = lines_of(caplog)
    assert_is_fit_for_a_terminal(text)
    assert f"the client ended it: x{SHOWN}: {SHOWN}xxx" in text
    assert len(text) < 4000


def test_exception_with_a_clients_text_is_escaped_by_our_formatters() -> None:
    """What a program raises is its own, but it may have it from a page."""
    error = ValueError(f"bad value {NASTY}")
    record = record_of("the app failed", exc_info=(ValueError, error, None))
    for formatter in (TextFormatter(), JsonFormatter()):
        assert_is_fit_for_a_terminal(formatter.format(record))


def test_forwarded_address_and_origin_are_escaped(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """They come in headers, where a few control characters are allowed."""
    caplog.set_level(logging.INFO, "pagewire")
    live = serve(hold, trusted_proxies=("127.0.0.1",))
    forwarded = {"X-Forwarded-For": "1.2.3.4\x9b31m"}
    with scripted_client(live.socket_url, origin="http://evil\x9b31m", additional_headers=forwarded) as client:
        assert client.receive_bye() == ("forbidden_origin", 4403)
    live.until(lambda: "refused" in caplog.text)
    assert_is_fit_for_a_terminal(lines_of(caplog))


def test_printed_info_steers_no_terminal(serve: Serve, connect: Connect, results: Results) -> None:
    """It is JSON all the same."""
    connect(serve(lambda: results.put(str(info))), page={"language": f"de{NASTY}"})
    text = results.next()
    assert_is_fit_for_a_terminal(text)
    assert json.loads(text)["user_language"] == f"de{NASTY}"


# -- how much is said -------------------------------------------------------------------------------


def test_level_of_the_program_holds_for_the_library(tmp_path: Path) -> None:
    """A page load says nothing at WARNING, and never anything at DEBUG."""
    program = """
import logging
from pagewire_server import serve
for level in (logging.WARNING, logging.DEBUG):
    logging.basicConfig(level=level, force=True)
    logging.getLogger("pagewire.websockets").info("at %s", level)
    logging.getLogger("pagewire.websockets").debug("a secret")
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stderr == "INFO:pagewire.websockets:at 10\n"


def test_refusals_are_logged_the_first_few_and_then_counted(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """Those of another kind have room of their own."""
    live = serve(hold)
    for _ in range(8):
        refuse(live, {"app": "nowhere"})
    refuse(live, {"versions": ["9.9"]})
    live.until(lambda: "unsupported_version" in caplog.text)
    refused = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert refused == [
        *["refused 127.0.0.1: unknown_app: There is no app 'nowhere' here."] * 5,
        "refused 127.0.0.1: unsupported_version: see the client's log",
    ]


def test_clients_that_are_late_are_no_warning(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """A server that restarts is told of many."""
    caplog.set_level(logging.INFO, "pagewire")
    live = serve(hold)
    refuse(live, {"resume": {"last_seq": 0, "streams": []}})
    live.until(lambda: "refused" in caplog.text)
    levels = [record.levelname for record in caplog.records if "session_gone" in record.getMessage()]
    assert levels == ["INFO"]


def test_handler_that_fails_at_every_event_is_logged_a_few_times(
    serve: Serve, connect: Connect, results: Results, caplog: pytest.LogCaptureFixture
) -> None:
    """The page decides how often that is."""

    def app() -> None:
        on_event("x", lambda data: data["missing"])
        on_event("done", results.put)

    client = connect(serve(app))
    for _ in range(20):
        client.emit("x", {})
    client.emit("done", "done")
    assert results.next() == "done"
    assert caplog.text.count("a handler of the event 'x' failed") == 5


def test_lines_that_were_left_out_are_told_after_a_minute(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the next record, of whatever kind; then as many are logged again."""
    now = [0.0]
    monkeypatch.setattr(logs, "line_limit", LineLimit(lambda: now[0]))
    logger = logging.getLogger("pagewire.server")
    for _ in range(12):
        logger.warning("no", extra=limited("a refusal"))
    now[0] = 59.9
    logger.warning("other")
    now[0] = 60.0
    logger.warning("later")
    for _ in range(6):
        logger.warning("again", extra=limited("a refusal"))
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [*["no"] * 5, "other", "7 more lines were not logged: a refusal", "later", *["again"] * 5]


def test_lines_of_the_library_are_limited_at_every_level(caplog: pytest.LogCaptureFixture) -> None:
    """At INFO it says of each connection that it is closed, and a client can open one after the other."""
    caplog.set_level(logging.INFO, "pagewire.websockets")
    for _ in range(8):
        logging.getLogger("pagewire.websockets").info("connection closed")
    assert caplog.text.count("connection closed") == 5


def test_lines_of_a_stack_are_limited() -> None:
    """A client can make a stack of empty lines."""
    text = indented("Error: no" + "\n" * 5000)
    assert text.count("\n") == MAX_STACK_LINES - 1
    assert text.endswith("... (4901 more characters)")
