"""A client of the tests: it sends what it is told, word for word, and shows what comes; it uses none of our code."""

from __future__ import annotations

import itertools
import json
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from live_server import PATIENCE
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

Message = dict[str, Any]
SUBPROTOCOL = "pagewire.v1"

_attempts = itertools.count(1)
"""Of all clients together: each hello has a greater one than those before (HELLO-19)."""


def make_hello(**changes: Any) -> Message:
    """Return a good hello for the app `index`, later than all before, with some params changed; None removes one."""
    params: dict[str, Any] = {
        "versions": ["1.0"],
        "client": {"name": "scripted", "version": "1"},
        "instance": secrets.token_urlsafe(16),
        "attempt": next(_attempts),
        "app": "index",
        "capabilities": {},
        "page": {},
        "limits": {"max_message_bytes": 4194304},
    }
    params |= changes
    return {"type": "hello", "params": {name: value for name, value in params.items() if value is not None}}


class ScriptedClient:
    """One connection. `receive` skips the server's pings, acks and notices unless it is asked for them."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.seq = 0
        """Of the last session message sent."""
        self.last_seq = 0
        """Of the last session message received."""
        self.hello: Message = {}
        self.welcome: Message = {}

    def say_hello(self, **changes: Any) -> Message:
        """Send a hello and return the welcome's params."""
        self.hello = make_hello(**changes)
        self.send(self.hello)
        self.welcome = self.receive("welcome")["params"]
        return self.welcome

    def send(self, message: Message) -> None:
        """Send a message as it is."""
        self.connection.send(json.dumps(message))

    def send_session(self, type_: str, params: Message, id_: int | None = None) -> None:
        """Send a session message with the next `seq`."""
        self.seq += 1
        self.send({"type": type_, "seq": self.seq, **({} if id_ is None else {"id": id_}), "params": params})

    def result(self, command: Message, **params: Any) -> None:
        """Answer a command."""
        self.send_session("result", params, command["id"])

    def error(self, command: Message, code: str, message: str = "it failed", **params: Any) -> None:
        """Answer a command by an error."""
        self.send_session("error", {"code": code, "message": message, **params}, command["id"])

    def emit(self, name: str, data: Any = None) -> None:
        """Send an event."""
        self.send_session("event", {"name": name, "data": data})

    def ack(self) -> None:
        """Acknowledge all that was received."""
        self.send({"type": "ack", "params": {"seq": self.last_seq}})

    def receive(self, type_: str | None = None) -> Message:
        """Return the next message that is none of those; it must be of `type_`, if that is given."""
        while True:
            message = self.receive_any()
            if message["type"] == type_ or message["type"] not in {"ping", "ack", "notice"}:
                assert type_ in {None, message["type"]}, message
                return message

    def receive_any(self) -> Message:
        """Return the next message, whatever it is."""
        text = self.connection.recv(PATIENCE)
        assert isinstance(text, str)
        message: Message = json.loads(text)
        self.last_seq = message.get("seq", self.last_seq)
        return message

    def receive_bye(self) -> tuple[str, int]:
        """Return the code of the bye that must come now, and the code that the connection is then closed with."""
        bye = self.receive("bye")["params"]
        return bye["code"], self.close_code()

    def close_code(self) -> int:
        """Wait for the close; return its code."""
        with suppress(ConnectionClosed):
            while True:
                self.connection.recv(PATIENCE)
        received = self.connection.protocol.close_rcvd
        assert received is not None, "the connection broke"
        return received.code

    def break_connection(self) -> None:
        """Cut the TCP connection, without a word."""
        self.connection.socket.shutdown(socket.SHUT_RDWR)
        self.connection.close()

    def leave(self) -> None:
        """Leave as a page does."""
        self.send({"type": "bye", "params": {"code": "client_left", "message": "", "retry": "never"}})
        self.connection.close()


@contextmanager
def scripted_client(
    url: str, subprotocols: tuple[str, ...] = (SUBPROTOCOL,), **options: Any
) -> Iterator[ScriptedClient]:
    """Connect; the connection ends with the block."""
    offered = [Subprotocol(name) for name in subprotocols] or None
    with connect(url, subprotocols=offered, compression=None, close_timeout=1, max_size=None, **options) as connection:
        yield ScriptedClient(connection)


@contextmanager
def page_client(port: int, host: str, *, origin: str | None = None) -> Iterator[ScriptedClient]:
    """Connect as a page of `host` does where that name resolves to this machine; the page's own origin by default."""
    url = f"ws://{host}:{port}/ws?key=test"
    with (
        socket.create_connection(("127.0.0.1", port)) as end,
        scripted_client(url, origin=origin or f"http://{host}:{port}", sock=end) as client,
    ):
        yield client


Connect = Callable[..., ScriptedClient]
"""Connects one more client, whose connection ends with the test."""
