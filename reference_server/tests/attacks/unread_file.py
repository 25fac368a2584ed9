"""Clients ask for a file of 5 MB and do not read the response; others ask for files again and again, reading none."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from attack import Attack, main
from raw_client import new_address, send_while_accepted
from victim import MIB, Arena


def attack(arena: Arena) -> float:
    """Return the greatest growth beside 100 clients of as many addresses."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        Path(folder, "large.bin").write_bytes(bytes(5_000_000))
        victim = stack.enter_context(arena.victim(static=folder))
        for _ in range(100):
            client = stack.enter_context(victim.client(source=new_address(), receive_buffer=4096))
            client.request("/large.bin")
        return victim.watch(5)


def pipeline(arena: Arena) -> float:
    """Return the growth after 4 MiB of requests on each of ten connections, for the page's largest file."""
    with arena.victim() as victim, ExitStack() as stack:
        clients = [stack.enter_context(victim.client(source=new_address(), receive_buffer=4096)) for _ in range(10)]
        requests = f"GET /client/protocol/generated/validators.js HTTP/1.1\r\nHost: 127.0.0.1:{victim.port}\r\n\r\n"
        send_while_accepted(clients, requests.encode() * 100, 4 * MIB)
        victim.answers()
        return victim.growth


ATTACKS = (
    Attack("100 readers of a 5 MB file that do not read", "MiB", 48, attack),
    Attack("requests in a pipeline, no response read", "MiB", 48, pipeline),
)

if __name__ == "__main__":
    main(*ATTACKS)
