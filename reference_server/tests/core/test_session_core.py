"""A session's core: attached and detached, acks before messages, replay on a new connection, draining."""

from __future__ import annotations

import pytest
from session_cores import client_hello, frames, make_core

from pagewire_protocol.codes import ByeCode
from pagewire_protocol.control_messages import ByeParams
from pagewire_protocol.violations import PeerViolation
from pagewire_server.core.delivery import ACK_DELAY, OutboxFull
from pagewire_server.core.handshake import ClientHello
from pagewire_server.core.session import Command, MessageTooLargeError, SessionCore, SessionState

ACK = b'{"type":"ack","params":{"seq":%d}}'


@pytest.fixture
def core() -> SessionCore:
    """Return the core of a session on its first connection."""
    return make_core()


def message(seq: int) -> bytes:
    """Return the frame of the command that `put` queues as number `seq`."""
    return b'{"type":"run_js","seq":%d,"id":%d,"params":{}}' % (seq, seq)


def put(core: SessionCore, count: int = 1) -> list[Command]:
    """Queue commands."""
    return [core.send("run_js", b"{}") for _ in range(count)]


def receive_events(core: SessionCore, *seqs: int, now: float = 0.0) -> None:
    """Have the client's events come."""
    for seq in seqs:
        core.receive_text(f'{{"type":"event","seq":{seq},"params":{{"name":"tick","data":null}}}}', now)


def receive_ack(core: SessionCore, seq: int) -> None:
    """Have the client acknowledge."""
    core.receive_text(f'{{"type":"ack","params":{{"seq":{seq}}}}}', 0.0)


def answer(core: SessionCore, seq: int, id_: int) -> None:
    """Have the client answer a command."""
    core.receive_text(f'{{"type":"result","seq":{seq},"id":{id_},"params":{{}}}}', 0.0)


def resuming(last_seq: int) -> ClientHello:
    """Return the hello of a client that has received up to `last_seq`."""
    return client_hello(resume={"last_seq": last_seq, "streams": []})


def test_nothing_is_written_before_there_is_a_connection() -> None:
    """Messages wait, and so do acks."""
    core = make_core(is_attached=False)
    put(core)
    assert frames(core) == []
    core.attach(client_hello())
    assert frames(core) == [message(1)]


def test_nothing_is_written_after_the_connection_is_gone(core: SessionCore) -> None:
    """What was written is sent again on the next."""
    put(core, 2)
    assert core.next_frame(0.0) == message(1)
    core.detach(None)
    assert (frames(core), core.is_attached) == ([], False)
    core.attach(resuming(0))
    assert frames(core) == [message(1), message(2)]


def test_second_connection_takes_over_without_a_break(core: SessionCore) -> None:
    """RESUME-8: attaching again detaches the older in the same step, and the replay starts."""
    put(core, 3)
    frames(core)
    receive_events(core, 1)
    assert core.attach(resuming(2)) == 1
    assert frames(core) == [message(3)]


def test_attaching_says_what_was_received_and_that_is_an_ack(core: SessionCore) -> None:
    """RESUME-3 and RESUME-5: welcome.last_seq acknowledges, so no ack is due."""
    receive_events(core, 1)
    core.detach(None)
    assert core.attach(resuming(0)) == 1
    assert (core.inbox.ack_deadline, core.next_frame(99.0)) == (None, None)


def test_attaching_at_what_cannot_be_is_a_violation_and_does_not_attach(core: SessionCore) -> None:
    """RESUME-6: the session is over, and is not attached on the way."""
    core.detach(None)
    with pytest.raises(PeerViolation):
        core.attach(resuming(1))
    assert not core.is_attached


def test_hello_that_is_not_later_than_the_last_is_stale(core: SessionCore) -> None:
    """HELLO-20."""
    first, second = client_hello(), client_hello()
    core.attach(second)
    assert [core.is_stale(hello) for hello in (first, second, client_hello())] == [True, True, False]


def test_ack_that_is_due_comes_before_messages(core: SessionCore) -> None:
    """By number of messages at once, and only once."""
    put(core)
    receive_events(core, *range(1, 33))
    assert frames(core) == [ACK % 32, message(1)]


