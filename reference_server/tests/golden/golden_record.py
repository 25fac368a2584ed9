"""The record of a conversation: what each side wrote, in the order in which the script looked at it.

A recording is a file of JSON lines. What is random is replaced before it is written: ids of sessions (by the order in
which they appear), nonces, dates. So are the words of libraries in the `message` of a `bye`, which change with their
versions: of the JSON parser, and of pydantic about a field.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final

_WHOLE: Final = 600
"""Up to how many characters of a frame are recorded as they are; of a longer one begin, length and SHA-256."""
_BEGIN: Final = 160
_SESSION_ID: Final = re.compile(r"s-[0-9a-f]{12}")
_NONCE: Final = re.compile(r"(nonce[-=]\"?)[A-Za-z0-9_-]{24}")
_LIBRARIES_WORDS: Final = re.compile(
    r'(is no JSON: |params(?:\.[\w.]+|\[\d+\])*: |\(\): \w+: )((?:(?!value error)[^"\\]|\\.)+)'
)
_OUR_WORDS: Final = ("is missing",)


class Record:
    """The lines of one conversation."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._sessions: dict[str, str] = {}

    def add(self, **entry: Any) -> None:
        """Add a line."""
        self.lines.append(json.dumps({name: self._comparable(value) for name, value in entry.items()}))

    def _comparable(self, value: Any) -> Any:
        match value:
            case str():
                return _shortened(self._without_chance(value))
            case bytes() if len(value) > _WHOLE // 2:
                digest = hashlib.sha256(value).hexdigest()
                return {"begin": value[: _BEGIN // 2].hex(), "length": len(value), "sha256": digest}
            case bytes():
                return value.hex()
            case dict():
                return {name: self._comparable(item) for name, item in value.items()}
            case list() | tuple():
                return [self._comparable(item) for item in value]
            case _:
                return value

    def _without_chance(self, text: str) -> str:
        def name(match: re.Match[str]) -> str:
            return self._sessions.setdefault(match[0], f"s-<{len(self._sessions) + 1}>")

        return _LIBRARIES_WORDS.sub(_without_words, _NONCE.sub(r"\1<nonce>", _SESSION_ID.sub(name, text)))


def _without_words(match: re.Match[str]) -> str:
    return match[0] if match[2].startswith(_OUR_WORDS) else f"{match[1]}<words>"


def _shortened(text: str) -> Any:
    if len(text) <= _WHOLE:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return {"begin": text[:_BEGIN], "length": len(text), "sha256": digest}
