"""The address of the page, for people and browsers."""

from __future__ import annotations

from typing import Final

_ALL_INTERFACES: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to be named, not bound
"""Hosts to listen on that are no addresses to go to, and one that is."""


def page_url(scheme: str, host: str, port: int) -> str:
    """Return the URL of the page of a server that listens on `host`."""
    host = _ALL_INTERFACES.get(host, host)
    return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"
