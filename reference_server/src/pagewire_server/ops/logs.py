"""Logs: every record of a session carries its id; a line of text or of JSON for each.

Every record of the package's loggers passes `_prepare` before any handler has it, the program's own included. There
the texts in its arguments, which may be a client's, are cut and escaped (`client_text`), and lines that a client can
cause at will are limited (`LineLimit`).
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from pagewire_server.errors import CommandError
from pagewire_server.ops.client_text import Stack, escape_lines, indented, one_line

LogFormat = Literal["text", "json"]
"""What a record becomes: lines for people, or one JSON object on one line."""

LINES_AT_ONCE: Final = 5
"""How many lines of a kind are logged before the others are only counted."""

LINES_PERIOD: Final = 60.0
"""Seconds after which as many are logged again."""

library_logger: Final = logging.getLogger("pagewire.websockets")
"""The logger of the WebSocket library. It has no level of its own: the program's holds."""

_LOGGERS: Final = ("pagewire.server", "pagewire.session", "pagewire.connection")
_TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


# -- what a client can cause ------------------------------------------------------------------------


def limited(kind: str) -> dict[str, object]:
    """Return the `extra` of a log call whose lines a client can cause at will; lines of one `kind` count together."""
    return {"kind": kind}


class LineLimit:
    """Counts lines by kind, and says which are logged: the first few in each period. On any thread.

    How many more there were is told by the next record, of whatever kind, after the period. So nothing waits for a
    clock, and the end of an attack is told with the first thing that happens after it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[float, int]] = {}
        """For each kind when its period began, and how many lines came since."""

    def accepts(self, kind: str) -> bool:
        """Count a line of `kind`; whether it is to be logged."""
        with self._lock:
            began, count = self._counts.get(kind, (self._clock(), 0))
            self._counts[kind] = (began, count + 1)
        return count < LINES_AT_ONCE

    def end_periods(self) -> dict[str, int]:
        """Return how many lines of each kind were not logged in the periods that are over, and forget those."""
        with self._lock:
            if not self._counts:
                return {}
            now = self._clock()
            over = {kind: count for kind, (began, count) in self._counts.items() if now - began >= LINES_PERIOD}
            for kind in over:
                del self._counts[kind]
        return {kind: count - LINES_AT_ONCE for kind, count in over.items() if count > LINES_AT_ONCE}

    def reset(self) -> None:
        """Forget all lines."""
        with self._lock:
            self._counts.clear()


line_limit: Final = LineLimit()


def _prepare(record: logging.LogRecord) -> bool:
    """Make a record fit to be logged; False if it is not to be."""
    for left_out, count in line_limit.end_periods().items():
        logging.getLogger("pagewire.server").warning("%d more lines were not logged: %s", count, left_out)
    if isinstance(record.args, Mapping):
        record.args = {name: _shown(value) for name, value in record.args.items()}
    elif record.args:
        record.args = tuple(map(_shown, record.args))
    kind: object = getattr(record, "kind", None)
    return kind is None or line_limit.accepts(str(kind))


def _prepare_library(record: logging.LogRecord) -> bool:
    # Below INFO the library logs whole frames, and with them the clients' secrets (SEC-2).
    if record.levelno < logging.INFO:
        return False
    # Of whatever level: at INFO it says of each connection that it is closed.
    record.kind = f"{record.name}: {record.msg}"
    if record.exc_info:
        # Its errors quote what a client has sent.
        record.exc_text = escape_lines(logging.Formatter().formatException(record.exc_info))
    return _prepare(record)


def _shown(argument: object) -> object:
    match argument:
        case Stack():
            return indented(argument)
        case str():
            return one_line(argument)
        case CommandError():
            return str(argument)  # which is cut and escaped
        case BaseException() | os.PathLike():
            return one_line(str(argument))
        case _:
            return argument


for _name in _LOGGERS:
    logging.getLogger(_name).addFilter(_prepare)
library_logger.addFilter(_prepare_library)


# -- sessions and formats ---------------------------------------------------------------------------


class SessionLog(logging.LoggerAdapter[logging.Logger]):
    """A logger for what concerns one session: its id is the record's attribute `session`, and begins the message."""

    def __init__(self, logger: logging.Logger, session_id: str) -> None:
        super().__init__(logger, {"session": session_id})
        self.session_id = session_id

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:  # noqa: ANN401 - as the library has it
        """Add the id."""
        kwargs["extra"] = {**(kwargs.get("extra") or {}), "session": self.session_id}
        return f"session {self.session_id}: {msg}", kwargs


class TextFormatter(logging.Formatter):
    """Time, level, logger and message; further lines are indented, so that no client's text looks like a record.

    Control characters are escaped, those in an exception of the program too.
    """

    def __init__(self) -> None:
        super().__init__(_TEXT)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's lines."""
        return escape_lines("\n  ".join(super().format(record).splitlines()))


class JsonFormatter(logging.Formatter):
    """One object on one line: `time` (ISO 8601, UTC), `level`, `logger`, `message`; `session`, `exception`, `stack`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        session: object = getattr(record, "session", None)
        if session is not None:
            fields["session"] = str(session)
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            fields["stack"] = self.formatStack(record.stack_info)
        return json.dumps(fields)


def configure_logs(log_format: LogFormat = "text", *, level: int = logging.INFO) -> None:
    """Have everything that is logged from `level` on written to the error output, in `log_format`.

    Nothing is changed where the root logger has a handler already: give that one a formatter of this module.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler])
    # At INFO the library says of each connection that it was opened, without saying whose.
    library_logger.setLevel(logging.WARNING)
