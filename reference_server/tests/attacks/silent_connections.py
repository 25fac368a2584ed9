"""One address opens connections and says nothing, or not all that it began; each must cost little, and end."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

from attack import Attack, main
from raw_client import RawClient, count_open, frame, hello
from victim import Arena, make_certificate

PER_ADDRESS = 50
"""The default of `max_waiting_connections_per_address`."""

MOST = PER_ADDRESS + 10


def _nothing(_: RawClient) -> None:
    pass


def _half_a_head(client: RawClient) -> None:
    client.socket.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")


def _half_a_body(client: RawClient) -> None:
    client.request("/", "POST", Content_Length="1000000000")


def _end_of_sending(client: RawClient) -> None:
    client.request("/")
    client.socket.shutdown(1)


def _upgrade_only(client: RawClient) -> None:
    client.upgrade()


def _half_a_hello(client: RawClient) -> None:
    client.upgrade()
    client.socket.sendall(frame(hello().encode())[:-10])


BEGINNINGS: dict[str, Callable[[RawClient], None]] = {
    "nothing": _nothing,
    "half a head": _half_a_head,
    "half a body": _half_a_body,
    "a request, then the end": _end_of_sending,
    "an upgrade without a hello": _upgrade_only,
    "half a hello": _half_a_hello,
}


def descriptors(count: int, begin: Callable[[RawClient], None], arena: Arena, *, tls: bool = False) -> float:
    """Return how many descriptors the server holds for `count` such connections of one address.

    It has some seconds to say bye to those that it lets go, which do not answer.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        settings: dict[str, Any] = {"certificate": make_certificate(Path(folder))} if tls else {}
        victim = stack.enter_context(arena.victim(hello_timeout=60, **settings))
        for _ in range(count):
            client = stack.enter_context(victim.client())
            with suppress(OSError):
                begin(client)
        with victim.client(source="127.255.0.1", tls=tls) as other:
            other.get("/health")
        victim.watch(10, lambda: victim.new_descriptors <= MOST)
        return victim.new_descriptors


def left_open(begin: Callable[[RawClient], None], arena: Arena) -> float:
    """Return how many of 20 such connections are open 12 seconds later, where `hello_timeout` is one second."""
    with arena.victim(hello_timeout=1) as victim, ExitStack() as stack:
        clients = [stack.enter_context(victim.client()) for _ in range(20)]
        for client in clients:
            begin(client)
        return count_open(clients, patience=12)


def dribble(arena: Arena) -> float:
    """Return the same of connections that send one more byte of a head each half second."""
    with arena.victim(hello_timeout=1) as victim, ExitStack() as stack:
        clients = [stack.enter_context(victim.client()) for _ in range(20)]
        for client in clients:
            _half_a_head(client)
        for _ in range(24):
            if not count_open(clients, patience=0.5):
                return 0
            for client in clients:
                with suppress(OSError):
                    client.socket.sendall(b"x")
        return count_open(clients, patience=0.5)


ATTACKS = (
    *(
        Attack(f"300 connections: {name}", "descriptors", MOST, partial(descriptors, 300, begin))
        for name, begin in BEGINNINGS.items()
    ),
    Attack("300 silent connections to a TLS port", "descriptors", MOST, partial(descriptors, 300, _nothing, tls=True)),
    Attack(
        "3,000 silent connections to a TLS port",
        "descriptors",
        MOST,
        partial(descriptors, 3000, _nothing, tls=True),
        is_cheap=False,
    ),
    *(Attack(f"deadline of {name}", "left open", 0, partial(left_open, begin)) for name, begin in BEGINNINGS.items()),
    Attack("deadline of a head that comes byte by byte", "left open", 0, dribble),
)

if __name__ == "__main__":
    main(*ATTACKS)
