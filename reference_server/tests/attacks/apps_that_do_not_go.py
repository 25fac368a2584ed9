"""Ctrl-C twice, while an app swallows its cancellation, or blocks the event loop."""

from __future__ import annotations

from functools import partial

from attack import Attack, main
from raw_client import PATIENCE
from victim import Arena


def attack(app: str, signals: int, arena: Arena) -> float:
    """Return whether the process lives ten seconds after the last of `signals` SIGINTs."""
    with arena.victim(deferred_window=1) as victim, victim.client() as client:
        client.open_session(app)
        if app == "blocking":
            client.send_session("result", '{"value":1}', client.receive()["id"])
            victim.watch(PATIENCE, lambda: b"blocking" in victim.log())
        for _ in range(signals):
            victim.interrupt()
            if not victim.is_alive_after(1):
                return 0
        return victim.is_alive_after(9)


ATTACKS = (
    Attack("SIGINT twice, an app that swallows it", "lives on", 0, partial(attack, "deaf", 2)),
    Attack("SIGINT twice, an app that blocks the loop", "lives on", 0, partial(attack, "blocking", 2)),
)

if __name__ == "__main__":
    main(*ATTACKS)
