/** @file The order of checks of SPEC section 3.1, row by row. */

import assert from "node:assert/strict";
import test from "node:test";
import { check } from "../src/protocol/checks.js";
import { runJs, welcome } from "./conversation.js";

const PROGRESS = {
  welcomed: true,
  lastSeq: 5,
  lastId: 7,
  maxMessageBytes: 1000,
  vendorCommands: new Set(["test:state"]),
};

/**
 * @param {unknown} message
 * @param {object} [progress]
 */
function judge(message, progress = {}) {
  const text = typeof message === "string" ? message : JSON.stringify(message);
  return check(text, text.length, { ...PROGRESS, ...progress });
}

/** @type {[string, unknown, string][]} */
const FAILURES = [
  ["row 2: no JSON", "{", "no JSON"],
  ["row 2: a byte order mark", '\ufeff{"type":"ping","params":{}}', "no JSON"],
  ["row 2: an array", "[]", "no JSON object"],
  ["row 2: null", "null", "no JSON object"],
  ["row 2: a number that overflows", '{"type":"x","params":{"a":1e999}}', "overflows"],
  ["row 2: no type", "{}", "type:"],
  ["row 2: a type that is no string", { type: 1 }, "type:"],
  ["row 2: an empty type", { type: "" }, "type:"],
  ["row 2: a type of 129 characters", { type: "x".repeat(129) }, "type:"],
  ["row 3: seq null", runJs(6, { seq: null }), "seq:"],
  ["row 3: seq 0", runJs(6, { seq: 0 }), "seq:"],
  ["row 3: seq 1.5", runJs(6, { seq: 1.5 }), "seq:"],
  ["row 3: seq 2^53", runJs(6, { seq: 2 ** 53 }), "seq:"],
  ["row 3 comes before row 7", { type: "x:y", seq: "6" }, "seq:"],
  ["row 5: a gap", runJs(7), "seq: 7 came after 5"],
  ["row 5: a gap in an unknown type", { type: "x:y", seq: 8 }, "seq: 8"],
  ["row 6: id without seq", { type: "x:y", id: 9, params: {} }, "seq: is missing"],
  ["row 8: an unknown type with an old id", { type: "x:y", seq: 6, id: 7 }, "id:"],
  ["row 8: an unknown type with a bad id", { type: "x:y", seq: 6, id: "8" }, "id:"],
  [
    "row 9: a message of clients",
    { type: "event", seq: 6, params: { name: "a", data: 1 } },
    "type:",
  ],
  ["row 9: hello", { type: "hello", params: {} }, "type:"],
  ["row 9: a reply", { type: "result", seq: 6, id: 1, params: {} }, "type:"],
  ["row 10: a control message with seq", { type: "ping", seq: 6, params: {} }, "seq:"],
  ["row 10: a session message without", { type: "cancel", params: { id: 1 } }, "seq:"],
  ["row 11: a command without id", runJs(6, { id: undefined }), "id:"],
  ["row 11: a command with an old id", runJs(6, { id: 7 }), "id:"],
  ["row 11: a command with id 2^53", runJs(6, { id: 2 ** 53 }), "id:"],
  ["row 14: a control message without params", { type: "ack" }, "params: is missing"],
  ["row 14: ack of a text", { type: "ack", params: { seq: "1" } }, "params.seq: must be integer"],
  ["row 14: cancel without id", { type: "cancel", seq: 6, params: {} }, "params.id: is missing"],
  ["HELLO-17: a second welcome", welcome(), "type: a second welcome"],
];

for (const [name, message, explanation] of FAILURES) {
  test(name, () => {
    const verdict = judge(message);
    assert.equal(verdict.outcome, "fail");
    assert("message" in verdict && typeof verdict.message === "string");
    assert(verdict.message.includes(explanation), verdict.message);
  });
}

