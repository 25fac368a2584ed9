"""A file as the body of a response: its tag, the parts of it that are asked for, and its bytes in pieces.

No file is ever in memory whole, except for one of a single piece. Nothing is compressed on the fly: an encoding is sent
if its file is there.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from io import BufferedReader
from pathlib import Path
from typing import Final, Self

PIECE_BYTES: Final = 32_768
"""How much of a file is in memory at once, for each response."""

HASHED_BYTES: Final = 1_048_576
"""Up to which size a tag is the hash of a file's content."""

_MAX_TAGS: Final = 4096
_SETTLED_NS: Final = 2_000_000_000
"""After how many nanoseconds without a change it is certain that one more will have another time."""

_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')
_RANGE: Final = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII | re.IGNORECASE)
_CODING: Final = re.compile(r"[ \t]*([\w*-]+)[ \t]*(?:;[ \t]*q=([01](?:\.\d{0,3})?)[ \t]*)?", re.ASCII | re.IGNORECASE)


# -- tags -------------------------------------------------------------------------------------------


class FileTags:
    """The ETags of files, as long as their time and size stay what they were. On any thread."""

    def __init__(self) -> None:
        self._hashes: OrderedDict[Path, tuple[tuple[int, int, int], str]] = OrderedDict()

    def tag(self, path: Path, file: BufferedReader) -> str:
        """Return the tag of an open file, whose position is at its start before and after.

        That of a small file is its content's hash, so that servers behind one balancer have the same. That of a large
        one is its time and size. It is weak as long as one more change might not be seen in them (RFC 9110, 8.8.1).
        """
        state = os.fstat(file.fileno())
        is_settled = abs(time.time_ns() - state.st_mtime_ns) > _SETTLED_NS
        if state.st_size > HASHED_BYTES:
            return f'{"" if is_settled else "W/"}"{state.st_mtime_ns:x}-{state.st_size:x}"'
        seen = (state.st_mtime_ns, state.st_size, state.st_ino)
        known = self._hashes.get(path)
        if known and known[0] == seen:
            return known[1]
        tag = f'"{hashlib.file_digest(file, hashlib.sha256).hexdigest()[:32]}"'
        file.seek(0)
        if is_settled:
            self._hashes[path] = (seen, tag)
            if len(self._hashes) > _MAX_TAGS:
                self._hashes.popitem(last=False)
        return tag


def has_tag(values: Sequence[str], tag: str) -> bool:
    """Whether `If-None-Match` names a tag (RFC 9110, 13.1.2): its comparison ignores what is weak."""
    opaque = tag.removeprefix("W/")
    return any(value.strip() == "*" or opaque in _TAG.findall(value) for value in values)


# -- parts ------------------------------------------------------------------------------------------


def asked_range(value: str | None, size: int) -> range | None:
    """Return the bytes that `Range` asks for, of a file of `size`; empty if it has none of them.

    None means the whole file. So does what need not be understood: other units, several ranges, mistakes.
    """
    found = _RANGE.fullmatch(value or "")
    if not found or not (found[1] or found[2]):
        return None
    if not found[1]:
        return range(max(size - int(found[2]), 0), size)
    start, end = int(found[1]), int(found[2]) + 1 if found[2] else size
    if end <= start and found[2]:
        return None
    return range(start, min(end, size))


# -- encodings --------------------------------------------------------------------------------------


def preferred_coding(values: Sequence[str], available: Sequence[str]) -> str | None:
    """Return which of the available codings `Accept-Encoding` prefers (RFC 9110, 12.5.3); None for none at all.

    Of those that it wants alike the first one is returned.
    """
    weights: dict[str, float] = {}
    for part in ",".join(values).split(","):
        found = _CODING.fullmatch(part)
        if found:
            weights[found[1].lower()] = float(found[2] or 1)
    other = weights.get("*", 0.0)
    best = max(available, key=lambda coding: weights.get(coding, other), default=None)
    weight = 0.0 if best is None else weights.get(best, other)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else None


# -- bytes ------------------------------------------------------------------------------------------


class FileSource:
    """Bytes of an open file, read in a thread piece by piece. It closes the file."""

    def __init__(self, file: BufferedReader, count: int) -> None:
        self._file = file
        self._left = count
        self._lock = threading.Lock()
        self._is_reading = False
        self._is_closed = False

    def __aiter__(self) -> Self:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece; OSError if the file has become shorter than it was."""
        if not self._left:
            raise StopAsyncIteration
        piece = await asyncio.to_thread(self._read, min(self._left, PIECE_BYTES))
        if not piece:
            raise OSError("a file became shorter while it was sent")
        self._left -= len(piece)
        return piece

    async def aclose(self) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file, once nothing more is read from it."""
        with self._lock:
            self._is_closed = True
            if not self._is_reading:
                self._file.close()

    def _read(self, count: int) -> bytes:
        # Who waits for this may be cancelled, and the event loop be closed: the thread itself closes the file then.
        with self._lock:
            if self._is_closed:
                return b""
            self._is_reading = True
        try:
            return self._file.read(count)
        finally:
            self._end_read()

    def _end_read(self) -> None:
        with self._lock:
            self._is_reading = False
            if self._is_closed:
                self._file.close()
