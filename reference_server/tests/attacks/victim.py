"""A server to be attacked, in a process of its own, and what an attack takes from it. Linux only, by its /proc."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from raw_client import RawClient

MIB: Final = 1 << 20
MEMORY_ENOUGH: Final = 1536 * MIB
"""Growth at which an attack has shown what it can do, and stops."""

_PROGRAM: Final = Path(__file__).with_name("victim_server.py")


class Victim:
    """A running server."""

    def __init__(self, process: subprocess.Popen[str], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self._log = log
        self._proc = Path(f"/proc/{process.pid}")
        self._first_memory = self.memory
        self._first_descriptors = self.descriptors
        self._first_threads = self.threads

    def client(self, **settings: Any) -> RawClient:
        """Connect to it."""
        return RawClient(self.port, **settings)

    @property
    def memory(self) -> int:
        """Bytes that are resident."""
        for line in (self._proc / "status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    @property
    def growth(self) -> float:
        """MiB by which its memory has grown since it began."""
        return max(0.0, (self.memory - self._first_memory) / MIB)

    @property
    def has_grown_enough(self) -> bool:
        """Whether there is nothing more to show."""
        return self.memory - self._first_memory > MEMORY_ENOUGH

    @property
    def descriptors(self) -> int:
        """How many it holds."""
        return len(list((self._proc / "fd").iterdir()))

    @property
    def new_descriptors(self) -> int:
        """How many more than when it began."""
        return self.descriptors - self._first_descriptors

    @property
    def threads(self) -> int:
        """How many it has."""
        return len(list((self._proc / "task").iterdir()))

    @property
    def new_threads(self) -> int:
        """How many more than when it began."""
        return self.threads - self._first_threads

    @property
    def log_bytes(self) -> int:
        """How much it has logged."""
        return self._log.stat().st_size

    def log(self) -> bytes:
        """Return what it has logged."""
        return self._log.read_bytes()

    def watch(self, seconds: float, is_over: Callable[[], bool] = lambda: False) -> float:
        """Return the greatest growth within `seconds`; it ends early if `is_over`, or there is nothing more to show."""
        end = time.monotonic() + seconds
        most = self.growth
        while time.monotonic() < end and not (self.has_grown_enough or is_over()):
            time.sleep(0.05)
            most = max(most, self.growth)
        return most

    def answers(self) -> None:
        """Return once the server has answered a request, and so has seen all that was sent before."""
        with self.client(source="127.255.0.1") as client:
            client.get("/health")

    def interrupt(self) -> None:
        """Send SIGINT."""
        self.process.send_signal(signal.SIGINT)

    def is_alive_after(self, seconds: float) -> bool:
        """Return whether the process is still there after `seconds`."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False


class Arena:
    """Starts victims of one interpreter, and stops them when an attack is over."""

    def __init__(self, python: str = sys.executable, processors: frozenset[int] = frozenset()) -> None:
        self._python = python
        self._processors = processors
        """Those that victims run on; empty for all."""

    @contextmanager
    def victim(
        self,
        *,
        descriptors: int = 4096,
        log_level: str = "INFO",
        certificate: Path | None = None,
        **options: Any,
    ) -> Iterator[Victim]:
        """Run a server with some `Options` until the block ends."""
        settings = {"descriptors": descriptors, "log_level": log_level, "options": options}
        if certificate:
            settings["tls"] = str(certificate)
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder, "log")
            with log.open("wb") as errors:
                command = [self._python, "-P", str(_PROGRAM), json.dumps(settings)]
                with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
                    if self._processors:
                        os.sched_setaffinity(process.pid, self._processors)
                    try:
                        yield Victim(process, _read_port(process, log), log)
                    finally:
                        process.kill()


def _read_port(process: subprocess.Popen[str], log: Path) -> int:
    assert process.stdout
    for line in process.stdout:
        if line.startswith("port "):
            return int(line.split()[1])
    raise RuntimeError(f"the victim did not start: {log.read_text()}")


def make_certificate(folder: Path) -> Path:
    """Make a certificate and its key, in one file, with the openssl command."""
    path = folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"]
    command += ["-nodes", "-subj", "/CN=localhost", "-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    subprocess.run(command, check=True, capture_output=True)
    with path.open("ab") as file:
        file.write(path.with_suffix(".crt").read_bytes())
    return path
