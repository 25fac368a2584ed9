"""Defects of eval_js."""

from __future__ import annotations

import json

from broken_clients.client import Client
from broken_clients.client_platform import CommandFailed
from broken_clients.defects import breaks
from broken_clients.defects.bases import (
    prelude,
)


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
