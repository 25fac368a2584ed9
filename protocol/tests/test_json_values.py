"""Any JSON on its way out: what cannot travel is refused, with the path to it."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from pagewire_protocol import json_values


def _nested(depth: int, wrap: Callable[[object], object]) -> object:
    value: object = 1
    for _ in range(depth):
        value = wrap(value)
    return value


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (math.nan, "args.a is nan, which JSON doesn't have"),
        (math.inf, "args.a is inf, which JSON doesn't have"),
        ({"b": [0, -math.inf]}, "args.a.b[1] is -inf, which JSON doesn't have"),
        ([[{"x": math.nan}]], "args.a[0][0].x is nan, which JSON doesn't have"),
        (2**53, "args.a is 9007199254740992, beyond 2^53-1, which JavaScript can't hold"),
        ([-(2**53)], "args.a[0] is -9007199254740992, beyond 2^53-1, which JavaScript can't hold"),
    ],
)
def test_number_that_cannot_travel_is_refused_with_its_path(value: object, complaint: str) -> None:
    """NaN, infinities, and integers that JavaScript would round (ARGS-4)."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        json_values.check_json(value, "args.a")
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (b"x", "args.a is of type bytes, which can't be sent as JSON"),
        ({"b": {1}}, "args.a.b is of type set, which can't be sent as JSON"),
        ([1, Decimal(1)], "args.a[1] is of type Decimal, which can't be sent as JSON"),
        ({1: 2}, "args.a has the key 1, a int; keys of JSON are strings"),
        ({"b": {None: 2}}, "args.a.b has the key None, a NoneType; keys of JSON are strings"),
    ],
)
def test_type_that_cannot_travel_is_refused_with_its_path(value: object, complaint: str) -> None:
    """Nothing is turned into a string in silence."""
    with pytest.raises(TypeError) as caught:
        json_values.check_json(value, "args.a")
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -0.0,
        2**53 - 1,
        -(2**53) + 1,
        1.7e308,
        "",
        "\ud800",
        [],
        (1, (2,)),
        {},
        {"": {"__proto__": [None]}},
    ],
)
def test_what_json_has_is_taken(value: object) -> None:
    """Tuples are arrays."""
    json_values.check_json(value, "args.a")


@pytest.mark.parametrize("wrap", [lambda value: [value], lambda value: (value,), lambda value: {"k": value}])
def test_nesting_is_taken_as_deep_as_it_can_be_written_and_read(wrap: Callable[[object], object]) -> None:
    """What passes the check can be written, and our own parser reads it within a message."""
    deepest = _nested(json_values.MAX_DEPTH, wrap)
    json_values.check_json(deepest, "args.a")
    assert json_values.load(json_values.dump({"params": {"args": {"a": deepest}}}))
    with pytest.raises(ValueError, match=r"^args\.a is nested too deeply, or contains itself$"):
        json_values.check_json(wrap(deepest), "args.a")


def test_value_that_contains_itself_is_refused() -> None:
    """A cycle ends in an error, not in a crash."""
    cycle: dict[str, Any] = {}
    cycle["again"] = [cycle]
    with pytest.raises(ValueError, match=r"^data is nested too deeply, or contains itself$"):
        json_values.check_json(cycle, "data")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": (1, "ä😀")}, '{"a":[1,"ä😀"]}'),
        ({"a": "\ud800"}, '{"a":"\ufffd"}'),
        ({"\ud83d\ude00": ["\udc00", {"b": None}]}, '{"😀":["\ufffd",{"b":null}]}'),
    ],
)
def test_value_is_written_in_utf_8_without_lone_surrogates(value: dict[str, Any], text: str) -> None:
    """WIRE-5 and WIRE-7."""
    assert json_values.dump(value) == text.encode()


@pytest.mark.parametrize("text", ["", "nul", "[1,]", "NaN", "1e999", b"\xff", b'"\xed\xa0\x80"', '"\ud800"', "[" * 300])
def test_what_is_no_json_raises_a_value_error(text: str | bytes) -> None:
    """One type of exception, whatever is wrong."""
    with pytest.raises(ValueError, match=r"."):
        json_values.load(text)


@pytest.mark.parametrize("padding", ["", "x" * 1000])
@pytest.mark.parametrize("number", ["1e309", "-1e309", "1" + "0" * 309, "-1" + "0" * 309, "0.1E+0310"])
@pytest.mark.parametrize(
    "where",
    [
        "{}",
        "[{}]",
        "[1, {}, -1]",
        '[1.5, "x", null, true, {}]',
        '[[], {{}}, {{"a": [{{"b": {}}}]}}]',
        '[[[1, 2], [3]], [["x"]], [[{}]]]',
        '{{"a": 1, "b": [{}], "c": {{}}}}',
    ],
)
def test_overflow_is_found_wherever_it_is(where: str, number: str, padding: str) -> None:
    """Among values of every kind, in short texts and long ones."""
    with pytest.raises(ValueError, match=r"^a number in it is too large$"):
        json_values.load(json_values.dump({"a": padding}).decode()[:-1] + f', "v": {where.format(number)}' + "}")
    inner = json_values.load(f'{{"a": "{padding}", "v": {where.format("1e308")}}}')
    assert inner["a"] == padding


@pytest.mark.parametrize("value", ["word", 1.5, 7, None], ids=str)
def test_large_value_is_looked_at_without_a_step_for_each_item(value: object) -> None:
    """The server is busy meanwhile: lines of Python are run for each level, not for each value."""
    text = json_values.dump({"v": [value] * 10_000, "text": "1e100"}).decode()
    lines = 0

    def count(_frame: object, event: str, _argument: object) -> Any:
        nonlocal lines
        lines += event == "line"
        return count

    tracer = sys.gettrace()
    sys.settrace(count)
    try:
        json_values.load(text)
    finally:
        sys.settrace(tracer)
    assert 0 < lines < 100
