"""The codec: the checks of SPEC section 3.1 that need no session, each with its code and a complaint."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from pagewire_protocol import codec
from pagewire_protocol.codec import Envelope
from pagewire_protocol.codes import ByeCode
from pagewire_protocol.command_messages import DownloadParams, EvalJsResult, RunJsParams, SetEnvParams
from pagewire_protocol.control_messages import AckParams
from pagewire_protocol.json_values import MAX_INTEGER
from pagewire_protocol.messages import KINDS, MESSAGES, SENT_BY, Kind, Side
from pagewire_protocol.reply_messages import ErrorParams
from pagewire_protocol.schema_examples import EXAMPLES
from pagewire_protocol.violations import InvalidParams, PeerViolation


def _violation(
    text: str, sender: Side = Side.SERVER, max_bytes: int = MAX_INTEGER, max_values: int = MAX_INTEGER
) -> PeerViolation:
    with pytest.raises(PeerViolation) as caught:
        codec.read(text, sender, max_bytes=max_bytes, max_values=max_values)
    return caught.value


def _sender_of(type_: str) -> Side:
    return next(side for side in Side if type_ in SENT_BY[side])


def _parse(message: dict[str, Any]) -> Envelope:
    return codec.parse(json.dumps(message), max_bytes=MAX_INTEGER)


# -- check 1: size -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "size"),
    [("", 0), ("abc", 3), ("ä", 2), ("尺", 3), ("😀", 4), ("\ud800", 3), ("\u0000\u007f\u0080", 4)],
)
def test_size_is_counted_in_utf_8(text: str, size: int) -> None:
    """A message's size is the bytes of its frame, not its characters."""
    assert codec.size_of(text) == size


def test_message_at_the_limit_is_taken_and_one_byte_more_is_too_large() -> None:
    """WIRE-23: the limit itself is still accepted; beyond it the code is too_large."""
    text = '{"type":"bye","params":{"code":"client_left","message":"ä😀","retry":"never"}}'
    size = len(text.encode())
    assert codec.parse(text, max_bytes=size).size == size
    violation = _violation(text, max_bytes=size - 1)
    assert (violation.code, str(violation)) == (
        ByeCode.TOO_LARGE,
        f"a message of {size} bytes, where at most {size - 1} are taken",
    )


def test_size_is_checked_before_the_text_is_read() -> None:
    """A large text that is no JSON is too large, for nobody reads it."""
    assert _violation("x" * 11, max_bytes=10).code is ByeCode.TOO_LARGE


def test_message_with_as_many_values_as_the_limit_is_accepted_and_one_more_is_too_large() -> None:
    """WIRE-26, WIRE-29: all values count, the message itself too, and names do not; the text names the limit."""
    text = '{"type":"event","seq":1,"params":{"name":"a","data":[1,{}]}}'
    assert codec.parse(text, max_bytes=MAX_INTEGER, max_values=8).type == "event"
    violation = _violation(text, Side.CLIENT, max_values=7)
    assert (violation.code, str(violation)) == (
        ByeCode.TOO_LARGE,
        "a message of more than 7 values, the server's max_values",
    )


def test_values_are_counted_before_the_text_is_parsed() -> None:
    """What would be expensive to parse is not, even if it is not JSON."""
    violation = _violation("[" + "[]," * 1000, max_values=1000)
    assert violation.code == ByeCode.TOO_LARGE


# -- check 2: a JSON object with a type ----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "a text frame is no JSON: "),
        ("{", "a text frame is no JSON: "),
        ("{'type':'ping'}", "a text frame is no JSON: "),
        ('{"type":"ping","params":{},}', "a text frame is no JSON: "),
        ('{"type":"ping","params":{}}{}', "a text frame is no JSON: "),
        ('\ufeff{"type":"ping","params":{}}', "a text frame is no JSON: "),
        ('{"type":"ping","params":{"x":NaN}}', "a text frame is no JSON: "),
        ('{"type":"ping","params":{"x":-Infinity}}', "a text frame is no JSON: "),
        ('{"type":"ping","params":{"x":01}}', "a text frame is no JSON: "),
        ('{"type":"ping","params":{"x":"\n"}}', "a text frame is no JSON: "),
        ('{"type":"ping","params":{"x":"\\ud800"}}', "a text frame is no JSON: "),
        ('{"type":"ping","params":{"x":"\ud800"}}', "a text frame is no JSON: a lone surrogate in it"),
        ("[]", "a text frame holds an array, not an object"),
        ('"ping"', "a text frame holds a string, not an object"),
        ("true", "a text frame holds a boolean, not an object"),
        ("null", "a text frame holds null, not an object"),
        ("7", "a text frame holds a number, not an object"),
        ("7.5", "a text frame holds a number, not an object"),
        ("{}", "type: is missing"),
        ('{"Type":"ping"}', "type: is missing"),
        ('{"type":null}', "type: is no string of 1 to 128 characters"),
        ('{"type":1}', "type: is no string of 1 to 128 characters"),
        ('{"type":["ping"]}', "type: is no string of 1 to 128 characters"),
        ('{"type":""}', "type: is no string of 1 to 128 characters"),
        (f'{{"type":"{"x" * 129}"}}', "type: is no string of 1 to 128 characters"),
    ],
)
def test_what_is_no_message_is_refused(text: str, complaint: str) -> None:
    """Whatever is no JSON object with a type ends the session, and the complaint says why."""
    violation = _violation(text)
    assert violation.code is ByeCode.INVALID_MESSAGE
    assert not isinstance(violation, InvalidParams)
    assert str(violation).startswith(complaint)


