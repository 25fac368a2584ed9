"""Settings that cannot work are refused when the server is set up, by name."""

from __future__ import annotations

from typing import Any

import pytest

from pagewire_server import Options, create_server
from pagewire_server.web.requests import Request, is_foreign


def request_from(origin: str | None, host: str) -> Request:
    """Return what a browser sends for a page of `origin`; without one, what a program sends."""
    return Request("/ws", (("Host", host), *([] if origin is None else [("Origin", origin)])), "192.0.2.1", None)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_message_bytes": 1000}, "max_message_bytes is 1000; SPEC asks for at least 65536"),
        ({"max_values": 999}, "max_values is 999; SPEC asks for at least 1000"),
        ({"stream_window_bytes": 65535}, "stream_window_bytes is 65535"),
        ({"hello_timeout": 0}, "hello_timeout is 0; it must be above 0"),
        ({"heartbeat_interval": -1}, "heartbeat_interval is -1"),
        ({"resume_window": -1}, "resume_window is -1; it can't be negative"),
        ({"max_waiting_event_bytes": -1}, "max_waiting_event_bytes is -1; it can't be negative"),
        ({"drain_window": float("inf")}, "drain_window is inf; it takes seconds"),
        ({"max_sessions_per_address": 0}, "max_sessions_per_address is 0; it must be at least 1, or None for no limit"),
        ({"max_waiting_connections": 0}, "max_waiting_connections is 0; it must be at least 1"),
        ({"max_waiting_connections_per_address": -1}, "max_waiting_connections_per_address is -1"),
        ({"max_messages_per_second": 0}, "max_messages_per_second is 0"),
        ({"max_messages_per_second": float("nan")}, "max_messages_per_second is nan"),
        ({"max_streams": 0}, "max_streams is 0; it must be at least 1"),
        ({"max_streams": 65}, r"max_streams is 65; SPEC allows at most 64 \(STREAM-13\)"),
        ({"inline_bytes": 65537}, "inline_bytes is 65537; SPEC allows at most 65536"),
    ],
)
def test_bad_option_is_refused_by_name(settings: dict[str, Any], message: str) -> None:
    """With what it takes."""
    with pytest.raises(ValueError, match=message):
        Options(**settings)


@pytest.mark.parametrize(
    ("apps", "kind", "message"), [({}, ValueError, "at least one app"), ({"a": 5}, TypeError, "'a' is of type int")]
)
def test_bad_apps_are_refused(apps: Any, kind: type[Exception], message: str) -> None:
    """Before anything is served."""
    with pytest.raises(kind, match=message):
        create_server(apps)


@pytest.mark.parametrize(
    ("origin", "host", "verdict"),
    [
        (None, "a.example", False),
        ("null", "a.example", True),
        ("http://a.example", "a.example", False),
        ("http://A.example", "a.EXAMPLE", False),
        ("http://a.example", "a.example:80", False),
        ("https://a.example:443", "a.example", False),
        ("http://a.example:8080", "a.example:8080", False),
        ("http://a.example:8080", "a.example", True),
        ("http://a.example", "a.example:8080", True),
        ("http://b.example", "a.example", True),
        ("http://a.example.evil.example", "a.example", True),
        ("https://a.example", "a.example", False),
        ("https://a.example", "a.example:443", False),
        ("https://a.example", "a.example:80", True),
        ("http://[::1]:80", "[::1]", False),
        ("http://[::1]:81", "[::1]", True),
        ("file://", "a.example", True),
        ("chrome-extension://abc", "abc", True),
        ("https://friend.example", "a.example", False),
        ("http://friend.example", "a.example", True),
    ],
)
def test_origin_is_foreign_where_host_and_port_differ(origin: str | None, host: str, *, verdict: bool) -> None:
    """SEC-1; an origin that is allowed by name is allowed as it stands."""
    assert is_foreign(request_from(origin, host), {"https://friend.example"}) is verdict


@pytest.mark.parametrize(("origin", "verdict"), [("https://a.example", False), ("http://a.example", True)])
def test_page_without_tls_is_foreign_to_a_server_with_it(origin: str, *, verdict: bool) -> None:
    """Its port is 80, and the server's 443."""
    assert is_foreign(request_from(origin, "a.example"), (), is_tls=True) is verdict
