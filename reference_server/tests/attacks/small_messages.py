"""A session sends as many small things as it can: Pings, fragments of a byte, bad acks, messages; and reads nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attack import SESSION, STRANGER, StallAttack, main
from raw_client import PING, TEXT, RawClient, frame, hello


def _messages(params: str) -> Callable[[int], bytes]:
    def make(seq: int) -> bytes:
        return frame(f'{{"type":"event","seq":{seq},"params":{params}}}'.encode())

    return make


FLOODS: dict[str, Callable[[int], bytes]] = {
    "Pings": lambda _: frame(b"", PING),
    "fragments of a byte": lambda seq: frame(b"x", TEXT if seq == 1 else 0, is_final=False),
    "events": _messages('{"name":"event","data":null}'),
    "acks of nothing new": lambda _: frame(b'{"type":"ack","params":{"seq":0}}'),
    "chunks of no stream": lambda _: frame(b'{"type":"stream_ack","params":{"id":9,"offset":0}}'),
    "messages without a type": lambda _: frame(b'{"params":{}}'),
}


def flood(make: Callable[[int], bytes], port: int) -> None:
    """Send them as fast as the server accepts them, on one connection; on a new one where that ends."""
    while True:
        with RawClient(port) as client:
            client.open_session("busy")
            seq = 0
            try:
                while True:
                    client.socket.sendall(b"".join(make(seq + each + 1) for each in range(500)))
                    seq += 500
            except OSError:
                continue


def connections(port: int) -> None:
    """Open connections, say hello, and break them: one after another, as fast as the server accepts them."""
    data = frame(hello().encode())
    while True:
        with RawClient(port) as client:
            try:
                client.upgrade(Sec_WebSocket_Extensions=", ".join(["permessage-deflate; client_max_window_bits"] * 90))
                client.socket.sendall(data)
            except OSError:
                continue


def requests(port: int) -> None:
    """Ask for the page again and again, on as many connections."""
    while True:
        with RawClient(port) as client:
            client.get("/")


ATTACKS = (
    *(StallAttack(f"as fast as possible: {name}", SESSION, partial(flood, make)) for name, make in FLOODS.items()),
    StallAttack("as fast as possible: hellos, then nothing", STRANGER, connections),
    StallAttack("as fast as possible: requests for the page", STRANGER, requests),
)

if __name__ == "__main__":
    main(*ATTACKS)
