"""A request as the server looks at it, whatever the web framework: who asks, from which page, by which host."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_ALL_INTERFACES: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to be named, not bound
"""Hosts to listen on that are not addresses to go to, and one that is."""


@dataclass(frozen=True, slots=True)
class Request:
    """The head of a request."""

    target: str
    """Path and query, as they were sent."""
    headers: Sequence[tuple[str, str]]
    peer: str
    """The address at the other end of the connection; empty if it has none."""
    native: Any
    """The framework's own request."""

    @property
    def path(self) -> str:
        """The path, still percent-encoded; empty if the target has none that can be read."""
        try:
            return urlsplit(self.target).path
        except ValueError:
            return ""

    @property
    def is_for_websocket(self) -> bool:
        """Whether it asks to open a WebSocket."""
        return "websocket" in (self.header("Upgrade") or "").lower()

    def header(self, name: str) -> str | None:
        """Return the value of a header, the first of several; None if it is absent."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def header_values(self, name: str) -> list[str]:
        """Return the values of every header of that name, in order."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]


# -- origins ----------------------------------------------------------------------------------------


def is_foreign(request: Request, allowed: Collection[str], *, is_tls: bool = False) -> bool:
    """Whether the page that makes a request may not connect to this server (SEC-1).

    Without `Origin`, no browser, it is not foreign; with `null` it is. `is_tls` is whether the server itself speaks
    TLS; without it there may be a proxy that does, and the origin says with which port.
    """
    origin, host = request.header("Origin"), request.header("Host") or ""
    if origin is None or origin in allowed:
        return False
    try:
        parts = urlsplit(origin)
    except ValueError:
        return True
    if parts.scheme not in _DEFAULT_PORTS or not parts.netloc:
        return True
    default = _DEFAULT_PORTS[parts.scheme]
    return _with_port(parts.netloc, default) != _with_port(host, _DEFAULT_PORTS["https"] if is_tls else default)


def _with_port(netloc: str, default: int) -> str:
    after_address = netloc.rpartition("]")[2]
    return netloc.lower() if ":" in after_address else f"{netloc.lower()}:{default}"


# -- addresses --------------------------------------------------------------------------------------


def page_url(scheme: str, host: str, port: int) -> str:
    """Return the URL of the page of a server that listens on `host`."""
    host = _ALL_INTERFACES.get(host, host)
    return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"


def user_address(request: Request, trusted: Sequence[str]) -> str:
    """Return the address of the user: from the peer backwards, the last one that is not a trusted proxy's."""
    forwarded = request.header_values("X-Forwarded-For")
    chain = [part.strip() for header in forwarded for part in header.split(",") if part.strip()]
    address = request.peer
    while chain and is_trusted(address, trusted):
        address = chain.pop()
    return address


def counted_user(request: Request, trusted: Sequence[str]) -> str:
    """Return what the limits count for the user of a request."""
    return counted_address(user_address(request, trusted))


def counted_peer(peer: str, trusted: Sequence[str]) -> str | None:
    """Return what the limits count for a connection whose request has not come; None for a trusted proxy's."""
    return None if is_trusted(peer, trusted) else counted_address(peer)


def is_trusted(address: str, trusted: Sequence[str]) -> bool:
    """Whether `address` is one of a trusted proxy."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in ipaddress.ip_network(network, strict=False) for network in trusted)


def counted_address(address: str) -> str:
    """Return what the limits count in the place of `address`: of IPv6 its network, since one user has all of that."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
