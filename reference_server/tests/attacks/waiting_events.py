"""A session sends large events to a handler that waits for an `eval_js` which is never answered.

The server used to count the calls that wait, and not their bytes; then their bytes, and not their values.
"""

from __future__ import annotations

import json

from attack import Attack, main
from raw_client import frame, send_while_accepted
from victim import Arena

EVENT_BYTES = 4_000_000


def attack(arena: Arena) -> float:
    """Return the growth after as many events as the server accepts, up to 200 MB."""
    with arena.victim(max_messages_per_second=None) as victim, victim.client() as client:
        client.open_session("busy")
        events = b""
        for seq in range(1, 51):
            params = {"name": "event", "data": "x" * EVENT_BYTES}
            events += frame(json.dumps({"type": "event", "seq": seq, "params": params}).encode())
        send_while_accepted([client], events, len(events))
        victim.answers()
        return victim.growth


def values(arena: Arena) -> float:
    """Return the growth after as many events of 50,000 values as the server accepts, up to 200."""
    with arena.victim(max_messages_per_second=None) as victim, victim.client() as client:
        client.open_session("busy")
        data: list[dict[str, dict[str, int]]] = [{f"{number:x}": {}} for number in range(24_990)]
        events = b""
        for seq in range(1, 201):
            params = {"name": "event", "data": data}
            events += frame(json.dumps({"type": "event", "seq": seq, "params": params}).encode())
        send_while_accepted([client], events, len(events))
        victim.answers()
        return victim.growth


ATTACKS = (
    Attack("events of 4 MB whose handler waits for a reply", "MiB", 64, attack),
    Attack("events of 50,000 values whose handler waits for a reply", "MiB", 80, values),
)

if __name__ == "__main__":
    main(*ATTACKS)
