"""Defects in what a client makes of messages: the order of checks, the unknown, sizes."""

from __future__ import annotations

import json

from broken_clients.client import Client, Message, Outgoing
from broken_clients.client_platform import CommandFailed
from broken_clients.defects import breaks
from pagewire_protocol.codec import Envelope, has_id, parse
from pagewire_protocol.json_scan import JsonScan
from pagewire_protocol.violations import PeerViolation


@breaks("WIRE-11")
class TakesUsedIds(Client):
    """Runs a command whose id was used before."""

    def check_id(self, id_: object) -> None:
        if not isinstance(id_, int) or not 1 <= id_ <= 2**53 - 1:
            super().check_id(id_)


@breaks("WIRE-11")
class WantsConsecutiveIds(Client):
    """Refuses ids that are not the next one."""

    def check_id(self, id_: object) -> None:
        super().check_id(id_)
        if isinstance(id_, int) and id_ > self.last_id + 100:
            raise PeerViolation("id: leaps")


@breaks("WIRE-12")
class AnswersAnotherId(Client):
    """Answers the command after a large id."""

    def answer(self, id_: int, message: Outgoing) -> None:
        if message.id is not None and message.id > 1000:
            message.id -= 1
        super().answer(id_, message)


@breaks("WIRE-13")
class LeavesEmptyParamsOut(Client):
    """Leaves params out where they would be empty."""

    def send(self, text: str) -> None:
        super().send(text.replace(',"params":{}', ""))


@breaks("WIRE-14")
class ChecksParamsBeforeSeq(Client):
    """Looks at the type of a message before it drops it as old."""

    def is_old(self, seq: int) -> bool:
        return False

    def on_gap(self, envelope: Envelope) -> None:
        pass

    def check(self, envelope: Envelope) -> bool:
        if self.welcomed and envelope.type == "event":
            raise PeerViolation("type: is not sent by a server")
        return super().check(envelope) if envelope.seq is None or envelope.seq > self.last_seq else True


@breaks("WIRE-14")
class ChecksParamsBeforeId(Client):
    """Answers bad params before it looks at the id."""

    def check_id(self, id_: object) -> None:
        if id_ != 5 or self.last_id != 5:
            super().check_id(id_)


@breaks("WIRE-14")
class ForgetsIdsOfInvalidCommands(Client):
    """Lets the id of an invalid command be used again."""

    def refuse(self, envelope: Envelope, failure: CommandFailed) -> None:
        before = self.last_id
        super().refuse(envelope, failure)
        self.last_id = before


@breaks("WIRE-14")
class TakesCancelWithIdForCommand(Client):
    """Takes whatever has an id for a command."""

    def check(self, envelope: Envelope) -> bool:
        if envelope.type == "cancel" and has_id(envelope):
            raise PeerViolation("id: of a cancel")
        return super().check(envelope)


@breaks("WIRE-14")
class ToleratesGapsOfUnknownTypes(Client):
    """Looks at the type before it looks for a gap."""

    def on_gap(self, envelope: Envelope) -> None:
        if self.is_known(envelope.type):
            super().on_gap(envelope)


@breaks("WIRE-15")
class RefusesUnknownFieldsInEnvelopes(Client):
    """Refuses messages with a field that it does not know."""

    def on_text(self, data: bytes) -> bool:
        return self._refuse(data, b'"novelty"') or super().on_text(data)

    def _refuse(self, data: bytes, field: bytes) -> bool:
        if field in data and b'"type": "novelty"' not in data and b"eval_js" in data:
            raise self.violation()
        return False

    def violation(self) -> Exception:
        self.fail_with("an unknown field")
        return PeerViolation("an unknown field")

    def fail_with(self, message: str) -> None:
        self.say_bye("invalid_message", message)
        self.close_for_good(4400)


@breaks("WIRE-15")
class RefusesUnknownFieldsInParams(Client):
    """Answers a command with an unknown field by invalid_command."""

    def start(self, id_: int, type_: str, params: Message) -> None:
        super().start(id_, type_, params)

    def read_command(self, envelope: Envelope) -> Message:
        params = envelope.params
        if isinstance(params, dict) and ("novelty" in params or "novelty" in str(params.get("content"))):
            return {"code": "throw 'an unknown field'", "expression": "nope", "args": {}}
        return super().read_command(envelope)


@breaks("WIRE-15")
class RefusesUnknownFieldsInWelcomes(Client):
    """Refuses a welcome with a field that it does not know."""

    def check_greeting(self, envelope: Envelope) -> bool:
        if "novelty" in str(envelope.params):
            raise PeerViolation("an unknown field")
        return super().check_greeting(envelope)


