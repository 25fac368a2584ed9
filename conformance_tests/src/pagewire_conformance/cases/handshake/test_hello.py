"""HELLO-1 to HELLO-9, HELLO-19, HELLO-21, HELLO-22: what a client says of itself."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from pagewire_conformance.peer.peer import Peer
from pagewire_conformance.requirements import Profile, profile, requirement

LONGEST_URL = 8192
"""In characters."""


@requirement("HELLO-1")
def test_first_message_is_hello(unconnected: Peer) -> None:
    """HELLO-1: the first message on a connection is a hello."""
    unconnected.line.await_connection()
    unconnected.receive("hello")


@requirement("HELLO-3")
def test_versions_have_one_of_the_major_number_of_the_subprotocol(unconnected: Peer) -> None:
    """HELLO-3: the versions are strings "major.minor", and 1.0 is among them."""
    versions = unconnected.accept()["versions"]
    assert "1.0" in versions
    assert len(set(versions)) == len(versions)


@requirement("HELLO-4")
def test_instance_has_room_for_128_bits(unconnected: Peer) -> None:
    """HELLO-4: the instance is a secret of at least 128 bits: 22 characters of base64, 32 of hexadecimal."""
    instance = unconnected.accept()["instance"]
    bits_per_character = 4 if re.fullmatch(r"[0-9a-f-]+|[0-9A-F-]+", instance) else 6
    assert len(instance.replace("-", "")) * bits_per_character >= 122, f"{len(instance)} characters hold too little"


@requirement("HELLO-4")
def test_instance_comes_from_chance(unconnected: Peer) -> None:
    """HELLO-4: the instance comes from a cryptographic source: it has many different characters."""
    instance = unconnected.accept()["instance"]
    assert len(set(instance)) >= 6, f"the instance begins with {instance[:4]!r} and has {len(set(instance))} characters"


@requirement("HELLO-5")
def test_app_is_that_of_the_url(unconnected: Peer) -> None:
    """HELLO-5: the app is the value of the page's query parameter `app`, `index` where there is none."""
    hello = unconnected.accept()
    unconnected.needs_page()
    query = parse_qs(urlsplit(unconnected.page_url).query)
    assert hello["app"] == query.get("app", ["index"])[0]


@requirement("HELLO-7")
def test_limit_is_at_least_65536_bytes(unconnected: Peer) -> None:
    """HELLO-7: the client accepts messages of 65536 bytes at the least."""
    assert unconnected.accept()["limits"]["max_message_bytes"] >= 65536


@requirement("HELLO-19")
def test_attempt_is_a_number_from_1(unconnected: Peer) -> None:
    """HELLO-19: each hello has an attempt, the first one too: an integer from 1."""
    assert unconnected.accept()["attempt"] >= 1


@requirement("HELLO-9")
def test_page_describes_itself(unconnected: Peer) -> None:
    """HELLO-9: a page tells its URL without the fragment, its languages and its time zone."""
    page = unconnected.accept()["page"]
    unconnected.needs_page()
    assert set(page) >= {"url", "language", "languages", "timezone"}
    assert "#" not in page["url"]
    assert page["language"] in page["languages"]
    assert re.fullmatch(r"UTC|[A-Za-z_]+(/[A-Za-z0-9_+-]+)+", page["timezone"])


@requirement("HELLO-9")
@profile(Profile.PAGE)
def test_longest_url_is_told(peer: Peer) -> None:
    """HELLO-9: a page tells a URL of 8192 characters as it is."""
    peer.needs_page()
    peer.seen.open_long_url(LONGEST_URL)
    peer.begin_anew()
    assert len(peer.connect()["page"].get("url", "")) == LONGEST_URL


@requirement("HELLO-21", "HELLO-22")
@profile(Profile.PAGE)
@pytest.mark.parametrize("characters", [LONGEST_URL + 1, 70_000])
def test_longer_url_is_left_out(peer: Peer, characters: int) -> None:
    """HELLO-21, HELLO-22: a page tells no URL that is too long, nor a part of it."""
    peer.needs_page()
    peer.seen.open_long_url(characters)
    peer.begin_anew()
    assert "url" not in peer.connect()["page"]