@pytest.mark.parametrize(
    "number",
    [
        *("1e999", "-1e999", "1E+400", "1.8e308", "1e0999", "0.0001e400"),
        *(
            "1" + "0" * 309,
            "-1" + "0" * 400,
            "1" + "0" * 309 + ".5",
            "1" + "0" * 300 + "e9",
            "1" + "0" * 250 + ".0E+99",
        ),
    ],
)
@pytest.mark.parametrize(
    "where", ['{{"type":"ping","params":{{}},"x":{}}}', '{{"type":"ping","params":{{"x":[[{}]]}}}}']
)
def test_number_that_overflows_a_double_is_refused_wherever_it_stands(number: str, where: str) -> None:
    """A number that JavaScript reads as Infinity breaks WIRE-8, in an unknown field too."""
    violation = _violation(where.format(number))
    assert (violation.code, str(violation)) == (
        ByeCode.INVALID_MESSAGE,
        "a text frame is no JSON: a number in it is too large",
    )


@pytest.mark.parametrize("number", ["1.7976931348623157e308", "1e-999", "0e999", "9" * 308, "-0", "5e-324"])
def test_number_that_a_double_holds_is_taken(number: str) -> None:
    """Long or small is not too large."""
    assert codec.read(f'{{"type":"ping","params":{{}},"x":{number}}}', Side.SERVER) == MESSAGES["ping"].model_validate(
        {"type": "ping", "params": {}}
    )


@pytest.mark.parametrize("text", ['"1e999"', '"1' + "0" * 400 + '"', '"\\"1e999"', '{"1e999":1}'])
def test_text_that_looks_like_a_large_number_is_taken(text: str) -> None:
    """Digits in a string are no number."""
    assert codec.parse(f'{{"type":"x","params":{text}}}', max_bytes=MAX_INTEGER).type == "x"


def test_last_of_two_equal_keys_counts() -> None:
    """A receiver may read a key twice as its parser does; this one takes the last, as JavaScript does."""
    text = '{"type":"ping","type":"ack","params":{"seq":1,"seq":2}}'
    assert codec.read(text, Side.SERVER) == MESSAGES["ack"].model_validate({"type": "ack", "params": {"seq": 2}})


def test_deep_nesting_is_refused_and_no_crash() -> None:
    """A text of ten thousand brackets is a violation, not a RecursionError."""
    text = '{"type":"x","params":' + "[" * 10_000 + "]" * 10_000 + "}"
    assert "recursion limit" in str(_violation(text))


def test_nesting_that_programs_use_is_taken() -> None:
    """What this package lets out, it takes in."""
    text = '{"type":"x","params":{"args":{"a":' + "[" * 128 + "]" * 128 + "}}}"
    assert codec.parse(text, max_bytes=MAX_INTEGER).type == "x"


# -- checks 3, 6, 9, 10, 11: the envelope --------------------------------------------------------


@pytest.mark.parametrize("seq", ["0", "-1", "1.0", "1e0", "1.5", '"1"', "true", "null", "[]", "9007199254740992"])
@pytest.mark.parametrize("type_", ["run_js", "ack", "unheard_of"])
def test_seq_that_is_no_positive_integer_is_refused(type_: str, seq: str) -> None:
    """Check 3 comes before the type is looked up, so it holds for every type."""
    violation = _violation(f'{{"type":"{type_}","seq":{seq},"id":1,"params":{{}}}}')
    assert str(violation) == f"{type_}: seq: is no integer from 1 to 2^53-1"


