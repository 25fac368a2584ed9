"""What a client says, as it is shown to people: in logs, in errors, on terminals. Cut, and without control characters.

A client chooses these texts freely. They can be megabytes long, contain the escape sequences of terminals, or look like
a record of the log.
"""

from __future__ import annotations

import re
from typing import Final

MAX_LINE: Final = 1024
"""Characters that are shown of a message, a name, a path."""

MAX_STACK: Final = 8192
"""Characters that are shown of a JavaScript stack."""

MAX_STACK_LINES: Final = 100
"""Lines that are shown of one."""

_CONTROLS: Final = (
    r"\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what changes the direction of text
    r"\u2028\u2029"  # what some take for the end of a line
    r"\ud800-\udfff"  # what no encoding can write
)
_HIDDEN_IN_LINE: Final = re.compile(f"[{_CONTROLS}]")
_HIDDEN_IN_LINES: Final = re.compile(rf"(?![\t\n])[{_CONTROLS}]")


class Stack(str):
    """A JavaScript stack: the logs show its lines as lines, below the record's first one."""

    __slots__ = ()


def one_line(text: str, most: int = MAX_LINE) -> str:
    """Return at most `most` characters of `text`, and how many more there are; every control character is escaped."""
    return _cut(text, most, _HIDDEN_IN_LINE)


def indented(stack: str, most: int = MAX_STACK) -> str:
    """Return the same of a text of several lines: line feeds and tabs stay, and each line but the first is indented.

    Of its lines `MAX_STACK_LINES` are shown.
    """
    lines = stack[:most].split("\n", MAX_STACK_LINES)[:MAX_STACK_LINES]
    shown = sum(map(len, lines)) + len(lines) - 1
    return _cut(stack, shown, _HIDDEN_IN_LINES).replace("\n", "\n  ")


def escape_lines(text: str) -> str:
    """Return all of `text` with its control characters escaped as in JSON, except line feeds and tabs."""
    return _HIDDEN_IN_LINES.sub(_escaped, text)


def _cut(text: str, most: int, hidden: re.Pattern[str]) -> str:
    shown = hidden.sub(_escaped, text[:most])
    return shown if len(text) <= most else f"{shown}... ({len(text) - most} more characters)"


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
