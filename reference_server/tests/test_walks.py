"""What `make walks` counts: the calls of a package, by thread; and that what it counts of the server is steady."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import walks
from walks import Call, Recorder, Walk

_ONE = """
from counted.sub import two

def begins():
    inner()
    two.gives(two.twice(lambda: inner()))
    return sum(number for number in two.numbers())

def inner():
    pass
"""
_TWO = """
def gives(value):
    return value

def twice(call):
    call()
    call()

def numbers():
    yield 1
"""
_OUTSIDE = """
def calls(function):
    function()
"""

ONE, TWO = "counted/one.py", "counted/sub/two.py"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a package whose calls are known, and a module beside it that is not counted."""
    (tmp_path / "counted" / "sub").mkdir(parents=True)
    for name, text in (("one", _ONE), ("sub/two", _TWO), ("__init__", ""), ("sub/__init__", "")):
        (tmp_path / "counted" / f"{name}.py").write_text(text, encoding="utf-8")
    (tmp_path / "counted_outside.py").write_text(_OUTSIDE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for module in ("counted", "counted.one", "counted.sub", "counted.sub.two", "counted_outside"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return tmp_path / "counted"


def _recorded(recorder: Recorder, call: Callable[[], object]) -> list[Call]:
    before = sys.getprofile()
    sys.setprofile(recorder.profile)
    try:
        recorder.begin()
        call()
        return recorder.end()
    finally:
        sys.setprofile(before)


def test_each_call_in_the_package_is_counted_in_its_order(package: Path) -> None:
    """Generators each time they are resumed; calls outside are not."""
    one, outside = importlib.import_module("counted.one"), importlib.import_module("counted_outside")
    calls = _recorded(Recorder([package]), lambda: outside.calls(one.begins))
    lambda_ = Call(ONE, "begins.<locals>.<lambda>")
    generator, numbers = Call(ONE, "begins.<locals>.<genexpr>"), Call(TWO, "numbers")
    inner = Call(ONE, "inner")
    assert calls == [
        Call(ONE, "begins"),
        inner,
        *(Call(TWO, "twice"), lambda_, inner, lambda_, inner),
        Call(TWO, "gives"),
        *(generator, numbers, generator, numbers),
    ]
    walk = walks.summarize(next(iter(walks.TARGETS)), [calls])
    assert (walk.files, walk.changes, walk.calls) == (2, 7, 12)


def test_threads_come_one_after_the_other(package: Path) -> None:
    """By their first calls, whatever their turns were."""
    one, two = importlib.import_module("counted.one"), importlib.import_module("counted.sub.two")
    recorder = Recorder([package])

    def work() -> None:
        sys.setprofile(recorder.profile)
        two.gives(1)

    def in_turns() -> None:
        one.inner()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        one.inner()

    assert _recorded(recorder, in_turns) == [Call(ONE, "inner"), Call(ONE, "inner"), Call(TWO, "gives")]


def test_nothing_is_counted_before_the_begin_and_after_the_end(package: Path) -> None:
    """So what happens between two walks belongs to neither."""
    one = importlib.import_module("counted.one")
    recorder = Recorder([package])
    sys.setprofile(recorder.profile)
    try:
        one.inner()
        recorder.begin()
        assert recorder.end() == []
        one.inner()
    finally:
        sys.setprofile(None)
    assert recorder.end() == []


def _walk(**changes: Any) -> Walk:
    usual: dict[str, Any] = {"name": "eval_js in a thread -> socket", "files": 9, "changes": 16, "calls": 20}
    return Walk(**(usual | {"varies": False, "steps": []} | changes))


@pytest.mark.parametrize(
    ("changes", "is_ok"),
    [
        ({}, True),
        ({"files": 10}, False),
        ({"changes": 17}, False),
        ({"name": "JS: run_js in -> result out", "files": 12, "changes": None}, True),
        ({"name": "JS: run_js in -> result out", "files": 13, "changes": None}, False),
    ],
)
def test_target_is_met_by_what_is_at_most_as_much(changes: dict[str, Any], is_ok: bool) -> None:
    """Files, and changes where they are measured."""
    assert _walk(**changes).is_ok is is_ok


def test_most_frequent_count_is_shown() -> None:
    """And that there was another."""
    usual = [Call(ONE, "inner"), Call(ONE, "inner"), Call(TWO, "gives")]
    walk = walks.summarize("download -> two chunks out", [usual[:1], usual, usual])
    assert (walk.files, walk.changes, walk.calls, walk.varies) == (2, 1, 3, True)
    assert walk.steps == [(ONE, "inner", 2), (TWO, "gives", 1)]
    assert walks.steps(walk).splitlines() == ["", walk.name, f"  {ONE}: inner x2", f"  {TWO}: gives"]


def test_walks_through_the_server_come_to_the_same_each_time() -> None:
    """Of the four, each has calls, and each run as many as the others."""
    found = walks.walk_python(repetitions=3)
    assert [walk.name for walk in found] == list(walks.TARGETS)[:4]
    # In what order the last goes depends on when the request comes: with the connection, or after it.
    assert [walk.varies for walk in found[:3]] == [False] * 3
    assert all(walk.calls > walk.files > 1 for walk in found)