@pytest.mark.parametrize("type_", ["run_js", "ping", "event", "unheard_of"])
def test_id_without_seq_is_refused(type_: str) -> None:
    """Check 6 comes before the type is looked up, and does not care what the id is."""
    assert str(_violation(f'{{"type":"{type_}","id":null,"params":{{}}}}')) == f"{type_}: id: present without seq"


@pytest.mark.parametrize("type_", sorted(SENT_BY[Side.CLIENT] - SENT_BY[Side.SERVER] - {"result", "error"}))
def test_message_of_a_client_is_refused_from_a_server(type_: str) -> None:
    """Check 9."""
    assert str(_violation(json.dumps(EXAMPLES[type_]), Side.SERVER)) == f"type: {type_} is not sent by a server"


@pytest.mark.parametrize("type_", sorted(SENT_BY[Side.SERVER] - SENT_BY[Side.CLIENT]))
def test_message_of_a_server_is_refused_from_a_client(type_: str) -> None:
    """Check 9."""
    assert str(_violation(json.dumps(EXAMPLES[type_]), Side.CLIENT)) == f"type: {type_} is not sent by a client"


def test_direction_is_checked_before_seq_and_params() -> None:
    """Check 9 comes before 10, 11 and 14."""
    assert str(_violation('{"type":"run_js"}', Side.CLIENT)) == "type: run_js is not sent by a client"


@pytest.mark.parametrize("type_", [type_ for type_, kind in KINDS.items() if kind is Kind.CONTROL])
def test_control_message_with_seq_is_refused(type_: str) -> None:
    """Check 10."""
    violation = _violation(json.dumps(EXAMPLES[type_] | {"seq": 1}), _sender_of(type_))
    assert str(violation) == f"{type_}: seq: stands in a control message"


@pytest.mark.parametrize("type_", [type_ for type_, kind in KINDS.items() if kind is Kind.SESSION])
def test_session_message_without_seq_is_refused(type_: str) -> None:
    """Check 10."""
    message = {key: value for key, value in EXAMPLES[type_].items() if key != "seq"}
    assert str(_violation(json.dumps(message), _sender_of(type_))) == f"{type_}: seq: is missing"


@pytest.mark.parametrize("type_", [type_ for type_, kind in KINDS.items() if kind in {Kind.COMMAND, Kind.REPLY}])
@pytest.mark.parametrize("id_", ["0", "-1", "1.0", "1.5", '"1"', "true", "null", "9007199254740992"])
def test_id_that_is_no_positive_integer_is_refused(type_: str, id_: str) -> None:
    """Check 11: no answer is possible, so the session is over, before params are looked at."""
    violation = _violation(f'{{"type":"{type_}","seq":1,"id":{id_}}}', _sender_of(type_))
    assert str(violation) == f"{type_}: id: is missing or no integer from 1 to 2^53-1"
    assert not isinstance(violation, InvalidParams)


def test_absent_id_of_a_command_is_refused() -> None:
    """Check 11."""
    violation = _violation('{"type":"run_js","seq":1,"params":{"code":"","args":{}}}')
    assert str(violation) == "run_js: id: is missing or no integer from 1 to 2^53-1"


def test_unknown_type_passes_the_checks_of_form() -> None:
    """What becomes of it is the session's affair (checks 7 and 8)."""
    envelope = _parse({"type": "acme:paint", "seq": 1, "id": "any"})
    codec.check_form(envelope, Side.SERVER)
    assert (envelope.is_known, envelope.seq, envelope.id, codec.has_id(envelope)) == (False, 1, "any", True)


def test_read_refuses_an_unknown_type() -> None:
    """`read` is for messages of this version."""
    assert str(_violation('{"type":"acme:paint","params":{}}')) == "type: acme:paint is unknown"


def test_absent_id_is_told_from_null() -> None:
    """An id of null is an id."""
    assert [codec.has_id(_parse({"type": "x", "seq": 1} | extra)) for extra in ({}, {"id": None})] == [False, True]


# -- checks 13 and 14: params --------------------------------------------------------------------


