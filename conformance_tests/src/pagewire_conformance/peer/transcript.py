"""What went over the wire in one case, as the report shows it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

Direction = Literal["client", "suite", "note"]

_LONGEST: Final = 4000
_SECRET_STAYS: Final = 6


@dataclass(frozen=True)
class Entry:
    """One line of a transcript."""

    at_ms: float
    """Since the case began."""
    connection: int
    direction: Direction
    """Who sent it; `note` where the suite did something that is no frame."""
    text: str
    """A text frame as it stands, or what there is to say of anything else; shortened."""
    size: int
    """Of the frame, in bytes; 0 of what is no frame."""


class Transcript:
    """Collects entries. Instances, which are secrets, are shortened in it (SEC-2)."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._secrets: set[str] = set()
        self.entries: list[Entry] = []

    def hide(self, secret: str) -> None:
        """Show no more than the beginning of `secret`, here and from now on."""
        self._secrets.add(secret)

    def add(
        self, direction: Direction, connection: int, data: bytes | str, size: int = 0, at: float | None = None
    ) -> None:
        """Add an entry; `at` is its time by `time.monotonic`, now if not given."""
        text = data.decode(errors="replace") if isinstance(data, bytes) else data
        if len(text) > _LONGEST:
            text = f"{text[:_LONGEST]}… ({len(text) - _LONGEST} characters more)"
        for secret in self._secrets:
            text = text.replace(secret, f"{secret[:_SECRET_STAYS]}…")
        moment = ((time.monotonic() if at is None else at) - self._begin) * 1000
        self.entries.append(Entry(round(moment, 1), connection, direction, text, size))

    def as_json(self) -> list[dict[str, Any]]:
        """Return the entries as the report has them."""
        return [asdict(entry) for entry in self.entries]
