"""Clients send a long User-Agent, each another one: a third-party parser took 81 ms of the event loop for 8 KB."""

from __future__ import annotations

import itertools
import time

from attack import STRANGER, StallAttack, main
from raw_client import RawClient

LENGTH = 8000
SECONDS_BETWEEN = LENGTH / (29 * 1024)


def flood(port: int) -> None:
    """Begin sessions with such texts, at 29 KiB a second."""
    for number in itertools.count():
        text = f"Mozilla/5.0 ({number}; " + "Linux; Android 9; a/1.0 " * (LENGTH // 24)
        with RawClient(port) as client:
            client.open_session("curious", User_Agent=text[:LENGTH])
            client.leave()
        time.sleep(SECONDS_BETWEEN)


ATTACKS = (StallAttack("distinct User-Agents of 8 KB, 29 KiB/s", STRANGER, flood),)

if __name__ == "__main__":
    main(*ATTACKS)
