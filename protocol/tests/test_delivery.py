"""A delivery: attached and detached, acks before messages, replay on a new connection, draining."""

from __future__ import annotations

import pytest

from pagewire_protocol.delivery import Delivery, OutboxFull, Outgoing
from pagewire_protocol.delivery.inbox import ACK_DELAY
from pagewire_protocol.violations import PeerViolation


def _frame(seq: int) -> bytes:
    return b'{"type":"event","seq":%d,"params":{}}' % seq


def _put(delivery: Delivery, count: int = 1) -> None:
    for _ in range(count):
        delivery.put(Outgoing("event", b"{}"))


def _frames(delivery: Delivery, now: float = 0.0) -> list[bytes]:
    frames = []
    while frame := delivery.next_frame(now):
        frames.append(frame)
    return frames


@pytest.fixture
def delivery() -> Delivery:
    """Return a delivery on its first connection."""
    delivery = Delivery()
    assert delivery.attach(0) == 0
    return delivery


def test_nothing_is_written_before_there_is_a_connection() -> None:
    """Messages wait, and so do acks."""
    delivery = Delivery()
    _put(delivery)
    assert delivery.next_frame(0.0) is None
    delivery.attach(0)
    assert _frames(delivery) == [_frame(1)]


def test_nothing_is_written_after_the_connection_is_gone(delivery: Delivery) -> None:
    """What was written is sent again on the next."""
    _put(delivery, 2)
    assert delivery.next_frame(0.0) == _frame(1)
    delivery.detach()
    assert (delivery.next_frame(0.0), delivery.is_attached) == (None, False)
    delivery.attach(0)
    assert _frames(delivery) == [_frame(1), _frame(2)]


def test_second_connection_takes_over_without_a_break(delivery: Delivery) -> None:
    """RESUME-8: attaching again detaches the older in the same step, and the replay starts."""
    _put(delivery, 3)
    _frames(delivery)
    delivery.inbox.receive(1, 1, 0.0)
    assert delivery.attach(2) == 1
    assert _frames(delivery) == [_frame(3)]


def test_attaching_says_what_was_received_and_that_is_an_ack(delivery: Delivery) -> None:
    """RESUME-3 and RESUME-5: welcome.last_seq acknowledges, so no ack is due."""
    delivery.inbox.receive(1, 1, 0.0)
    delivery.detach()
    assert delivery.attach(0) == 1
    assert (delivery.inbox.ack_deadline, delivery.next_frame(99.0)) == (None, None)


def test_attaching_at_what_cannot_be_is_a_violation_and_changes_nothing(delivery: Delivery) -> None:
    """RESUME-6: the session is over, and is not attached on the way."""
    delivery.detach()
    with pytest.raises(PeerViolation):
        delivery.attach(1)
    assert not delivery.is_attached


def test_ack_that_is_due_comes_before_messages(delivery: Delivery) -> None:
    """By number of messages at once, and only once."""
    _put(delivery)
    for seq in range(1, 33):
        delivery.inbox.receive(seq, 1, 0.0)
    assert _frames(delivery) == [b'{"type":"ack","params":{"seq":32}}', _frame(1)]


def test_ack_waits_for_its_deadline(delivery: Delivery) -> None:
    """DELIVERY-6: the shell sets its timer by `ack_deadline`."""
    delivery.inbox.receive(1, 1, 7.0)
    assert delivery.next_frame(7.0 + ACK_DELAY - 0.001) is None
    assert _frames(delivery, 7.0 + ACK_DELAY) == [b'{"type":"ack","params":{"seq":1}}']


def test_ack_on_demand_counts_as_sent(delivery: Delivery) -> None:
    """BEAT-3: the answer to a ping leaves nothing to be acknowledged."""
    delivery.inbox.receive(1, 1, 0.0)
    assert delivery.ack_frame() == b'{"type":"ack","params":{"seq":1}}'
    assert delivery.next_frame(99.0) is None


def test_ack_goes_out_while_the_window_is_full() -> None:
    """A side that waits for an ack must not keep back its own: both would wait for ever."""
    delivery = Delivery(window_bytes=1)
    delivery.attach(0)
    _put(delivery, 2)
    assert _frames(delivery) == [_frame(1)]
    delivery.inbox.receive(1, 1, 0.0)
    assert _frames(delivery, 99.0) == [b'{"type":"ack","params":{"seq":1}}']


def test_bounds_are_those_of_the_outbox() -> None:
    """Beyond the capacity `put` fails."""
    delivery = Delivery(capacity_bytes=1)
    _put(delivery)
    with pytest.raises(OutboxFull):
        _put(delivery)


def test_session_is_drained_once_all_is_acknowledged(delivery: Delivery) -> None:
    """END-10: neither before the program is done, nor before the other side has everything."""
    assert (delivery.is_draining, delivery.is_drained) == (False, False)
    _put(delivery)
    delivery.drain()
    assert (delivery.is_draining, delivery.is_drained) == (True, False)
    _frames(delivery)
    assert not delivery.is_drained
    delivery.outbox.acknowledge(1)
    assert delivery.is_drained


def test_draining_goes_on_through_a_resume(delivery: Delivery) -> None:
    """END-10: a break takes nothing away, and what still comes is received."""
    _put(delivery, 2)
    _frames(delivery)
    delivery.drain()
    delivery.detach()
    assert not delivery.is_drained
    delivery.attach(1)
    assert delivery.inbox.receive(1, 1, 0.0)
    assert _frames(delivery) == [_frame(2)]
    delivery.outbox.acknowledge(2)
    assert delivery.is_drained


def test_outbox_of_a_program_that_sends_nothing_is_drained_at_once(delivery: Delivery) -> None:
    """There is nothing to wait for."""
    delivery.drain()
    assert delivery.is_drained
