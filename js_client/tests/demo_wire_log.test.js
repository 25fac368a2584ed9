/** @file The demo's wire log: what is kept of each frame, and which reply belongs to which command. */

import assert from "node:assert/strict";
import test from "node:test";
import { passes } from "../src/demo/wire_filter.js";
import { kindOf } from "../src/demo/wire_kinds.js";
import { MAX_CHARACTERS, MAX_ENTRIES, WireLog } from "../src/demo/wire_log.js";

const EVAL = { type: "eval_js", seq: 1, id: 7, params: { expression: "1 +\n  1", args: { a: 2 } } };
const RESULT = { type: "result", seq: 1, id: 7, params: { value: 2 } };

/**
 * @param {WireLog} log
 * @param {"sent" | "received"} direction
 * @param {object} message
 */
function add(log, direction, message, at = 0, connection = 1) {
  return log.add(direction, JSON.stringify(message), { at, connection });
}

/**
 * @param {number} id
 * @param {number} offset
 * @param {number} bytes
 */
function chunk(id, offset, bytes) {
  const frame = new ArrayBuffer(16 + bytes);
  const view = new DataView(frame);
  view.setBigUint64(0, BigInt(id));
  view.setBigUint64(8, BigInt(offset));
  return frame;
}

test("a reply and its command both tell how long it took", () => {
  const log = new WireLog();
  const { entry: command } = add(log, "received", EVAL, 100);
  const { entry: reply, answered } = add(log, "sent", RESULT, 112.5);
  assert.equal(answered, command);
  assert.deepEqual([command.answeredInMs, reply.answeredInMs], [12.5, 12.5]);
});

test("replies in any order find their commands", () => {
  const log = new WireLog();
  const { entry: first } = add(log, "received", { ...EVAL, seq: 1, id: 1 }, 0);
  const { entry: second } = add(log, "received", { ...EVAL, seq: 2, id: 2 }, 1);
  assert.equal(add(log, "sent", { ...RESULT, seq: 1, id: 2 }, 5).answered, second);
  assert.equal(add(log, "sent", { ...RESULT, seq: 2, id: 1 }, 9).answered, first);
  assert.deepEqual([first.answeredInMs, second.answeredInMs], [9, 4]);
});

test("a cancel is about a command and does not take its place", () => {
  const log = new WireLog();
  const { entry: command } = add(log, "received", EVAL, 0);
  const { entry } = add(log, "received", { type: "cancel", seq: 2, params: { id: 7 } }, 5);
  const error = { type: "error", seq: 1, id: 7, params: { code: "cancelled", message: "so" } };
  assert.equal(entry.id, 7);
  assert.equal(add(log, "sent", error, 6).answered, command);
});

test("a reply that is sent again after a break is marked, and answers nothing", () => {
  const log = new WireLog();
  const { entry: command } = add(log, "received", EVAL, 0);
  add(log, "sent", RESULT, 3);
  const { entry, answered } = add(log, "sent", RESULT, 900, 2);
  assert.equal(entry.isRepeated, true);
  assert.equal(answered, undefined);
  assert.equal(command.answeredInMs, 3);
});

test("a hello without resume begins to count anew", () => {
  const log = new WireLog();
  add(log, "received", EVAL);
  add(log, "sent", { type: "hello", params: { instance: "x" } });
  assert.equal(add(log, "received", EVAL).entry.isRepeated, false);
});

test("the secrets of a hello are not kept", () => {
  const log = new WireLog();
  const params = { client: { name: "c", version: "1" }, instance: "SECRET", auth: "TOKEN" };
  const { entry } = add(log, "sent", { type: "hello", params });
  assert.doesNotMatch(JSON.stringify(entry), /SECRET|TOKEN/);
  assert.equal(entry.bytes, JSON.stringify({ type: "hello", params }).length);
});

test("sizes are the bytes of the frame", () => {
  const { entry } = new WireLog().add("sent", '{"type":"ü"}', { at: 0, connection: 1 });
  assert.equal(entry.bytes, 13);
});

test("a binary frame is a chunk, with its id, its offset and its first bytes", () => {
  const { entry } = new WireLog().add("received", chunk(9, 300, 1000), { at: 0, connection: 1 });
  assert.deepEqual(
    [entry.type, entry.id, entry.bytes, entry.preview],
    ["chunk", 9, 1016, "offset 300 +1000"],
  );
  assert.equal(entry.head.length, 80);
});

test("what is no message is kept as it is", () => {
  const log = new WireLog();
  const { entry } = log.add("received", "nonsense", { at: 0, connection: 1 });
  assert.deepEqual([entry.type, entry.text], ["?", "nonsense"]);
  assert.equal(
    log.add("received", new ArrayBuffer(3), { at: 0, connection: 1 }).entry.preview,
    "too short",
  );
});

test("the oldest entries go first, by number and by size", () => {
  const log = new WireLog();
  for (let n = 0; n < MAX_ENTRIES + 5; n += 1) add(log, "received", { type: "ping", params: {} });
  assert.deepEqual([log.entries.length, log.entries[0]?.number], [MAX_ENTRIES, 6]);
  const large = "x".repeat(60_000);
  for (let n = 0; n < 200; n += 1) log.add("sent", large, { at: 0, connection: 1 });
  const kept = log.entries.reduce((sum, { text }) => sum + text.length, 0);
  assert.ok(kept <= MAX_CHARACTERS);
  assert.equal(log.totals.received, MAX_ENTRIES + 5);
});

test("clear forgets the entries, and not what awaits a reply", () => {
  const log = new WireLog();
  const { entry } = add(log, "received", EVAL);
  log.clear();
  assert.deepEqual(log.entries, []);
  assert.equal(add(log, "sent", RESULT).answered, entry);
});

test("entries are filtered by text, type, kind and direction", () => {
  const { entry } = add(new WireLog(), "received", EVAL);
  const all = { text: "", type: "", direction: /** @type {const} */ ("") };
  assert.equal(passes(entry, all), true);
  assert.equal(passes(entry, { ...all, text: "EXPRESSION" }), true);
  assert.equal(passes(entry, { ...all, text: "elsewhere" }), false);
  assert.equal(passes(entry, { ...all, type: "eval_js" }), true);
  assert.equal(passes(entry, { ...all, type: "commands" }), true);
  assert.equal(passes(entry, { ...all, type: "replies" }), false);
  assert.equal(passes(entry, { ...all, direction: "sent" }), false);
});

test("a vendor's type is a command", () => {
  assert.equal(kindOf("test:state"), "commands");
});
