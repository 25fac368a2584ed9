"""Defects of run_js."""

from __future__ import annotations

from broken_clients.client import Client, Message
from broken_clients.defects import breaks
from broken_clients.defects.bases import (
    CALL,
    prelude,
)


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
