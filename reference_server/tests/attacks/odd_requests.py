"""Requests at the edges of HTTP: each must be answered or end, and none may be let in."""

from __future__ import annotations

from contextlib import ExitStack

from attack import Attack, main
from raw_client import PATIENCE, RawClient, hello, new_address
from victim import Arena

ODD = (
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: evil.example\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: x\r\n" % number for number in range(5000)) + b"\r\n",
    b"GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\0" * 200_000,
    b"\r\n" * 100_000,
)


def unanswered(arena: Arena) -> float:
    """Return how many are neither answered nor ended within `hello_timeout` (here three seconds) and some patience."""
    with arena.victim(hello_timeout=3) as victim, ExitStack() as stack:
        clients = [stack.enter_context(victim.client(source=new_address())) for _ in ODD]
        for client, data in zip(clients, ODD, strict=True):
            client.socket.settimeout(PATIENCE / 2)
            try:
                client.socket.sendall(data)
            except OSError:
                continue
        return sum(not _ends_or_answers(client) for client in clients)


def _ends_or_answers(client: RawClient) -> bool:
    try:
        client.socket.recv(1)
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def compression(arena: Arena) -> float:
    """Return whether an offer of compression is accepted, which costs ten times the memory of a session."""
    with arena.victim() as victim, victim.client() as client:
        client.request(
            "/ws?key=attack",
            Upgrade="websocket",
            Connection="Upgrade",
            Sec_WebSocket_Key="AAAAAAAAAAAAAAAAAAAAAA==",
            Sec_WebSocket_Version="13",
            Sec_WebSocket_Protocol="pagewire.v1",
            Sec_WebSocket_Extensions="permessage-deflate; server_no_context_takeover",
        )
        return b"permessage-deflate" in client.response()[1].lower()


def undecided(arena: Arena) -> float:
    """Return how many threads and descriptors are held by clients whose `authenticate` never decides."""
    with arena.victim(authenticate=True, hello_timeout=1) as victim, ExitStack() as stack:
        clients = [stack.enter_context(victim.client(source=new_address())) for _ in range(60)]
        for client in clients:
            client.upgrade()
            client.send(hello())
        for client in clients:
            client.receive()
            client.close()
        victim.answers()
        return victim.new_threads + victim.new_descriptors


ATTACKS = (
    Attack("requests at the edges of HTTP", "unanswered", 0, unanswered),
    Attack("an offer of compression", "accepted", 0, compression),
    Attack("60 clients of whom authenticate never decides", "held", 20, undecided),
)

if __name__ == "__main__":
    main(*ATTACKS)
