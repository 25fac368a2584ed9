"""A hello of 4 MiB, before anybody was authenticated: it took 0.7 seconds of the event loop to parse and to check."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attack import STRANGER, AnyAttack, Attack, StallAttack, main
from raw_client import RawClient, frame, hello
from victim import Arena

STREAMS = [{"id": number, "offset": 0} for number in range(120_000)]
CAPABILITIES: dict[str, dict[str, str]] = {f"x{number}": {} for number in range(240_000)}

SHAPES: dict[str, Callable[[], str]] = {
    "streams to resume": lambda: hello(resume={"last_seq": 0, "streams": STREAMS}),
    "capabilities": lambda: hello(capabilities=CAPABILITIES),
    "nothing but arrays": lambda: hello(auth=[]).replace('"auth": []', f'"auth": [{"[]," * 1_300_000}[]]'),
}


def answer(shape: str, arena: Arena) -> float:
    """Return whether such a hello is read, and not refused for its size."""
    with arena.victim() as victim, victim.client() as client:
        client.upgrade()
        try:
            client.send(SHAPES[shape]())
        except OSError:
            return 0
        message = client.receive()
        return bool(message) and message["params"].get("code") != "too_large"


def flood(shape: str, port: int) -> None:
    """Say such a hello on one connection after another, twelve of them at once."""
    data = frame(SHAPES[shape]().encode())
    while True:
        clients = [RawClient(port) for _ in range(12)]
        for client in clients:
            try:
                client.upgrade()
                client.socket.sendall(data)
            except OSError:
                continue
        for client in clients:
            client.receive()
            client.close()


def just_below(port: int) -> None:
    """Say hellos that are just within the limit of SPEC, of nothing but arrays, on one connection after another."""
    data = frame(hello(auth=[]).replace('"auth": []', f'"auth": [{"[]," * 21_500}[]]').encode())
    while True:
        with RawClient(port) as client:
            try:
                client.upgrade()
                client.socket.sendall(data)
                client.receive()
            except OSError:
                continue


def resumes(port: int) -> None:
    """Say hellos of clients that have a session with 64 streams, which the server does not know."""
    data = {"last_seq": 0, "streams": [{"id": number, "offset": 0} for number in range(64)]}
    while True:
        with RawClient(port) as client:
            try:
                client.upgrade()
                client.send(hello(resume=data))
                client.receive()
            except OSError:
                continue


ATTACKS: tuple[AnyAttack, ...] = (
    *(Attack(f"a hello of 4 MiB: {shape}", "read", 0, partial(answer, shape)) for shape in SHAPES),
    *(StallAttack(f"hellos of 4 MiB: {shape}", STRANGER, partial(flood, shape)) for shape in SHAPES),
    StallAttack("hellos of just below 64 KiB", STRANGER, just_below),
    StallAttack("hellos that resume what is not there", STRANGER, resumes),
)

if __name__ == "__main__":
    main(*ATTACKS)