@breaks("WIRE-15")
class RefusesUnknownFieldsInAcks(Client):
    """Refuses an ack with a field that it does not know."""

    def on_other(self, envelope: Envelope) -> bool:
        if envelope.type == "ack" and "novelty" in str(envelope.params):
            raise PeerViolation("an unknown field")
        return super().on_other(envelope)


@breaks("WIRE-16")
class RefusesUnknownTypes(Client):
    """Ends the session on a control message of an unknown type."""

    def on_unknown(self, envelope: Envelope) -> bool:
        if envelope.seq is None:
            raise PeerViolation("type: is unknown")
        return super().on_unknown(envelope)


@breaks("WIRE-17")
class IgnoresUnknownCommands(Client):
    """Says nothing to a command of an unknown type."""

    def refuse(self, envelope: Envelope, failure: CommandFailed) -> None:
        if failure.params["code"] != "unsupported":
            super().refuse(envelope, failure)
        else:
            self.note_id(envelope)


@breaks("WIRE-17")
class ForgetsIdsOfUnknownCommands(Client):
    """Lets the id of an unknown command be used again."""

    def on_unknown(self, envelope: Envelope) -> bool:
        before = self.last_id
        done = super().on_unknown(envelope)
        self.last_id = before
        return done


@breaks("WIRE-17")
class WantsParamsOfUnknownCommands(Client):
    """Ends the session on an unknown command without params."""

    def on_unknown(self, envelope: Envelope) -> bool:
        if not isinstance(envelope.params, dict):
            raise PeerViolation("params: are missing")
        return super().on_unknown(envelope)


@breaks("WIRE-18")
class DoesNotCountUnknownMessages(Client):
    """Leaves the seq of an unknown session message out."""

    def on_unknown(self, envelope: Envelope) -> bool:
        return super().on_unknown(envelope) if has_id(envelope) or envelope.seq is None else True


@breaks("WIRE-19")
class DoesNotNameTheField(Client):
    """Says that params are invalid, and not which."""

    def fail_command(self, id_: int, failure: CommandFailed) -> None:
        if failure.params["code"] == "invalid_command":
            failure.params["message"] = "Invalid."
        super().fail_command(id_, failure)


@breaks("WIRE-19")
class EndsOnInvalidCommands(Client):
    """Ends the session where a command is invalid."""

    def refuse(self, envelope: Envelope, failure: CommandFailed) -> None:
        if failure.params["code"] == "invalid_command":
            raise PeerViolation(str(failure))
        super().refuse(envelope, failure)


@breaks("WIRE-19")
class RunsInvalidCommands(Client):
    """Runs the code of a command although its args are invalid."""

    def refuse(self, envelope: Envelope, failure: CommandFailed) -> None:
        if isinstance(envelope.params, dict) and "code" in envelope.params:
            self.engine.start(0, str(envelope.params["code"]), {}, is_eval=False)
        super().refuse(envelope, failure)


@breaks("WIRE-20")
class IgnoresInvalidMessages(Client):
    """Ignores what it cannot read."""

    def on_text(self, data: bytes) -> bool:
        try:
            parse(data.decode(), max_bytes=2**30)
        except PeerViolation:
            return True
        return super().on_text(data)


@breaks("WIRE-20")
class ComesBackAfterInvalidMessages(Client):
    """Reconnects after it has ended the session over an invalid message."""

    def close_for_good(self, code: int) -> None:
        if self.wire is not None:
            self.wire.close(code)
            self.give_up_connection()
        self.was_welcomed = False
        self.welcomed = False
        self.connect()


@breaks("WIRE-22")
class IgnoresShortBinaryFrames(Client):
    """Ignores binary frames under 16 bytes."""

    def on_binary(self, data: bytes) -> bool:
        return super().on_binary(data) if len(data) >= 16 else True


@breaks("WIRE-23")
class CountsCharacters(Client):
    """Counts the size of a message in characters."""

    def on_text(self, data: bytes) -> bool:
        limit, self.max_message_bytes = self.max_message_bytes, 2**30
        try:
            if len(data.decode()) > limit:
                self.max_message_bytes = limit
            return super().on_text(data)
        finally:
            self.max_message_bytes = limit


@breaks("WIRE-23")
class TakesLessThanItSays(Client):
    """Refuses messages that are as large as it announced."""

    def on_text(self, data: bytes) -> bool:
        return super().on_text(data + b" " * 64 if len(data) >= self.max_message_bytes else data)


