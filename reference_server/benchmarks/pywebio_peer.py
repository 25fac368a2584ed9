"""PyWebIO's download, measured beside ours: this file is also the server, in an interpreter that has PyWebIO."""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

from wire_client import CountingSocket

_STOP_SECONDS: Final = 5
_FIRST_BYTES: Final = 65536
"""More than what it says before the download."""


class PeerDownload(NamedTuple):
    """What one download of PyWebIO costs."""

    rate: float
    """MB/s, from the first of its bytes to the last; how long it took to encode them is not counted."""
    overhead: float
    """Bytes on the wire to bytes of content."""
    growth: int
    """Of the server's resident set at its peak, in bytes."""


def measure_pywebio(python: str, size: int) -> PeerDownload:
    """Receive one download of `size` bytes from PyWebIO, run by the interpreter `python`."""
    arguments = [python, __file__, str(size)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - it was asked for
        try:
            port = int(server.stdout.readline()) if server.stdout else 0
            return _receive(port, server.pid, size)
        finally:
            server.kill()


def _receive(port: int, pid: int, size: int) -> PeerDownload:
    deadline = time.monotonic() + _STOP_SECONDS
    while not (socket := _connect(port)):
        if time.monotonic() > deadline:
            raise TimeoutError("PyWebIO does not listen")
        time.sleep(0.05)
    before = _memory(pid, "VmRSS")
    while socket.received < _FIRST_BYTES:
        socket.receive()
    started = time.perf_counter()
    while not any(frame.length > size for frame in socket.receive()):
        pass
    seconds = time.perf_counter() - started
    return PeerDownload(size / seconds / 1e6, (socket.received + socket.sent) / size, _memory(pid, "VmHWM") - before)


def _connect(port: int) -> CountingSocket | None:
    try:
        return CountingSocket(port, "/?app=index&session=NEW")
    except ConnectionRefusedError:
        return None


def _memory(pid: int, field: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith(field + ":")).split()[1]) * 1024


def _serve(size: int) -> None:
    # Only the interpreter that is named has it.
    pywebio = importlib.import_module("pywebio")
    sockets = importlib.import_module("tornado.netutil").bind_sockets(0, "127.0.0.1")
    port = sockets[0].getsockname()[1]
    sockets[0].close()
    content = bytes(range(256)) * (size // 256)

    async def index() -> None:
        # So that the memory is looked at before.
        await importlib.import_module("asyncio").sleep(0.5)
        pywebio.session.download("content.bin", content)
        await pywebio.session.hold()

    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    pywebio.start_server(index, port=port, host="127.0.0.1", websocket_max_message_size="1GB")


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