test("row 1: a larger message than announced is too large, whatever it is", () => {
  const verdict = check("{", 1001, PROGRESS);
  const message = "a message of 1001 bytes, over 1000";
  assert.deepEqual(verdict, { outcome: "fail", code: "too_large", message });
  assert.equal(
    check(JSON.stringify({ type: "ping", params: {} }), 1000, PROGRESS).outcome,
    "control",
  );
});

for (const message of [
  runJs(5),
  { type: "event", seq: 3 },
  { type: "ping", seq: 1 },
  { type: "x:y", seq: 2, id: "z" },
]) {
  test(`row 4: ${JSON.stringify(message)} was received before`, () => {
    assert.deepEqual(judge(message), { outcome: "drop" });
  });
}

test("row 7: an unknown type without seq is ignored", () => {
  assert.deepEqual(judge({ type: "x:y" }), { outcome: "drop" });
});

test("row 8: an unknown type consumes its seq", () => {
  assert.deepEqual(judge({ type: "x:y", seq: 6 }), { outcome: "skip", seq: 6 });
});

test("row 8: an unknown type with a new id is answered", () => {
  assert.deepEqual(judge({ type: "x:y", seq: 6, id: 8 }), {
    outcome: "refuse",
    seq: 6,
    id: 8,
    code: "unsupported",
    message: "type: x:y is not known",
  });
});

/** @type {[string, unknown, string][]} */
const REFUSALS = [
  ["no params", runJs(6, { id: 8, params: undefined }), "params: is missing"],
  ["params null", runJs(6, { id: 8, params: null }), "params: must be object"],
  ["a missing field", runJs(6, { id: 8, params: { code: "" } }), "params.args: is missing"],
  [
    "a wrong type",
    runJs(6, { id: 8, params: { code: 1, args: {} } }),
    "params.code: must be string",
  ],
  [
    "an argument that is code",
    runJs(6, { id: 8, params: { code: "", args: { "a=alert": 1 } } }),
    'params.args: "a=alert" is no name',
  ],
  [
    "an argument that only looks like a name",
    runJs(6, { id: 8, params: { code: "", args: { "a\u00d7": 1 } } }),
    'params.args: "a\u00d7" is no name',
  ],
  [
    "params of a vendor's that are no object",
    { type: "test:state", seq: 6, id: 8 },
    "params: must be an object",
  ],
];

for (const [name, message, explanation] of REFUSALS) {
  test(`row 13: ${name}`, () => {
    assert.deepEqual(judge(message), {
      outcome: "refuse",
      seq: 6,
      id: 8,
      code: "invalid_command",
      message: explanation,
    });
  });
}

test("fields that are not known are ignored at every level (WIRE-15)", () => {
  const message = runJs(6, { id: 8, more: 1, params: { code: "", args: {}, more: { a: 1 } } });
  assert.deepEqual(judge(message), { outcome: "command", seq: 6, message });
});

test("a cancel is one by its type: an id beside its params is an unknown field", () => {
  const message = { type: "cancel", seq: 6, id: 8, params: { id: 3 } };
  assert.deepEqual(judge(message), { outcome: "cancel", seq: 6, id: 3 });
});

test("an argument named __proto__ is one like any other (ARGS-5)", () => {
  const text = '{"type":"run_js","seq":6,"id":8,"params":{"code":"","args":{"__proto__":1}}}';
  assert.equal(judge(text).outcome, "command");
});

for (const message of [runJs(6), { type: "ping", params: {} }, { type: "x:y", seq: 6 }, runJs(5)]) {
  test(`HELLO-17: ${message.type} ${"seq" in message ? message.seq : ""} before welcome`, () => {
    const verdict = judge(message, { welcomed: false });
    assert.equal(verdict.outcome, "fail");
  });
}

test("an unknown type without seq is ignored before welcome too (WIRE-16)", () => {
  assert.deepEqual(judge({ type: "x:y", params: {} }, { welcomed: false }), { outcome: "drop" });
});
