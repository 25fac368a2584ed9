"""Ways in that are none: foreign names of the server, forged addresses, hidden files."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from attack import Attack, main
from raw_client import RawClient
from victim import Arena, make_certificate

SECRET = b"TOP-SECRET"
HIDDEN_PATHS = (
    *("/.env", "/.git/config", "/%2eenv", "/%2Egit/config", "/sub/../.env", "/sub/%2e%2e/.env", "//.env", "/./.env"),
    *("/.git%2fconfig", "/sub/..%2f.env", "/.env?x", "/..%2f..%2foutside", "/../outside", "/%2e%2e/outside"),
    *("/link/outside", "/.env/", "/.ENV", "/.env%00.html", "/\\.env"),
)


def rebinding(arena: Arena) -> float:
    """Return whether a page of a name that resolves to this machine is welcomed: its `Origin` equals its `Host`."""
    with arena.victim() as victim, victim.client() as client:
        host = f"evil.example:{victim.port}"
        return client.open_session(Host=host, Origin=f"http://{host}") == "welcome"


def rebound_file(arena: Arena) -> float:
    """Return whether such a page can read a file of the server."""
    with arena.victim() as victim, victim.client() as client:
        return client.get("/", Host=f"evil.example:{victim.port}")[0] == 200


def forwarded_ports(arena: Arena) -> float:
    """Return how many sessions one user has who may have two, behind a proxy that forwards ports too."""
    with arena.victim(trusted_proxies=("127.0.0.1",), max_sessions_per_address=2) as victim, ExitStack() as stack:
        clients = [stack.enter_context(victim.client()) for _ in range(8)]
        addresses = [f"203.0.113.9:{5000 + number}" for number in range(8)]
        answers = [client.open_session(X_Forwarded_For=text) for client, text in zip(clients, addresses, strict=True)]
        return answers.count("welcome")


def hidden_files(arena: Arena) -> float:
    """Return how many ways lead to what must not be served."""
    with tempfile.TemporaryDirectory() as outer:
        folder = Path(outer, "static")
        for path in (folder / ".env", folder / ".git/config", folder / "sub/x", Path(outer, "outside")):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(SECRET)
        (folder / "link").symlink_to(outer)
        with arena.victim(static=str(folder)) as victim:
            return sum(SECRET in _body(victim.port, path) for path in HIDDEN_PATHS)


def _body(port: int, path: str) -> bytes:
    with RawClient(port) as client:
        return client.get(path)[1]


def looping_link(arena: Arena) -> float:
    """Return the bytes of log for each request for a symbolic link that leads to itself."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "loop").symlink_to("loop")
        with arena.victim(static=folder) as victim:
            for _ in range(50):
                _body(victim.port, "/loop")
            return victim.log_bytes / 50


def plain_http_on_tls(arena: Arena) -> float:
    """Return whether a browser that forgot the `s` of https is left without an answer."""
    with (
        tempfile.TemporaryDirectory() as folder,
        arena.victim(certificate=make_certificate(Path(folder))) as victim,
        victim.client() as client,
    ):
        return client.get("/")[0] == 0


ATTACKS = (
    Attack("DNS rebinding: a session", "let in", 0, rebinding),
    Attack("DNS rebinding: a file", "let in", 0, rebound_file),
    Attack("forwarded ports: sessions of one user", "let in", 2, forwarded_ports),
    Attack("dot files and files outside", "served", 0, hidden_files),
    Attack("a symbolic link to itself", "B of log", 100, looping_link),
    Attack("plain HTTP to a TLS port", "unanswered", 0, plain_http_on_tls),
)

if __name__ == "__main__":
    main(*ATTACKS)
