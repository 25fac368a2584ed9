"""Any JSON on its way out and in, and the names that a script's arguments may have (SPEC section 5.1).

What cannot travel is refused with the path to it, before it is sent; what no receiver accepts is refused as it comes.
"""

from __future__ import annotations

import gc
import math
import re
import sys
from itertools import chain
from typing import Any, Final, TypeVar

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, from_json, to_json

from pagewire_protocol.json_scan import JsonScan

Value = TypeVar("Value")

MAX_INTEGER: Final = 2**53 - 1
"""The largest integer on the wire: what a JavaScript number holds exactly."""

_MAX_DOUBLE: Final = sys.float_info.max
_SHORT_TEXT: Final = 128
_LONG_TEXT: Final = 16_384
_FEW_VALUES: Final = 200
_MANY_VALUES: Final = 10_000
_CHARACTERS_PER_VALUE: Final = 80
"""How long a text is that costs as much to look at as one value does."""

_OVERFLOW: Final = "a number in it is too large"
_LARGE_EXPONENT: Final = re.compile(r"[eE]\+?[0-9]{3}")
"""What every number contains that overflows a double within a short text."""

_PLAIN_TYPES: Final = frozenset((str, bool, type(None)))
_NUMBER_TYPES: Final = frozenset((int, float))

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


def dump(value: BaseModel | dict[str, Any]) -> bytes:
    """Return `value` as JSON in UTF-8; lone surrogates become U+FFFD (WIRE-7). `check_json` must have passed."""
    try:
        return to_json(value)
    except PydanticSerializationError:
        return to_json(well_formed(value.model_dump() if isinstance(value, BaseModel) else value))


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


def load(text: str | bytes, scan: JsonScan | None = None) -> Any:
    """Return the value of a JSON text; ValueError if it is none, or if a number in it overflows a double.

    `scan` is that of the text, if there is one.
    """
    try:
        value = _parse(text)
    except TypeError:
        raise ValueError("a lone surrogate in it") from None
    # Of a short text, such as most messages are, this costs less than looking at its values.
    if not (isinstance(text, str) and len(text) <= _SHORT_TEXT and _LARGE_EXPONENT.search(text) is None):
        _refuse_overflow(value, text, scan)
    return value


def _parse(text: str | bytes) -> Any:
    """Return what `from_json` makes of `text`, without interrupting it to collect garbage.

    It makes no garbage, but up to Python 3.11 every 700 new arrays and objects begin a collection, which looks at the
    others again: most of the time that a message of nested objects takes. Python 3.12 waits until a call is over.
    """
    is_pausing = sys.version_info < (3, 12) and len(text) > _LONG_TEXT and gc.isenabled()
    if is_pausing:
        gc.disable()
    try:
        return from_json(text, allow_inf_nan=False, cache_strings="keys")
    finally:
        if is_pausing:
            gc.enable()


def _refuse_overflow(value: Any, text: str | bytes, scan: JsonScan | None) -> None:
    """Raise ValueError for a number that overflows a double: `from_json` gives infinity, or a large int, for it.

    A client may send many values in a message, and everybody waits for this. So it goes level by level, where the
    interpreter has no step of its own for each item: of a level its types are enough, and the extremes of its numbers.
    If there are many for the length of the text, the text tells sooner whether a number can be that large at all: the
    values are scattered over the memory. Beyond `_MANY_VALUES` it also tells sooner whether one is.
    """
    items: list[Any] = [value]
    count = 0
    most_values = min(max(len(text) // _CHARACTERS_PER_VALUE, _FEW_VALUES), _MANY_VALUES)
    while items:
        count += len(items)
        if count > most_values:
            scan = scan or JsonScan(text)
            if not scan.may_have_overflow():
                return
            if count > _MANY_VALUES:
                if scan.has_overflow():
                    raise ValueError(_OVERFLOW)
                return
            most_values = _MANY_VALUES
        kinds = set(map(type, items))
        if not kinds.isdisjoint(_NUMBER_TYPES):
            numbers = items if kinds <= _NUMBER_TYPES else [item for item in items if type(item) in _NUMBER_TYPES]
            if _overflows(max(numbers)) or _overflows(min(numbers)):
                raise ValueError(_OVERFLOW)
        inner: list[Any] = []
        if list in kinds:
            inner += chain.from_iterable(items if len(kinds) == 1 else [item for item in items if type(item) is list])
        if dict in kinds:
            inner += chain.from_iterable([item.values() for item in items if type(item) is dict])
        items = inner


def _overflows(value: float) -> bool:
    if -_MAX_DOUBLE <= value <= _MAX_DOUBLE:
        return False
    try:
        # What is larger may still be rounded to the largest.
        return math.isinf(float(value))
    except OverflowError:
        return True


# -- names of arguments -----------------------------------------------------------------------------

_WORDS: Final = """
    await break case catch class const continue debugger default delete do else enum export extends false finally for
    function if import in instanceof new null return super switch this throw true try typeof var void while with
"""

RESERVED_WORDS: Final = frozenset(_WORDS.split())
"""What cannot be a parameter of a sloppy async function."""

PORTABLE_PATTERN: Final = r"^[^\x00-#%-@\[-^`{-\x7f][^\x00-#%-/:-@\[-^`{-\x7f]*$"
r"""Identifiers as far as every JSON Schema validator and generator reads them.

Within ASCII it is the rule, except for reserved words, which need a lookahead. Beyond ASCII it accepts every character,
since `\p{ID_Start}` is beyond Python's `re`. The classes are complements, so that they need no flag `u` for characters
beyond U+FFFF, and contain no `$`, which fastjsonschema rewrites.
"""

_ID_BEYOND_XID: Final = frozenset(
    chr(point)
    for first, last in (
        (0x037A, 0x037A),
        (0x0E33, 0x0E33),
        (0x0EB3, 0x0EB3),
        (0x309B, 0x309C),
        (0xFC5E, 0xFC63),
        (0xFDFA, 0xFDFB),
        (0xFE70, 0xFE70),
        (0xFE72, 0xFE72),
        (0xFE74, 0xFE74),
        (0xFE76, 0xFE76),
        (0xFE78, 0xFE78),
        (0xFE7A, 0xFE7A),
        (0xFE7C, 0xFE7C),
        (0xFE7E, 0xFE7E),
        (0xFF9E, 0xFF9F),
    )
    for point in range(first, last + 1)
)
"""Characters of ID_Start that `str.isidentifier`, which goes by XID_Start, does not take."""

_JOINERS: Final = frozenset("\u200c\u200d")


def is_argument_name(name: str) -> bool:
    """Whether `name` may be an argument's."""
    if name in RESERVED_WORDS or not name or name[0] in _JOINERS:
        return False
    if name.isascii():
        return name.replace("$", "_").isidentifier()
    allowed = _ID_BEYOND_XID | _JOINERS | {"$"}
    return "".join("_" if character in allowed else character for character in name).isidentifier()


def check_argument_names(arguments: dict[str, Value]) -> dict[str, Value]:
    """Return `arguments` as they are; `ValueError` names the first that cannot be a JavaScript parameter."""
    for name in arguments:
        if not is_argument_name(name):
            why = "a reserved word of JavaScript" if name in RESERVED_WORDS else "no identifier of JavaScript"
            raise ValueError(f"{name!r} is {why}, so it can't name an argument (ARGS-2)")
    return arguments
