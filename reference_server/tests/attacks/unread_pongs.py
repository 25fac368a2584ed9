"""Sessions send Pings without end and read nothing, so that the Pongs pile up in the server."""

from __future__ import annotations

from contextlib import ExitStack

from attack import Attack, main
from raw_client import PING, frame, send_while_accepted
from victim import MIB, Arena

PINGS = frame(b"x" * 125, PING) * 1000


def attack(arena: Arena) -> float:
    """Return the growth after 16 MiB of Pings from each of four sessions, at their own pace."""
    with arena.victim(max_messages_per_second=None) as victim, ExitStack() as stack:
        clients = [stack.enter_context(victim.client(receive_buffer=4096)) for _ in range(4)]
        for client in clients:
            client.open_session()
        send_while_accepted(clients, PINGS, 16 * MIB)
        victim.answers()
        return victim.growth


ATTACKS = (Attack("Pings whose Pongs are not read", "MiB", 16, attack),)

if __name__ == "__main__":
    main(*ATTACKS)
