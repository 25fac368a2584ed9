"""Whose address counts behind proxies: what they write, in every form, and what clients write to be somebody else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pagewire_server.web.requests import Request, counted_peer, counted_user, is_trusted, user_address

PROXY = "10.0.0.1"
USER = "203.0.113.9"
TRUSTED = ("10.0.0.0/8", "2001:db8:ffff::/48")


def user_of(*headers: tuple[str, str], peer: str = PROXY, trusted: Sequence[str] = TRUSTED) -> str:
    """Return the address of the user of a request with these headers."""
    return user_address(Request("/ws", (("Host", "a.example"), *headers), peer, None), trusted)


def x_forwarded_for(*lines: str) -> list[tuple[str, str]]:
    """Return the header in so many lines."""
    return [("X-Forwarded-For", line) for line in lines]


def forwarded(*lines: str) -> list[tuple[str, str]]:
    """Return the header in so many lines."""
    return [("Forwarded", line) for line in lines]


FORMS = [
    ("203.0.113.9", USER),
    ("203.0.113.9:5000", USER),
    ('"203.0.113.9:5000"', USER),
    ('"203.0.113.9"', USER),
    (r'"203\.0.113.9"', USER),
    ("203.0.113.9:_port", USER),
    ("2001:db8::1", "2001:db8::1"),
    ("2001:DB8:0:0::1", "2001:db8::1"),
    ("[2001:db8::1]", "2001:db8::1"),
    ("[2001:db8::1]:5000", "2001:db8::1"),
    ('"[2001:db8::1]:5000"', "2001:db8::1"),
    ('"[2001:db8::1]"', "2001:db8::1"),
    ("fe80::1%eth0", "fe80::1"),
    ("[fe80::1%25eth0]:80", "fe80::1"),
    ("::ffff:203.0.113.9", USER),
    ("[::ffff:203.0.113.9]:5000", USER),
]
"""What a proxy writes for a user, and the address that it means."""

NOT_ADDRESSES = [
    "unknown",
    "unknown:5000",
    "_hidden",
    "_SEVKISEK",
    '"_hidden:5000"',
    '""',
    '"',
    "unix:",
    "user.example",
    "203.0.113",
    "203.0.113.256",
    "203.0.113.9:",
    "203.0.113.9:123456",
    "203.0.113.9:80:80",
    "203.0.113.9/32",
    "203.0.113.9 x",
    "[203.0.113.9]",
    "[2001:db8::1",
    "2001:db8::1]:80",
    "[2001:db8::g]:80",
    "[]",
    ":80",
    "3405803785",
]
"""What names nobody."""


@pytest.mark.parametrize(("written", "address"), FORMS)
def test_user_is_the_address_that_the_proxy_means(written: str, address: str) -> None:
    """In either header, without port, quotes, brackets and zone."""
    assert user_of(*x_forwarded_for(written)) == address
    assert user_of(*forwarded(f"for={written}")) == address


@pytest.mark.parametrize("port", [1, 5000, 65535])
def test_ports_of_a_user_count_as_one_address(port: int) -> None:
    """Else `max_sessions_per_address` limits nobody."""
    request = Request("/ws", tuple(x_forwarded_for(f"{USER}:{port}")), PROXY, None)
    assert counted_user(request, TRUSTED) == USER


@pytest.mark.parametrize("written", NOT_ADDRESSES)
def test_what_is_not_an_address_is_not_believed(written: str) -> None:
    """The nearest address that is known counts; what was written before it, anybody may have written."""
    assert user_of(*x_forwarded_for(written)) == PROXY
    assert user_of(*x_forwarded_for(f"6.6.6.6, {written}, 10.0.0.2")) == "10.0.0.2"
    assert user_of(*forwarded(f"for={written}")) == PROXY
    assert user_of(*forwarded(f"for=6.6.6.6, for={written}, for=10.0.0.2")) == "10.0.0.2"


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (["6.6.6.6, 203.0.113.9"], USER),
        (["6.6.6.6", "203.0.113.9"], USER),
        (["6.6.6.6,203.0.113.9:1,10.0.0.2:80"], USER),
        (["203.0.113.9", "10.0.0.2", "10.0.0.3,10.0.0.4"], USER),
        ([" \t203.0.113.9\t ,, ,", ""], USER),
        (["", ",", " "], PROXY),
        (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (['"6.6.6.6, 203.0.113.9'], USER),
        (["203.0.113.9, [2001:db8:ffff::1]:443"], USER),
        (["203.0.113.9, ::ffff:10.0.0.2"], USER),
    ],
)
def test_chain_is_read_from_its_end(lines: list[str], address: str) -> None:
    """Over several headers, without empty elements, up to the first address that is not a trusted proxy's."""
    assert user_of(*x_forwarded_for(*lines)) == address


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (["For=203.0.113.9"], USER),
        (["proto=https;FOR=203.0.113.9;by=10.0.0.1"], USER),
        ([" proto=https ; for=203.0.113.9 ;; "], USER),
        (["for=6.6.6.6, for=203.0.113.9"], USER),
        (["for=6.6.6.6;proto=http", "for=203.0.113.9", 'for="10.0.0.2:80",'], USER),
        (['for=203.0.113.9;host="a, for=6.6.6.6"'], USER),
        (['for=203.0.113.9;host="a;for=6.6.6.6"'], USER),
        ([r'for=203.0.113.9;host="a\", for=6.6.6.6;x=\""'], USER),
        (['for="[2001:db8::1]";by="_a,b", for=10.0.0.2'], "2001:db8::1"),
    ],
)
def test_forwarded_is_read_as_rfc_7239_has_it(lines: list[str], address: str) -> None:
    """Names in any case, quoted strings, other parameters, several elements and headers."""
    assert user_of(*forwarded(*lines)) == address


