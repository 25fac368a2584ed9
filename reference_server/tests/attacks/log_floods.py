"""What clients can make the server write into its log."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from functools import partial
from socket import SO_LINGER, SOL_SOCKET

from attack import Attack, main
from raw_client import RawClient, frame, hello
from victim import Arena, Victim


def long_stack(arena: Arena) -> float:
    """Return the KiB that are logged for one error whose stack has 4 MiB, and which its app does not catch."""
    with arena.victim() as victim, victim.client() as client:
        _fail(client, {"name": "Error", "message": "no", "stack": "x" * 4_000_000})
        return victim.log_bytes / 1024


def escapes(arena: Arena) -> float:
    """Return how many control characters of a client reach the log, and with it the terminal."""
    with arena.victim() as victim, victim.client() as client:
        text = "\x1b]0;owned\x07\x1b[2J\r\n2026-01-01 INFO forged\x9b31m"
        _fail(client, {"name": text, "message": text, "stack": text})
        for path in ("/%1b%5b2J", "/%07"):
            with victim.client() as other:
                other.get(path)
        log = victim.log().decode()
    return sum(log.count(control) for control in "\x1b\x07\r\x9b")


def _fail(client: RawClient, thrown: dict[str, str]) -> None:
    client.open_session("ask")
    error = {"code": "exception", "message": "it failed", "exception": thrown}
    client.send_session("error", json.dumps(error), client.receive()["id"])
    client.receive()


def library_lines(arena: Arena) -> float:
    """Return how many lines 30 connections cause in a program that asked for warnings only."""
    with arena.victim(log_level="WARNING") as victim:
        # It may warn at its start, of the limit on open files.
        at_start = victim.log().count(b"\n")
        for _ in range(30):
            with victim.client() as client:
                client.open_session()
                client.leave()
                client.receive()
        return victim.log().count(b"\n") - at_start


# -- floods: each is called `COUNT` times --------------------------------------------------------------


def _refused(client: RawClient) -> None:
    client.open_session(Origin="http://evil.example")


def _foreign_host(client: RawClient) -> None:
    client.get("/", Host="evil.example")


def _bad_hello(client: RawClient) -> None:
    client.upgrade()
    client.send('{"type":"hello"}')
    client.receive()


def _no_app(client: RawClient) -> None:
    client.upgrade()
    client.send(hello(app="nobody"))
    client.receive()


def _bad_message(client: RawClient) -> None:
    client.open_session()
    client.send("{}")
    client.receive()


def _unmasked(client: RawClient) -> None:
    client.open_session()
    client.socket.sendall(frame(b"{}", is_masked=False))
    client.receive()


def _no_http(client: RawClient) -> None:
    client.socket.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10 + b"\r\n\r\n")
    client.response()


def _many_headers(client: RawClient) -> None:
    client.request("/", **{f"X_{number}": "x" * 50 for number in range(1000)})
    client.response()


def _reset(client: RawClient) -> None:
    client.upgrade()
    client.socket.sendall(frame(hello().encode())[:40])
    _break(client)


def _reset_session(client: RawClient) -> None:
    client.open_session("ask")
    _break(client)


def _break(client: RawClient) -> None:
    client.socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


FLOODS: dict[str, Callable[[RawClient], None]] = {
    "foreign origins": _refused,
    "foreign hosts": _foreign_host,
    "bad hellos": _bad_hello,
    "apps that are not there": _no_app,
    "what is not HTTP": _no_http,
    "1,000 headers": _many_headers,
    "resets before the hello": _reset,
}
SESSION_FLOODS: dict[str, Callable[[RawClient], None]] = {
    "bad messages": _bad_message,
    "unmasked frames": _unmasked,
    "resets of sessions": _reset_session,
}
COUNT = 150


def flood(attack: Callable[[RawClient], None], arena: Arena) -> float:
    """Return how many lines all of them cause together."""
    with arena.victim(resume_window=0) as victim:
        _repeat(attack, victim)
        return victim.log().count(b"\n")


def _repeat(attack: Callable[[RawClient], None], victim: Victim) -> None:
    for _ in range(COUNT):
        with victim.client() as client:
            try:
                attack(client)
            except OSError:
                continue
    victim.answers()


ATTACKS = (
    Attack("an error whose stack has 4 MiB", "KiB of log", 32, long_stack),
    Attack("escape sequences in an error, and in paths", "in the log", 0, escapes),
    Attack("30 sessions where warnings are logged", "lines", 0, library_lines),
    *(Attack(f"{COUNT} times: {name}", "lines", 20, partial(flood, attack)) for name, attack in FLOODS.items()),
    # A line that a session has begun, and one that it has ended, are what an operator asks for by INFO.
    *(
        Attack(f"{COUNT} times: {name}", "lines", 2 * COUNT + 20, partial(flood, attack))
        for name, attack in SESSION_FLOODS.items()
    ),
)

if __name__ == "__main__":
    main(*ATTACKS)
