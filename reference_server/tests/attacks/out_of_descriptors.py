"""Many addresses open more connections than the process may have descriptors (here 256)."""

from __future__ import annotations

import time
from contextlib import ExitStack

from attack import Attack, main
from raw_client import new_address
from victim import Arena, Victim


def _crowd(victim: Victim, stack: ExitStack) -> None:
    for _ in range(330):
        stack.enter_context(victim.client(source=new_address()))


def log(arena: Arena) -> float:
    """Return how many KiB are logged within three seconds; accepting used to fail without a pause."""
    with arena.victim(descriptors=256) as victim, ExitStack() as stack:
        _crowd(victim, stack)
        time.sleep(3)
        return victim.log_bytes / 1024


def session(arena: Arena) -> float:
    """Return whether a session that was there before is lost: it asks on, and nobody new comes in its place."""
    with arena.victim(descriptors=256) as victim, ExitStack() as stack:
        client = stack.enter_context(victim.client())
        client.open_session("ask")
        _crowd(victim, stack)
        for _ in range(20):
            command = client.receive()
            if not command:
                return 1
            client.send_session("result", '{"value":1}', command["id"])
        return 0


ATTACKS = (
    Attack("330 connections to 256 descriptors: log", "KiB", 32, log),
    Attack("330 connections to 256 descriptors: a session", "lost", 0, session),
)

if __name__ == "__main__":
    main(*ATTACKS)
