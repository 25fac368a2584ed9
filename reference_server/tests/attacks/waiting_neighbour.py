"""A session that goes on beside an attack, in a process of its own: `waiting_neighbour.py PORT`.

It answers each `eval_js` of its app, and counts how long the next one takes to come. For each line that it reads it
prints how long it has waited since the last one, as JSON: `longest` and `p99` in milliseconds, and `trips`.
"""

from __future__ import annotations

import json
import select
import sys
import time
from typing import Final

from raw_client import RawClient

PERIOD: Final = 0.002
"""Seconds between two round trips."""

ACK_EVERY: Final = 32


def main() -> None:
    """Trade messages until the input ends."""
    with RawClient(int(sys.argv[1]), source="127.254.0.1") as client:
        client.open_session("ask")
        command = client.receive()
        waits: list[float] = []
        while True:
            is_asked = bool(select.select([sys.stdin], [], [], PERIOD)[0])
            if is_asked and not sys.stdin.readline():
                return
            began = time.perf_counter()
            client.send_session("result", '{"value":1}', command["id"])
            if command["seq"] % ACK_EVERY == 0:
                client.send(f'{{"type":"ack","params":{{"seq":{command["seq"]}}}}}')
            command = client.receive()
            if not command:
                return
            waits.append(time.perf_counter() - began)
            if is_asked:
                print(json.dumps(summary(waits)), flush=True)  # noqa: T201 - it is how it reports
                waits.clear()


def summary(waits: list[float]) -> dict[str, float]:
    """Return the figures of some waits; a long one counts as all those that would have begun meanwhile."""
    expected = sorted(wait - passed * PERIOD for wait in waits for passed in range(1 + int(wait / PERIOD)))
    p99 = expected[len(expected) * 99 // 100]
    return {"longest": expected[-1] * 1000, "p99": p99 * 1000, "trips": len(waits)}


if __name__ == "__main__":
    main()
