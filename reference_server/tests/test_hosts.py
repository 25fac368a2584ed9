"""By which names the server may be reached: a page whose name was made to resolve to its address is kept out."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from live_server import PATIENCE, Serve, live_server
from plain_requests import get
from scripted_client import page_client

from pagewire_server import Options, create_server
from pagewire_server.session import hold
from pagewire_server.web.requests import Request, accepts_host

BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


def is_accepted(host: str, *allowed: str) -> bool:
    """Whether a server with such `allowed_hosts` answers for a host."""
    return accepts_host(Request("/", (("Host", host),), "192.0.2.1", None), allowed)


# -- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "192.0.2.1:8080",
        "[::1]",
        "[2001:DB8::1]:8080",
        "[::ffff:192.0.2.1]",
        "localhost",
        "LocalHost:8080",
        "localhost.",
        "app.localhost:8080",
        "printer",
        "my_service:80",
        "files:",
        "printer.local",
        "a.b.LOCAL.:8080",
        "db.internal",
        "nas.home.arpa",
    ],
)
def test_name_that_nobody_can_register_is_accepted(host: str) -> None:
    """And an address: a page of an address has come from there."""
    assert is_accepted(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8080",
        "evil.example.",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evillocalhost.example",
        "evil.notlocal",
        "evil.home.arpa.example",
        "home.arpa",
        "127.0.0.1.1",
        "[evil.example]",
        "[a:b]",
        "::1",
        "evil.example/.localhost",
        "evil.example .localhost",
        "evil.example\t.localhost",
        "user@evil.example.localhost",
        "evil.example:80.localhost",
        ".localhost",
        "evil..localhost",
        "\xe9vil.localhost",
        "localhost:x",
        "localhost, evil.example",
        ":8080",
        "*",
    ],
)
def test_other_name_is_not_accepted(host: str) -> None:
    """Nor anything that is not a host."""
    assert not is_accepted(host)


@pytest.mark.parametrize(
    ("host", "entry", "verdict"),
    [
        ("app.example.org", "app.example.org", True),
        ("APP.example.org.:8080", "app.Example.ORG", True),
        ("app.example.org:8080", "app.example.org:443", True),
        ("www.app.example.org", "app.example.org", False),
        ("example.org", "app.example.org", False),
        ("example.org", ".example.org", True),
        ("a.b.example.org", ".example.org", True),
        ("evilexample.org", ".example.org", False),
        ("example.org.evil.example", ".example.org", False),
        ("evil.example", "*", True),
        ("not a host", "*", True),
    ],
)
def test_name_that_is_allowed_is_accepted(host: str, entry: str, *, verdict: bool) -> None:
    """A leading dot includes all names in it; ports do not count; `*` accepts every host."""
    assert is_accepted(host, entry) is verdict
    assert is_accepted(host, "other.example", entry) is verdict


@pytest.mark.parametrize(
    "entry", ["", "https://example.org", "*.example.org", "example.org/x", "a b", "..example.org", "b\xfccher.example"]
)
def test_entry_that_matches_no_host_is_refused(entry: str) -> None:
    """When the server is set up."""
    with pytest.raises(ValueError, match="allowed_hosts has "):
        Options(allowed_hosts=frozenset({entry}))


def test_one_text_is_not_a_collection() -> None:
    """Each of its letters would be a name."""
    wrong: Any = "example.org"
    with pytest.raises(TypeError, match="allowed_hosts is one str"):
        Options(allowed_hosts=wrong)


# -- over the network ---------------------------------------------------------------------------


def test_page_that_was_rebound_makes_no_session(serve: Serve) -> None:
    """SEC-6: its origin equals its host; the message names the option."""
    live = serve(hold)
    with page_client(live.server.port, "evil.example") as client:
        bye = client.receive()
        assert (bye["type"], bye["params"]["code"]) == ("bye", "forbidden_origin")
        assert bye["params"]["message"] == (
            "This server does not accept the host 'evil.example'. To accept it, add it to allowed_hosts (--allow-host)."
        )
    assert live.server.session_count == 0


def test_allowed_origin_does_not_allow_a_host(serve: Serve) -> None:
    """The two options concern different names."""
    live = serve(hold, allowed_origins=frozenset({"http://evil.example"}))
    with page_client(live.server.port, "evil.example", origin="http://evil.example") as client:
        assert client.receive_bye() == ("forbidden_origin", 4403)


@pytest.mark.parametrize("allowed", ["app.example.org", ".example.org", "*"])
def test_page_of_an_allowed_host_is_served(serve: Serve, allowed: str) -> None:
    """Its files and its session."""
    live = serve(hold, allowed_hosts=frozenset({allowed}))
    assert get(live, "/", Host="app.example.org").status == 200
    with page_client(live.server.port, "app.example.org") as client:
        assert client.say_hello()["resumed"] is False


def test_page_of_the_host_that_the_server_listens_on_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """`host` says by which name it is reached."""
    find = socket.getaddrinfo

    def find_here(host: Any, *arguments: Any, **settings: Any) -> Any:
        return find("127.0.0.1" if host == "App.example.org" else host, *arguments, **settings)

    monkeypatch.setattr(socket, "getaddrinfo", find_here)
    with live_server(hold) as other, live_server(hold, host="App.example.org") as live:
        assert get(live, "/", Host="app.example.org").status == 200
        assert get(other, "/", Host="app.example.org").status == 421
        with page_client(live.server.port, "app.example.org") as client:
            assert client.say_hello()["resumed"] is False


@pytest.mark.parametrize("path", ["/", "/pagewire/index.js", "/nowhere", "/ws"])
def test_plain_request_for_another_host_is_misdirected(serve: Serve, path: str) -> None:
    """421, as RFC 9110 has it, whatever it asks for; a text that names the option."""
    response = get(serve(hold), path, Host="evil.example:8080")
    assert (response.status, response.headers["Content-Type"]) == (421, "text/plain; charset=utf-8")
    assert response.body.decode() == (
        "This server does not accept the host 'evil.example'. To accept it, add it to allowed_hosts (--allow-host).\n"
    )


def test_browser_is_shown_a_page(serve: Serve) -> None:
    """It has the policy of all pages, and nothing of the request is HTML in it."""
    response = get(serve(hold), "/", Host="<b>evil</b>" + "x" * 1000, **BROWSER)
    text = response.body.decode()
    assert (response.status, response.headers["Content-Type"]) == (421, "text/html; charset=utf-8")
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Vary"] == "Accept"
    assert "<h1>421 Misdirected Request</h1>" in text
    assert "(--allow-host)" in text
    assert "&lt;b&gt;evil&lt;/b&gt;" in text
    assert "<b>" not in text
    assert len(text) < 1000


def test_health_is_told_to_every_host(serve: Serve) -> None:
    """A load balancer asks by whatever name it has."""
    assert get(serve(hold), "/health", Host="evil.example").status == 200


def test_plain_request_without_host_is_answered(serve: Serve) -> None:
    """It comes from no browser."""
    with socket.create_connection(("127.0.0.1", serve(hold).server.port), PATIENCE) as end:
        end.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert end.recv(12) == b"HTTP/1.1 200"


def test_websocket_without_host_makes_no_session(serve: Serve) -> None:
    """RFC 6455 asks for the header; only plain requests are exempt."""
    live = serve(hold)
    with socket.create_connection(("127.0.0.1", live.server.port), PATIENCE) as end:
        end.sendall(
            b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: pagewire.v1\r\n\r\n"
        )
        answer = b""
        while b"forbidden_origin" not in answer:
            received = end.recv(65536)
            assert received
            answer += received
    assert live.server.session_count == 0


def test_server_can_listen_on_all_interfaces() -> None:
    """Hosts that are not names are no entry of anything."""
    for host in ("", "0.0.0.0", "::", "::1"):  # noqa: S104 - nothing listens
        create_server(hold, host=host)
