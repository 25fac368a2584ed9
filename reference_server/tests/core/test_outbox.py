"""The outbox: the table of states of SPEC section 8, windows and capacity, acknowledgement and replay."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from pagewire_protocol.violations import PeerViolation
from pagewire_server.core.delivery import Outbox, OutboxFull, Outgoing, OutgoingState

SPEC: Final = (Path(__file__).parents[3] / "protocol" / "SPEC.md").read_text(encoding="utf-8")


def _message(name: str = "m", *, size: int | None = None) -> Outgoing:
    """Return an event; `size` counts the whole frame, with 16 digits of seq."""
    empty = Outgoing("event", b"%b" % name.encode()).size
    return Outgoing("event", name.encode() + b"x" * (0 if size is None else size - empty))


def _put(outbox: Outbox, count: int, size: int | None = None) -> list[Outgoing]:
    messages = [_message(f"m{number}", size=size) for number in range(count)]
    for message in messages:
        outbox.put(message)
    return messages


def _write_all(outbox: Outbox) -> list[bytes]:
    frames = []
    while frame := outbox.next_frame():
        frames.append(frame)
    return frames


# -- states --------------------------------------------------------------------------------------


def test_states_are_those_of_the_specification() -> None:
    """The table of section 8, in its order."""
    rows = SPEC.split("\n| state | entered when | leaves to |\n")[1].partition("\n\n")[0]
    assert re.findall(r"^\| \*(\w+)\* \|", rows, re.MULTILINE) == [state.value for state in OutgoingState]


def test_message_goes_from_queued_to_written_to_acknowledged() -> None:
    """It has no seq while it is queued, and is forgotten once it is acknowledged."""
    outbox = Outbox()
    (message,) = _put(outbox, 1)
    assert (message.state, message.seq, outbox.written_seq, outbox.is_empty) == (OutgoingState.QUEUED, 0, 0, False)
    assert outbox.next_frame() == b'{"type":"event","seq":1,"params":m0}'
    assert (message.state, message.seq, outbox.written_seq, outbox.is_empty) == (OutgoingState.WRITTEN, 1, 1, False)
    outbox.acknowledge(1)
    assert (message.state, message.seq, outbox.acknowledged_seq) == (OutgoingState.ACKNOWLEDGED, 1, 1)
    assert (outbox.is_empty, outbox.written_bytes, outbox.queued_bytes) == (True, 0, 0)


def test_command_carries_its_id() -> None:
    """The id stands beside the seq."""
    outbox = Outbox()
    outbox.put(Outgoing("run_js", b"{}", 9))
    assert outbox.next_frame() == b'{"type":"run_js","seq":1,"id":9,"params":{}}'


def test_size_counts_the_longest_seq() -> None:
    """WIRE-24: what fits with 16 digits fits with any seq."""
    message = Outgoing("run_js", b'{"code":""}', 9)
    message.seq = 2**53 - 1
    assert message.size == len(message.frame)


def test_withdrawn_message_is_never_written_and_leaves_no_gap() -> None:
    """DELIVERY-1: a seq is given at the first write, so that a withdrawn message needs none."""
    outbox = Outbox()
    messages = _put(outbox, 4)
    assert [outbox.withdraw(messages[0]), outbox.withdraw(messages[2])] == [True, True]
    assert _write_all(outbox) == [b'{"type":"event","seq":1,"params":m1}', b'{"type":"event","seq":2,"params":m3}']
    assert [message.state.value for message in messages] == ["withdrawn", "written", "withdrawn", "written"]
    assert [message.seq for message in messages] == [0, 1, 0, 2]


def test_withdrawing_twice_is_withdrawing_once() -> None:
    """It counts for its bytes once."""
    outbox = Outbox()
    first, second = _put(outbox, 2)
    assert [outbox.withdraw(first), outbox.withdraw(first)] == [True, True]
    assert (outbox.queued_bytes, outbox.is_empty) == (second.size, False)


def test_written_message_cannot_be_withdrawn() -> None:
    """The caller cancels it instead."""
    outbox = Outbox()
    (message,) = _put(outbox, 1)
    outbox.next_frame()
    assert outbox.withdraw(message) is False
    outbox.acknowledge(1)
    assert outbox.withdraw(message) is False
    assert message.state is OutgoingState.ACKNOWLEDGED


def test_outbox_whose_messages_are_withdrawn_is_empty() -> None:
    """So it drains."""
    outbox = Outbox()
    for message in _put(outbox, 3):
        outbox.withdraw(message)
    assert (outbox.is_empty, outbox.has_frame, outbox.next_frame(), outbox.queued_bytes) == (True, False, None, 0)


def test_withdrawn_messages_take_no_memory_while_nothing_is_written() -> None:
    """A program may give up on ten thousand commands while its client is away."""
    outbox = Outbox()
    (kept,) = _put(outbox, 1)
    for _ in range(10_000):
        message = _message()
        outbox.put(message)
        outbox.withdraw(message)
    assert len(outbox._queued) < 10
    outbox.next_frame()
    assert kept.seq == 1


# -- window and capacity -------------------------------------------------------------------------


def test_window_holds_back_what_would_go_beyond_it() -> None:
    """DELIVERY-9: an ack opens it again, by as much as it covers."""
    outbox = Outbox(window_bytes=300)
    _put(outbox, 5, size=100)
    assert len(_write_all(outbox)) == 3
    assert (outbox.written_bytes, outbox.queued_bytes, outbox.has_frame) == (300, 200, True)
    outbox.acknowledge(1)
    assert len(_write_all(outbox)) == 1
    outbox.acknowledge(4)
    assert len(_write_all(outbox)) == 1


def test_message_larger_than_the_window_goes_alone() -> None:
    """DELIVERY-9: it waits until all before it is acknowledged, and all after it waits for it."""
    outbox = Outbox(window_bytes=300)
    for size in (100, 1000, 100):
        outbox.put(_message(size=size))
    written = [len(_write_all(outbox))]
    for seq in (1, 2):
        outbox.acknowledge(seq)
        written.append(len(_write_all(outbox)))
    assert written == [1, 1, 1]


def test_full_queue_is_an_error_and_queues_nothing() -> None:
    """DELIVERY-10: what is written no longer counts for the queue."""
    outbox = Outbox(window_bytes=100, capacity_bytes=250)
    _put(outbox, 2, size=100)
    with pytest.raises(OutboxFull, match=r"^200 bytes wait to be sent, of at most 250$"):
        outbox.put(_message(size=100))
    assert (outbox.queued_bytes, outbox.has_room(50), outbox.has_room(51)) == (200, True, False)
    outbox.next_frame()
    outbox.put(_message(size=100))
    assert outbox.queued_bytes == 200


def test_empty_queue_takes_a_message_of_any_size() -> None:
    """Otherwise one larger than the capacity could never be sent."""
    outbox = Outbox(capacity_bytes=10)
    outbox.put(_message(size=1000))
    assert not outbox.has_room(1)


def test_withdrawing_makes_room() -> None:
    """What is withdrawn does not count."""
    outbox = Outbox(capacity_bytes=100)
    message = _message(size=100)
    outbox.put(message)
    outbox.withdraw(message)
    outbox.put(_message(size=100))
    assert outbox.queued_bytes == 100


def test_what_belongs_to_a_command_is_queued_beyond_the_capacity() -> None:
    """DELIVERY-8: a reply or a cancel always finds room, and counts for what comes after it."""
    outbox = Outbox(capacity_bytes=100)
    _put(outbox, 1, size=100)
    outbox.put_beyond_capacity(_message(size=100))
    assert (outbox.queued_bytes, outbox.has_room(1), len(_write_all(outbox))) == (200, False, 2)


# -- acknowledgement -----------------------------------------------------------------------------


def test_ack_is_cumulative() -> None:
    """DELIVERY-4: it covers all up to its seq."""
    outbox = Outbox()
    messages = _put(outbox, 3)
    _write_all(outbox)
    outbox.acknowledge(2)
    assert [message.state.value for message in messages] == ["acknowledged", "acknowledged", "written"]
    assert outbox.written_bytes == messages[2].size


@pytest.mark.parametrize("seq", [0, 1, 2])
def test_ack_that_is_not_higher_is_ignored(seq: int) -> None:
    """DELIVERY-7."""
    outbox = Outbox()
    _put(outbox, 3)
    _write_all(outbox)
    outbox.acknowledge(2)
    outbox.acknowledge(seq)
    assert (outbox.acknowledged_seq, outbox.is_empty) == (2, False)


def test_ack_above_what_was_written_is_a_violation() -> None:
    """DELIVERY-7: a queued message is not written, so no ack can cover it."""
    outbox = Outbox()
    _put(outbox, 2)
    outbox.next_frame()
    with pytest.raises(PeerViolation, match=r"^seq 2 is acknowledged, where 1 is the last one sent$"):
        outbox.acknowledge(2)
    assert outbox.acknowledged_seq == 0


def test_ack_before_the_first_message_is_nothing() -> None:
    """The answer to a ping before anything came is `ack` of 0."""
    outbox = Outbox()
    outbox.acknowledge(0)
    assert outbox.is_empty


# -- replay --------------------------------------------------------------------------------------


def test_replay_comes_first_in_order_and_unchanged() -> None:
    """RESUME-4: the same frames again, then new messages."""
    outbox = Outbox()
    _put(outbox, 4)
    frames = _write_all(outbox)
    outbox.put(_message("new"))
    outbox.resume(1)
    assert _write_all(outbox) == [*frames[1:], b'{"type":"event","seq":5,"params":new}']


def test_replay_starts_over_with_every_connection() -> None:
    """A connection that breaks within the replay takes nothing away."""
    outbox = Outbox()
    _put(outbox, 3)
    frames = _write_all(outbox)
    outbox.resume(0)
    assert outbox.next_frame() == frames[0]
    outbox.resume(0)
    assert _write_all(outbox) == frames


def test_resume_acknowledges() -> None:
    """RESUME-5."""
    outbox = Outbox()
    messages = _put(outbox, 2)
    _write_all(outbox)
    outbox.resume(2)
    assert (outbox.is_empty, outbox.has_frame, outbox.acknowledged_seq) == (True, False, 2)
    assert [message.state for message in messages] == [OutgoingState.ACKNOWLEDGED] * 2


def test_what_is_acknowledged_before_its_replay_is_not_written_again() -> None:
    """An ack that covers a message which still waits to be replayed is good enough."""
    outbox = Outbox()
    _put(outbox, 3)
    frames = _write_all(outbox)
    outbox.resume(0)
    outbox.acknowledge(2)
    assert _write_all(outbox) == frames[2:]


def test_replay_keeps_to_the_window_of_the_new_connection() -> None:
    """What was under way on the broken connection does not count, what is replayed does."""
    outbox = Outbox(window_bytes=200)
    _put(outbox, 3, size=100)
    assert len(_write_all(outbox)) == 2
    outbox.resume(0)
    assert len(_write_all(outbox)) == 2
    outbox.acknowledge(1)
    assert len(_write_all(outbox)) == 1


def test_replay_lasts_until_the_last_message_is_written_again_or_acknowledged() -> None:
    """HELLO-15: what else is to be sent on the connection comes after it."""
    outbox = Outbox()
    _put(outbox, 3)
    _write_all(outbox)
    outbox.resume(1)
    states = [outbox.is_replaying]
    outbox.next_frame()
    states.append(outbox.is_replaying)
    outbox.acknowledge(3)
    assert [*states, outbox.is_replaying] == [True, True, False]


def test_message_withdrawn_behind_a_replay_is_not_written() -> None:
    """Only what was never written can be withdrawn, replay or not."""
    outbox = Outbox()
    _put(outbox, 1)
    frames = _write_all(outbox)
    queued = _message("late")
    outbox.put(queued)
    outbox.resume(0)
    assert outbox.withdraw(queued)
    assert _write_all(outbox) == frames


@pytest.mark.parametrize(
    ("last_seq", "complaint"),
    [
        (1, "last_seq 1, where 2 was acknowledged before"),
        (0, "last_seq 0, where 2 was acknowledged before"),
        (4, "seq 4 is acknowledged, where 3 is the last one sent"),
    ],
)
def test_resume_that_cannot_be_is_a_violation(last_seq: int, complaint: str) -> None:
    """RESUME-6 and RESUME-7: below what was acknowledged, or above what was written."""
    outbox = Outbox()
    _put(outbox, 3)
    _write_all(outbox)
    outbox.acknowledge(2)
    with pytest.raises(PeerViolation) as caught:
        outbox.resume(last_seq)
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    ("id_", "frame"),
    [(None, b'{"type":"event","seq":1,"params":{}}'), (7, b'{"type":"event","seq":1,"id":7,"params":{}}')],
)
def test_frame_has_the_seq_of_the_first_write(id_: int | None, frame: bytes) -> None:
    """DELIVERY-1: it is known at the first write only."""
    outbox = Outbox()
    outbox.put(Outgoing("event", b"{}", id_))
    assert outbox.next_frame() == frame


def test_message_that_is_acknowledged_or_withdrawn_keeps_no_text() -> None:
    """Its command may wait for a reply as long as the session lives."""
    outbox = Outbox()
    first, second = _put(outbox, 2, size=1000)
    outbox.next_frame()
    outbox.acknowledge(1)
    assert outbox.withdraw(second)
    assert first.frame + second.frame == b"10"
