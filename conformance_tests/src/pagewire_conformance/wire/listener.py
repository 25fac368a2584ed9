"""The port to which a client under test connects, and all that arrives there, in one line."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable

from pagewire_conformance.interruption import Interrupted
from pagewire_conformance.wire.arrivals import Arrival
from pagewire_conformance.wire.connection import Behavior, Connection

PATH = "/pagewire"
"""The path of the WebSocket. No implementation has it by accident: a client has to use the URL that it is given."""


class Listener:
    """Accepts connections and queues what arrives on them. `close` must be called."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._socket = socket.create_server((host, port), backlog=64)
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self._arrivals: deque[Arrival] = deque()
        self._changed = threading.Condition()
        self._connections: list[Connection] = []
        self._dismissed = 0
        """How many connections were dismissed: what still comes on them is nobody's business."""
        self._refusing = False
        self.refused = 0
        """How many attempts were refused."""
        self.behavior = Behavior()
        """Of the connections that will be made."""
        self._is_open = False
        self._is_interrupted = False

    def open(self) -> None:
        """Begin to accept connections. Clients that have come before wait at the door."""
        if not self._is_open:
            self._is_open = True
            threading.Thread(target=self._accept, name="listener", daemon=True).start()

    @property
    def url(self) -> str:
        """The URL that the client is given."""
        host = "127.0.0.1" if self.host in {"", "0.0.0.0"} else self.host  # noqa: S104 - a comparison
        return f"ws://{host}:{self.port}{PATH}"

    def connection(self, number: int) -> Connection:
        """Return the connection of that number."""
        return self._connections[number - 1]

    def refuse(self, *, refusing: bool) -> None:
        """Close every connection at once that is made while `refusing`: to the client, attempts that fail."""
        with self._changed:
            self._refusing = refusing

    def take(self, deadline: float, wanted: Callable[[Arrival], bool] = lambda _: True) -> Arrival | None:
        """Wait for the first arrival that is `wanted`, and take it out of the line; None if none comes in time."""
        with self._changed:
            while True:
                self._check_interrupt()
                for arrival in self._arrivals:
                    if wanted(arrival):
                        self._arrivals.remove(arrival)
                        return arrival
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)

    def wait_for_refusal(self, count: int, deadline: float) -> float | None:
        """Wait until `count` attempts in all were refused; return the time, or None if that takes too long."""
        with self._changed:
            while self.refused < count:
                self._check_interrupt()
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)
            return time.monotonic()

    def interrupt(self) -> None:
        """Let whoever waits here, now or later, raise Interrupted; writing ends as well. From any thread."""
        with self._changed:
            self._is_interrupted = True
            self._changed.notify_all()
            connections = list(self._connections)
        for connection in connections:
            connection.cut()

    def put_back(self, arrivals: list[Arrival]) -> None:
        """Put arrivals that were taken back to the front of the line."""
        with self._changed:
            self._arrivals.extendleft(reversed(arrivals))
            self._changed.notify_all()

    def dismiss(self, farewell: bytes, code: int) -> None:
        """End what is left of all connections, with a last message, and forget what came on them."""
        self.behavior = Behavior()
        self.refuse(refusing=False)
        with self._changed:
            connections = self._connections[self._dismissed :]
            self._dismissed = len(self._connections)
            self._arrivals.clear()
        for connection in connections:
            connection.send_text(farewell)
            connection.send_close(code)

    def close(self) -> None:
        """Stop listening, and cut all connections."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in self._connections:
            connection.cut()

    def _check_interrupt(self) -> None:
        if self._is_interrupted:
            raise Interrupted

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._welcome(sock)

    def _welcome(self, sock: socket.socket) -> None:
        with self._changed:
            if self._refusing:
                sock.close()
                self.refused += 1
                self._changed.notify_all()
                return
            connection = Connection(sock, len(self._connections) + 1, self.behavior, self._report)
            self._connections.append(connection)
        connection.start()

    def _report(self, connection: Connection, arrival: Arrival) -> None:
        with self._changed:
            if connection.number > self._dismissed:
                self._arrivals.append(arrival)
                self._changed.notify_all()
