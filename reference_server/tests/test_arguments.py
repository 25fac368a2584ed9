"""What JSON or JavaScript cannot take is refused in the call, with the path to it; nothing is sent."""

from __future__ import annotations

from typing import Any

import pytest
from live_server import Serve
from results import Results
from scripted_client import Connect

from pagewire_server.session import (
    eval_js,
    run_js,
    set_env,
)

BAD_VALUES: list[tuple[Any, type[Exception], str]] = [
    ({1, 2}, TypeError, "a is of type set"),
    (b"x", TypeError, "a is of type bytes"),
    (float("nan"), ValueError, "a is nan"),
    ([1, {"k": float("inf")}], ValueError, r"a\[1\]\.k is inf"),
    ({"deep": [{3: 4}]}, TypeError, r"a\.deep\[0\] has the key 3, a int"),
    (2**53, ValueError, "beyond 2\\^53-1"),
    (object(), TypeError, "a is of type object"),
]


@pytest.mark.parametrize(("value", "kind", "message"), BAD_VALUES)
@pytest.mark.parametrize("call", [run_js, eval_js])
def test_value_that_json_cannot_carry_is_refused_in_the_call(
    serve: Serve,
    connect: Connect,
    results: Results,
    call: Any,
    value: Any,
    kind: type[Exception],
    message: str,
) -> None:
    """The error has the path, nothing is sent, and the session goes on."""

    def app() -> None:
        with pytest.raises(kind, match=message):
            call("a", a=value)
        results.put(eval_js("1"))

    client = connect(serve(app))
    command = client.receive()
    assert command["seq"] == 1
    client.result(command, value=1)
    assert results.next() == 1


@pytest.mark.parametrize("code", ["a", "\ud800"])
def test_value_that_contains_itself_is_refused(serve: Serve, connect: Connect, results: Results, code: str) -> None:
    """No RecursionError reaches the program."""
    loop: list[Any] = []
    loop.append(loop)

    def app() -> None:
        with pytest.raises(ValueError, match="a is nested too deeply, or contains itself"):
            run_js(code, a=loop)
        results.put("refused")

    connect(serve(app))
    assert results.next() == "refused"


@pytest.mark.parametrize("name", ["new", "await", "a-b", "{a}", "a=alert", ""])
def test_argument_name_that_javascript_has_not_is_refused(
    serve: Serve, connect: Connect, results: Results, name: str
) -> None:
    """ARGS-2, in the call."""

    def app() -> None:
        with pytest.raises(ValueError, match="ARGS-2"):
            run_js("1", **{name: 1})
        results.put("refused")

    connect(serve(app))
    assert results.next() == "refused"


def test_lone_surrogate_goes_out_as_the_replacement_character(serve: Serve, connect: Connect) -> None:
    """WIRE-7: in values, keys and code; a pair written as two becomes the character it means."""

    def app() -> None:
        run_js("'\ud800'", a={"\udfff": ["\ud83d\ude00"]})
        set_env(title="\ud800")

    client = connect(serve(app))
    params = client.receive("run_js")["params"]
    assert client.receive("set_env")["params"] == {"title": "\ufffd"}
    assert params == {"code": "'\ufffd'", "args": {"a": {"\ufffd": ["\U0001f600"]}}}
