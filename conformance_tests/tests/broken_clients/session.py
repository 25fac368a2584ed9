"""The correct client's conversation on a connection: what it sends, and what it does with what comes."""

from __future__ import annotations

import json
import time
from abc import abstractmethod
from typing import Any, Final

from pydantic import MISSING

from broken_clients.client_platform import CommandFailed
from broken_clients.connecting import Connecting, Outgoing, Stop
from pagewire_protocol.codec import Envelope, check_form, has_id, is_positive_integer, parse, read_params
from pagewire_protocol.codes import ByeCode
from pagewire_protocol.messages import KINDS, MESSAGES, Kind, Side
from pagewire_protocol.violations import InvalidParams, PeerViolation

Message = dict[str, Any]

# As ENDING_CLOSES, not from the registry.
ENDING_BYES: Final = frozenset(("invalid_message", "too_large"))
TEST_COMMANDS: Final = (
    *("state", "leave", "break", "click", "reload", "restore", "forbid_code"),
    *("long_url", "auth"),
)
# Not from the models: the suite's peer judges by them.
MAX_HELLO_BYTES: Final = 65_536
LONGEST_URL: Final = 8192


class Session(Connecting):
    """Converses with the server over one connection after the other. What commands do is the subclass's."""

    # --- Sending ---

    def say_hello(self) -> None:
        """The first message of each connection."""
        hello = self.fitting_hello()
        assert hello is not None
        self.count_as_acknowledged()
        self.send(hello)

    def check_hello(self) -> None:
        """HELLO-24."""
        if self.fitting_hello() is None:
            self.tell("The hello is too large.")
            raise Stop

    def fitting_hello(self) -> str | None:
        """Return the text of the hello; None if it is too large (HELLO-21, HELLO-23)."""
        params = self.hello_params()
        if self.was_welcomed:
            params["resume"] = self.resume_point()
        text = self.hello_text(params)
        if not self.fits(text):
            params["page"].pop("url", None)
            text = self.hello_text(params)
        return text if self.fits(text) else None

    def hello_text(self, params: Message) -> str:
        """Return the text of a hello."""
        return json.dumps({"type": "hello", "params": params}, ensure_ascii=False)

    def fits(self, hello: str) -> bool:
        """HELLO-21."""
        return len(hello.encode()) <= MAX_HELLO_BYTES

    def hello_params(self) -> Message:
        """What every hello says."""
        capabilities: Message = {"test": {}}
        if self.takes_streams:
            capabilities["streams"] = {}
        auth = {} if self.auth is None else {"auth": self.auth}
        return auth | {
            "versions": list(self.versions),
            "client": {"name": "correct-client", "version": "1"},
            "instance": self.instance,
            "attempt": self.attempt,
            "app": self.app(),
            "capabilities": capabilities,
            "page": self.page_info() if self.has_page else {},
            "limits": {"max_message_bytes": self.max_message_bytes},
        }

    def page_info(self) -> Message:
        """HELLO-22."""
        page = self.page.describe()
        if len(page["url"]) > LONGEST_URL:
            del page["url"]
        return page

    def app(self) -> str:
        """HELLO-5."""
        return "index"

    def resume_point(self) -> Message:
        """RESUME-2."""
        streams = [{"id": id_, "offset": len(stream.content)} for id_, stream in self.streams.items()]
        return {"last_seq": self.last_seq, "streams": streams}

    def queue(self, message: Outgoing) -> None:
        """Send a session message, now or after the next welcome."""
        self.outbox.append(message)
        if self.welcomed:
            self.write()

    def write(self) -> None:
        """Write what has not been written; the place in the outbox is the `seq`."""
        while self.written < self.acknowledged + len(self.outbox):
            self.written += 1
            self.send(self.outbox[self.written - self.acknowledged - 1].text(self.written))

    def replay(self, after: int) -> None:
        """Send again what the server has not received (RESUME-4)."""
        for seq in range(after + 1, self.written + 1):
            self.send(self.outbox[seq - self.acknowledged - 1].text(seq))

    def acknowledge(self, seq: int) -> bool:
        """The server has received up to `seq`; False if that cannot be."""
        if seq > self.written:
            return False
        if seq > self.acknowledged:
            del self.outbox[: seq - self.acknowledged]
            self.acknowledged = seq
        return True

    # --- Receiving ---

    def on_text(self, data: bytes) -> bool:
        """Take a text frame; False if the connection is over."""
        try:
            return self.check(parse(data.decode(), max_bytes=self.max_message_bytes))
        except PeerViolation as violation:
            return self.fail(violation.code, str(violation))
        finally:
            self.engine.run_jobs()

    def fail(self, code: ByeCode, message: str) -> bool:
        """Say why, close, and stop."""
        self.say_bye(code.value, message)
        close = {"too_large": 4413, "client_left": 1000}.get(code.value, 4400)
        self.close_for_good(close)
        raise Stop

    def say_bye(self, code: str, message: str) -> None:
        """Send a bye."""
        self.send_control("bye", {"code": code, "message": message[:500], "retry": "never"})

    def check(self, envelope: Envelope) -> bool:
        """Make the checks of section 3.1 from row 3 on, in their order."""
        if not self.welcomed:
            return self.check_greeting(envelope)
        if envelope.type == "welcome":
            raise PeerViolation("a second welcome")
        if envelope.seq is not None:
            if self.is_old(envelope.seq):
                return True
            if envelope.seq > self.last_seq + 1:
                self.on_gap(envelope)
        check_form(envelope, Side.SERVER)
        if not self.is_known(envelope.type):
            return self.on_unknown(envelope)
        if KINDS.get(envelope.type) is Kind.REPLY:
            raise PeerViolation("a reply to no command")
        if self.kind_of(envelope.type) is Kind.COMMAND:
            return self.on_command(envelope)
        return self.on_other(envelope)

    def is_old(self, seq: int) -> bool:
        """DELIVERY-2."""
        return seq <= self.last_seq

    def on_gap(self, envelope: Envelope) -> None:
        """DELIVERY-3."""
        raise PeerViolation(f"seq: {envelope.seq} after {self.last_seq}")

    def is_known(self, type_: str) -> bool:
        """Whether it is a type of 1.0, or of the capability `test`."""
        return type_ in MESSAGES or (type_.startswith("test:") and type_[5:] in TEST_COMMANDS)

    def kind_of(self, type_: str) -> Kind:
        """The kind of a known type."""
        return KINDS.get(type_, Kind.COMMAND)

    def check_greeting(self, envelope: Envelope) -> bool:
        """HELLO-17."""
        if not self.is_known(envelope.type) and envelope.seq is None and not has_id(envelope):
            return True
        if envelope.type not in {"welcome", "bye"} or envelope.seq is not None or has_id(envelope):
            raise PeerViolation(f"{envelope.type} before welcome")
        params = read_params(envelope, MESSAGES[envelope.type].model_fields["params"].annotation)  # type: ignore[arg-type]  # of every message it is a model
        if envelope.type == "bye":
            return self.on_bye(params.model_dump())
        return self.on_welcome(params.model_dump())

    def on_welcome(self, params: Message) -> bool:
        """The server has let the client in."""
        self.check_welcome(params)
        self.terms = params
        self.largest = params["limits"]["max_message_bytes"]
        self.most_values = params["limits"]["max_values"]
        self.window = params["limits"]["stream_window_bytes"]
        self.was_welcomed = self.welcomed = True
        self.lost_at = None
        if params["last_seq"] > self.written or params["last_seq"] < self.acknowledged:
            raise PeerViolation("last_seq: cannot be")
        self.acknowledge(params["last_seq"])
        self.replay(self.acknowledged)
        self.write()
        return True

    def check_welcome(self, params: Message) -> None:
        """HELLO-17."""
        if params["version"] not in self.versions:
            raise PeerViolation("version: was not offered")
        if self.was_welcomed and not params["resumed"]:
            raise PeerViolation("resumed: must be true")

    def consume(self, seq: int, size: int) -> None:
        """Count a new session message."""
        self.last_seq = seq
        self.progress()
        self.unacknowledged += 1
        self.unacknowledged_bytes += size
        if self.ack_due is None:
            self.ack_due = time.monotonic() + self.ack_after_seconds

    def ack_if_due(self) -> None:
        """DELIVERY-5."""
        many = self.unacknowledged >= self.ack_after_messages
        if many or self.unacknowledged_bytes >= self.ack_after_bytes:
            self.send_ack()

    def on_unknown(self, envelope: Envelope) -> bool:
        """WIRE-16 to WIRE-18."""
        if envelope.seq is None:
            return True
        if has_id(envelope):
            self.check_id(envelope.id)
            self.consume(envelope.seq, envelope.size)
            self.refuse(envelope, CommandFailed("unsupported", f"type: {envelope.type} is unknown"))
        else:
            self.consume(envelope.seq, envelope.size)
        self.ack_if_due()
        return True

    def refuse(self, envelope: Envelope, failure: CommandFailed) -> None:
        """Answer a command that is not begun."""
        id_ = self.note_id(envelope)
        self.pending[id_] = envelope.type
        self.fail_command(id_, failure)

    def check_id(self, id_: object) -> None:
        """WIRE-11."""
        if not is_positive_integer(id_) or (isinstance(id_, int) and id_ <= self.last_id):
            raise PeerViolation("id: is no integer greater than every earlier one")

    def note_id(self, envelope: Envelope) -> int:
        """Remember the highest id, and return this one."""
        assert isinstance(envelope.id, int)
        self.last_id = max(self.last_id, envelope.id)
        return envelope.id

    def on_command(self, envelope: Envelope) -> bool:
        """Check a command's id and params, and begin it."""
        assert envelope.seq is not None
        self.check_id(envelope.id)
        try:
            params = self.read_command(envelope)
        except InvalidParams as violation:
            self.consume(envelope.seq, envelope.size)
            self.refuse(envelope, CommandFailed("invalid_command", str(violation)))
        else:
            self.consume(envelope.seq, envelope.size)
            id_ = self.note_id(envelope)
            self.pending[id_] = envelope.type
            self.start(id_, envelope.type, params)
        self.ack_if_due()
        return True

    def read_command(self, envelope: Envelope) -> Message:
        """Return a command's params; InvalidParams names the field."""
        if envelope.type.startswith("test:"):
            assert isinstance(envelope.params, dict)
            return envelope.params
        model: Any = MESSAGES[envelope.type].model_fields["params"].annotation
        return {name: value for name, value in read_params(envelope, model) if value is not MISSING}

    def on_other(self, envelope: Envelope) -> bool:
        """Take a message that is no command."""
        model: Any = MESSAGES[envelope.type].model_fields["params"].annotation
        params: Message = read_params(envelope, model).model_dump()
        match envelope.type:
            case "ack":
                self.on_ack(params["seq"])
            case "ping":
                self.on_ping()
            case "bye":
                return self.on_bye(params)
            case "cancel":
                assert envelope.seq is not None
                self.consume(envelope.seq, envelope.size)
                self.on_cancel(params["id"])
                self.ack_if_due()
        return True

    def on_ack(self, seq: int) -> None:
        """DELIVERY-7."""
        if not self.acknowledge(seq):
            raise PeerViolation("params.seq: was never written")

    def on_ping(self) -> None:
        """BEAT-3."""
        self.send_ack()

    def on_bye(self, params: Message) -> bool:
        """END-3, END-4, END-9."""
        retry = "never" if params["code"] in ENDING_BYES else params["retry"]
        self.give_up_connection()
        if retry == "never":
            self.tell(params["message"], may_start_again=params["code"] == "session_gone")
            raise Stop
        if retry == "reconnect":
            self.renew()
        return False

    def renew(self) -> None:
        """Become a new instance, as after a failure (END-3)."""
        lingering = self.lingering
        self.begin()
        self.lingering = lingering
        self.failures = max(self.failures, 1)

    # --- What the subclass does ---

    @abstractmethod
    def start(self, id_: int, type_: str, params: Message) -> None:
        """Begin a command."""

    @abstractmethod
    def fail_command(self, id_: int, failure: CommandFailed) -> None:
        """Answer a command that has failed."""

    @abstractmethod
    def on_cancel(self, id_: int) -> None:
        """The server gives up waiting for a command."""
