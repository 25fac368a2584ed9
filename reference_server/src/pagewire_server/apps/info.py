"""What is known of the user and the page of a session.

A client chooses these texts freely, and some take long to parse: that is done where the program first asks for it, not
on the event loop at the beginning of each session.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from pydantic import MISSING
from user_agents import parse as parse_user_agent
from user_agents.parsers import UserAgent

from pagewire_protocol.handshake_messages import PageInfo
from pagewire_server.ops.client_text import escape_lines
from pagewire_server.web.requests import Request, user_address

MAX_USER_AGENT: Final = 512
"""Characters of a User-Agent that are parsed: its parser takes milliseconds for them, and no browser sends as many."""

INFO_NAMES: Final = (
    *("user_agent", "user_language", "languages", "timezone", "server_host", "origin", "user_ip", "backend"),
    *("protocol", "request", "url", "query", "app", "session_id"),
)
"""The attributes of `info`, in the order in which it prints them."""


@dataclass(frozen=True)
class SessionInfo:
    """The user, the page and the connection that a session began with. Prints as JSON."""

    _user_agent: str
    """The header, cut to `MAX_USER_AGENT` characters."""
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
    """The peer's address; behind trusted proxies the one that they forward. It has no port and no zone."""
    backend: str
    """What serves: `websockets`."""
    protocol: str
    """`websocket`."""
    request: Any
    """The framework's own request that opened the first connection; of `websockets`, with `path` and `headers`."""
    url: str
    """Of the page, without its fragment; empty without a page, or if it is longer than 8192 characters (HELLO-22)."""
    app: str
    """The app that runs."""
    session_id: str
    """The session's public id, as in logs."""

    @cached_property
    def user_agent(self) -> UserAgent:
        """As the user-agents library parses it: `is_mobile`, `browser.family`, `os.version_string`, `device.brand`."""
        return parse_user_agent(self._user_agent)

    @cached_property
    def query(self) -> dict[str, str]:
        """The query parameters of the page's URL; of one that is there several times, the last."""
        return {name: values[-1] for name, values in parse_qs(_query_of(self.url), keep_blank_values=True).items()}

    def __str__(self) -> str:
        values = {name: _plain(getattr(self, name)) for name in INFO_NAMES}
        text = json.dumps(values, indent=2, ensure_ascii=False)
        # What JSON leaves as it is may still steer a terminal.
        return escape_lines(text)


def _plain(value: object) -> object:
    return value if isinstance(value, str | dict | tuple) else str(value)


def make_info(
    page: PageInfo, app: str, request: Request, session_id: str, *, backend: str, trusted_proxies: Sequence[str]
) -> SessionInfo:
    """Return the info of a new session, from its hello and the request of its first connection."""
    languages = [] if page.languages is MISSING else page.languages
    return SessionInfo(
        _user_agent=(request.header("User-Agent") or "")[:MAX_USER_AGENT],
        user_language=_or_empty(page.language) or _first_language(request.header("Accept-Language") or ""),
        languages=tuple(languages),
        timezone=_known_timezone(_or_empty(page.timezone)),
        server_host=request.header("Host") or "",
        origin=request.header("Origin") or "",
        user_ip=user_address(request, trusted_proxies),
        backend=backend,
        protocol="websocket",
        request=request.native,
        url=_or_empty(page.url),
        app=app,
        session_id=session_id,
    )


def _known_timezone(name: str) -> str:
    """Return an IANA name as it is; empty for what a browser says where it knows none."""
    return "" if name == "Etc/Unknown" else name


def _query_of(url: str) -> str:
    try:
        return urlsplit(url).query
    except ValueError:
        return ""


def _or_empty(value: str | MISSING) -> str:
    return "" if value is MISSING else value


def _first_language(accept_language: str) -> str:
    return accept_language.partition(",")[0].partition(";")[0].strip()
