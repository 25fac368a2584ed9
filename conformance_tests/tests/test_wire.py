"""The suite's end of a connection."""

from __future__ import annotations

import json
import select
import socket
from unittest.mock import Mock

import pytest
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from pagewire_conformance.clients.builtin_page import BuiltinPage
from pagewire_conformance.peer.line import Line
from pagewire_conformance.verdicts import Broken
from pagewire_conformance.wire.arrivals import Arrival, Kind
from pagewire_conformance.wire.connection import Behavior, Connection
from pagewire_conformance.wire.listener import Listener
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


def test_hello_that_is_too_large_is_answered_as_a_server_does() -> None:
    """HELLO-21: it is broken, and the client gets `bye too_large`, so that it ends as it would with a server."""
    listener = Listener()
    line = Line(listener, Mock())
    listener.open()
    with connect(f"{listener.url}?key=k", subprotocols=[Subprotocol(SUBPROTOCOL)]) as client:
        line.await_connection()
        client.send("x" * 65537)
        with pytest.raises(Broken) as broken:
            line.take(lambda _: True, "hello", None)
        assert broken.value.requirement == "HELLO-21"
        assert json.loads(client.recv(20))["params"]["code"] == "too_large"
        with pytest.raises(ConnectionClosed):
            client.recv(20)
        assert client.close_code == 4413
    listener.close()
