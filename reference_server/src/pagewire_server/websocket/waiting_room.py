"""Connections that have not said what they want: how many there are, in all and by address."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Sequence

from websockets.asyncio.server import ServerConnection

from pagewire_server.runtime.info import is_trusted, user_address


class WaitingRoom:
    """Counts who is in it; None as the most of one address is without limit."""

    def __init__(self, most: int, most_per_address: int | None) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._count = 0
        self._addresses: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._count

    def has_room(self, address: str | None) -> bool:
        """Whether one more of `address` may come in; None is counted in all only."""
        return self._count < self._most and not self.is_full_for(address)

    def is_full_for(self, address: str | None) -> bool:
        """Whether as many of `address` are in it as may be."""
        most = self._most_per_address
        return address is not None and most is not None and self._addresses[address] >= most

    def enter(self, address: str | None) -> None:
        """Count one more; `leave` must follow."""
        self._count += 1
        if address is not None:
            self._addresses[address] += 1

    def leave(self, address: str | None) -> None:
        """Count one less."""
        self._count -= 1
        if address is not None:
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]


def peer_of(socket: ServerConnection) -> str:
    """Return the address at the other end of a connection; empty if it has none."""
    peer = socket.remote_address
    return str(peer[0]) if isinstance(peer, Sequence) and peer else ""


def counted_peer(socket: ServerConnection, trusted: Sequence[str]) -> str | None:
    """Return the address that a connection counts for before its request; None for a trusted proxy's."""
    peer = peer_of(socket)
    return None if is_trusted(peer, trusted) else counted(peer)


def counted_address(socket: ServerConnection, trusted: Sequence[str]) -> str:
    """Return the address of the user that a connection counts for, once its request has come."""
    forwarded = socket.request.headers.get_all("X-Forwarded-For") if socket.request else ()
    return counted(user_address(peer_of(socket), forwarded, trusted))


def counted(address: str) -> str:
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
