"""Clients that accept no streams begin an endless download, and say bye at once.

The server used to join such content in memory, without looking at its size or at whether the session still lived.
"""

from __future__ import annotations

from attack import Attack, main
from victim import Arena


def attack(arena: Arena) -> float:
    """Return the greatest growth until all threads of the apps are over."""
    with arena.victim() as victim:
        for _ in range(3):
            with victim.client() as client:
                client.open_session("endless")
                client.leave()
                client.receive()
        victim.answers()
        return victim.watch(12, lambda: victim.new_threads <= 0)


ATTACKS = (Attack("endless downloads without streams, then bye", "MiB", 64, attack),)

if __name__ == "__main__":
    main(*ATTACKS)
