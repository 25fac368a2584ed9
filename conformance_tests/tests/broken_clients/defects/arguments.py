"""Defects of arguments and of errors."""

from __future__ import annotations

import json

from broken_clients.client import Client, Message
from broken_clients.client_platform import CommandFailed
from broken_clients.defects import breaks
from broken_clients.defects.bases import (
    CALL,
    LenientNames,
    prelude,
)


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

    prelude = prelude(
        "names.map((name) => args[name])",
        "((copy) => { for (const n of names) copy[n] = args[n];"
        " return names.map((n) => Object.hasOwn(copy, n) ? copy[n] : null) })({})",
    )


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
