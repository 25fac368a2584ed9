"""Sessions send all of a message but its last fragment, and answer the server's Pings for ever."""

from __future__ import annotations

from contextlib import ExitStack

from attack import Attack, main
from raw_client import TEXT, count_open, frame
from victim import Arena


def attack(arena: Arena) -> float:
    """Return how many connections still hold their message, long after the deadline (here two seconds)."""
    unfinished = frame(b'{"type":"event","params":{"data":"' + b"x" * 4_000_000, TEXT, is_final=False)
    with arena.victim(heartbeat_interval=1, heartbeat_timeout=1) as victim, ExitStack() as stack:
        clients = [stack.enter_context(victim.client()) for _ in range(10)]
        for client in clients:
            client.open_session()
            client.socket.sendall(unfinished)
        return count_open(clients, patience=12)


def dribble(arena: Arena) -> float:
    """Return the same of a session that adds an empty fragment twice a second, so that something always comes."""
    opening = frame(b"x" * 8192, TEXT, is_final=False)
    with arena.victim(heartbeat_interval=1, heartbeat_timeout=1) as victim, victim.client() as client:
        client.open_session()
        client.socket.sendall(opening)
        for _ in range(24):
            if not count_open([client], patience=0.5):
                return 0
            try:
                client.socket.sendall(frame(b"", 0, is_final=False))
            except OSError:
                return 0
        return 1


ATTACKS = (
    Attack("unfinished messages of 4 MB", "kept", 0, attack),
    Attack("an unfinished message in empty fragments", "kept", 0, dribble),
)

if __name__ == "__main__":
    main(*ATTACKS)
