"""The scans of a text: how many values it has, and whether a number overflows, as looking at the values would tell."""

from __future__ import annotations

import json
import math
import random
from typing import Any, Final

import pytest

from pagewire_protocol import json_scan, json_values
from pagewire_protocol.json_scan import JsonScan

TEXTS: Final = (
    "",
    "a",
    ",",
    "[]",
    "{}",
    '"',
    "\\",
    '\\"',
    '\\\\"',
    ',"[',
    "\n",
    "ä😀",
    "\ud800",
    '[{"a":1}]',
    "\\u0022",
)
"""What a scan may take for something else, as a string or as a name."""
NUMBERS: Final = ("0", "-1", "1.5", "1e5", "-0.25E-3", "12345678901234567890")
SPACES: Final = ("", "", "", " ", "\n\t", "\r\n  ")


class _Texts:
    """Random JSON texts, each with the number of its values."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - chance that can be repeated

    def value(self, depth: int) -> tuple[str, int]:
        kind = self._random.randrange(4 if depth else 2)
        if kind == 0:
            text, count = self._random.choice((*NUMBERS, "true", "false", "null")), 1
        elif kind == 1:
            text, count = self._string(), 1
        else:
            parts = [self.value(depth - 1) for _ in range(self._random.choice((0, 0, 1, 2, 5)))]
            count = 1 + sum(inner for _, inner in parts)
            items = [text if kind == 2 else f"{self._string()}{self._space()}:{text}" for text, _ in parts]
            inside = ",".join(items) or self._space()
            text = f"[{inside}]" if kind == 2 else f"{{{inside}}}"
        return f"{self._space()}{text}{self._space()}", count

    def damaged(self, text: str) -> str:
        """Return `text` with a piece missing and another inserted."""
        start, end = sorted(self._random.randrange(len(text) + 1) for _ in range(2))
        return text[:start] + self._random.choice(('"', "\\", ",", "[", "}", "\x00")) + text[end:]

    def _string(self) -> str:
        text = "".join(self._random.choices(TEXTS, k=self._random.randrange(5)))
        return json.dumps(text, ensure_ascii=self._random.random() < 0.5)

    def _space(self) -> str:
        return self._random.choice(SPACES)


def _count(value: Any) -> int:
    """Return how many values a value without duplicate names has."""
    match value:
        case list():
            return 1 + sum(map(_count, value))
        case dict():
            return 1 + sum(map(_count, value.values()))
        case _:
            return 1


def _at_the_limit(text: str, count: int) -> tuple[bool, bool]:
    """Return whether the scan finds too many where the limit is `count`, and where it is one less."""
    assert JsonScan(text).count_values() == count
    return JsonScan(text).has_more_values(count), JsonScan(text).has_more_values(count - 1)


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "[]",
        "{}",
        '""',
        "[ ]",
        "[[],[]]",
        '["[]"]',
        '["",""]',
        '[""]',
        '{"a":[]}',
        '{"[]":{},",":0}',
        '["\\"",[]]',
        '["\\\\",[]]',
        '["\\\\\\"",[],"\\\\\\\\"]',
        '[{},{ },[\n],"{}"]',
        '{"a":{"b":{"c":[[[1]]]}}}',
    ],
)
def test_count_is_exact(text: str) -> None:
    """A text with as many values as the limit passes, and one more does not."""
    assert _at_the_limit(text, _count(json.loads(text))) == (False, True)


@pytest.mark.parametrize("block", [1, 2, 3, 7, 65536])
def test_count_of_random_texts_is_exact(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is in the strings, and wherever a block ends."""
    monkeypatch.setattr(json_scan, "_BLOCK", block)
    for seed in range(400):
        text, count = _Texts(seed).value(5)
        assert (seed, *_at_the_limit(text, count)) == (seed, False, True)


def test_names_count_neither_once_nor_twice() -> None:
    """Names of members are not values; the values of a name that appears twice are."""
    assert _at_the_limit('{"a":1,"a":2,"b":"c"}', 4) == (False, True)


