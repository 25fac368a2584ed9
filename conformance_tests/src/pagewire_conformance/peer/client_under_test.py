"""The client under test besides its messages: what became of it, and its driver, by which cases see and control it.

The driver is the client's own capability `test`, or that of a browser.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pagewire_conformance.verdicts import Broken, Unverified

Message = dict[str, Any]


@dataclass(frozen=True)
class SavedFile:
    """A file that the client has handed over to be saved."""

    name: str
    size: int
    sha256: str

    @classmethod
    def of(cls, name: str, content: bytes) -> SavedFile:
        """Return what a file of this name and content is seen as."""
        return cls(name, len(content), hashlib.sha256(content).hexdigest())


@dataclass(frozen=True)
class OpenedApp:
    """An app that the client went to."""

    url: str
    new_window: bool
    has_opener: bool | None = None
    """None where that cannot be seen."""


class ClientDriver(Protocol):
    """Each method raises Unverified where this way of looking shows no such thing."""

    def files(self, count: int) -> list[SavedFile]:
        """Return the files that were saved; waits until there are `count` where they come late."""
        ...

    def setting(self, name: str) -> Any:
        """Return the value of one of `set_env`'s settings that is in effect."""
        ...

    def apps(self, count: int) -> list[OpenedApp]:
        """Return the apps that were opened; waits until there are `count` where they come late."""
        ...

    def links(self) -> list[str]:
        """Return the texts of the links that are offered to the user."""
        ...

    def notice(self) -> str:
        """Return all that the user is told."""
        ...

    def stored(self) -> str:
        """Return all that the client has stored outside its memory, as one text."""
        ...

    def click(self) -> None:
        """Be a user who clicks somewhere in the page, which lets it open windows."""
        ...

    @property
    def blocks_windows(self) -> bool:
        """Whether windows are blocked that no user has asked for."""
        ...

    def leave(self) -> None:
        """Make the client leave: close the page, stop the process."""
        ...

    def break_connection(self) -> None:
        """Break the connection from the client's side, without a word."""
        ...

    def reload(self) -> None:
        """Load the page again."""
        ...

    def restore(self) -> None:
        """Bring the page back from the browser's cache."""
        ...

    def forbid_code(self) -> bool:
        """Put the page under a policy that forbids making code of text; True if it connects anew for that."""
        ...

    def apps_after_leaving(self, count: int) -> list[OpenedApp]:
        """As `apps`, where the session is over."""
        ...

    def open_long_url(self, characters: int) -> None:
        """Load the page again, from a URL of so many characters."""
        ...

    def use_auth(self, text: str, times: int) -> None:
        """Have `auth` of the next hello be that text, so many times in a row."""
        ...


class Subject(Protocol):
    """A client that has been started for one case."""

    def driver(self, ask: Callable[[Message], Message], hello: Message) -> ClientDriver:
        """Return what shows this client; `ask` sends it a command and returns the reply."""
        ...

    def describe(self) -> str:
        """Say what became of it, for a report: its exit code, its stderr."""
        ...

    def output(self) -> str:
        """Return what it has written to its stderr, or to the console of the page."""
        ...


class TestCapability:
    """Asks the client itself, by the commands of its capability `test` (README, "What can be seen")."""

    __test__ = False

    def __init__(self, ask: Callable[[Message], Message], folder: Path | None) -> None:
        self._ask = ask
        self._folder = folder

    def files(self, count: int) -> list[SavedFile]:
        """See ClientDriver."""
        files = [SavedFile(each["name"], each["bytes"], each["sha256"]) for each in self._state("files")]
        if self._folder is not None:
            for file in files[-count:]:
                compare_with_disk(self._folder, file)
        return files

    def setting(self, name: str) -> Any:
        """See ClientDriver."""
        settings = self._state("settings")
        if name not in settings:
            raise Unverified(f"test:state does not show the setting {name}")
        return settings[name]

    def apps(self, count: int) -> list[OpenedApp]:  # noqa: ARG002 - the state is there at once
        """See ClientDriver."""
        return [OpenedApp(each["url"], each["new_window"], each.get("has_opener")) for each in self._state("apps")]

    def links(self) -> list[str]:
        """See ClientDriver."""
        return list(self._state("links"))

    def notice(self) -> str:
        """See ClientDriver: once the session has ended, there is nobody left to ask."""
        raise Unverified("the capability test cannot show what the user is told after the end")

    def stored(self) -> str:
        """See ClientDriver."""
        return str(self._state("stored"))

    def click(self) -> None:
        """See ClientDriver."""
        self._do("test:click")

    @property
    def blocks_windows(self) -> bool:
        """See ClientDriver."""
        return True

    def leave(self) -> None:
        """See ClientDriver."""
        self._do("test:leave")

    def break_connection(self) -> None:
        """See ClientDriver."""
        self._do("test:break")

    def reload(self) -> None:
        """See ClientDriver."""
        self._do("test:reload")

    def restore(self) -> None:
        """See ClientDriver."""
        self._do("test:restore")

    def forbid_code(self) -> bool:
        """See ClientDriver."""
        self._do("test:forbid_code")
        return False

    def apps_after_leaving(self, count: int) -> list[OpenedApp]:  # noqa: ARG002 - see ClientDriver
        """See ClientDriver: nobody is left to ask."""
        raise Unverified("the capability test cannot show where a page went that has left")

    def open_long_url(self, characters: int) -> None:
        """Ask the client to load its page again from a URL of so many characters."""
        self._do("test:long_url", {"characters": characters})

    def use_auth(self, text: str, times: int) -> None:
        """Ask the client for an `auth` of that text, so many times in a row, in its next hello."""
        self._do("test:auth", {"text": text, "times": times})

    def _state(self, part: str) -> Any:
        state = self._do("test:state")
        if part not in state:
            raise Unverified(f"test:state does not show {part}")
        return state[part]

    def _do(self, type_: str, params: Message | None = None) -> Message:
        reply = self._ask({"type": type_, "params": params or {}})
        if reply["type"] == "result":
            return dict(reply["params"])
        if reply["params"]["code"] == "unsupported":
            raise Unverified(f"the client does not take {type_}")
        raise Broken(f"{type_} failed: {reply['params']}")


class NoDriver(TestCapability):
    """For a client that shows nothing; with a folder, the files that it saves are seen."""

    def __init__(self, folder: Path | None) -> None:
        super().__init__(self._refuse, folder)

    def files(self, count: int) -> list[SavedFile]:
        """See ClientDriver."""
        if self._folder is None:
            raise Unverified("neither the capability test nor --downloads shows what was saved")
        found = sorted(self._folder.glob("[!.]*"), key=lambda path: path.stat().st_mtime_ns)
        return [SavedFile.of(path.name, path.read_bytes()) for path in found[-count:]]

    @staticmethod
    def _refuse(message: Message) -> Message:
        raise Unverified(f"the client does not announce the capability test, so not {message['type']}")


def compare_with_disk(folder: Path, file: SavedFile) -> None:
    """Raise Broken unless the file lies in `folder` as it was said to be."""
    path = folder / file.name
    if not path.is_file():
        raise Broken(f"there is no {file.name!r} in {folder}, though the client says that it saved it")
    if SavedFile.of(file.name, path.read_bytes()) != file:
        raise Broken(f"{path} has another content than the client says")
