"""Two deliveries over links that break: every message is received once and in order, whatever happens in between.

The same conversations are held with planted bugs, to prove that they would be found.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

import pytest
from delivery_bugs import (
    AcknowledgesOneTooHigh,
    CountsTheOldConnection,
    DropsNoDuplicate,
    ForgetsWhatItWrites,
    NeverAcknowledgesInTime,
    ReplaysBackwards,
    ReplaysNothing,
    ReplaysWithNewNumbers,
)
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pagewire_protocol.codec import control_frame
from pagewire_protocol.control_messages import AckParams, PingParams
from pagewire_protocol.violations import PeerViolation
from pagewire_server.core.delivery import ACK_DELAY, Inbox, Outbox, OutboxFull, Outgoing, OutgoingState

WINDOW_BYTES: Final = 400
CAPACITY_BYTES: Final = 600


class Step(Enum):
    """Something that happens in a conversation; where it can't happen just now, nothing does."""

    SERVER_PUTS = auto()
    CLIENT_PUTS = auto()
    SERVER_WITHDRAWS = auto()
    SERVER_WRITES = auto()
    CLIENT_WRITES = auto()
    SERVER_PINGS = auto()
    SERVER_RECEIVES = auto()
    CLIENT_RECEIVES = auto()
    SERVER_IS_SENT_A_MESSAGE_AGAIN = auto()
    CLIENT_IS_SENT_A_MESSAGE_AGAIN = auto()
    CLIENT_LOSES_THE_LINK = auto()
    SERVER_LOSES_THE_LINK = auto()
    CLIENT_CALLS = auto()
    SERVER_ACCEPTS = auto()
    TIME_PASSES = auto()


@dataclass(frozen=True)
class Greeting:
    """A hello or a welcome, as far as delivery goes."""

    last_seq: int


Frame = bytes | Greeting


@dataclass
class Link:
    """What is under way on one connection, in order, each way."""

    to_server: deque[Frame] = field(default_factory=deque)
    to_client: deque[Frame] = field(default_factory=deque)


class End:
    """One side: its outbox and inbox, its program, and its newest link."""

    def __init__(self, outbox: Outbox, inbox: Inbox) -> None:
        self.outbox = outbox
        self.inbox = inbox
        self.is_attached = False
        self.link: Link | None = None
        self.sent: list[Outgoing] = []
        self.received: list[int] = []
        self.written: dict[int, bytes] = {}
        self.last_message = b""

    def attach(self, last_seq: int) -> int:
        """Start on a new link, whose other end has received up to `last_seq`; return what this one has received."""
        self.outbox.resume(last_seq)
        self.is_attached = True
        return self.inbox.acknowledge()

    def put(self) -> None:
        """Send the next number, in a message of another size each time."""
        number = len(self.sent)
        message = Outgoing("event", b'{"name":"%d","data":"%b"}' % (number, b"x" * (number * 53 % 170)))
        try:
            self.outbox.put(message)
        except OutboxFull:
            return
        self.sent.append(message)

    def withdraw(self) -> None:
        """Take back the oldest message that was not written."""
        for message in self.sent:
            if message.state is OutgoingState.QUEUED:
                assert self.outbox.withdraw(message)
                return

    def next_frame(self, now: float) -> bytes | None:
        """Return what this side writes now; what it writes again must be what it wrote before."""
        frame = self._choose(now)
        seq = json.loads(frame).get("seq") if frame else None
        if frame and seq:
            assert self.written.setdefault(seq, frame) == frame
        return frame

    def ack_frame(self) -> bytes:
        """Return an ack of all that was received."""
        return control_frame("ack", AckParams(seq=self.inbox.acknowledge()))

    def _choose(self, now: float) -> bytes | None:
        if not self.is_attached:
            return None
        inbox = self.inbox
        if inbox.ack_is_due or (inbox.ack_deadline is not None and inbox.ack_deadline <= now):
            return self.ack_frame()
        return self.outbox.next_frame()

    def receive(self, frame: bytes, now: float) -> None:
        """Do what a session does with a text frame."""
        message = json.loads(frame)
        if message["type"] == "ack":
            self.outbox.acknowledge(message["params"]["seq"])
        elif message["type"] == "event":
            self.last_message = frame
            if self.inbox.receive(message["seq"], len(frame), now):
                self.received.append(int(message["params"]["name"]))


