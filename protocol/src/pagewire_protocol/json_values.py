"""Any JSON, on its way out and in: what cannot travel is refused with the path to it."""

from __future__ import annotations

import math
import re
import sys
from typing import Any, Final

from pydantic_core import PydanticSerializationError, from_json, to_json

from pagewire_protocol.fields import MAX_INTEGER, WireModel

_LARGE_EXPONENT: Final = re.compile(r"[eE]\+?[0-9]{3}")
_LONG_RUN: Final = 200
_MAX_DOUBLE: Final = sys.float_info.max
_LONG_DIGITS: Final = re.compile(r"(?<![0-9])[0-9]{200}")

_PLAIN_TYPES: Final = frozenset((str, bool, type(None)))

MAX_DEPTH: Final = 128
"""How deep arrays and objects may nest in a value that is sent; pydantic's parser takes 200 levels of a message."""


def check_json(value: object, path: str) -> None:
    """Raise TypeError or ValueError, with the path, for the first thing within `value` that JSON cannot carry.

    Refused are NaN and infinities, integers beyond 2^53-1 (ARGS-4), keys that are no strings, nesting beyond MAX_DEPTH,
    and every type but dict, list, tuple, str, int, float, bool and None. `path` is what the value itself is called.
    """
    if _is_plain(value, MAX_DEPTH):
        return
    try:
        _check(value, path, MAX_DEPTH)
    except RecursionError:
        raise ValueError(f"{path} is nested too deeply, or contains itself") from None


def _is_plain(value: object, depth: int) -> bool:
    """Whether `value` can travel, told fast and without a path; False leaves it to `_check`."""
    kind = type(value)
    if kind in _PLAIN_TYPES:
        return True
    if kind is int:
        return -MAX_INTEGER <= value <= MAX_INTEGER  # type: ignore[operator]  # it is an int
    if kind is float:
        return math.isfinite(value)  # type: ignore[arg-type]  # it is a float
    if not depth:
        return False
    if kind is dict:
        return all(type(key) is str and _is_plain(item, depth - 1) for key, item in value.items())  # type: ignore[attr-defined]  # it is a dict
    return kind is list and all(_is_plain(item, depth - 1) for item in value)  # type: ignore[attr-defined]  # it is a list


def _check(value: object, path: str, depth: int) -> None:
    match value:
        case None | bool() | str():
            return
        case int() | float():
            _check_number(value, path)
        case list() | tuple() | dict() if not depth:
            raise RecursionError
        case list() | tuple():
            for index, item in enumerate(value):
                _check(item, f"{path}[{index}]", depth - 1)
        case dict():
            for key, item in value.items():
                if not isinstance(key, str):
                    raise TypeError(f"{path} has the key {key!r}, a {type(key).__name__}; keys of JSON are strings")
                _check(item, f"{path}.{key}", depth - 1)
        case _:
            raise TypeError(f"{path} is of type {type(value).__name__}, which can't be sent as JSON")


def _check_number(value: float, path: str) -> None:
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise ValueError(f"{path} is {value}, beyond 2^53-1, which JavaScript can't hold")
    elif not math.isfinite(value):
        raise ValueError(f"{path} is {value}, which JSON doesn't have")


def dump(value: WireModel | dict[str, Any]) -> bytes:
    """Return `value` as JSON in UTF-8; lone surrogates become U+FFFD (WIRE-7). `check_json` must have passed."""
    try:
        return to_json(value)
    except PydanticSerializationError:
        return to_json(well_formed(value.model_dump() if isinstance(value, WireModel) else value))


def well_formed(value: Any) -> Any:
    """Return a copy of `value` with every lone surrogate in its texts and keys replaced by U+FFFD (WIRE-7)."""
    match value:
        case str():
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case list() | tuple():
            return [well_formed(item) for item in value]
        case dict():
            return {well_formed(key): well_formed(item) for key, item in value.items()}
        case _:
            return value


def load(text: str | bytes) -> Any:
    """Return the value of a JSON text; ValueError if it is none, or if a number in it overflows a double."""
    try:
        value = from_json(text, allow_inf_nan=False, cache_strings="keys")
    except TypeError:
        raise ValueError("a lone surrogate in it") from None
    if _may_overflow(text if isinstance(text, str) else text.decode()):
        _refuse_overflow(value)
    return value


def _may_overflow(text: str) -> bool:
    """Whether a number in `text` may overflow a double: true for every one that does, and for some that don't."""
    if _LARGE_EXPONENT.search(text):
        return True
    return len(text) >= _LONG_RUN and _LONG_DIGITS.search(text) is not None


def _refuse_overflow(value: Any) -> None:
    """Walk by exact types: a client may send a million values in a message, and everybody waits for this."""
    kind = type(value)
    if kind is dict:
        items = value.values()
    elif kind is list:
        items = value
    else:
        items = (value,)
    for item in items:
        kind = type(item)
        if kind is dict or kind is list:
            if item:
                _refuse_overflow(item)
        elif (kind is float or kind is int) and _overflows(item):
            raise ValueError("a number in it is too large")


def _overflows(value: float) -> bool:
    if -_MAX_DOUBLE <= value <= _MAX_DOUBLE:
        return False
    try:
        # What is larger may still be rounded to the largest.
        return math.isinf(float(value))
    except OverflowError:
        return True