@pytest.mark.parametrize("type_", MESSAGES)
def test_absent_params_are_invalid_params(type_: str) -> None:
    """A command can still be answered, so the exception says that it was the params."""
    message = {key: value for key, value in EXAMPLES[type_].items() if key != "params"}
    with pytest.raises(InvalidParams, match=f"^{type_}: params: is missing$"):
        codec.read_params(_parse(message), MESSAGES[type_])
    assert isinstance(_violation(json.dumps(message), _sender_of(type_)), InvalidParams)


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        (None, "params: input should be a valid dictionary"),
        ({"args": {}}, "params.code: field required"),
        ({"code": 1, "args": {}}, "params.code: input should be a valid string"),
        ({"code": "", "args": {"if": 1}}, "params.args: value error, 'if' is a reserved word"),
        ({"code": "", "args": {"a\u00d7b": 1}}, "params.args: value error, 'a\u00d7b' is no identifier"),
        ({"code": "", "args": {"a\n": 1}}, "params.args: value error, 'a\\n' is no identifier"),
    ],
)
def test_invalid_params_name_the_field(params: object, complaint: str) -> None:
    """WIRE-19: the message of the answer says where the defect is."""
    with pytest.raises(InvalidParams) as caught:
        codec.read_params(_parse({"type": "run_js", "seq": 1, "id": 1, "params": params}), RunJsParams)
    assert str(caught.value).startswith(f"run_js: {complaint}")
    assert caught.value.code is ByeCode.INVALID_MESSAGE


@pytest.mark.parametrize("base64", ["Q", "QQ", "QQ=", "QUI", "QUI==", "=", "==", "QUJDRA"])
def test_base64_without_its_padding_is_refused(base64: str) -> None:
    """DL-5: a JSON Schema can't count in fours; the model does."""
    params = EXAMPLES["download"]["params"] | {"size": None, "content": {"kind": "inline", "base64": base64}}
    with pytest.raises(InvalidParams, match="base64 without its padding"):
        codec.read_params(_parse({"type": "download", "seq": 1, "id": 1, "params": params}), DownloadParams)


@pytest.mark.parametrize(
    ("type_", "path"),
    [
        ("hello", ("versions", 0)),
        ("hello", ("instance",)),
        ("download", ("media_type",)),
        ("download", ("content", "base64")),
        ("set_env", ("output_max_width",)),
    ],
)
def test_line_feed_at_the_end_is_refused(type_: str, path: tuple[str | int, ...]) -> None:
    """`$` is the end, as in JavaScript; Python's own `re`, which jsonschema uses, lets a line feed pass there."""
    message = json.loads(json.dumps(EXAMPLES[type_]))
    node = message["params"]
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] += "\n"
    assert "should match pattern" in str(_violation(json.dumps(message), _sender_of(type_)))


@pytest.mark.parametrize("number", ["1.0", "1e0", "10E-1"])
def test_integer_with_fraction_or_exponent_is_refused(number: str) -> None:
    """WIRE-6: a JSON Schema takes 1.0 for an integer; the model does not."""
    violation = _violation(f'{{"type":"ack","params":{{"seq":{number}}}}}')
    assert str(violation) == "ack: params.seq: input should be a valid integer"


def test_unknown_fields_are_ignored() -> None:
    """WIRE-15: they are not kept either."""
    message = {"type": "ack", "x": 1, "params": {"seq": 3, "y": 2}}
    assert codec.read(json.dumps(message), Side.CLIENT) == MESSAGES["ack"].model_validate(
        {"type": "ack", "params": {"seq": 3}}
    )


# -- out -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", MESSAGES)
def test_message_that_was_written_reads_as_itself(type_: str) -> None:
    """Reading and writing are each other's inverse, and what is absent stays absent."""
    message = MESSAGES[type_].model_validate(EXAMPLES[type_])
    text = codec.encode(message)
    assert codec.read(text, _sender_of(type_)) == message
    assert json.loads(text) == EXAMPLES[type_]


def test_lone_surrogates_leave_as_replacement_characters() -> None:
    """WIRE-7: in text, in keys, and a pair of them is one character; what is absent stays absent."""
    params = ErrorParams(code="save_failed", message="a\ud800b\ud83d\ude00", data={"\udfff": ["\udc00", 1]})
    assert codec.control_frame("x", params) == (
        '{"type":"x","params":{"code":"save_failed","message":"a\ufffdb😀","data":{"\ufffd":["\ufffd",1]}}}'.encode()
    )


def test_lone_surrogate_in_a_bounded_text_is_refused_by_the_model() -> None:
    """A text whose length is bounded must be well-formed before it is put into a model."""
    with pytest.raises(ValidationError, match="unable to parse raw data as a unicode string"):
        SetEnvParams(title="\ud800")


def test_control_frame_has_type_and_params() -> None:
    """A control message carries nothing else."""
    assert codec.control_frame("ack", AckParams(seq=0)) == b'{"type":"ack","params":{"seq":0}}'


def test_value_of_any_json_survives() -> None:
    """A value is neither walked nor changed."""
    value = {"__proto__": [None, True, 2**60, -1.5e300, "\u0000\u2028😀"], "": {}}
    message = {"type": "x", "seq": 1, "params": {"value": value}}
    assert codec.read_params(_parse(message), EvalJsResult).value == value
