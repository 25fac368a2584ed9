"""The suite's end of a connection."""

from __future__ import annotations

import select
import socket

import pytest
from websockets.client import ClientProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from pagewire_conformance.clients.builtin_page import BuiltinPage
from pagewire_conformance.wire.arrivals import Arrival, Kind
from pagewire_conformance.wire.connection import Behavior, Connection
from pagewire_protocol.versions import SUBPROTOCOL


def test_connection_is_reported_before_the_client_has_its_answer() -> None:
    """Else a client that ends it at once, and connects again, could be seen to come in another order."""
    ours, theirs = socket.socketpair()
    had_answer: list[bool] = []

    def report(_: Connection, arrival: Arrival) -> None:
        if arrival.kind is Kind.OPENED:
            had_answer.append(bool(select.select([theirs], [], [], 0)[0]))

    client = ClientProtocol(parse_uri("ws://localhost/"), subprotocols=[Subprotocol(SUBPROTOCOL)])
    client.send_request(client.connect())
    Connection(ours, 1, Behavior(), report).start()
    with theirs:
        for data in client.data_to_send():
            theirs.sendall(data)
        theirs.settimeout(20)
        assert theirs.recv(65536).startswith(b"HTTP/1.1 101 ")
    assert had_answer == [False]


@pytest.mark.parametrize(("error", "is_told"), [(ConnectionResetError(), False), (ValueError(), True)])
def test_browser_that_goes_away_is_not_an_error(
    error: Exception, capsys: pytest.CaptureFixture[str], *, is_told: bool
) -> None:
    """Browsers are ended in the middle of requests; what else goes wrong while a page is served is told."""
    page = BuiltinPage()
    try:
        raise error
    except (OSError, ValueError):
        page._server.handle_error(None, ("127.0.0.1", 1))
    finally:
        page.close()
    assert ("Traceback" in capsys.readouterr().err) == is_told
