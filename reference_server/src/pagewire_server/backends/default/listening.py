"""Sockets that listen on all addresses of a host."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import Any, Final

BACKLOG: Final = 128
"""How many connections the kernel keeps that are not accepted yet."""

_NOT_HERE: Final = frozenset((errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL))
"""Errors of an address that a name has, and this machine has not."""


async def listen(host: str, port: int) -> list[socket.socket]:
    """Return sockets that listen on all addresses of `host`, on the same port; OSError if there are none."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    listening: list[socket.socket] = []
    failure: OSError | None = None
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            at = listening[0].getsockname()[1] if listening else port
            try:
                listening.append(_listen_at(family, kind, protocol, (address[0], at, *address[2:])))
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                failure = error
    except BaseException:
        for each in listening:
            each.close()
        raise
    if not listening:
        raise failure or OSError(f"{host!r} has no address")
    return listening


def _listen_at(family: int, kind: int, protocol: int, address: tuple[Any, ...]) -> socket.socket:
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setblocking(False)
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        text = f"error while attempting to bind on address {address!r}: {(error.strerror or str(error)).lower()}"
        raise OSError(error.errno, text) from None
    return listening
