"""Plain HTTP requests to a server beside a test."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from email.message import Message

from live_server import PATIENCE, LiveServer


@dataclass(frozen=True)
class PlainResponse:
    """A response, its body read."""

    status: int
    headers: Message
    body: bytes


def get(live: LiveServer, path: str, **headers: str) -> PlainResponse:
    """Return the response to one GET."""
    return get_from(live.server.port, path, **headers)


def get_from(port: int, path: str, **headers: str) -> PlainResponse:
    """Return the response to one GET of a port of this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return PlainResponse(response.status, response.headers, body)
