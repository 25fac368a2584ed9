"""Delivery as a sans-IO state machine, for either side of a session: SPEC sections 8 to 10.

`Delivery` joins an `Outbox`, what this side sends, and an `Inbox`, what it receives. It does no IO and knows no clock:
the caller writes the frames that it gives and passes in the time. What the other side does wrong raises
`PeerViolation`.
"""

from pagewire_protocol.delivery.delivery import Delivery
from pagewire_protocol.delivery.inbox import Inbox
from pagewire_protocol.delivery.incoming_stream import IncomingStream
from pagewire_protocol.delivery.outbox import Outbox, OutboxFull, Outgoing, OutgoingState
from pagewire_protocol.delivery.outgoing_stream import OutgoingStream

__all__ = [
    "Delivery",
    "Inbox",
    "IncomingStream",
    "Outbox",
    "OutboxFull",
    "Outgoing",
    "OutgoingState",
    "OutgoingStream",
]
