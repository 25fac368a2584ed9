/** @file What becomes of the code that a server sends (SPEC sections 5.1 to 5.3, 6). */

import assert from "node:assert/strict";
import test from "node:test";
import { CommandRunner } from "../src/commands/commands.js";
import { Downloads } from "../src/commands/downloads.js";
import { compileAsyncFunction } from "../src/commands/scripts.js";

/**
 * @param {object} command
 * @param {import("../src/commands/scripts.js").Compile} [compile]
 * @returns {Promise<{ error?: any, value?: unknown }>} the params of the result, or `error`
 */
function answerOf(command, compile = compileAsyncFunction) {
  return new Promise((resolve) => {
    const environment = {
      compile,
      openFile: () => assert.fail("no file is expected"),
      takesStreams: false,
      applySettings: () => ({ applied: [], ignored: [] }),
      openApp: () => ({ result: "{}" }),
      vendorCommands: new Map(),
    };
    const downloads = new Downloads(environment.openFile);
    const commands = new CommandRunner(environment, downloads, (_id, reply) => {
      resolve("error" in reply ? { error: reply.error } : JSON.parse(reply.result));
    });
    commands.start(
      /** @type {import("../src/protocol/checks.js").ServerCommand} */ ({
        seq: 1,
        id: 1,
        ...command,
      }),
    );
  });
}

/** @param {string} expression @param {Record<string, unknown>} [args] */
function evalJs(expression, args = {}) {
  return answerOf({ type: "eval_js", params: { expression, args } });
}

/** @param {string} code @param {Record<string, unknown>} [args] */
function runJs(code, args = {}) {
  return answerOf({ type: "run_js", params: { code, args } });
}

/** @type {[string, string, unknown][]} */
const VALUES = [
  ["a value", "1 + 1", 2],
  ["an object literal", "{ a: 1 }", { a: 1 }],
  ["a trailing semicolon (EVAL-1)", "Promise.resolve(3) ; \n;", 3],
  ["a trailing comment (EVAL-3)", "4 // four", 4],
  ["a promise (EVAL-4)", "new Promise((resolve) => resolve([5]))", [5]],
  ["await", "await 6 + 1", 7],
  ["undefined (EVAL-6)", "undefined", null],
  ["a function (EVAL-6)", "() => 1", null],
  ["a symbol (EVAL-6)", "Symbol()", null],
  ["a number without JSON", "NaN", null],
  ["a lone surrogate (EVAL-8)", "'\\ud800'", "\ufffd"],
  ["a toJSON (EVAL-5)", "({ toJSON: (key) => key + '!' })", "!"],
  ["this", "this === globalThis", true],
  ["sloppy mode", "(function () { return this })() === globalThis", true],
];

for (const [name, expression, value] of VALUES) {
  test(`the value of ${name}`, async () => {
    assert.deepEqual(await evalJs(expression), { value });
  });
}

test("arguments are values, whatever they are called (ARGS-1, ARGS-5)", async () => {
  const args = JSON.parse('{"__proto__": 1, "$ä": "\\"); throw 1; (\\""}');
  assert.deepEqual(await evalJs("[__proto__, $ä]", args), { value: [1, '"); throw 1; ("'] });
});

for (const expression of [
  "10n",
  "(() => { const a = []; a.push(a); return a })()",
  "({ toJSON() { throw 1 } })",
]) {
  test(`${expression} has no JSON (EVAL-7)`, async () => {
    const { error } = await evalJs(expression);
    assert.equal(error.code, "not_serializable");
    assert.equal(error.exception, undefined);
  });
}

for (const [code, exception] of /** @type {[string, object][]} */ ([
  ["throw new TypeError('no')", { name: "TypeError", message: "no" }],
  ["return Promise.reject(new RangeError('far'))", { name: "RangeError", message: "far" }],
  ["let let = 1", { name: "SyntaxError" }],
  ["throw 'text'", { name: "string", message: "text" }],
  ["throw null", { name: "object", message: "null" }],
  ["throw { toString() { throw 1 } }", { name: "object", message: "" }],
  ["throw { get name() { throw 1 } }", { name: "object", message: "[object Object]" }],
])) {
  test(`${code} is told by its exception (REPLY-2, REPLY-3)`, async () => {
    const { error } = await runJs(code);
    assert.equal(error.code, "exception");
    assert.deepEqual({ ...error.exception, ...exception }, error.exception);
  });
}

test("an error has its stack, and what is none has none", async () => {
  assert.equal(typeof (await runJs("throw new Error()")).error.exception.stack, "string");
  assert.equal("stack" in (await runJs("throw 1")).error.exception, false);
});

test("statements are no expression (EVAL-2)", async () => {
  assert.equal((await evalJs("1; 2")).error.exception.name, "SyntaxError");
});

test("run_js sends no value (RUN-3)", async () => {
  assert.deepEqual(await runJs("return 1"), {});
});

test("names that code declares stay local to it (RUN-1)", async () => {
  await runJs("var leaked = 1");
  assert.deepEqual(await evalJs("typeof leaked"), { value: "undefined" });
});
