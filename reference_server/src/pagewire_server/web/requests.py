"""A request as the server looks at it, whatever the web framework: who asks, from which page, by which host."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Protocol, TypeAlias
from urllib.parse import urlsplit

_LOCAL_DOMAINS: Final = (".localhost", ".local", ".internal", ".home.arpa")
"""Domains that nobody can register in public DNS."""
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*+)\.?(?::[0-9]*)?", re.IGNORECASE | re.ASCII)
"""A host, and maybe its port: an address, IPv6 in brackets, or a name."""
_MAX_HOST_CHARACTERS: Final = 255

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_ALL_INTERFACES: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to be named, not bound
"""Hosts to listen on that are not addresses to go to, and one that is."""

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_BITS_BEFORE_MAPPED: Final = 96
_MAX_ELEMENTS: Final = 100
"""Of a header that names addresses; no request comes through so many proxies."""
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*+)("?)')
"""A quoted string (RFC 9110, section 5.6.4); its second group is empty where its end is missing."""
_FORWARDED_PAIR: Final = re.compile(
    r"""[ \t]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)=("(?:[^"\\]|\\.)*+"|[^";,\s]+))?[ \t]*"""
)
"""A parameter of `Forwarded`, or none; proxies write addresses with colons and brackets without quotes, too."""
_NODE: Final = re.compile(r"(?:\[([^\[\]]*:[^\[\]]*)\]|([0-9.]+))(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?")
"""An address with or without its port (RFC 7239, section 6), except IPv6 without brackets."""


class RequestBody(Protocol):
    """The body of a request, read once, as it comes. What is not read is discarded after the response."""

    @property
    def length(self) -> int | None:
        """How long it is, as the head says; None if only its end says so."""

    def pieces(self, most: int) -> AsyncGenerator[bytes, None]:
        """Return the body in pieces; `Refusal` says why it cannot be read, 413 if it is longer than `most` bytes."""

    async def read(self, most: int) -> bytes:
        """Return the whole body; `Refusal` as for `pieces`."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request: its head, and a body that may still be on its way."""

    target: str
    """Path and query, as they were sent."""
    headers: Sequence[tuple[str, str]]
    peer: str
    """The address at the other end of the connection; empty if it has none."""
    native: Any
    """The framework's own request."""
    method: str = "GET"
    body: RequestBody | None = field(default=None, compare=False, repr=False)
    """None if it has none."""

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


# -- hosts ------------------------------------------------------------------------------------------


def accepts_host(request: Request, allowed: Collection[str]) -> bool:
    """Whether the server answers for the `Host` of a request.

    The owner of a domain can let it resolve to this server's address (DNS rebinding, SEC-6). A page of that domain then
    has the server's own origin. So a name is accepted only if nobody can register it, or if it is allowed.
    """
    if "*" in allowed:
        return True
    name = _host_name(request.header("Host") or "")
    return name is not None and (_is_never_public(name) or any(_is_allowed(name, entry) for entry in allowed))


def refused_host(request: Request) -> str:
    """Return what a client is told whose `Host` is not accepted."""
    host = request.header("Host") or ""
    name = _host_name(host) or host
    return (
        f"This server does not accept the host {name[:_MAX_HOST_CHARACTERS]!r}. "
        "To accept it, add it to allowed_hosts (--allow-host)."
    )


def _host_name(host: str) -> str | None:
    """Return a host without its port, in lower case; None if it is malformed."""
    found = _HOST.fullmatch(host)
    return found[1].lower() if found else None


def _is_never_public(name: str) -> bool:
    if _read_address(name.removeprefix("[").removesuffix("]")) is not None:
        return True
    return not name.startswith("[") and ("." not in name or name.endswith(_LOCAL_DOMAINS))


def _is_allowed(name: str, entry: str) -> bool:
    allowed = _host_name(entry.removeprefix("."))
    return allowed is not None and (name == allowed or (entry.startswith(".") and name.endswith(f".{allowed}")))


# -- origins ----------------------------------------------------------------------------------------


