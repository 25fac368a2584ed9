"""Recorded conversations: what is invalid, unknown, or out of order (SPEC section 3.1)."""

from __future__ import annotations

from typing import Final

from golden_stage import Stage, conversation

from pagewire_server.session import eval_js, hold, on_event

_RESULT: Final = '{"type": "result", "seq": 1, "id": %s, "params": %s}'
_ERROR: Final = '{"type": "error", "seq": 1, "id": 1, "params": %s}'


def _ask(stage: Stage) -> None:
    def app() -> None:
        on_event("fence", stage.tell)
        stage.attempt(lambda: eval_js("asked"))
        hold()

    stage.serve(app, max_message_bytes=65536)


def _say_each(stage: Stage, texts: tuple[str, ...]) -> None:
    """Say each on a session of its own, to which the program has said `eval_js`."""
    _ask(stage)
    for text in texts:
        client = stage.connect()
        client.receive("eval_js")
        client.send_text(text)
        client.read_to_end()
        stage.told()


@conversation("messages")
def invalid_envelopes(stage: Stage) -> None:
    """Rows 1 to 6."""
    _say_each(
        stage,
        (
            "",
            "no JSON",
            '{"type": "ack"} {}',
            '{"type": "ack", "params": {"seq": 1e999}}',
            '{"type": "later", "params": {"x": [{"y": -1e400}]}}',
            '{"type": "later", "params": {"x": 1' + "0" * 400 + "}}",
            '{"type": "event", "seq": 1, "params": {"name": "x", "data": NaN}}',
            '{"type": "event", "seq": 1, "params": {"name": "x", "data": "\\ud800"}}',
            "\ufeff{}",
            "[]",
            '"text"',
            "5",
            "null",
            "true",
            "{}",
            '{"type": null}',
            '{"type": ""}',
            f'{{"type": "{"x" * 129}"}}',
            '{"type": "event", "seq": 0, "params": {"name": "x", "data": 1}}',
            '{"type": "event", "seq": 1.0, "params": {"name": "x", "data": 1}}',
            '{"type": "event", "seq": "1", "params": {"name": "x", "data": 1}}',
            '{"type": "event", "seq": null, "params": {"name": "x", "data": 1}}',
            '{"type": "event", "seq": true, "params": {"name": "x", "data": 1}}',
            '{"type": "event", "seq": 9007199254740992, "params": {"name": "x", "data": 1}}',
            '{"type": "event", "seq": 2, "params": {"name": "x", "data": 1}}',
            '{"type": "later", "seq": 3, "params": {}}',
            '{"type": "later", "id": 1, "params": {}}',
            '{"type": "ack", "id": 1, "params": {"seq": 0}}',
            '{"type": "event", "id": 1, "params": {"name": "x", "data": 1}}',
        ),
    )


@conversation("messages")
def invalid_forms(stage: Stage) -> None:
    """Rows 8 to 12."""
    _say_each(
        stage,
        (
            *(f'{{"type": "later", "seq": 1, "id": {id_}}}' for id_ in ("0", "-1", "1.0", "null", '"1"')),
            '{"type": "hello", "params": {}}',
            '{"type": "welcome", "params": {}}',
            '{"type": "ping", "params": {}}',
            '{"type": "cancel", "seq": 1, "params": {"id": 1}}',
            '{"type": "run_js", "seq": 1, "id": 1, "params": {"code": "", "args": {}}}',
            '{"type": "run_js", "params": {"code": "", "args": {}}}',
            '{"type": "ack", "seq": 1, "params": {"seq": 0}}',
            '{"type": "bye", "seq": 1, "params": {"code": "client_left", "message": "", "retry": "never"}}',
            '{"type": "event", "params": {"name": "x", "data": 1}}',
            '{"type": "result", "id": 1, "params": {"value": 1}}',
            '{"type": "result", "params": {"value": 1}}',
            '{"type": "result", "seq": 1, "params": {"value": 1}}',
            *(_RESULT % (id_, '{"value": 1}') for id_ in ("0", "2", "1.0", '"1"', "null", "true", "9007199254740992")),
        ),
    )