def test_ack_waits_for_its_deadline(core: SessionCore) -> None:
    """DELIVERY-6: the shell sets its timer by `ack_deadline`."""
    receive_events(core, 1, now=7.0)
    assert core.inbox.ack_deadline == 7.0 + ACK_DELAY
    assert frames(core, 7.0 + ACK_DELAY - 0.001) == []
    assert frames(core, 7.0 + ACK_DELAY) == [ACK % 1]
    assert core.next_frame(99.0) is None


def test_ack_goes_out_while_the_window_is_full() -> None:
    """A side that waits for an ack must not keep back its own: both would wait for ever."""
    core = make_core(window_bytes=1)
    put(core, 2)
    assert frames(core) == [message(1)]
    receive_events(core, 1)
    assert frames(core, 99.0) == [ACK % 1]


def test_what_has_no_room_is_not_queued() -> None:
    """Beyond the outbox's capacity, or beyond the streams that may be unfinished, OutboxFull."""
    core = make_core(outbox_bytes=1, max_streams=1)
    put(core)
    with pytest.raises(OutboxFull):
        put(core)
    assert frames(core) == [message(1)]
    core.send("download", b"{}", streams=True)
    frames(core)
    with pytest.raises(OutboxFull, match="downloads are under way"):
        core.send("download", b"{}", streams=True)


def test_command_larger_than_the_client_accepts_is_not_queued() -> None:
    """WIRE-24."""
    hello_limit = 4194304
    core = make_core()
    with pytest.raises(MessageTooLargeError):
        core.send("run_js", b'{"code":"%b"}' % (b"x" * hello_limit))
    assert (frames(core), core.unanswered) == ([], [])


def test_session_is_drained_once_all_is_acknowledged_and_answered(core: SessionCore) -> None:
    """END-10: neither before the program is done, nor before the client has everything and has answered."""
    put(core)
    frames(core)
    assert not core.is_drained
    core.drain()
    assert frames(core) == [b'{"type":"cancel","seq":2,"params":{"id":1}}']
    receive_ack(core, 2)
    assert not core.is_drained
    answer(core, 1, 1)
    assert core.is_drained


def test_draining_goes_on_through_a_resume(core: SessionCore) -> None:
    """END-10: a break takes nothing away, and what still comes is received."""
    core.send("set_env", b"{}")
    core.send("set_env", b"{}")
    frames(core)
    core.drain()
    core.detach(None)
    assert not core.is_drained
    core.attach(resuming(1))
    assert frames(core) == [b'{"type":"set_env","seq":2,"id":2,"params":{}}']
    for seq in (1, 2):
        core.receive_text(f'{{"type":"result","seq":{seq},"id":{seq},"params":{{"applied":[],"ignored":[]}}}}', 0.0)
    receive_ack(core, 2)
    assert core.is_drained


def test_session_of_a_program_that_sends_nothing_is_drained_at_once(core: SessionCore) -> None:
    """There is nothing to wait for."""
    core.drain()
    assert core.is_drained


def test_session_that_ends_returns_what_will_never_be_answered(core: SessionCore) -> None:
    """Nothing is written any more."""
    commands = put(core, 2)
    assert core.end() == commands
    assert (core.state, core.unanswered, frames(core)) == (SessionState.ENDED, [], [])


@pytest.mark.parametrize(
    ("code", "decided"),
    [
        (None, 100.0),
        (1006, 100.0),
        (1001, 3.0),
        (1000, ByeCode.SESSION_ENDED),
        (1007, ByeCode.INVALID_MESSAGE),
        (1009, ByeCode.TOO_LARGE),
        (4400, ByeCode.INVALID_MESSAGE),
        (4413, ByeCode.TOO_LARGE),
        (4000, 100.0),
    ],
)
def test_close_code_decides_whether_the_session_waits(code: int | None, decided: float | ByeCode) -> None:
    """END-8 and END-9."""
    core = make_core(resume_window=100.0, going_away_window=3.0)
    found = core.detach(code)
    assert (found.code if isinstance(found, ByeParams) else found) == decided


def test_commands_that_are_acknowledged_and_never_answered_are_limited(
    core: SessionCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of them waits to be sent, and each takes memory all the same."""
    monkeypatch.setattr("pagewire_server.core.session.MOST_UNANSWERED", 3)
    put(core, 3)
    frames(core)
    receive_ack(core, 3)
    with pytest.raises(OutboxFull, match="3 commands have no reply yet"):
        put(core)
    answer(core, 1, 1)
    put(core)
