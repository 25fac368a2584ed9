"""Watches all that a client sends, in every case: what holds for each message whatever the case is about."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from pagewire_conformance.messages import REPLY_TYPES
from pagewire_conformance.peer.schemas import check_schema
from pagewire_conformance.peer.strict_json import MAX_DEPTH, check_text, depth, read_object
from pagewire_conformance.verdicts import Broken
from pagewire_protocol.codes import BYE_RULES, ByeCode, CloseCode
from pagewire_protocol.handshake_messages import MAX_HELLO_BYTES
from pagewire_protocol.json_scan import JsonScan
from pagewire_protocol.registry import CAPABILITIES, RESULT_MODELS
from pagewire_protocol.versions import SUBPROTOCOL

Message = dict[str, Any]

_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_STAYS_THE_SAME: Final = ("versions", "app", "capabilities", "limits")
CAPABILITY_NAMES: Final = frozenset(capability.name for capability in CAPABILITIES) | {"test"}
"""Those of the specification, and the one that the suite asks for (README, "What can be seen")."""


@dataclass
class _Command:
    type: str
    reply: Message | None = None


@dataclass
class _Stream:
    sent: int = 0
    acknowledged: int = 0


@dataclass
class Judge:
    """What is known of one client instance's conversation. Each method raises Broken, naming the requirement."""

    max_message_bytes: int = 0
    """What the suite announced in its last `welcome`; 0 before that."""
    max_values: int = 0
    """The same."""
    written: int = 0
    """The `seq` of the last session message that the suite has written."""
    hello: Message = field(default_factory=dict)
    """The params of the last hello."""
    hello_bytes: int = 0
    """The size of the last hello."""
    _welcomed_once: bool = False
    _greeted: bool = False
    _welcomed: bool = False
    _resumes: bool = False
    """Whether nothing has come yet on a connection that resumes."""
    _said_bye: Message | None = None
    _keys: set[str] = field(default_factory=set)
    _commands: dict[int, _Command] = field(default_factory=dict)
    _streams: dict[int, _Stream] = field(default_factory=dict)
    _messages: list[Message] = field(default_factory=list)
    _next_seq: int = 1
    last_ack: int = 0
    """The `seq` of the last ack that has come."""
    _first_hello: Message | None = None
    _last_attempt: int = 0

    # --- What the suite does ---

    def wrote_command(self, id_: int, type_: str) -> None:
        """Note that a command was sent."""
        self._commands[id_] = _Command(type_)

    def wrote_chunk(self, id_: int, end: int) -> None:
        """Note that a chunk was sent, up to the offset `end`."""
        stream = self._streams.setdefault(id_, _Stream())
        stream.sent = max(stream.sent, end)

    def wrote_welcome(self, last_seq: int, limits: Message) -> None:
        """Note that a welcome was sent: replays begin after `last_seq`."""
        self._resumes = self._welcomed_once
        self._welcomed_once = self._welcomed = True
        self.max_message_bytes = limits["max_message_bytes"]
        self.max_values = limits["max_values"]
        self._next_seq = last_seq + 1

    @property
    def received(self) -> int:
        """The `seq` of the last session message that has come from the client."""
        return len(self._messages)

    def reply_to(self, id_: int) -> Message | None:
        """Return the reply to a command, if it has come."""
        return self._commands[id_].reply

    # --- What the client does ---

    def opened(self, path: str, offered: tuple[str, ...]) -> None:
        """Look at the request of a new connection."""
        self._welcomed = self._greeted = False
        self._said_bye = None
        keys = parse_qs(urlsplit(path).query, keep_blank_values=True).get("key", [])
        if len(keys) != 1 or not _KEY.fullmatch(keys[0]):
            raise Broken(f"the URL's query has no one `key` of 1 to 64 characters: {path}", "WIRE-4")
        self._keys.add(keys[0])
        if len(self._keys) > 1:
            raise Broken(f"the key is not the same on every connection: {sorted(self._keys)}", "WIRE-4")
        if SUBPROTOCOL not in offered:
            raise Broken(f"the subprotocol {SUBPROTOCOL} is not among those offered: {list(offered)}", "WIRE-1")
        self._refuse_secret(path, "the URL")

    def text(self, data: bytes) -> Message:
        """Look at a text frame, and return the message in it."""
        if self._said_bye is not None:
            raise Broken(f"the client sent something after its bye: {data[:200]!r}", "END-2")
        if self.max_message_bytes and len(data) > self.max_message_bytes:
            raise Broken(f"a message of {len(data)} bytes, where {self.max_message_bytes} are taken", "WIRE-24")
        if not self._greeted:
            self._check_hello_size(len(data))
        message = read_object(data)
        if self.max_values and message.get("type") != "hello" and JsonScan(data).has_more_values(self.max_values):
            raise Broken(f"a message of more than {self.max_values} values, the most that are accepted", "WIRE-27")
        check_text(message)
        self._check_handshake(message)
        check_schema(message, answers_vendor=self._answers_vendor(message))
        self._check_depth(message)
        self._check_session_message(message)
        self._check_control_message(message)
        return message

    def binary(self) -> None:
        """Look at a binary frame: a client of 1.0 has nothing to say in one."""
        raise Broken("the client sent a binary frame", "WIRE-5")

    def closed(self, code: int) -> None:
        """Look at a Close frame that came before the suite sent one."""
        if self._said_bye is None:
            if code not in {CloseCode.SILENT_LINK, 1005, 1001}:
                raise Broken(f"the client closed with {code}, without a bye", "END-1")
            return
        rule = BYE_RULES.get(self._said_bye["params"]["code"])
        if rule is not None and rule.close != code:
            raise Broken(f"bye {self._said_bye['params']['code']} was followed by close code {code}", "END-1")

    def lost(self, error: str) -> None:
        """Look at the end of a connection; `error` says how the client broke RFC 6455, if it did."""
        if "reserved bits" in error:
            raise Broken(f"a frame has reserved bits set, as if it were compressed: {error}", "WIRE-9")
        if error:
            raise Broken(f"the client broke RFC 6455: {error}", "WIRE-1")

    # --- Within ---

    def _refuse_secret(self, text: str, where: str) -> None:
        secret = self.hello.get("instance")
        if secret and secret in text:
            raise Broken(f"the instance stands in {where}", "SEC-2")

    def _check_handshake(self, message: Message) -> None:
        type_ = message.get("type")
        if self._welcomed:
            if type_ == "hello":
                raise Broken("a second hello on one connection", "HELLO-1")
            return
        if self._greeted:
            if type_ != "bye":
                raise Broken(f"the client sent {type_!r} between hello and welcome", "HELLO-2")
            return
        if type_ != "hello":
            raise Broken(f"the first message on a connection is {type_!r}, not hello", "HELLO-1")

    def _check_hello_size(self, size: int) -> None:
        self.hello_bytes = size
        if size > MAX_HELLO_BYTES:
            raise Broken(
                f"a first message of {size} bytes, where {MAX_HELLO_BYTES} are taken until welcome", "HELLO-21"
            )

    def _check_hello(self, params: Message) -> None:
        self._greeted = True
        self.hello = params
        has_resume = "resume" in params
        if has_resume != self._welcomed_once:
            what = "has no resume, though the client was welcomed" if self._welcomed_once else "has resume too early"
            raise Broken(f"a hello {what}", "HELLO-6")
        if self._first_hello is None:
            self._first_hello = params
        for name in _STAYS_THE_SAME:
            if params[name] != self._first_hello[name]:
                raise Broken(f"{name} is not the same in every hello", "HELLO-8")
        if params["instance"] != self._first_hello["instance"]:
            raise Broken("instance is not the same in every hello", "HELLO-4")
        self._check_attempt(params["attempt"])
        if has_resume and params["resume"]["last_seq"] > self.written:
            raise Broken(f"resume.last_seq {params['resume']['last_seq']} was never written", "RESUME-2")
        self._check_capability_names(params["capabilities"])

    def _check_attempt(self, attempt: int) -> None:
        if attempt <= self._last_attempt:
            raise Broken(f"attempt is {attempt}, after a hello whose attempt was {self._last_attempt}", "HELLO-19")
        self._last_attempt = attempt

    @staticmethod
    def _check_capability_names(capabilities: Message) -> None:
        for name in capabilities:
            if name not in CAPABILITY_NAMES and ":" not in name:
                raise Broken(f"the capability {name!r} is none of the specification's and has no colon", "EXT-1")

    def _answers_vendor(self, message: Message) -> bool:
        id_ = message.get("id")
        command = self._commands.get(id_) if isinstance(id_, int) else None
        return command is not None and ":" in command.type

    def _check_depth(self, message: Message) -> None:
        params = message["params"]
        values = [params.get(name) for name in ("value", "data", "auth")]
        values += list(params.get("capabilities", {}).values()) if message["type"] == "hello" else []
        deepest = max(map(depth, values))
        if deepest > MAX_DEPTH:
            raise Broken(f"a value nests {deepest} levels, where {MAX_DEPTH} are the most", "WIRE-25")

    def _check_session_message(self, message: Message) -> None:
        if "seq" not in message:
            return
        seq = message["seq"]
        if seq != self._next_seq:
            is_replay = self._resumes or self._next_seq <= self.received
            raise Broken(
                f"a message with seq {seq}, where {self._next_seq} is next", "RESUME-4" if is_replay else "WIRE-10"
            )
        self._resumes = False
        self._next_seq += 1
        if seq <= self.received:
            if message != self._messages[seq - 1]:
                id_ = "CMD-5" if message["type"] in REPLY_TYPES else "RESUME-4"
                raise Broken(f"seq {seq} was sent again, and is not what it was", id_)
            return
        if message["type"] in REPLY_TYPES:
            self._check_reply(message)
        self._messages.append(message)

    def _check_reply(self, message: Message) -> None:
        command = self._commands.get(message["id"])
        if command is None:
            raise Broken(f"a reply to id {message['id']}, which no command has", "WIRE-12")
        if command.reply is not None:
            cancelled = command.reply["params"].get("code") == "cancelled"
            raise Broken(f"a second reply to id {message['id']}", "CANCEL-2" if cancelled else "CMD-1")
        command.reply = message
        if message["type"] == "result":
            self._check_result(command.type, message["params"])

    @staticmethod
    def _check_result(command_type: str, params: Message) -> None:
        if command_type not in RESULT_MODELS:
            return  # a vendor's
        fields = RESULT_MODELS[command_type].model_fields
        required = {name for name, field in fields.items() if field.is_required()}
        if not required <= set(params) <= set(fields):
            raise Broken(f"the result of {command_type} has {sorted(params)}, not {sorted(fields)}", "REPLY-1")

    def _check_control_message(self, message: Message) -> None:
        params = message["params"]
        match message["type"]:
            case "hello":
                self._check_hello(params)
            case "ack":
                self._check_ack(params["seq"])
            case "stream_ack":
                self._check_stream_ack(params["id"], params["offset"])
            case "bye":
                self._said_bye = message
                self._check_bye(params)

    def _check_ack(self, seq: int) -> None:
        if seq > self.written:
            raise Broken(f"an ack of {seq}, where {self.written} is the last that was sent", "DELIVERY-4")
        if seq < self.last_ack:
            raise Broken(f"an ack of {seq} after one of {self.last_ack}", "DELIVERY-4")
        self.last_ack = seq

    def _check_stream_ack(self, id_: int, offset: int) -> None:
        stream = self._streams.get(id_)
        if stream is None or not stream.acknowledged <= offset <= stream.sent:
            raise Broken(f"a stream_ack of {offset} for id {id_}, of which that cannot have come", "STREAM-4")
        stream.acknowledged = offset

    @staticmethod
    def _check_bye(params: Message) -> None:
        if params["retry"] != "never":
            raise Broken(f"a client's bye with retry {params['retry']!r}", "END-12")
        rule = BYE_RULES.get(ByeCode(params["code"])) if params["code"] in set(ByeCode) else None
        if rule is not None and rule.sent_by == "server":
            raise Broken(f"a client's bye with the code {params['code']}, which only servers send", "END-1")
