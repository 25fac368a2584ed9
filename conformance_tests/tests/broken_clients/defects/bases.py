"""What several defects are built on: correct clients that leave a place open for a change."""

from __future__ import annotations

from typing import Any

from broken_clients.client import Client, Message
from broken_clients.client_platform import CommandFailed, Disk, Page, safe_name
from pagewire_protocol.codec import Envelope


class WithHello(Client):
    """A client whose hello is changed."""

    changes: Message = {}

    def hello_params(self) -> Message:
        return super().hello_params() | self.changes


CALL = "apply(AsyncFunction(...names, code), globalThis, values)"


assert CALL in Client.prelude


def prelude(old: str, new: str) -> str:
    """Return the client's JavaScript with a part of it changed."""
    assert old in Client.prelude, old
    return Client.prelude.replace(old, new)


class Pageless(Client):
    """A correct client without a page and without streams."""

    has_page = False
    takes_streams = False


class LenientNames(Client):
    """A client that lets some bad names pass."""

    def passes(self, name: str) -> bool:
        raise NotImplementedError

    def read_command(self, envelope: Envelope) -> Message:
        params: Any = envelope.params
        if isinstance(params, dict) and isinstance(params.get("args"), dict) and any(map(self.passes, params["args"])):
            return {"args": {}, **params}
        return super().read_command(envelope)


class WithSave(Client):
    """A client that saves in another way."""

    def save(self, id_: int, name: str, content: bytes) -> None:
        self.store(name, content)
        self.page.links.append(name)
        self.result(id_, {"bytes": len(content)})

    def store(self, name: str, content: bytes) -> None:
        self.disk.save(name, content)


class NamingDisk(Disk):
    def name_for(self, name: str) -> str:
        return self.change(safe_name(name), name)

    def change(self, safe: str, name: str) -> str:
        raise NotImplementedError


class WithNames(Client):
    """A client that names its files in another way."""

    def begin(self) -> None:
        super().begin()
        self.disk = self.names()

    def names(self) -> Disk:
        raise NotImplementedError


class WithPage(Client):
    """A client with another page."""

    page_type: type[Page] = Page

    def begin(self) -> None:
        super().begin()
        self.page = self.page_type()


class Boasts(Page):
    def apply(self, settings: dict[str, Any]) -> tuple[list[str], list[str]]:
        applied, ignored = super().apply(settings)
        self.settings |= {"output_max_width": "880px", "title": "old"}
        return applied, ignored


class AppliesAll(Page):
    def apply(self, settings: dict[str, Any]) -> tuple[list[str], list[str]]:
        self.settings |= settings
        return [name for name in settings if name != "http_pull_interval"], [
            name for name in settings if name == "http_pull_interval"
        ]


class Resets(Page):
    def apply(self, settings: dict[str, Any]) -> tuple[list[str], list[str]]:
        self.settings["title"] = ""
        return super().apply(settings)


class PageThatDropsTheQuery(Page):
    def app_url(self, app: str) -> str:
        return super().app_url(app).replace("x=1&", "")


class PageThatAppendsTheApp(Page):
    def app_url(self, app: str) -> str:
        return f"{self.url}&app={app}"


class PageThatKeepsTheOpener(Page):
    def open_window(self, app: str) -> None:
        super().open_window(app)
        self.apps[-1]["has_opener"] = True


class HidesBlocking(Page):
    def open_window(self, app: str) -> None:
        try:
            super().open_window(app)
        except CommandFailed:
            return


class OffersNothing(Page):
    def open_window(self, app: str) -> None:
        try:
            super().open_window(app)
        finally:
            self.links.clear()
