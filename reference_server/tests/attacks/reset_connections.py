"""Sessions come one after the other; each sends 4 MB that are no message, and resets its connection.

The server used to keep the last message of each connection until garbage was collected, which took hundreds of them.
"""

from __future__ import annotations

import socket
import struct

from attack import Attack, main
from raw_client import RawClient, frame
from victim import Arena

CLIENTS = 60
MESSAGE_BYTES = 4_000_000


def attack(arena: Arena) -> float:
    """Return the growth."""
    with arena.victim(max_messages_per_second=None) as victim:
        for _ in range(CLIENTS):
            with victim.client() as client:
                client.open_session()
                client.socket.sendall(frame(b"x" * MESSAGE_BYTES))
                client.receive()
                _reset(client)
        victim.answers()
        return victim.growth


def _reset(client: RawClient) -> None:
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


ATTACKS = (Attack("4 MB from each of 60 that go", "MiB", 64, attack),)

if __name__ == "__main__":
    main(*ATTACKS)
