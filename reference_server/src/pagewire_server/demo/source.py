"""The source of a function as the page shows it: pieces of text, each with what it is in Python's grammar."""

from __future__ import annotations

import builtins
import inspect
import io
import keyword
import tokenize
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, Final

Piece = tuple[str, str]
"""What it is, such as "keyword", or "" where that is nothing special; and its text."""

_KINDS: Final = {tokenize.STRING: "string", tokenize.NUMBER: "number", tokenize.COMMENT: "comment"}
_INVISIBLE: Final = {tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def source_pieces(*functions: Callable[..., Any]) -> list[Piece]:
    """Return the source of functions, one below the other."""
    return highlight("\n\n".join(inspect.getsource(function).rstrip() for function in functions))


def highlight(source: str) -> list[Piece]:
    """Return `source` in pieces; together they are `source`."""
    runs = groupby(_pieces(source), key=lambda piece: piece[0])
    return [(kind, "".join(text for _, text in run)) for kind, run in runs]


def _pieces(source: str) -> Iterator[Piece]:
    starts = _line_starts(source)
    done, before = 0, ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        start = starts[token.start[0] - 1] + token.start[1]
        end = starts[token.end[0] - 1] + token.end[1]
        if token.type in _INVISIBLE or end <= done:
            continue
        yield "", source[done:start]
        yield _kind(token, before), source[start:end]
        done, before = end, token.string
    yield "", source[done:]


def _line_starts(source: str) -> list[int]:
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return [*starts, len(source)]


def _kind(token: tokenize.TokenInfo, before: str) -> str:
    if token.type == tokenize.NAME:
        return _kind_of_name(token.string, before)
    # From Python 3.12 on, an f-string is several tokens.
    return "string" if tokenize.tok_name[token.type].startswith("FSTRING") else _KINDS.get(token.type, "")


def _kind_of_name(name: str, before: str) -> str:
    if keyword.iskeyword(name):
        return "keyword"
    if before in {"def", "class"}:
        return "definition"
    return "builtin" if before != "." and hasattr(builtins, name) else ""