class Conversation:
    """A server and a client, and the links between them."""

    def __init__(self, server: End, client: End) -> None:
        self.server = server
        self.client = client
        self.now = 0.0

    def hold(self, steps: Sequence[Step]) -> None:
        """Let `steps` happen, then everything that is needed to drain both sides, and look at what has come."""
        for step in steps:
            self._do(step)
        self._finish()
        for sender, receiver in ((self.server, self.client), (self.client, self.server)):
            sent = [number for number, it in enumerate(sender.sent) if it.state is not OutgoingState.WITHDRAWN]
            assert receiver.received == sent
            assert sender.outbox.is_empty

    def _do(self, step: Step) -> None:
        actions: dict[Step, Callable[[], object]] = {
            Step.SERVER_PUTS: self.server.put,
            Step.CLIENT_PUTS: self.client.put,
            Step.SERVER_WITHDRAWS: self.server.withdraw,
            Step.SERVER_WRITES: self._server_writes,
            Step.CLIENT_WRITES: self._client_writes,
            Step.SERVER_PINGS: self._server_pings,
            Step.SERVER_RECEIVES: self._server_receives,
            Step.CLIENT_RECEIVES: self._client_receives,
            Step.SERVER_IS_SENT_A_MESSAGE_AGAIN: lambda: self._send_again(self.server),
            Step.CLIENT_IS_SENT_A_MESSAGE_AGAIN: lambda: self._send_again(self.client),
            Step.CLIENT_LOSES_THE_LINK: lambda: self._lose_link(self.client),
            Step.SERVER_LOSES_THE_LINK: lambda: self._lose_link(self.server),
            Step.CLIENT_CALLS: self._client_calls,
            Step.SERVER_ACCEPTS: self._server_accepts,
            Step.TIME_PASSES: self._time_passes,
        }
        actions[step]()

    def _finish(self) -> None:
        self._client_calls()
        for _ in range(1000):
            if self.server.outbox.is_empty and self.client.outbox.is_empty:
                return
            self._server_accepts()
            moves = (self._server_writes, self._client_writes, self._server_receives, self._client_receives)
            if sum(move() for move in moves) == 0:
                self._time_passes()

    # -- what the two sides do; each says whether it could -----------------------------------

    def _server_writes(self) -> bool:
        frame = self.server.next_frame(self.now)
        if frame and self.server.link:
            self.server.link.to_client.append(frame)
        return frame is not None

    def _client_writes(self) -> bool:
        frame = self.client.next_frame(self.now)
        if frame and self.client.link:
            self.client.link.to_server.append(frame)
        return frame is not None

    def _server_pings(self) -> None:
        if self.server.link:
            self.server.link.to_client.append(control_frame("ping", PingParams()))

    def _server_receives(self) -> bool:
        if not self.server.link or not self.server.link.to_server:
            return False
        frame = self.server.link.to_server.popleft()
        assert isinstance(frame, bytes)
        self.server.receive(frame, self.now)
        return True

    def _client_receives(self) -> bool:
        link = self.client.link
        if not link or not link.to_client:
            return False
        frame = link.to_client.popleft()
        if isinstance(frame, Greeting):
            self.client.attach(frame.last_seq)
        elif json.loads(frame)["type"] == "ping":
            link.to_server.append(self.client.ack_frame())
        else:
            self.client.receive(frame, self.now)
        return True

    def _send_again(self, receiver: End) -> None:
        """A sender that replays too much does no harm (DELIVERY-2)."""
        if receiver.last_message and receiver.is_attached:
            receiver.receive(receiver.last_message, self.now)

    def _lose_link(self, end: End) -> None:
        """One side notices; the other may still read what is under way, or write into the void."""
        end.is_attached = False
        end.link = None

    def _client_calls(self) -> None:
        self.client.is_attached = False
        self.client.link = Link(deque([Greeting(self.client.inbox.acknowledge())]))

    def _server_accepts(self) -> None:
        """The newest link takes over, whatever the older still holds (RESUME-8)."""
        link = self.client.link
        hello = link.to_server[0] if link and link.to_server else None
        if link and isinstance(hello, Greeting):
            link.to_server.popleft()
            link.to_client.append(Greeting(self.server.attach(hello.last_seq)))
            self.server.link = link

    def _time_passes(self) -> None:
        self.now += ACK_DELAY


def _end(outbox: type[Outbox] = Outbox, inbox: type[Inbox] = Inbox) -> End:
    return End(outbox(window_bytes=WINDOW_BYTES, capacity_bytes=CAPACITY_BYTES), inbox())


WEIGHTS: Final = {
    Step.SERVER_PUTS: 5,
    Step.CLIENT_PUTS: 5,
    Step.SERVER_WRITES: 6,
    Step.CLIENT_WRITES: 6,
    Step.SERVER_RECEIVES: 6,
    Step.CLIENT_RECEIVES: 6,
    Step.SERVER_ACCEPTS: 4,
    Step.CLIENT_CALLS: 2,
}
"""How often a step is tried, against 1 for the others: so that a connection gets as far as to carry something."""

STEPS: Final = st.lists(
    st.sampled_from([step for step in Step for _ in range(WEIGHTS.get(step, 1))]), min_size=100, max_size=200
)


@settings(max_examples=400, deadline=None, database=None)
@given(steps=STEPS)
def test_every_message_is_received_once_and_in_order(steps: list[Step]) -> None:
    """The promise of SPEC section 1, through cuts, resumes, takeovers and lost welcomes; all is drained at the end."""
    Conversation(_end(), _end()).hold(steps)


# -- planted bugs --------------------------------------------------------------------------------


def _with_a_bug(bug: type[Outbox | Inbox]) -> End:
    return _end(outbox=bug) if issubclass(bug, Outbox) else _end(inbox=bug)


@pytest.mark.parametrize("is_the_servers", [True, False])
@pytest.mark.parametrize(
    "bug",
    [
        ReplaysNothing,
        ReplaysBackwards,
        ReplaysWithNewNumbers,
        ForgetsWhatItWrites,
        CountsTheOldConnection,
        DropsNoDuplicate,
        AcknowledgesOneTooHigh,
        NeverAcknowledgesInTime,
    ],
)
def test_planted_bug_is_found(bug: type[Outbox | Inbox], *, is_the_servers: bool) -> None:
    """The conversations above fail with each of these bugs, on either side."""

    @settings(max_examples=400, deadline=None, database=None, derandomize=True, phases=(Phase.generate,))
    @given(steps=STEPS)
    def converse(steps: list[Step]) -> None:
        broken, sound = _with_a_bug(bug), _end()
        Conversation(*((broken, sound) if is_the_servers else (sound, broken))).hold(steps)

    with pytest.raises((AssertionError, PeerViolation)):
        converse()
