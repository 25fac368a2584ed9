"""The command `pagewire-server` as a process beside a test: it can be killed, as only a process can."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def server_process(folder: Path, *arguments: str, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run the command in `folder`, by default on a port that it finds; gives the process and the port."""
    command = [sys.executable, "-m", "pagewire_server", *arguments, "--port", str(port)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            line = process.stdout.readline()
            assert line.startswith("Pagewire is at http://127.0.0.1:"), line
            yield process, int(line.split(":")[2].split("/")[0])
        finally:
            process.kill()
