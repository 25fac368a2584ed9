"""The reference client in Node, as a process beside a test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from live_server import PATIENCE

PROGRAM = Path(__file__).parents[3] / "js_client" / "bin" / "pagewire-headless.mjs"


@contextmanager
def node_client(url: str, downloads: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run the client until the block ends; it leaves by itself when its session ends."""
    command = ["node", str(PROGRAM), url, "--downloads", str(downloads), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
            process.wait(PATIENCE)
        finally:
            process.terminate()
