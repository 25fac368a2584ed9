"""Where a recorded conversation is played: a server on a clock that the script moves, and clients that see frames.

Only public things are used, so that a recording outlives any change of the server's inside. The server's event loop
has a clock of its own that stands still until `Stage.advance`: pings, acks by timer and deadlines come where the script
says, however busy the machine is.
"""

from __future__ import annotations

import asyncio
import queue
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from golden_client import PATIENCE, GoldenClient
from golden_record import Record

from pagewire_server import Options, Server, create_server

Value = TypeVar("Value")
App = Callable[[], object]

_TURNS: Final = 100
"""Of the loop, after which what is to happen without new input has happened."""


class _ClockedLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock is moved by hand."""

    now = 1000.0

    def time(self) -> float:
        return self.now


class Stage:
    """Runs one server and its clients, and records what they write."""

    def __init__(self, record: Record, folder: Path) -> None:
        self.record = record
        self.folder = folder
        """An empty folder."""
        self.server: Server | None = None
        self._clients: list[GoldenClient] = []
        self._instances = 0
        self._loop = _ClockedLoop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="golden-server", daemon=True)
        self._told: queue.SimpleQueue[object] = queue.SimpleQueue()

    # -- the program -------------------------------------------------------------------------

    def serve(self, apps: App | Mapping[str, App], **options: Any) -> Server:
        """Run the server."""
        self._thread.start()
        self.server = create_server(apps, port=0, options=Options(**options))
        self.run(self.server.start())
        return self.server

    def tell(self, value: object) -> None:
        """Tell the script what an app has seen; on any thread."""
        self._told.put(value)

    def told(self) -> object:
        """Wait for what an app tells next, and record it."""
        value = self._told.get(timeout=PATIENCE)
        self.record.add(app=repr(value))
        return value

    def attempt(self, call: Callable[[], object]) -> None:
        """Tell the script what a call returns, or raises."""
        try:
            value = call()
        except Exception as error:  # noqa: BLE001 - whatever it is, is recorded
            self.tell(error)
        else:
            self.tell(value)

    # -- the server's clock --------------------------------------------------------------------

    def run(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        """Run a coroutine on the server's loop and return its value."""
        return self.begin(coroutine).result(PATIENCE)

    def begin(self, coroutine: Coroutine[Any, Any, Value]) -> Future[Value]:
        """Run a coroutine on the server's loop beside the script."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def settle(self) -> None:
        """Let the server do what it has to do with what was sent to it."""

        async def wait() -> None:
            while any(client.has_unsent for client in self._clients):  # noqa: ASYNC110 - the kernel has no event for it
                await asyncio.sleep(0)
            for _ in range(_TURNS):
                await asyncio.sleep(0)

        self.run(wait())

    def advance(self, seconds: float) -> None:
        """Move the server's clock, once it has nothing more to do at this time."""
        self.settle()
        self.record.add(clock=seconds)

        async def move() -> None:
            self._loop.now += seconds

        self.run(move())
        self.settle()

    # -- clients -------------------------------------------------------------------------------

    def connect(self, *, hello: bool = True, **settings: Any) -> GoldenClient:
        """Connect one more client, with an instance of its own; it says hello unless `hello=False`."""
        self._instances += 1
        return self._connect(f"golden-instance-{self._instances:04}", 0, hello=hello, **settings)

    def reconnect(self, older: GoldenClient, *, hello: bool = True, **changes: Any) -> GoldenClient:
        """Connect the same instance again; its hello resumes where it was, unless `changes` say otherwise."""
        client = self._connect(older.instance, older.attempt, hello=False)
        client.last_seq, client.seq = older.last_seq, older.seq
        if hello:
            resume = {"last_seq": older.last_seq, "streams": []}
            client.say_hello(**({"capabilities": older.capabilities, "resume": resume} | changes))
        return client

    def _connect(self, instance: str, attempt: int, *, hello: bool, **settings: Any) -> GoldenClient:
        assert self.server
        names = {name: settings.pop(name) for name in ("subprotocols", "origin", "path", "headers") if name in settings}
        client = GoldenClient(self.record, len(self._clients) + 1, self.server.port, instance, attempt, **names)
        self._clients.append(client)
        if hello:
            client.say_hello(**settings)
        return client

    def get(self, path: str, **headers: str) -> None:
        """Make a plain GET and record the whole response but its date."""
        assert self.server
        fields = {"Host": "golden", "Connection": "close", **headers}
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        self.record.add(get=path, headers=headers)
        with socket.create_connection(("127.0.0.1", self.server.port), PATIENCE) as connection:
            connection.sendall("\r\n".join(lines).encode())
            response = b""
            while piece := connection.recv(65536):
                response += piece
        head, _, body = response.partition(b"\r\n\r\n")
        status, *received = head.decode().split("\r\n")
        received = [field for field in received if not field.lower().startswith("date:")]
        self.record.add(status=status, headers=received, body=body.decode())

    # -- the end -------------------------------------------------------------------------------

    def leave_all(self) -> None:
        """Have every client leave that is still connected; whatever it had not read is recorded."""
        for client in self._clients:
            client.leave()

    def stop(self) -> None:
        """Close everything."""
        for client in self._clients:
            client.drop()
        if self.server:
            self.run(self.server.close())
            self.run(self._loop.shutdown_default_executor())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE)
        self._loop.close()


Script = Callable[[Stage], None]
CONVERSATIONS: Final[dict[str, Script]] = {}
"""All scripts, by the name of their recording."""


def conversation(room: str) -> Callable[[Script], Script]:
    """Make a function the script of a conversation, recorded in the folder `room`."""

    def register(script: Script) -> Script:
        CONVERSATIONS[f"{room}/{script.__name__}"] = script
        return script

    return register


def play(script: Script, folder: Path) -> list[str]:
    """Play a conversation and return its record."""
    record = Record()
    with _stage(record, folder) as stage:
        script(stage)
        stage.leave_all()
    return record.lines


@contextmanager
def _stage(record: Record, folder: Path) -> Iterator[Stage]:
    stage = Stage(record, folder)
    try:
        yield stage
    finally:
        stage.stop()
