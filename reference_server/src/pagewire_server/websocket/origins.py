"""Whose pages are let in (SEC-1)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def is_foreign(origin: str | None, host: str, allowed: Collection[str], *, is_tls: bool = False) -> bool:
    """Whether a page of `origin` may not connect to a server that it reached as `host`, by the headers of those names.

    None, no browser, is not foreign; `null` is. `is_tls` is whether the server itself speaks TLS; without it there may
    be a proxy that does, and the origin says with which port.
    """
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