@pytest.mark.parametrize("block", [1, 65536])
def test_scan_accepts_any_text(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not JSON has some number of values too; whatever it is, none has more than the text has characters."""
    monkeypatch.setattr(json_scan, "_BLOCK", block)
    for seed in range(400):
        texts = _Texts(seed)
        text = texts.damaged(texts.value(5)[0])
        verdicts = [JsonScan(text).has_more_values(limit) for limit in range(1, len(text) + 2)]
        assert (seed, verdicts) == (seed, sorted(verdicts, reverse=True))
        assert not verdicts[-1]


@pytest.mark.parametrize("opening", ['"', '"\\', '["a', '"\\"', "[,", "[[["])
def test_part_before_an_error_counts(opening: str) -> None:
    """Values before the first error are what a parser would have made: they count, whatever follows."""
    values = ",".join(["[]"] * 1000)
    assert JsonScan(f"[{values},{opening}").has_more_values(500)


def test_text_of_commas_and_brackets_is_one_value() -> None:
    """A table as text, with its commas, quotes and brackets, is a string like any other."""
    rows = '1,"two [three]",{4}\r\n' * 100_000
    assert not JsonScan(json.dumps(rows)).has_more_values(1000)
    assert not JsonScan(json.dumps("\\" * 100_000 + rows)).has_more_values(1000)


@pytest.mark.parametrize("value", ["[]", '""', '"a"', "{}", '{"a":{}}', '"\\""', "0"])
def test_many_values_in_a_large_text(value: str) -> None:
    """The limit is exact at the size of real messages, beside a string that makes the first bound useless."""
    items = 20_000
    text = f"[{','.join([value] * items)},{json.dumps(',[{' * 100_000)}]"
    count = items * _count(json.loads(value)) + 2
    assert _at_the_limit(text, count) == (False, True)


LARGEST: Final = "17976931348623157" + "0" * 292


@pytest.mark.parametrize(
    ("number", "overflows"),
    [
        ("0", False),
        ("1e99", False),
        ("1e308", False),
        ("1.7976931348623157E+308", False),
        ("1.7976931348623158e308", False),
        ("1.7976931348623159e308", True),
        ("-1E+309", True),
        ("1e999", True),
        ("1e+0000000999", True),
        ("1e-999", False),
        ("0e999", False),
        ("0." + "0" * 300 + "1e400", False),
        ("0." + "0" * 300 + "1e700", True),
        ("1" * 309, False),
        ("-" + "2" * 309, True),
        ("1" * 5000, True),
        ("1" * 250 + "e99", True),
        ("1" * 101 + "e99", False),
        (LARGEST, False),
        (LARGEST + "0", True),
    ],
)
def test_number_that_overflows_is_found(number: str, overflows: bool) -> None:
    """The same numbers overflow as for a parser, between others and wherever they are."""
    assert math.isinf(float(json.loads(number, parse_int=float))) is overflows
    for text in (number, f"[1,{number}]", f'{{"a":{number}}}', f'["e123", {number} ,true,"{"9" * 400}"]'):
        assert JsonScan(text).has_overflow() is overflows
        assert JsonScan(text.encode()).has_overflow() is overflows
        counted = JsonScan(text)
        assert counted.has_more_values(0)
        assert counted.has_overflow() is overflows, "after its values were counted"


def test_digits_in_strings_overflow_nothing() -> None:
    """Strings may contain what would overflow as a number, beside escaped quotes too."""
    assert not JsonScan(json.dumps(["1e999", "9" * 400, '"1e999', "\\", {"1e999": "e999"}, 1e100])).has_overflow()


@pytest.mark.parametrize("item", ['{"a":["1e999"]}', '{"a":["b"]}'])
@pytest.mark.parametrize("count", [20, 1_000, 2_000, 20_000])
def test_many_values_are_checked_for_overflow_like_few(count: int, item: str) -> None:
    """A parser refuses the one number that overflows among many values, wherever it is."""
    many = ",".join([item] * count)
    assert len(json_values.load(f"[{many},1e300]")) == count + 1
    assert len(json_values.load(f"[{many},1]")) == count + 1
    for text in (f"[{many},1e999]", f"[1e999,{many}]", f"[[[[[[1e999]]]]],{many}]"):
        with pytest.raises(ValueError, match="too large"):
            json_values.load(text)


def test_strings_are_left_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is most of what both looks cost; of a text of 4 MiB it takes tens of milliseconds."""
    text = json.dumps([",[", *range(100), 1e100])
    scan = JsonScan(text)
    assert not scan.has_more_values(103)
    monkeypatch.delattr(json_scan, "_outside_strings")
    assert not scan.has_overflow()