@conversation("messages")
def invalid_params(stage: Stage) -> None:
    """Row 14."""
    _say_each(
        stage,
        (
            '{"type": "ack"}',
            '{"type": "ack", "params": null}',
            '{"type": "ack", "params": {}}',
            '{"type": "ack", "params": {"seq": -1}}',
            '{"type": "ack", "params": {"seq": 0.5}}',
            '{"type": "ack", "params": {"seq": 2}}',
            '{"type": "stream_ack", "params": {"id": 0, "offset": 0}}',
            '{"type": "stream_ack", "params": {"id": 1}}',
            '{"type": "bye", "params": {"code": "", "message": "", "retry": "never"}}',
            '{"type": "bye", "params": {"code": "client_left", "message": "", "retry": "perhaps"}}',
            '{"type": "event", "seq": 1}',
            '{"type": "event", "seq": 1, "params": {"name": "", "data": 1}}',
            '{"type": "event", "seq": 1, "params": {"name": "x"}}',
            '{"type": "result", "seq": 1, "id": 1}',
            _RESULT % ("1", "[]"),
            _RESULT % ("1", "{}"),
            _ERROR % "{}",
            _ERROR % '{"code": "", "message": "x"}',
            _ERROR % '{"code": "exception"}',
            _ERROR % '{"code": "exception", "message": "x", "exception": null}',
            _ERROR % '{"code": "exception", "message": "x", "exception": {"name": "x"}}',
        ),
    )


@conversation("messages")
def unknown_fields_and_types(stage: Stage) -> None:
    """WIRE-15, WIRE-16, and row 8."""
    _ask(stage)
    client = stage.connect()
    command = client.receive("eval_js")
    client.send({"type": "later"})
    client.send({"type": "vendor:x", "params": 5, "x": 1})
    client.send_session("later", None)
    client.send_session("later", {"x": 1}, 1)
    client.receive("error")
    client.send_session("vendor:ä", {}, 7)
    client.receive("error")
    client.send({"type": "ack", "x": 1, "params": {"seq": 1, "x": {}}})
    client.send_session("event", {"name": "fence", "data": 1, "x": 1}, 1)
    stage.told()
    client.send({"type": "result", "seq": client.seq + 1, "id": command["id"], "params": {"value": 1, "x": 2}, "x": 3})
    client.seq += 1
    stage.told()
    client.send({"type": "stream_ack", "params": {"id": 77, "offset": 5}})
    client.send_session("later", {}, 7)
    client.read_to_end()


@conversation("messages")
def duplicates(stage: Stage) -> None:
    """Row 4: dropped, whatever they are."""
    _ask(stage)
    client = stage.connect()
    command = client.receive("eval_js")
    client.emit("fence", 1)
    stage.told()
    client.emit("fence", 2)
    stage.told()
    for text in (
        '{"type": "event", "seq": 1, "params": {"name": "fence", "data": 3}}',
        '{"type": "event", "seq": 2, "params": {"name": "fence", "data": 3}}',
        '{"type": "result", "seq": 2, "id": 99, "params": 5}',
        '{"type": "run_js", "seq": 1}',
        '{"type": "bye", "seq": 2, "params": {"code": "client_left", "message": "", "retry": "never"}}',
        '{"type": "later", "seq": 1, "id": 0}',
    ):
        client.send_text(text)
    client.result(command, value=1)
    stage.told()
    client.result(command, value=1)
    client.read_to_end()


@conversation("messages")
def sizes(stage: Stage) -> None:
    """WIRE-23: in bytes of UTF-8."""
    _ask(stage)
    for letter, more in (("x", 0), ("x", 1), ("ä", 0), ("ä", 1), ("x", 65536), ("x", 65537)):
        client = stage.connect()
        client.receive("eval_js")
        start, end = '{"type": "event", "seq": 1, "params": {"name": "fence", "data": "', '"}}'
        count, rest = divmod(65536 - len(start) - len(end), len(letter.encode()))
        client.send_text(start + letter * count + "x" * (rest + more) + end)
        if more:
            client.read_to_end()
        else:
            stage.told()
            client.leave()
        stage.told()


@conversation("messages")
def binary(stage: Stage) -> None:
    """WIRE-22; no client streams, so what is well-formed belongs to an unknown id."""
    _ask(stage)
    client = stage.connect()
    client.receive("eval_js")
    client.send_binary(bytes(16))
    client.send_binary(bytes(7) + b"\x01" + bytes(8))
    client.send_binary(bytes(7) + b"\x01" + bytes(8) + b"payload")
    client.emit("fence")
    stage.told()
    client.send_binary(bytes(15))
    client.read_to_end()
    stage.told()
    for data in (b"", b"x", b"\xff" * 16, bytes(7) + b"\x01" + b"\x00\x20" + bytes(6)):
        other = stage.connect()
        other.receive("eval_js")
        other.send_binary(data)
        other.read_to_end()
        stage.told()


@conversation("messages")
def text_that_is_no_utf_8(stage: Stage) -> None:
    """The library closes with 1007, which ends the session."""
    _ask(stage)
    client = stage.connect()
    client.receive("eval_js")
    client.send_text(b'{"type": "\xff"}')
    client.read_to_end()
    stage.told()
    again = stage.reconnect(client, hello=False)
    again.send(again.hello(resume={"last_seq": 1, "streams": []}))
    again.read_to_end()
