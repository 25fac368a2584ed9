/** @file When a session acknowledges, what it keeps, and what `emit` refuses (SPEC sections 7 and 8). */

import assert from "node:assert/strict";
import test from "node:test";
import { Conversation, runJs } from "./conversation.js";

test("a ping is answered by the highest seq received, 0 at first (BEAT-3)", () => {
  const conversation = Conversation.connected();
  conversation.receive({ type: "ping", params: {} });
  conversation.receive(runJs(1));
  conversation.receive({ type: "ping", params: {} });
  const acks = conversation.take().filter(({ type }) => type === "ack");
  assert.deepEqual(
    acks.map(({ params }) => params.seq),
    [0, 1],
  );
});

test("a message is acknowledged in time, counted from its receipt (DELIVERY-6)", () => {
  const conversation = Conversation.connected();
  conversation.now = 500;
  conversation.receive(runJs(1));
  conversation.now = 900;
  conversation.receive(runJs(2));
  assert.equal(conversation.session.deadline, 1500);
  conversation.take();
  conversation.tick(1500);
  assert.deepEqual(conversation.take(), [{ type: "ack", params: { seq: 2 } }]);
  conversation.tick(1501);
  assert.deepEqual(conversation.take(), []);
});

test("256 KiB are acknowledged at once (DELIVERY-5)", () => {
  const conversation = Conversation.connected();
  const code = `//${"x".repeat(90_000)}`;
  for (const seq of [1, 2, 3]) conversation.receive(runJs(seq, { params: { code, args: {} } }));
  assert.deepEqual(conversation.take().at(-1), { type: "ack", params: { seq: 3 } });
});

test("a lower ack is ignored, one above what was written breaks the protocol (DELIVERY-7)", () => {
  const conversation = Conversation.connected();
  conversation.do(conversation.session.emit("a", null));
  conversation.receive({ type: "ack", params: { seq: 1 } });
  conversation.receive({ type: "ack", params: { seq: 0 } });
  assert.equal(conversation.session.state.name, "connected");
  conversation.receive({ type: "ack", params: { seq: 2 } });
  conversation.assertFailed("invalid_message", 4400);
});

test("a message larger than announced ends the session (WIRE-23)", () => {
  const conversation = Conversation.connected();
  conversation.receive(JSON.stringify({ type: "ping", params: { more: "x".repeat(100_000) } }));
  conversation.assertFailed("too_large", 4413);
});

test("emit sends null for what has no JSON (EVENT-1)", () => {
  const conversation = Conversation.connected();
  conversation.do(conversation.session.emit("a", undefined));
  const event = { type: "event", seq: 1, params: { name: "a", data: null } };
  assert.deepEqual(conversation.take(), [event]);
});

for (const [what, name, data] of /** @type {[string, unknown, unknown][]} */ ([
  ["an empty name", "", 1],
  ["a long name", "x".repeat(129), 1],
  ["a name that is no string", 1, 1],
  ["a bigint", "a", 1n],
  ["an event larger than the server takes", "a", "x".repeat(65_536)],
])) {
  test(`emit throws on ${what}, and sends nothing (EVENT-3)`, () => {
    const conversation = Conversation.connected();
    assert.throws(() => conversation.session.emit(name, data));
    conversation.do(conversation.session.emit("next", 1));
    assert.equal(conversation.take()[0]?.["seq"], 1);
  });
}

test("128 characters of two code units each are a name", () => {
  const conversation = Conversation.connected();
  conversation.do(conversation.session.emit("😀".repeat(128), 1));
  assert.equal(conversation.take().length, 1);
});

test("emit says which size is too large: the event's, or that of what waits", () => {
  const conversation = Conversation.connected({
    limits: { max_message_bytes: 4_194_304, max_values: 1000, stream_window_bytes: 2_097_152 },
  });
  const { session } = conversation;
  assert.throws(() => session.emit("a", "x".repeat(5_000_000)), {
    message: "an event of 5000071 bytes; the server takes 4194304",
  });
  assert.throws(() => session.emit("a", "x".repeat(2_000_000)), {
    message: "an event of 2000071 bytes; at most 1048576 bytes may wait for the server",
  });
  conversation.do(session.emit("a", "x".repeat(600_000)));
  assert.throws(() => session.emit("a", "x".repeat(500_000)), {
    message:
      "an event of 500071 bytes; 600071 of the 1048576 bytes that may wait for the server are in use",
  });
});

test("emit throws on an event with more values than the server accepts (EVENT-5)", () => {
  const conversation = Conversation.connected();
  // The message, its type, seq, params, name and data, and the array's items.
  const data = Array(994).fill(0);
  conversation.do(conversation.session.emit("a", data));
  assert.deepEqual(conversation.take()[0]?.["params"], { name: "a", data });
  assert.throws(() => conversation.session.emit("a", [...data, 0]), {
    name: "RangeError",
    message: "an event of more than 1000 values, the most that the server accepts",
  });
  conversation.do(conversation.session.emit("next", 1));
  assert.equal(conversation.take()[0]?.["seq"], 2);
});

test("until welcome 1000 values are the limit of an event, then what the server says (EVENT-5)", () => {
  const conversation = new Conversation();
  const data = Array(995).fill(0);
  assert.throws(() => conversation.session.emit("a", data), RangeError);
  const limits = { max_message_bytes: 65_536, max_values: 1001, stream_window_bytes: 65_536 };
  const welcomed = Conversation.connected({ limits });
  assert.doesNotThrow(() => welcomed.session.emit("a", data));
});

test("long messages count with their bytes in UTF-8, whatever else is acknowledged (EVENT-3)", () => {
  const conversation = Conversation.connected({
    limits: { max_message_bytes: 4_194_304, max_values: 1000, stream_window_bytes: 2_097_152 },
  });
  const { session } = conversation;
  // Each has 71 bytes beside its data.
  conversation.do(session.emit("a", "x".repeat(200_000)));
  conversation.do(session.emit("a", "\u00e9".repeat(200_000)));
  conversation.do(session.emit("a", "\u20ac".repeat(140_000)));
  const free = 1_048_576 - 200_000 - 400_000 - 420_000 - 4 * 71;
  assert.throws(() => session.emit("a", "x".repeat(free + 1)), {
    message: new RegExp(`; ${1_048_576 - free - 71} of the 1048576 bytes`),
  });
  conversation.receive({ type: "ack", params: { seq: 1 } });
  assert.throws(() => session.emit("a", "x".repeat(free + 200_072)), RangeError);
  conversation.do(session.emit("a", "\u20ac".repeat(66_690)));
  conversation.receive({ type: "ack", params: { seq: 4 } });
  conversation.do(session.emit("a", "\u00e9".repeat(500_000)));
  assert.throws(() => session.emit("a", "x".repeat(48_576 - 2 * 71 + 1)), RangeError);
  assert.doesNotThrow(() => session.emit("a", "x".repeat(48_576 - 2 * 71)));
});

test("emit throws past 1 MiB of unacknowledged messages; replies still find room (EVENT-3, DELIVERY-8)", () => {
  const conversation = Conversation.connected();
  conversation.receive(runJs(1));
  const data = "x".repeat(65_000);
  for (let count = 0; count < 16; count += 1) conversation.do(conversation.session.emit("a", data));
  assert.throws(() => conversation.session.emit("a", data), RangeError);
  conversation.do(conversation.session.answer(1, { result: "{}" }));
  assert.equal(conversation.take().at(-1)?.["seq"], 17);
  conversation.receive({ type: "ack", params: { seq: 1 } });
  assert.doesNotThrow(() => conversation.session.emit("a", data));
});
