"""Defects of run_js, eval_js, their arguments and their replies."""

from __future__ import annotations

import json
import re
from typing import Any

from broken_clients.client import Client, Message, Outgoing
from broken_clients.registry import breaks
from broken_clients.surroundings import CommandFailed
from pagewire_protocol.codec import Envelope
from pagewire_protocol.violations import InvalidParams

CALL = "apply(AsyncFunction(...names, code), globalThis, values)"
assert CALL in Client.prelude


def prelude(old: str, new: str) -> str:
    """Return the client's JavaScript with a part of it changed."""
    assert old in Client.prelude, old
    return Client.prelude.replace(old, new)


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

    prelude = prelude(f"{CALL}.then(done, failed)", "runTrusting(AsyncFunction(...names, code), values, done, failed)").replace(
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


class Pageless(Client):
    """A correct client without a page and without streams."""

    has_page = False
    takes_streams = False


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


@breaks("RUN-1")
class RunsStrict(Client):
    """Runs code in strict mode."""

    prelude = prelude(CALL, "apply(AsyncFunction(...names, '\"use strict\";' + code), globalThis, values)")


@breaks("RUN-1")
class LeaksVariables(Client):
    """Evaluates code globally, so that its variables stay."""

    prelude = prelude(
        CALL, "(async () => { if (/^(var|function) /.test(code)) return (0, eval)(code); return " + CALL + " })()"
    )


@breaks("RUN-1")
class HasLocalScope(Client):
    """Evaluates code where its own variables are in reach."""

    prelude = prelude(
        CALL,
        "eval(`(async function(${names}) { const params = 1, message = 2;\\n${code}\\n})`).apply(globalThis, values)",
    )


@breaks("RUN-1")
class HasNoThis(Client):
    """Runs code with an object of its own as this."""

    prelude = prelude(CALL, "apply(AsyncFunction(...names, code), {}, values)")


@breaks("RUN-2")
class SharesArguments(Client):
    """Keeps the arguments of a command for the next."""

    prelude = prelude("names.map((name) => args[name])", "names.map((name) => (kept[name] ??= args[name]))").replace(
        "const quote", "const kept = {};\n  const quote"
    )


@breaks("RUN-2")
class PassesText(Client):
    """Passes numbers as text."""

    prelude = prelude("args[name])", "typeof args[name] === 'number' ? String(args[name]) : args[name])")


@breaks("RUN-3")
class DoesNotWait(Client):
    """Answers run_js when its beginning has run."""

    def run_code(self, id_: int, code: str, args: Message, *, is_eval: bool) -> None:
        super().run_code(id_, code, args, is_eval=is_eval)
        if not is_eval and "await new Promise" in code:
            self.result(id_, {})


@breaks("RUN-3")
class SendsTheValue(Client):
    """Refuses what run_js returns where it has no JSON."""

    prelude = prelude('() => hostReply(id, "done", "")', "(v) => { try { stringify(v) } catch { return hostReply(id, "
                      "'not_serializable', '') } hostReply(id, 'done', '') }")  # fmt: skip


@breaks("RUN-3")
class IgnoresWhatCodeReturns(Client):
    """Does not wait for a promise that run_js returns."""

    def run_code(self, id_: int, code: str, args: Message, *, is_eval: bool) -> None:
        if not is_eval and code.startswith("return "):
            code = f"void ({code[7:]}\n)"
        super().run_code(id_, code, args, is_eval=is_eval)


@breaks("RUN-4")
class HasNoEmit(Client):
    """Gives scripts no pagewire."""

    prelude = prelude("globalThis.pagewire =", "globalThis.wirepage =")


@breaks("RUN-4")
class NeedsThisForEmit(Client):
    """Has an emit that works as a method only."""

    prelude = prelude("emit(name, data) {", "emit(name, data) { this.used = 1;").replace(
        "(() => {", "(() => { 'use strict';", 1
    )


@breaks("RUN-5")
class PutsCodeOff(Client):
    """Begins code in a later task."""

    def start(self, id_: int, type_: str, params: Message) -> None:
        self.__dict__.setdefault("put_off", []).append((id_, type_, params))

    def on_time(self) -> bool:
        while put_off := self.__dict__.get("put_off"):
            super().start(*put_off.pop(0))
            self.engine.run_jobs()
        return super().on_time()


@breaks("RUN-5")
class AwaitsFirst(Client):
    """Awaits something before it begins code of run_js, and lets other commands come between."""

    prelude = prelude(CALL, "apply(AsyncFunction(...names, (isEval ? '' : 'await null;') + code), globalThis, values)")

    def on_text(self, data: bytes) -> bool:
        run_jobs = self.engine.run_jobs
        self.engine.run_jobs = (lambda: None) if b'"run_js"' in data else run_jobs  # type: ignore[method-assign]  # a defect
        try:
            return super().on_text(data)
        finally:
            self.engine.run_jobs = run_jobs  # type: ignore[method-assign]  # a defect


@breaks("EVAL-1")
class KeepsSemicolons(Client):
    """Does not strip semicolons."""

    def expression_body(self, expression: str) -> str:
        return f"return ({expression}\n)"


@breaks("EVAL-1")
class StripsOneSemicolon(Client):
    """Strips one semicolon at the end."""

    def expression_body(self, expression: str) -> str:
        return f"return ({expression.rstrip().removesuffix(';')}\n)"


@breaks("EVAL-1")
class EvaluatesOutsideFunctions(Client):
    """Evaluates expressions by eval, without await and arguments."""

    def expression_body(self, expression: str) -> str:
        if "await" not in expression:
            return super().expression_body(expression)
        return f"return (0, eval)({json.dumps('(' + expression + ')')})"


@breaks("EVAL-2")
class EvaluatesStatements(Client):
    """Takes lists of statements, as eval does."""

    def expression_body(self, expression: str) -> str:
        return f"return (0, eval)({json.dumps(expression)})"


@breaks("EVAL-3")
class ForgetsTheNewline(Client):
    """Puts its parenthesis right behind the expression."""

    def expression_body(self, expression: str) -> str:
        return super().expression_body(expression).replace("\n)", ")")


@breaks("EVAL-4")
class DoesNotAwait(Client):
    """Sends promises as they are."""

    def expression_body(self, expression: str) -> str:
        return super().expression_body(expression).replace("return (", "return [(").replace("\n)", "\n)]")

    def value(self, id_: int, text: str) -> None:
        super().value(id_, text[1:-1])


@breaks("EVAL-4")
class AwaitsNativePromisesOnly(Client):
    """Awaits no thenables."""

    prelude = prelude("Reflect;", "Reflect;\n  const own = (v) => typeof v === 'object' && v !== null && "
                      "typeof v.then === 'function' && !(v instanceof Promise) ? {} : v;")  # fmt: skip

    def expression_body(self, expression: str) -> str:
        return super().expression_body(expression).replace("({then(resolve)", "({also(resolve)")


@breaks("EVAL-5")
class StringifiesTheMessage(Client):
    """Lets JSON.stringify make the whole message, so that the page's toJSON changes it."""

    prelude = prelude('hostReply(id, "value", text);', "hostReply(id, 'value', typeof Object.prototype.toJSON === "
                      "'function' ? '[]' : text);")  # fmt: skip


@breaks("EVAL-5")
class KeepsUndefinedFields(Client):
    """Sends the fields of an object that are undefined as null."""

    prelude = prelude(
        "const text = stringify(value);", "const text = stringify(value, (k, v) => v === undefined ? null : v);"
    )


@breaks("EVAL-5")
class WritesDatesAsNumbers(Client):
    """Sends a date as a number."""

    def value(self, id_: int, text: str) -> None:
        super().value(id_, "0" if text == '"1970-01-01T00:00:00.000Z"' else text)


@breaks("EVAL-6")
class LosesUndefined(Client):
    """Leaves the value out where it is undefined."""

    prelude = prelude('jsonText(value) ?? "null"', "jsonText(value)").replace(
        'hostReply(id, "value", text)', 'text === undefined ? hostReply(id, "done", "") : hostReply(id, "value", text)'
    )


@breaks("EVAL-7")
class SendsNullForTheUnserializable(Client):
    """Sends null for what has no JSON."""

    prelude = prelude('return hostReply(id, "not_serializable", "")', 'text = "null"')


@breaks("EVAL-7")
class CallsBigintsExceptions(Client):
    """Answers a bigint as an exception."""

    def fail_command(self, id_: int, failure: CommandFailed) -> None:
        if failure.params["code"] == "not_serializable":
            exception = {"name": "TypeError", "message": "BigInt"}
            failure = CommandFailed("exception", "TypeError: BigInt", exception=exception)
        super().fail_command(id_, failure)


@breaks("EVAL-8")
class ReplacesEscapedText(Client):
    """Replaces what only looks like an escaped surrogate."""

    prelude = prelude("(u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", "(u[dD][89a-fA-F][0-9a-fA-F]{2})")


@breaks("EVAL-8")
class DropsSurrogates(Client):
    """Drops lone surrogates."""

    prelude = prelude(r'"\ufffd"', '""')


@breaks("ARGS-1")
class SplicesArguments(Client):
    """Writes arguments into the code as object literals."""

    def run_code(self, id_: int, code: str, args: Message, *, is_eval: bool) -> None:
        names = [name for name in args if name != "__proto__" and isinstance(args[name], dict)]
        spliced = "".join(f"var {name} = {json.dumps(args.pop(name))};" for name in names)
        super().run_code(id_, spliced + code, args, is_eval=is_eval)


@breaks("ARGS-1")
class SplicesTemplates(Client):
    """Writes text arguments into the code as template literals."""

    def run_code(self, id_: int, code: str, args: Message, *, is_eval: bool) -> None:
        names = [name for name, value in args.items() if isinstance(value, str) and "${" in value]
        spliced = "".join(f"var {name} = `{args.pop(name)}`;" for name in names)
        super().run_code(id_, spliced + code, args, is_eval=is_eval)


@breaks("ARGS-1")
class TakesFewArguments(Client):
    """Takes no more than a hundred arguments."""

    def run_code(self, id_: int, code: str, args: Message, *, is_eval: bool) -> None:
        super().run_code(id_, code, dict(list(args.items())[:100]), is_eval=is_eval)


@breaks("ARGS-2")
class RefusesSloppyNames(Client):
    """Refuses names that only strict code reserves."""

    def start(self, id_: int, type_: str, params: Message) -> None:
        if {"let", "static", "yield"} & set(params.get("args", {})):
            self.fail_command(id_, CommandFailed("invalid_command", "args: a reserved word"))
        else:
            super().start(id_, type_, params)


class LenientNames(Client):
    """A client that lets some bad names pass."""

    def passes(self, name: str) -> bool:
        raise NotImplementedError

    def read_command(self, envelope: Envelope) -> Message:
        params: Any = envelope.params
        if isinstance(params, dict) and isinstance(params.get("args"), dict) and any(map(self.passes, params["args"])):
            return {"args": {}, **params}
        return super().read_command(envelope)


@breaks("ARGS-2")
class TakesReservedWords(LenientNames):
    """Leaves it to the engine to refuse reserved words."""

    def passes(self, name: str) -> bool:
        return name in {"class", "await", "import"}


@breaks("ARGS-3")
class TakesPatterns(LenientNames):
    """Leaves it to the engine to refuse names, and so takes defaults and patterns."""

    def passes(self, name: str) -> bool:
        return name in {"a=alert", "{a}", "...a"}


@breaks("ARGS-5")
class LosesProto(Client):
    """Copies arguments by assignment, so that __proto__ is lost."""

    prelude = prelude("names.map((name) => args[name])", "((copy) => { for (const n of names) copy[n] = args[n]; "
                      "return Object.keys(args).map((n) => Object.hasOwn(copy, n) ? copy[n] : undefined) })({})")  # fmt: skip


@breaks("REPLY-1")
class DecoratesResults(Client):
    """Adds a field to its results."""

    def result(self, id_: int, params: Message) -> None:
        super().result(id_, params | ({"ok": True} if "applied" in params else {}))


@breaks("REPLY-2")
class LosesTheStack(Client):
    """Tells no stack."""

    prelude = prelude('`,"stack":${quote(thrown.stack)}`', '""').replace('"string" ? ""', '"string" ? `,"stack":"-"`')


@breaks("REPLY-2")
class LosesTheName(Client):
    """Calls every error Error."""

    prelude = prelude('`{"name":${quote(thrown.name)}', '`{"name":"Error"')


@breaks("REPLY-2")
class CallsSyntaxErrorsInvalid(Client):
    """Answers code that does not parse by invalid_command."""

    def fail_command(self, id_: int, failure: CommandFailed) -> None:
        if failure.params.get("exception", {}).get("name") == "SyntaxError":
            failure = CommandFailed("invalid_command", "code: does not parse")
        super().fail_command(id_, failure)


@breaks("REPLY-2")
class DefinesFunctionsByText(Client):
    """Makes the function of a text, from which code can break out."""

    prelude = prelude(CALL, "apply((0, eval)(`(async function(${names}) {${code}\\n})`), globalThis, values)")

    def run_code(self, id_: int, code: str, args: Message, *, is_eval: bool) -> None:
        if code.startswith("} globalThis.ran"):
            self.engine.start(0, "globalThis.ran = 1", {}, is_eval=False)
        super().run_code(id_, code, args, is_eval=is_eval)


@breaks("REPLY-3")
class StumblesOverStrings(Client):
    """Takes the name of whatever was thrown."""

    prelude = prelude('`{"name":"${typeof thrown}"', '`{"name":${quote(thrown?.name ?? "Error")}')


@breaks("REPLY-3")
class StumblesOverThrowingTexts(Client):
    """Never answers where the text of what was thrown throws."""

    prelude = prelude("try { message = String(thrown); } catch {}", "message = String(thrown);")


@breaks("REPLY-4")
class PutsExceptionsEverywhere(Client):
    """Gives every error an exception."""

    def fail_command(self, id_: int, failure: CommandFailed) -> None:
        failure.params.setdefault("exception", {"name": "Error", "message": "It failed."})
        super().fail_command(id_, failure)


@breaks("REPLY-5")
class CallsThePolicyAnException(Client):
    """Answers code that the page forbids by an exception."""

    def run_code(self, id_: int, code: str, args: Message, *, is_eval: bool) -> None:
        if self.page.forbids_code:
            exception = {"name": "EvalError", "message": "Refused."}
            raise CommandFailed("exception", "EvalError: Refused.", exception=exception)
        super().run_code(id_, code, args, is_eval=is_eval)
