"""How much the clients of one address may make the server parse before it lets them in."""

from __future__ import annotations

from pagewire_server.core.limits import AddressRate

KIB = 1024


def make_rate(most_addresses: int = 100) -> AddressRate:
    """Return a rate of 4 KiB a second, of which 16 KiB may come at once."""
    return AddressRate(4 * KIB, 16 * KIB, most_addresses)


def test_burst_is_parsed_at_once_and_what_follows_waits() -> None:
    """Each waits until the tokens for it and for all before it are there."""
    rate = make_rate()
    waits = [rate.take("a", 4 * KIB - 1, now=100) for _ in range(6)]
    assert waits == [0, 0, 0, 0, 1, 2]


def test_tokens_come_back_with_time() -> None:
    """As many as the rate gives, and never more than the burst."""
    rate = make_rate()
    assert rate.take("a", 16 * KIB - 1, now=100) == 0
    assert rate.take("a", 8 * KIB - 1, now=102) == 0
    assert rate.take("a", 16 * KIB - 1, now=1000) == 0
    assert rate.take("a", 4 * KIB - 1, now=1000) == 1


def test_short_message_counts_as_a_unit() -> None:
    """To receive it costs something, too."""
    rate = make_rate()
    waits = [rate.take("a", 10, now=100) for _ in range(18)]
    assert waits == [0] * 16 + [0.25, 0.5]


def test_addresses_do_not_wait_for_each_other() -> None:
    """Each has tokens of its own."""
    rate = make_rate()
    assert rate.take("a", 64 * KIB - 1, now=100) == 12
    assert rate.take("b", 16 * KIB - 1, now=100) == 0


def test_address_that_owes_nothing_is_forgotten() -> None:
    """Nothing grows with the number of addresses that were ever there."""
    rate = make_rate()
    for number in range(50):
        rate.take(str(number), 4 * KIB - 1, now=100)
    assert len(rate) == 50
    rate.take("a", 4 * KIB - 1, now=101)
    assert len(rate) == 1


def test_of_too_many_addresses_the_one_that_was_quiet_longest_is_forgotten() -> None:
    """Whoever has so many addresses gains little by it."""
    rate = make_rate(most_addresses=2)
    assert rate.take("a", 64 * KIB - 1, now=100) == 12
    assert rate.take("b", 64 * KIB - 1, now=100) == 12
    assert rate.take("a", 4 * KIB - 1, now=100) == 13
    rate.take("c", 10, now=100)
    assert len(rate) == 2
    assert rate.take("a", 4 * KIB - 1, now=100) == 14
    assert rate.take("b", 16 * KIB - 1, now=100) == 0
