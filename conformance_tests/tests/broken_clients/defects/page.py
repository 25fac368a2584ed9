"""Defects of settings and apps."""

from __future__ import annotations

from typing import Any

from broken_clients.client import Client, Message
from broken_clients.client_platform import CommandFailed
from broken_clients.defects import breaks
from broken_clients.defects.bases import (
    AppliesAll,
    Boasts,
    HidesBlocking,
    OffersNothing,
    Pageless,
    PageThatAppendsTheApp,
    PageThatDropsTheQuery,
    PageThatKeepsTheOpener,
    Resets,
    WithPage,
)
from pagewire_protocol.codec import Envelope
from pagewire_protocol.violations import InvalidParams


@breaks("ENV-1")
class OnlySaysThatItApplies(WithPage):
    """Names settings as applied that it does not apply."""

    page_type = Boasts


@breaks("ENV-1")
class WantsSettings(Client):
    """Refuses a command without settings."""

    def set_env(self, settings: Message) -> Message:
        if not settings:
            raise CommandFailed("invalid_command", "params: are empty")
        return super().set_env(settings)


@breaks("ENV-2")
class AppliesHeightsAlways(WithPage):
    """Applies the heights of a panel that is not fixed."""

    page_type = AppliesAll


@breaks("ENV-2")
class PullsOverWebSockets(Client):
    """Says that it applies http_pull_interval."""

    def set_env(self, settings: Message) -> Message:
        result = super().set_env(settings)
        return {"applied": result["applied"] + result["ignored"], "ignored": []}


@breaks("ENV-2")
class AppliesWithoutAPage(Pageless):
    """Says that it applies the title, without a page."""

    def set_env(self, settings: Message) -> Message:
        result = super().set_env(settings)
        return {"applied": [name for name in settings if name == "title"], "ignored": result["ignored"]}


@breaks("ENV-3")
class NamesUnknownSettings(Client):
    """Names unknown settings as ignored."""

    def read_command(self, envelope: Envelope) -> Message:
        params = super().read_command(envelope)
        if envelope.type == "set_env" and isinstance(envelope.params, dict):
            return {**envelope.params, **params}
        return params

    def set_env(self, settings: Message) -> Message:
        known = {name: value for name, value in settings.items() if name not in {"novelty", "constructor"}}
        result = super().set_env(known)
        return result | {"ignored": result["ignored"] + sorted(set(settings) - set(known))}


@breaks("ENV-3")
class LosesSettings(Client):
    """Names a setting in both lists."""

    def set_env(self, settings: Message) -> Message:
        result = super().set_env(settings)
        return result | {"ignored": result["applied"] + result["ignored"]}


@breaks("ENV-4")
class AppliesUpToTheInvalidOne(Client):
    """Applies the settings before an invalid one."""

    def read_command(self, envelope: Envelope) -> Message:
        try:
            return super().read_command(envelope)
        except InvalidParams:
            if envelope.type == "set_env" and isinstance(envelope.params, dict) and "title" in envelope.params:
                self.page.settings["title"] = envelope.params["title"]
            raise


@breaks("ENV-4")
class TakesAnyWidth(Client):
    """Takes a width in any unit."""

    def read_command(self, envelope: Envelope) -> Message:
        params: Any = envelope.params
        if envelope.type == "set_env" and isinstance(params, dict) and params.get("output_max_width") == "10em":
            return {"output_max_width": "10em"}
        return super().read_command(envelope)


@breaks("ENV-5")
class ResetsTheRest(WithPage):
    """Sets back what a command does not name."""

    page_type = Resets


@breaks("APP-1")
class DropsTheQuery(WithPage):
    """Drops the rest of the page's query."""

    page_type = PageThatDropsTheQuery


@breaks("APP-1")
class AppendsTheApp(WithPage):
    """Puts the app behind the query, though one stands in it."""

    page_type = PageThatAppendsTheApp


@breaks("APP-2")
class KeepsTheOpener(WithPage):
    """Leaves the new window a way back."""

    page_type = PageThatKeepsTheOpener


@breaks("APP-3")
class GoesBeforeItSaysSo(Client):
    """Leaves for an app before the result is sent."""

    def go_app(self, id_: int, app: str, *, new_window: bool) -> None:
        if not new_window:
            self.leave()
        super().go_app(id_, app, new_window=new_window)


@breaks("APP-3")
class StaysWhereItIs(Client):
    """Opens a window in any case."""

    def go_app(self, id_: int, app: str, *, new_window: bool) -> None:
        self.page.may_open_windows |= not new_window
        super().go_app(id_, app, new_window=True)


@breaks("APP-4")
class HidesThatAWindowWasBlocked(WithPage):
    """Says nothing of a window that was blocked."""

    page_type = HidesBlocking


@breaks("APP-5")
class OffersNoLink(WithPage):
    """Offers no link to an app whose window was blocked."""

    page_type = OffersNothing


@breaks("APP-6")
class PretendsToGo(Pageless):
    """Says that it went to an app, without a page."""

    def go_app(self, id_: int, app: str, *, new_window: bool) -> None:
        self.result(id_, {})