@pytest.mark.parametrize(
    "line",
    [
        "for=6.6.6.6, proto=https",
        "for=6.6.6.6, for",
        "for=6.6.6.6, for=",
        "for=6.6.6.6, for =203.0.113.9",
        "for=6.6.6.6, for=203.0.113.9;for=203.0.113.8",
        "for=6.6.6.6, for=203.0.113.9;x y",
        "for=6.6.6.6, 203.0.113.9",
        'for=6.6.6.6, for="203.0.113.9',
        'for=6.6.6.6, for=203.0.113.9;x="',
        r"for=6.6.6.6, for=203.0.113.9;x=\"",
    ],
)
def test_malformed_element_of_forwarded_is_not_believed(line: str) -> None:
    """Nor is one without `for`, and nothing that is written before it."""
    assert user_of(*forwarded(line)) == PROXY


@pytest.mark.parametrize("before", ['for="', 'x="', 'for=6.6.6.6;x="a', r'for="\\', 'for="6.6.6.6"; "', "\\"])
@pytest.mark.parametrize("added", ["for=203.0.113.9", 'for="203.0.113.9:80"', r'for=203.0.113.9;host="a\"b"'])
def test_client_hides_nothing_that_a_proxy_has_added(before: str, added: str) -> None:
    """A quote that is left open swallows no element behind it."""
    assert user_of(*forwarded(f"{before}, {added}")) == USER


@pytest.mark.parametrize("element", ["10.0.0.2", ""])
def test_no_more_elements_are_read_than_there_are_proxies(element: str) -> None:
    """A client in a trusted network may send a hundred thousand of them, which take a second to read."""
    lines = [",".join([element] * 50)] * 2
    nearest = element or PROXY
    assert user_of(*x_forwarded_for(f"{USER},{lines[0]}")) == USER
    assert user_of(*x_forwarded_for(USER, *lines)) == nearest


def test_x_forwarded_for_wins_over_forwarded() -> None:
    """A proxy that knows only the older one passes on whatever the client writes into the other."""
    assert user_of(*forwarded("for=6.6.6.6"), *x_forwarded_for(USER)) == USER
    assert user_of(*forwarded("for=6.6.6.6"), *x_forwarded_for("unknown")) == PROXY


def test_headers_of_a_stranger_are_not_believed() -> None:
    """Only a trusted proxy's are."""
    assert user_of(*x_forwarded_for("6.6.6.6"), peer=USER) == USER
    assert user_of(*forwarded("for=6.6.6.6"), peer=USER) == USER
    assert user_of(*x_forwarded_for("6.6.6.6"), trusted=()) == PROXY


def test_peer_without_an_address_stays_what_it_is() -> None:
    """Such as that of a Unix socket."""
    assert user_of(*x_forwarded_for("6.6.6.6"), peer="") == ""


@pytest.mark.parametrize("peer", ["10.0.0.1", "::ffff:10.0.0.1"])
@pytest.mark.parametrize("network", ["10.0.0.1", "10.0.0.0/8", "::ffff:10.0.0.1", "::ffff:10.0.0.0/104"])
def test_proxy_is_trusted_in_either_notation(peer: str, network: str) -> None:
    """A socket for both families gives IPv4-mapped addresses."""
    assert is_trusted(peer, (network,))
    assert counted_peer(peer, (network,)) is None
    assert user_of(*x_forwarded_for(USER), peer=peer, trusted=(network,)) == USER


def test_address_of_the_peer_is_normalised() -> None:
    """As those that are forwarded."""
    assert user_of(peer="::ffff:203.0.113.9") == USER
    assert user_of(peer="fe80::1%eth0") == "fe80::1"
