"""What a download may be made of: bytes, a path, a binary file, an iterator; as pieces of bytes."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias, cast

from typing_extensions import Buffer

PIECE_BYTES: Final = 1_048_576
"""The largest piece. Smaller ones cost time, a turn of a thread each; larger ones keep what is sent already."""

LEAST_READ_BYTES: Final = 65_536
"""How much is read of a file at a time, at least."""

Content: TypeAlias = Buffer | os.PathLike[str] | BinaryIO | Iterable[Buffer] | AsyncIterable[Buffer]
"""What `download` takes."""


@dataclass(frozen=True, slots=True)
class Source:
    """The content of one download, as pieces of bytes."""

    size: int | None
    """In bytes; None if unknown."""
    pieces: Iterator[bytes] | AsyncGenerator[bytes]
    """Of an iterator each piece may block; an asynchronous generator runs on the event loop."""
    whole: bytes | None = None
    """All of it, where it is in memory already."""
    file: BinaryIO | None = None
    """What was opened for it. `pieces` closes it once it has begun; before that, `discard` does."""

    def discard(self) -> None:
        """Close what was opened for content that is not going to be read. What the program passed stays as it is."""
        if self.file:
            self.file.close()


def open_content(content: object, window_bytes: int) -> Source:
    """Return the source of `content`; what is read of a file at a time is at most half a window.

    TypeError says what is accepted, OSError that a file can't be read.
    """
    if isinstance(content, str):
        raise TypeError("content is a str: encode it, as in content.encode(); or for a file pass a pathlib.Path")
    read_bytes = max(LEAST_READ_BYTES, min(window_bytes // 2, PIECE_BYTES))
    if isinstance(content, os.PathLike):
        return _open_file(Path(content), read_bytes)
    if callable(getattr(content, "read", None)):
        file = cast("BinaryIO", content)
        size = _remaining(file)
        return Source(size, _read_pieces(file, size, read_bytes, close=False))
    if isinstance(content, AsyncIterable):
        return Source(None, _check_async(content))
    if (data := _as_bytes(content)) is not None:
        return Source(len(data), _in_one_piece(data), data)
    if isinstance(content, Iterable):
        return Source(None, _check_pieces(iter(content)))
    raise TypeError(
        f"content is of type {type(content).__name__}; a download takes bytes, a path, a binary file, "
        "or an iterator of bytes"
    )


async def _in_one_piece(data: bytes) -> AsyncGenerator[bytes]:
    """Give what needs no thread and no copy."""
    yield data


def _as_bytes(content: object) -> bytes | None:
    try:
        # What could change while it is sent is copied; bytes are not.
        return content if isinstance(content, bytes) else bytes(memoryview(content))  # type: ignore[arg-type]  # tried
    except TypeError:
        return None


def _open_file(path: Path, read_bytes: int) -> Source:
    file = path.open("rb")
    size = os.fstat(file.fileno()).st_size
    return Source(size, _read_pieces(file, size, read_bytes, close=True), file=file)


def _remaining(file: BinaryIO) -> int | None:
    try:
        position = file.tell()
        end = file.seek(0, os.SEEK_END)
        file.seek(position)
    except (OSError, AttributeError, ValueError):
        return None
    return max(end - position, 0)


def _read_pieces(file: BinaryIO, size: int | None, read_bytes: int, *, close: bool) -> Iterator[bytes]:
    count = 0
    try:
        while piece := file.read(read_bytes):
            data = _piece(piece)
            count += len(data)
            if size is not None and count > size:
                raise OSError(f"{_name_of(file)} grew while it was read: it had {size} bytes at first")
            yield data
    finally:
        if close:
            file.close()
    if size is not None and count < size:
        raise OSError(f"{_name_of(file)} shrank while it was read: {count} bytes came of {size}")


def _name_of(file: BinaryIO) -> str:
    return f"the file {getattr(file, 'name', '')!r}"


def _check_pieces(pieces: Iterator[object]) -> Iterator[bytes]:
    try:
        for piece in pieces:
            yield from _split(_piece(piece))
    finally:
        # The program may hold it too, and then nothing else would close it.
        if isinstance(pieces, Generator):
            pieces.close()


async def _check_async(pieces: AsyncIterable[object]) -> AsyncGenerator[bytes]:
    try:
        async for piece in pieces:
            for part in _split(_piece(piece)):
                yield part
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()


def _split(data: bytes) -> Iterator[bytes]:
    """Give `data` as it is, or in parts if it is large: what is sent of it would keep all of it in memory."""
    if len(data) <= PIECE_BYTES:
        yield data
        return
    for start in range(0, len(data), PIECE_BYTES):
        yield data[start : start + PIECE_BYTES]


def _piece(piece: object) -> bytes:
    data = None if isinstance(piece, str) else _as_bytes(piece)
    if data is None:
        raise TypeError(f"the content gave a piece of type {type(piece).__name__}, not bytes")
    return data
