"""What a page shows while its server drains."""

from __future__ import annotations

import pytest
from live_server import LiveServer, Serve
from playwright.sync_api import BrowserContext, Page, expect

from pagewire_server.session import hold

SLOW = {"heartbeat_interval": 1000, "heartbeat_timeout": 1000}
"""A connection outlives any skip of the clock."""

SAID = "Connected. The server is stopping. This session ends within {}."


def open_page(live: LiveServer, context: BrowserContext) -> Page:
    """Open the page of `live` and wait until it is connected."""
    page = context.new_page()
    page.goto(live.url)
    expect(page.get_by_role("status")).to_have_text("Connected")
    return page


async def cut(live: LiveServer) -> None:
    """Break the connections of all sessions."""
    for session in live.sessions:
        session._connection._socket.abort()  # type: ignore[union-attr]  # a WebSocketConnection


def test_page_shows_that_its_server_drains(serve: Serve, context: BrowserContext) -> None:
    """Until when at the latest, after a break too; once the session has ended, nothing is left of it."""
    live = serve(hold, drain_window=300, **SLOW)
    page = open_page(live, context)
    live.begin(live.server.drain())
    status = page.get_by_role("status")
    expect(status).to_have_text(SAID.format("5 minutes"))
    live.skip(100)
    live.run(cut(live))
    expect(status).to_have_text(SAID.format("4 minutes"))
    live.skip(300)
    expect(status).to_have_text("Connection lost. Reconnecting …")
    assert page.locator("#pagewire-status").get_attribute("data-notice") is None


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(("seconds", "limit"), [(119, "119 seconds"), (7000, "117 minutes")])
def test_notice_fits_and_moves_nothing(
    serve: Serve, context: BrowserContext, width: int, seconds: int, limit: str
) -> None:
    """In the line's height, and in the width of a telephone."""
    live = serve(hold, drain_window=seconds, **SLOW)
    page = open_page(live, context)
    page.set_viewport_size({"width": width, "height": 600})
    bar, text, output = page.locator("#pagewire-status"), page.get_by_role("status"), page.get_by_role("main")
    before = output.bounding_box()
    live.begin(live.server.drain())
    expect(text).to_have_text(SAID.format(limit))
    outer, inner = bar.bounding_box(), text.bounding_box()
    assert outer
    assert inner
    assert output.bounding_box() == before
    assert outer["y"] <= inner["y"]
    assert inner["y"] + inner["height"] <= outer["y"] + outer["height"]
    assert inner["x"] + inner["width"] <= width
