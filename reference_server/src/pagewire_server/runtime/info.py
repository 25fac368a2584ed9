"""What is known of the user and the page of a session."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from pydantic import MISSING
from user_agents import parse as parse_user_agent
from user_agents.parsers import UserAgent
from websockets.datastructures import Headers
from websockets.http11 import Request

from pagewire_protocol.handshake_messages import HelloParams


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """The user, the page and the connection that a session began with. Prints as JSON."""

    user_agent: UserAgent
    """As the user-agents library parses it: `is_mobile`, `browser.family`, `os.version_string`, `device.brand`."""
    user_language: str
    """The browser's language, such as "zh-CN"; empty if unknown."""
    languages: tuple[str, ...]
    """All that the user reads, the preferred one first."""
    timezone: str
    """An IANA name; empty if unknown."""
    server_host: str
    """The host and port by which the client reached the server."""
    origin: str
    """Of the page, such as "http://localhost:8080"; empty where there is no browser."""
    user_ip: str
    """The peer's address; behind trusted proxies the one that they forward."""
    backend: str
    """What serves: `websockets`."""
    protocol: str
    """`websocket`."""
    request: Request
    """The request that opened the first connection: `path` and `headers`."""
    url: str
    """Of the page, without its fragment; empty without a page."""
    query: dict[str, str]
    """The query parameters of the page's URL; of one that is there several times, the last."""
    app: str
    """The app that runs."""
    session_id: str
    """The session's public id, as in logs."""

    def __str__(self) -> str:
        texts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return json.dumps({name: _plain(value) for name, value in texts.items()}, indent=2, ensure_ascii=False)


def _plain(value: object) -> object:
    return value if isinstance(value, str | dict | tuple) else str(value)


def make_info(hello: HelloParams, request: Request, peer: str, session_id: str, trusted: Sequence[str]) -> SessionInfo:
    """Return the info of a new session, from its hello and the request of its first connection."""
    headers, page = request.headers, hello.page
    url = _or_empty(page.url)
    languages = [] if page.languages is MISSING else page.languages
    query = parse_qs(_query_of(url), keep_blank_values=True)
    return SessionInfo(
        user_agent=parse_user_agent(first_header(headers, "User-Agent") or ""),
        user_language=_or_empty(page.language) or _first_language(first_header(headers, "Accept-Language") or ""),
        languages=tuple(languages),
        timezone=_or_empty(page.timezone),
        server_host=first_header(headers, "Host") or "",
        origin=first_header(headers, "Origin") or "",
        user_ip=user_address(peer, headers.get_all("X-Forwarded-For"), trusted),
        backend="websockets",
        protocol="websocket",
        request=request,
        url=url,
        query={name: values[-1] for name, values in query.items()},
        app=hello.app,
        session_id=session_id,
    )


def first_header(headers: Headers, name: str) -> str | None:
    """Return a header's value, the first of several; None if it is absent."""
    values = headers.get_all(name)
    return values[0] if values else None


def _query_of(url: str) -> str:
    try:
        return urlsplit(url).query
    except ValueError:
        return ""


def _or_empty(value: str | MISSING) -> str:
    return "" if value is MISSING else value


def _first_language(accept_language: str) -> str:
    return accept_language.partition(",")[0].partition(";")[0].strip()


def user_address(peer: str, forwarded: Sequence[str], trusted: Sequence[str]) -> str:
    """Return the address of the user: the last one that no trusted proxy has, from the peer backwards."""
    chain = [part.strip() for header in forwarded for part in header.split(",") if part.strip()]
    address = peer
    while chain and is_trusted(address, trusted):
        address = chain.pop()
    return address


def is_trusted(address: str, trusted: Sequence[str]) -> bool:
    """Whether `address` is one of a trusted proxy."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in ipaddress.ip_network(network, strict=False) for network in trusted)
