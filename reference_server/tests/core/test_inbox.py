"""The inbox: the next seq, duplicates, gaps, and when an ack is due."""

from __future__ import annotations

import pytest

from pagewire_protocol.codes import ByeCode
from pagewire_protocol.violations import PeerViolation
from pagewire_server.core.delivery import ACK_BYTES, ACK_DELAY, ACK_MESSAGES, Inbox


def _receive(inbox: Inbox, count: int, size: int = 1, now: float = 0.0) -> None:
    for _ in range(count):
        assert inbox.receive(inbox.last_seq + 1, size, now)


def test_next_message_is_taken() -> None:
    """They come as 1, 2, 3."""
    inbox = Inbox()
    assert [inbox.receive(seq, 1, 0.0) for seq in (1, 2, 3)] == [True, True, True]
    assert inbox.last_seq == 3


def test_duplicate_is_dropped_and_counts_for_nothing() -> None:
    """DELIVERY-2."""
    inbox = Inbox()
    _receive(inbox, 3)
    inbox.acknowledge()
    assert [inbox.receive(seq, ACK_BYTES, 5.0) for seq in (3, 1, 2)] == [False, False, False]
    assert (inbox.last_seq, inbox.ack_is_due, inbox.ack_deadline) == (3, False, None)


@pytest.mark.parametrize(("before", "seq"), [(0, 2), (3, 5), (3, 2**53 - 1)])
def test_gap_is_a_violation(before: int, seq: int) -> None:
    """DELIVERY-3."""
    inbox = Inbox()
    _receive(inbox, before)
    with pytest.raises(PeerViolation, match=f"^seq {seq} follows {before}: a gap$") as caught:
        inbox.receive(seq, 1, 0.0)
    assert (caught.value.code, inbox.last_seq) == (ByeCode.INVALID_MESSAGE, before)


@pytest.mark.parametrize(
    ("sizes", "before_the_last"),
    [([1] * ACK_MESSAGES, 31), ([262_143, 1], 1), ([ACK_BYTES], 0), ([ACK_BYTES * 4], 0)],
)
def test_ack_is_due_after_32_messages_or_256_kib(sizes: list[int], before_the_last: int) -> None:
    """DELIVERY-5: whichever is first, not before, and not again once it was sent."""
    inbox = Inbox()
    due = []
    for size in sizes:
        _receive(inbox, 1, size)
        due.append(inbox.ack_is_due)
    assert due == [False] * before_the_last + [True]
    assert (inbox.acknowledge(), inbox.ack_is_due) == (len(sizes), False)


def test_ack_is_due_some_time_after_the_first_message_that_has_none() -> None:
    """DELIVERY-6: later messages don't put it off, and 2 s are the most."""
    inbox = Inbox()
    deadlines = [inbox.ack_deadline]
    for now in (10.0, 10.9):
        _receive(inbox, 1, now=now)
        deadlines.append(inbox.ack_deadline)
    inbox.acknowledge()
    deadlines.append(inbox.ack_deadline)
    _receive(inbox, 1, now=20.0)
    assert [*deadlines, inbox.ack_deadline] == [None, 10.0 + ACK_DELAY, 10.0 + ACK_DELAY, None, 20.0 + ACK_DELAY]
    assert ACK_DELAY <= 2.0


def test_ack_before_the_first_message_is_0() -> None:
    """The answer to a ping before anything came."""
    assert Inbox().acknowledge() == 0