@breaks("WIRE-23")
class TakesMoreThanItSays(Client):
    """Does not look at the size of messages."""

    def on_text(self, data: bytes) -> bool:
        announced, self.max_message_bytes = self.max_message_bytes, 2**30
        try:
            return super().on_text(data)
        finally:
            self.max_message_bytes = announced


@breaks("WIRE-24")
class SendsTooLargeReplies(Client):
    """Sends replies of any size."""

    def fitting(self, message: Outgoing) -> Outgoing:
        return message


@breaks("WIRE-24")
class CountsRepliesInCharacters(Client):
    """Counts the size of a reply in characters."""

    def fitting(self, message: Outgoing) -> Outgoing:
        return message if len(message.text(1)) <= self.largest else super().fitting(message)


@breaks("WIRE-24")
class TurnsLargeErrorsIntoTooLarge(Client):
    """Answers too_large in the place of a large error."""

    def fitting(self, message: Outgoing) -> Outgoing:
        if message.size > self.largest:
            return Outgoing("error", message.id, '{"code":"too_large","message":"Too large."}')
        return message


@breaks("WIRE-24")
class SendsTooLargeEvents(Client):
    """Sends events of any size."""

    def js_emit(self, name: str, data: str) -> str:
        largest, self.largest = self.largest, 2**30
        try:
            return super().js_emit(name, data)
        finally:
            self.largest = largest


@breaks("WIRE-24")
class RefusesWhatFits(Client):
    """Keeps half of what the server takes free."""

    def fitting(self, message: Outgoing) -> Outgoing:
        self.largest //= 2
        fitting = super().fitting(message)
        self.largest *= 2
        return fitting


@breaks("WIRE-27")
class SendsManyValues(Client):
    """Does not count the values of what it sends."""

    def has_too_many_values(self, message: Outgoing) -> bool:
        return False


@breaks("WIRE-27")
class CountsWhatTheValueHas(Client):
    """Counts the values of a result's value, not those of the whole message."""

    def has_too_many_values(self, message: Outgoing) -> bool:
        return JsonScan(message.params).has_more_values(self.most_values)


@breaks("WIRE-27")
class CountsEmptyArraysAsNothing(Client):
    """Counts values by what is not an array or an object."""

    def has_too_many_values(self, message: Outgoing) -> bool:
        return super().has_too_many_values(Outgoing("result", 1, message.params.replace("[]", "").replace(",,", "")))


@breaks("WIRE-28")
class AnswersNotSerializable(Client):
    """Answers not_serializable where a result has too many values."""

    def fitting(self, message: Outgoing) -> Outgoing:
        if self.has_too_many_values(message):
            return Outgoing("error", message.id, '{"code":"not_serializable","message":"Too many values."}')
        return super().fitting(message)


@breaks("WIRE-28")
class CountsNames(Client):
    """Counts the names of members as values."""

    def has_too_many_values(self, message: Outgoing) -> bool:
        return super().has_too_many_values(Outgoing("result", 1, message.params.replace('":', '",')))


@breaks("WIRE-28")
class CountsCommasInStrings(Client):
    """Counts commas and brackets in strings as if they were outside."""

    def has_too_many_values(self, message: Outgoing) -> bool:
        return super().has_too_many_values(Outgoing("result", 1, message.params.replace('\\"', "").replace('"', "")))


@breaks("WIRE-25")
class SendsDeepValues(Client):
    """Sends values of any depth."""

    def value(self, id_: int, text: str) -> None:
        self.answer(id_, Outgoing("result", id_, f'{{"value":{text}}}'))


@breaks("WIRE-25")
class SendsDeepEvents(Client):
    """Sends events of any depth."""

    def js_emit(self, name: str, data: str) -> str:
        self.queue(Outgoing("event", None, f'{{"name":{name},"data":{data}}}'))
        return ""


@breaks("WIRE-25")
class RefusesAt64Levels(Client):
    """Refuses values that nest more than 64 levels."""

    def value(self, id_: int, text: str) -> None:
        super().value(id_, f"{'[' * 64}{text}{']' * 64}" if text.count("[") > 60 or text.count("{") > 60 else text)


@breaks("WIRE-25")
class RefusesDeepArguments(Client):
    """Refuses arguments that nest."""

    def start(self, id_: int, type_: str, params: Message) -> None:
        if "[[[[" in json.dumps(params.get("args", "")):
            self.fail_command(id_, CommandFailed("invalid_command", "args nest"))
        else:
            super().start(id_, type_, params)
