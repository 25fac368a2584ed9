"""What a run of the suite was asked for; workers read it from their environment."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

VARIABLE: Final = "PAGEWIRE_CONFORMANCE"
BUILTIN: Final = "builtin"


@dataclass(frozen=True)
class Options:
    """A run's options; see `pagewire-conformance --help`."""

    command: str | None = None
    page: str | None = None
    wait: bool = False
    host: str = "127.0.0.1"
    port: int = 0
    browser: str | None = None
    profiles: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    strict: bool = False
    timeout_factor: float = 1.0
    downloads: str | None = None
    known_failures: str | None = None
    repeat: int = 1
    seed: int = 0
    jitter: bool = False
    report: str = "pagewire-report"

    @property
    def mode(self) -> str:
        """How the client is run, in one line."""
        if self.command is not None:
            return f"--command {self.command!r}"
        return "--wait" if self.wait else f"--page {self.page!r}"

    @property
    def report_folder(self) -> Path:
        """Where the report is written."""
        return Path(self.report)

    def publish(self) -> None:
        """Hand these options to the processes that this one starts."""
        os.environ[VARIABLE] = json.dumps(asdict(self))

    @classmethod
    def received(cls) -> Options:
        """Return the options that this process was handed; the defaults where there are none."""
        given: dict[str, Any] = json.loads(os.environ.get(VARIABLE, "{}"))
        tuples: dict[str, Any] = {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
        return cls(**(given | tuples))
