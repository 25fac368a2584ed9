"""APP-1 to APP-6: going to another app."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit, urlunsplit

import pytest

from pagewire_conformance.messages import go_app
from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import Profile, profile, requirement

pytestmark = profile(Profile.PAGE)


def app_url(page_url: str, app: str) -> list[tuple[str, str]]:
    """Return the query that the URL of an app has: the page's, with `app` in its place or at the end."""
    query = parse_qsl(urlsplit(page_url).query, keep_blank_values=True)
    names = [name for name, _ in query]
    if "app" not in names:
        return [*query, ("app", app)]
    first = names.index("app")
    kept = [(name, value) for index, (name, value) in enumerate(query) if name != "app" or index == first]
    return [(name, app if name == "app" else value) for name, value in kept]


def without_query(url: str) -> str:
    """Return a URL without its query and fragment."""
    return urlunsplit((*urlsplit(url)[:3], "", ""))


def needs_blocker(peer: Peer) -> None:
    """Go on only in a page whose browser blocks windows that nobody asked for."""
    peer.needs_page()
    if not peer.seen.blocks_windows:
        raise peer.unverified("this browser opens every window")


@requirement("APP-1", "APP-2")
@pytest.mark.parametrize("app", ["report", "a b&c=d#e+日本"])
def test_app_opens_in_a_new_window(peer: Peer, app: str) -> None:
    """APP-1: its URL is the page's own with `app` changed; APP-2: in a new window that has no opener."""
    peer.needs_page()
    peer.seen.click()
    assert peer.result(go_app(app, new_window=True)) == {}
    (opened,) = peer.seen.apps(1)
    assert parse_qsl(urlsplit(opened.url).query, keep_blank_values=True) == app_url(peer.page_url, app)
    assert without_query(opened.url) == without_query(peer.page_url)
    assert "#" not in opened.url
    assert (opened.new_window, opened.has_opener in {False, None}) == (True, True)


@requirement("APP-1")
def test_url_with_several_apps_has_one_afterwards(peer: Peer) -> None:
    """APP-1: `app` stands in the place of the first one of that name, and once."""
    peer.needs_page()
    peer.seen.click()
    peer.result(go_app("other", new_window=True))
    (opened,) = peer.seen.apps(1)
    names = [name for name, _ in parse_qsl(urlsplit(opened.url).query)]
    assert names.count("app") == 1


@requirement("APP-3")
def test_page_goes_to_the_app_itself(peer: Peer) -> None:
    """APP-3: without `new_window` the page itself goes there; the result comes before it leaves."""
    peer.needs_page()
    page_url = peer.page_url
    assert peer.result(go_app("other", new_window=False)) == {}
    peer.expect_bye("client_left", 1000)
    (opened,) = peer.seen.apps_after_leaving(1)
    assert not opened.new_window
    assert parse_qsl(urlsplit(opened.url).query, keep_blank_values=True) == app_url(page_url, "other")


@requirement("APP-4")
@pytest.mark.full_browser
def test_window_that_is_blocked_is_told(peer: Peer) -> None:
    """APP-4: a window that the browser refuses to open is answered by popup_blocked."""
    needs_blocker(peer)
    peer.error(go_app("other", new_window=True), "popup_blocked")
    assert peer.seen.apps(0) == []
    assert peer.value("1 + 1") == 2


@requirement("APP-5")
@pytest.mark.full_browser
def test_link_is_offered_for_a_blocked_window(peer: Peer) -> None:
    """APP-5: the page offers the user a link to the app."""
    needs_blocker(peer)
    peer.error(go_app("linked-app", new_window=True), "popup_blocked")
    assert any("linked-app" in text for text in peer.seen.links())


@requirement("APP-6")
@pytest.mark.parametrize("new_window", [True, False])
def test_client_without_a_page_does_not_support_it(peer: Peer, *, new_window: bool) -> None:
    """APP-6: a client that has no page answers `error unsupported`."""
    if peer.has_page:
        raise peer.not_offered("the client has a page")
    peer.error(go_app("other", new_window=new_window), "unsupported")
