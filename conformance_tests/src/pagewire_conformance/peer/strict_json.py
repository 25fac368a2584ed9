"""Reads what a client wrote, as strictly as SPEC section 2 asks senders to write."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from pagewire_conformance.verdicts import Broken

MAX_DEPTH = 128
_BOM = b"\xef\xbb\xbf"


class Inexact(float):
    """A number that was written with a fraction or an exponent."""


def read_object(data: bytes) -> dict[str, Any]:
    """Return the JSON object in a text frame; Broken, with the requirement, for whatever a sender must not write."""
    if data.startswith(_BOM):
        raise Broken("a text frame begins with a byte order mark", "WIRE-5")
    text = data.decode(errors="replace")
    try:
        text = data.decode()
        value = json.loads(
            text, object_pairs_hook=_object, parse_float=_inexact, parse_int=_whole, parse_constant=_refuse
        )
    except RecursionError:
        raise Broken(f"a value nests far more than {MAX_DEPTH} levels", "WIRE-25") from None
    except UnicodeDecodeError:
        raise Broken("a text frame is not UTF-8", "WIRE-5") from None
    except json.JSONDecodeError as error:
        raise Broken(f"a text frame is no JSON: {error}: {text[:200]!r}", "WIRE-5") from None
    if not isinstance(value, dict):
        raise Broken(f"a text frame holds no object: {text[:200]!r}", "WIRE-5")
    return value


def check_text(value: object, path: str = "") -> None:
    """Raise Broken if there is a lone surrogate anywhere in `value` (WIRE-7)."""
    match value:
        case str():
            if any("\ud800" <= character <= "\udfff" for character in value):
                raise Broken(f"{path or 'the message'} has a lone surrogate: {value!r}", "WIRE-7")
        case dict():
            for key, item in value.items():
                check_text(key, path)
                check_text(item, f"{path}.{key}")
        case list():
            for index, item in enumerate(value):
                check_text(item, f"{path}[{index}]")


def depth(value: object) -> int:
    """Return how many levels of arrays and objects nest in `value`: 0 for `1`, 1 for `[]`."""
    deepest, level = 0, [value]
    while level := [item for item in level if isinstance(item, (list, dict))]:
        deepest += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Broken(f"the key {twice!r} stands twice in one object", "WIRE-8")
    return found


def _inexact(text: str) -> Inexact:
    number = Inexact(text)
    if math.isinf(number):
        raise Broken(f"a number overflows a double: {text}", "WIRE-8")
    return number


def _whole(text: str) -> int:
    _inexact(text)
    return int(text)


def _refuse(text: str) -> NoReturn:
    raise Broken(f"{text} is no JSON", "WIRE-8")
