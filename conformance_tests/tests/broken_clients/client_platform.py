"""What the correct client acts on: a disk for its files, and a page that is only pretended."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

_FORBIDDEN: Final = re.compile(
    r'[<>:"|?*\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]',
)
_RESERVED: Final = re.compile(r"(CON|PRN|AUX|NUL|COM[1-9]|LPT[1-9])", re.IGNORECASE)
_LONGEST_NAME: Final = 255
_HEIGHTS: Final = ("input_panel_min_height", "input_panel_init_height")


class CommandFailed(Exception):  # noqa: N818 - what a reply says
    """A command is answered by an error of this code."""

    def __init__(self, code: str, message: str = "It failed.", **params: Any) -> None:
        super().__init__(message)
        self.params: dict[str, Any] = {"code": code, "message": message, **params}


def safe_name(name: str) -> str:
    """Return the safe name of SPEC section 5.4.1."""
    name = re.split(r"[/\\]", name)[-1]
    name = _FORBIDDEN.sub("_", name).lstrip(" ").rstrip(" .")
    if _RESERVED.fullmatch(name.split(".")[0]):
        name = f"_{name}"
    return name or "download"


def decode_base64(text: str) -> bytes:
    """Return the bytes; ValueError for what is no base64 with its padding."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


@dataclass
class Disk:
    """Files that were saved, as `test:state` shows them."""

    files: list[dict[str, Any]] = field(default_factory=list)

    def save(self, name: str, content: bytes) -> None:
        """Save a file under its safe name; CommandFailed if the name is too long for a disk."""
        name = self.name_for(name)
        if len(name.encode()) > _LONGEST_NAME:
            raise CommandFailed("save_failed", "The name is too long.")
        self.files.append({"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()})

    def name_for(self, name: str) -> str:
        """Return the name under which a file is saved."""
        return safe_name(name)


@dataclass
class Page:
    """A page that has all parts, and shows its state."""

    url: str = "http://client.example/page?x=1&app=index&y=a%20b"
    settings: dict[str, Any] = field(default_factory=lambda: {"input_panel_fixed": True})
    apps: list[dict[str, Any]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    stored: str = ""
    may_open_windows: bool = False
    forbids_code: bool = False

    def describe(self) -> dict[str, Any]:
        """Return what a hello says of it."""
        return {"url": self.url, "language": "de-CH", "languages": ["de-CH", "en"], "timezone": "Europe/Zurich"}

    def apply(self, settings: dict[str, Any]) -> tuple[list[str], list[str]]:
        """Apply settings; return the names of those that have an effect, and of those that have none."""
        applied: list[str] = []
        ignored: list[str] = []
        if "input_panel_fixed" in settings:
            self.settings["input_panel_fixed"] = settings["input_panel_fixed"]
        for name, value in settings.items():
            if name == "http_pull_interval" or (name in _HEIGHTS and not self.settings["input_panel_fixed"]):
                ignored.append(name)
            else:
                applied.append(name)
                self.settings[name] = value
        return applied, ignored

    def app_url(self, app: str) -> str:
        """Return the URL of an app (APP-1)."""
        before, _, query = self.url.partition("?")
        pairs = [pair for pair in query.split("&") if pair]
        mine = f"app={quote(app, safe='')}"
        places = [index for index, pair in enumerate(pairs) if pair.split("=")[0] == "app"]
        kept = [mine if index in places[:1] else pair for index, pair in enumerate(pairs) if index not in places[1:]]
        return f"{before}?{'&'.join(kept if places else [*kept, mine])}"

    def open_window(self, app: str) -> None:
        """Open an app in a new window; CommandFailed if the user has not clicked."""
        if not self.may_open_windows:
            self.links.append(app)
            raise CommandFailed("popup_blocked", "The browser did not open the window.")
        self.apps.append({"url": self.app_url(app), "new_window": True, "has_opener": False})