def refused_page(
    request: Request, allowed_hosts: Collection[str], allowed_origins: Collection[str], *, is_tls: bool = False
) -> str | None:
    """Return why the page that makes a request may not connect to this server (SEC-1, SEC-6); None if it may."""
    if not accepts_host(request, allowed_hosts):
        return refused_host(request)
    if is_foreign(request, allowed_origins, is_tls=is_tls):
        return f"Pages of {request.header('Origin')} are not let in here."
    return None


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
    """Return the address of the user: from the peer backwards, the first one that is not a trusted proxy's.

    Where a proxy does not name an address (`unknown`, `_hidden`, a mistake), the way back ends at that proxy: whatever
    comes before may be written by anybody.
    """
    address = _read_address(request.peer)
    if address is None:
        return request.peer
    nodes = _forwarded_nodes(request)
    while _is_among(address, trusted):
        found = _read_node(next(nodes, ""))
        if found is None:
            break
        address = found
    return str(address)


def counted_user(request: Request, trusted: Sequence[str]) -> str:
    """Return what the limits count for the user of a request."""
    return counted_address(user_address(request, trusted))


def counted_peer(peer: str, trusted: Sequence[str]) -> str | None:
    """Return what the limits count for a connection whose request has not come; None for a trusted proxy's."""
    return None if is_trusted(peer, trusted) else counted_address(peer)


def is_trusted(address: str, trusted: Sequence[str]) -> bool:
    """Whether `address` is one of a trusted proxy."""
    parsed = _read_address(address)
    return parsed is not None and _is_among(parsed, trusted)


def counted_address(address: str) -> str:
    """Return what the limits count in the place of `address`: of IPv6 its network, since one user has all of that."""
    parsed = _read_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address if parsed is None else str(parsed)


def _read_address(text: str) -> _Address | None:
    """Return an address without its zone, an IPv4-mapped one as IPv4; None if `text` is not an address."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv4Address):
        return parsed
    return parsed.ipv4_mapped or ipaddress.IPv6Address(int(parsed))


def _is_among(address: _Address, networks: Sequence[str]) -> bool:
    return any(address in _read_network(network) for network in networks)


def _read_network(text: str) -> _Network:
    network = ipaddress.ip_network(text, strict=False)
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= _BITS_BEFORE_MAPPED:
        mapped = network.network_address.ipv4_mapped
        if mapped:
            return ipaddress.IPv4Network((mapped, network.prefixlen - _BITS_BEFORE_MAPPED))
    return network


def _forwarded_nodes(request: Request) -> Iterator[str]:
    """Return whom each proxy was asked by, as it wrote it, the nearest proxy first.

    `X-Forwarded-For` wins: a proxy that knows only that passes on the `Forwarded` that a client has made up.
    """
    header = request.header_values("X-Forwarded-For")
    if header:
        return _elements(header, str)
    return _elements(request.header_values("Forwarded"), _node_of)


def _elements(lines: Sequence[str], read: Callable[[str], str]) -> Iterator[str]:
    """Return what `read` makes of the elements of a header, the last one first, without empty ones.

    Only so many are read, the empty ones included, that reading them costs little.
    """
    elements = (element.strip() for line in reversed(lines) for element in reversed(_split(line, ",")))
    return (read(element) for element in islice(elements, _MAX_ELEMENTS) if element)


def _split(text: str, separator: str) -> list[str]:
    """Split at the separators outside quoted strings.

    Where quotes do not match it splits at all separators: a quote that a client left open must not swallow what a proxy
    has added.
    """
    outside = _QUOTED.sub(lambda found: ("_" if found[2] else '"') * len(found[0]), text)
    if '"' in outside or "\\" in outside:
        return text.split(separator)
    parts, start = [], 0
    for part in outside.split(separator):
        parts.append(text[start : start + len(part)])
        start += len(part) + 1
    return parts


def _node_of(element: str) -> str:
    """Return the `for` of an element of `Forwarded`; empty if it has none, several, or is malformed."""
    pairs = [_FORWARDED_PAIR.fullmatch(part) for part in _split(element, ";")]
    nodes = [pair[2] for pair in pairs if pair and pair[1] and pair[1].lower() == "for"]
    return nodes[0] if all(pairs) and len(nodes) == 1 else ""


def _read_node(text: str) -> _Address | None:
    quoted = _QUOTED.fullmatch(text)
    if quoted and quoted[2]:
        text = re.sub(r"\\(.)", r"\1", quoted[1])
    found = _NODE.fullmatch(text)
    return _read_address((found[1] or found[2]) if found else text)
