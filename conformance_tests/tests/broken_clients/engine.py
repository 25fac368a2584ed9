"""The JavaScript of the correct client: an embedded engine, and the few lines around the server's code."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import quickjs

PRELUDE: Final = r"""
(() => {
  const { hostReply, hostEmit } = globalThis;
  delete globalThis.hostReply;
  delete globalThis.hostEmit;
  const AsyncFunction = (async () => {}).constructor;
  const { stringify, parse } = JSON;
  const { apply } = Reflect;

  // JSON.stringify escapes lone surrogates, and those only.
  const replaced = (text) => text.replace(/\\(u[dD][89a-fA-F][0-9a-fA-F]{2}|.)/gs, (all, tail) =>
    tail.length > 1 ? "\ufffd" : all);
  const jsonText = (value) => {
    const text = stringify(value);
    return text === undefined ? undefined : replaced(text);
  };
  const quote = (text) => replaced(stringify(String(text)));

  const describe = (thrown) => {
    try {
      const isObject = typeof thrown === "object" && thrown !== null;
      if (isObject && typeof thrown.name === "string" && typeof thrown.message === "string") {
        const stack = typeof thrown.stack === "string" ? `,"stack":${quote(thrown.stack)}` : "";
        return `{"name":${quote(thrown.name)},"message":${quote(thrown.message)}${stack}}`;
      }
    } catch {}
    let message = "";
    try { message = String(thrown); } catch {}
    return `{"name":"${typeof thrown}","message":${quote(message)}}`;
  };

  const evaluated = (id) => (value) => {
    let text;
    try { text = jsonText(value) ?? "null"; } catch { return hostReply(id, "not_serializable", ""); }
    hostReply(id, "value", text);
  };

  globalThis.hostStart = (id, isEval, code, names, args) => {
    const done = isEval ? evaluated(id) : () => hostReply(id, "done", "");
    const failed = (error) => hostReply(id, "exception", describe(error));
    try {
      const values = names.map((name) => args[name]);
      apply(AsyncFunction(...names, code), globalThis, values).then(done, failed);
    } catch (error) {
      failed(error);
    }
  };

  globalThis.pagewire = {
    emit(name, data) {
      if (typeof name !== "string") throw new TypeError("the name is no string");
      const refusal = hostEmit(quote(name), jsonText(data) ?? "null");
      if (refusal !== "") throw new Error(refusal);
    },
  };
})();
"""

Reply = Callable[[int, str, str], None]
Emit = Callable[[str, str], str]


class Engine:
    """One page's, or one process's, JavaScript. Texts travel as JSON: the binding cuts strings at U+0000."""

    def __init__(self, reply: Reply, emit: Emit, prelude: str = PRELUDE) -> None:
        self._context = quickjs.Context()
        self._context.set_max_stack_size(2 * 1024 * 1024)
        self._context.add_callable("hostReply", reply)
        self._context.add_callable("hostEmit", emit)
        self._context.eval(prelude)
        self._start = self._context.eval("const start = globalThis.hostStart; delete globalThis.hostStart; start")
        self._context.set("__start", self._start)
        self._context.eval(
            "(() => { const s = globalThis.__start, p = JSON.parse; delete globalThis.__start;"
            " Object.defineProperty(globalThis, 'hostCall', {configurable: true, value: t => s(...p(t))}) })()"
        )
        self._call = self._context.get("hostCall")
        self._context.eval("delete globalThis.hostCall")

    def start(self, id_: int, code: str, args: dict[str, Any], *, is_eval: bool) -> None:
        """Run code as the body of an async function; its part before the first await has run when this returns."""
        self._call(json.dumps([id_, is_eval, code, list(args), args]))

    def run_jobs(self) -> None:
        """Run what has become ready: continuations of promises."""
        while self._context.execute_pending_job():
            pass
