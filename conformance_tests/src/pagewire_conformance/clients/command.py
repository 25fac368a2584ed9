"""Runs the client as a process, a new one for each case, and ends it with its children."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pagewire_conformance.clients.launcher import driver_by_messages
from pagewire_conformance.peer.client_under_test import ClientDriver
from pagewire_conformance.verdicts import ClientFailure
from pagewire_conformance.wire.listener import Listener

Message = dict[str, Any]

_GRACE: Final = 2.0
"""Seconds that a process has to end after SIGTERM."""
_LONGEST_OUTPUT: Final = 20_000


def split_command(command: str) -> list[str]:
    """Return the words of a command; ValueError says why it cannot be run."""
    words = shlex.split(command)
    if not words:
        raise ValueError("--command is empty")
    if not any("{url}" in word for word in words):
        raise ValueError("--command has no {url}, where the URL to connect to is put in")
    if shutil.which(words[0]) is None:
        raise ValueError(f"--command: there is no program {words[0]!r}")
    return words


class CommandLauncher:
    """`{url}` in the command is the URL to connect to, `{downloads}` a new folder for the files of one case."""

    def __init__(self, command: str, downloads: str | None) -> None:
        self._words = split_command(command)
        self._downloads = Path(downloads) if downloads is not None else None
        self._folder = Path(tempfile.mkdtemp(prefix="pagewire-conformance-"))
        self._processes: list[_Process] = []
        """All that may still run."""

    def listener(self) -> Listener:
        """See Launcher."""
        return Listener()

    def start(self, listener: Listener, *, full_browser: bool = False) -> _Process:
        """See Launcher."""
        del full_browser  # this is none
        self._reap()
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        downloads = folder / "downloads"
        names_folder = any("{downloads}" in word for word in self._words)
        words = [
            word.replace("{url}", f"{listener.url}").replace("{downloads}", str(downloads)) for word in self._words
        ]
        process = _Process(words, folder, downloads if names_folder else self._downloads)
        self._processes.append(process)
        process.start()
        return process

    def close(self) -> None:
        """See Launcher."""
        for process in self._processes:
            process.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def abandon(self) -> None:
        """See Launcher."""
        self.close()

    def _reap(self) -> None:
        for process in [each for each in self._processes if each.is_over]:
            process.kill()
            self._processes.remove(process)


class _Process:
    def __init__(self, words: list[str], folder: Path, downloads: Path | None) -> None:
        self._words = words
        self._output = folder / "output"
        self._downloads = downloads
        self._process: subprocess.Popen[bytes] | None = None
        self._told_at: float | None = None

    def start(self) -> None:
        with self._output.open("wb") as output:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - the user's own command
                    self._words,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise ClientFailure(f"the client could not be started: {error}") from None

    def driver(self, ask: Callable[[Message], Message], hello: Message) -> ClientDriver:
        return driver_by_messages(ask, hello, self._downloads)

    def describe(self) -> str:
        code = None if self._process is None else self._process.poll()
        output = self.output().strip()[-500:]
        state = "The client's process runs." if code is None else f"The client's process has exited with {code}."
        return f"{state} It wrote: {output}" if output else state

    def output(self) -> str:
        with contextlib.suppress(OSError):
            return self._output.read_bytes()[-_LONGEST_OUTPUT:].decode(errors="replace")
        return ""

    def stop(self) -> None:
        """Ask the process to end; the launcher sees to it that it does, while the next case runs."""
        self._signal(signal.SIGTERM)
        self._told_at = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether it was told to end, and has ended or had its time."""
        if self._process is None:
            return True
        if self._told_at is None:
            return False
        return self._process.poll() is not None or time.monotonic() > self._told_at + _GRACE

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)
