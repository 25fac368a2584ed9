"""Logs: every record of a session carries its id; a line of text or of JSON for each."""

from __future__ import annotations

import json
import logging
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

LogFormat = Literal["text", "json"]
"""What a record becomes: lines for people, or one JSON object on one line."""

library_logger = logging.getLogger("pagewire.websockets")
# Below that the library logs whole frames, and with them the clients' secrets (SEC-2), whatever level a program sets.
library_logger.setLevel(logging.INFO)
library_logger.addFilter(lambda record: record.levelno >= logging.INFO)

_TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


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
    """Time, level, logger and message; further lines are indented, so that no client's text looks like a record."""

    def __init__(self) -> None:
        super().__init__(_TEXT)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's lines."""
        return "\n  ".join(super().format(record).splitlines())


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
