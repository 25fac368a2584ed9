"""Defects in how commands begin and are answered."""

from __future__ import annotations

import json
import re

from broken_clients.client import Client, Message, Outgoing
from broken_clients.defects import breaks
from broken_clients.defects.bases import CALL, Pageless, prelude
from pagewire_protocol.codec import Envelope
from pagewire_protocol.violations import InvalidParams


@breaks("CMD-1")
class AnswersTwice(Client):
    """Answers exceptions twice."""

    def answer(self, id_: int, message: Outgoing) -> None:
        super().answer(id_, message)
        if message.type == "error":
            self.queue(message)


@breaks("CMD-1")
class AnswersSetEnvTwice(Client):
    """Answers set_env when it begins, and when it is done."""

    def set_env(self, settings: Message) -> Message:
        result = super().set_env(settings)
        self.queue(Outgoing("result", self.last_id, json.dumps(result)))
        return result


@breaks("CMD-1")
class LosesEveryFiftiethReply(Client):
    """Loses a reply when many are under way."""

    def answer(self, id_: int, message: Outgoing) -> None:
        if id_ != 50:
            super().answer(id_, message)


@breaks("CMD-1")
class TrustsThenables(Client):
    """Answers as often as a thenable calls back."""

    prelude = prelude(
        f"{CALL}.then(done, failed)", "runTrusting(AsyncFunction(...names, code), values, done, failed)"
    ).replace(
        "const quote", "const runTrusting = (f, values, done, failed) => f.apply(globalThis, values)"
        ".then(v => done(v) ?? hostReply(0, 'done', ''), failed);\n  const quote"
    )  # fmt: skip

    def js_reply(self, id_: int, outcome: str, text: str) -> None:
        if int(id_) == 0:
            self.queue(Outgoing("result", self.last_id, '{"value":2}'))
        else:
            super().js_reply(id_, outcome, text)


@breaks("CMD-2")
class StartsBackwards(Client):
    """Starts the commands that come together from the last to the first."""

    def start(self, id_: int, type_: str, params: Message) -> None:
        if not hasattr(self, "waiting"):
            self.waiting: list[tuple[int, str, Message]] = []
        self.waiting.append((id_, type_, params))
        if len(self.waiting) == 2 or type_ != "run_js":
            while self.waiting:
                super().start(*self.waiting.pop())


@breaks("CMD-3")
class WaitsForEachCommand(Client):
    """Starts a command when the one before it is answered."""

    def start(self, id_: int, type_: str, params: Message) -> None:
        if not hasattr(self, "queue_of_commands"):
            self.queue_of_commands: list[tuple[int, str, Message]] = []
        self.queue_of_commands.append((id_, type_, params))
        self.start_next()

    def start_next(self) -> None:
        while self.queue_of_commands and len(self.pending) <= len(self.queue_of_commands):
            super().start(*self.queue_of_commands.pop(0))
            self.engine.run_jobs()


@breaks("CMD-3")
class AnswersInOrder(Client):
    """Holds replies back until those of earlier commands are sent."""

    def answer(self, id_: int, message: Outgoing) -> None:
        held: dict[int, Outgoing] = self.__dict__.setdefault("held", {})
        if id_ in self.pending:
            held[id_] = message
        while self.pending and (first := min(self.pending)) in held:
            super().answer(first, held.pop(first))


@breaks("CMD-4")
class AcksBeforeItRuns(Client):
    """Acknowledges a command before its code begins."""

    def start(self, id_: int, type_: str, params: Message) -> None:
        self.send_ack()
        super().start(id_, type_, params)


@breaks("CMD-4")
class AnswersBeforeItRuns(Client):
    """Sends the events of code after its reply."""

    def js_emit(self, name: str, data: str) -> str:
        self.__dict__.setdefault("events", []).append(Outgoing("event", None, f'{{"name":{name},"data":{data}}}'))
        return ""

    def answer(self, id_: int, message: Outgoing) -> None:
        super().answer(id_, message)
        while events := self.__dict__.get("events"):
            self.queue(events.pop(0))


@breaks("CMD-5")
class ReplaysWithNewValues(Client):
    """Makes replies anew when they are sent again."""

    def replay(self, after: int) -> None:
        for message in self.outbox[: self.written - self.acknowledged]:
            message.params = re.sub(r'"value":\d+', '"value":99', message.params)
        super().replay(after)


@breaks("CMD-5")
class RunsAgainAfterBreak(Client):
    """Runs commands again that come again after a break."""

    def is_old(self, seq: int) -> bool:
        if super().is_old(seq) and self.was_broken:
            self.engine.start(0, "globalThis.counter++", {}, is_eval=False)
        return super().is_old(seq)

    was_broken = False

    def after_break(self, tried_at: float) -> float:
        self.was_broken = True
        return super().after_break(tried_at)


@breaks("CMD-6")
class UnsupportedBeforeInvalid(Pageless):
    """Says unsupported before it looks at the params."""

    def read_command(self, envelope: Envelope) -> Message:
        try:
            return super().read_command(envelope)
        except InvalidParams:
            if envelope.type != "go_app":
                raise
            return {"app": "x", "new_window": True}
