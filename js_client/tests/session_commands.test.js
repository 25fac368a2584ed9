/** @file How a session takes commands, streams and cancels, and answers them (SPEC sections 5, 6 and 10). */

import assert from "node:assert/strict";
import test from "node:test";
import { Conversation, chunk, runJs, streamed } from "./conversation.js";

const DONE = { result: "{}" };

test("a command is started before it is acknowledged or answered (CMD-4)", () => {
  const conversation = Conversation.connected();
  for (let seq = 1; seq <= 32; seq += 1) conversation.receive(runJs(seq));
  const actions = conversation.take();
  assert.deepEqual(
    actions.slice(0, 32).map(({ kind }) => kind),
    Array(32).fill("start"),
  );
  assert.deepEqual(actions.slice(32), [{ type: "ack", params: { seq: 32 } }]);
});

test("replies come in the order of the answers (CMD-3)", () => {
  const conversation = Conversation.connected();
  for (const seq of [1, 2]) conversation.receive(runJs(seq));
  conversation.take();
  conversation.do(conversation.session.answer(2, { result: '{"value":1e21}' }));
  conversation.do(conversation.session.answer(1, DONE));
  assert.deepEqual(conversation.take(), [
    { type: "result", seq: 1, id: 2, params: { value: 1e21 } },
    { type: "result", seq: 2, id: 1, params: {} },
  ]);
});

test("a command is answered once (CMD-1)", () => {
  const conversation = Conversation.connected();
  conversation.receive(runJs(1));
  conversation.do(conversation.session.answer(1, DONE));
  conversation.take();
  conversation.do(conversation.session.answer(1, DONE));
  assert.deepEqual(conversation.take(), []);
});

test("an unknown command is unsupported, and consumes its id (WIRE-17)", () => {
  const conversation = Conversation.connected();
  conversation.receive({ type: "x:y", seq: 1, id: 4, params: {} });
  const error = { code: "unsupported", message: "type: x:y is not known" };
  assert.deepEqual(conversation.take(), [{ type: "error", seq: 1, id: 4, params: error }]);
  conversation.receive(runJs(2, { id: 4 }));
  conversation.assertFailed("invalid_message", 4400, /id:/);
});

test("a cancelled command is answered, and no more (CANCEL-1, CANCEL-2)", () => {
  const conversation = Conversation.connected();
  conversation.receive(runJs(1));
  conversation.take();
  conversation.receive({ type: "cancel", seq: 2, params: { id: 1 } });
  const error = { code: "cancelled", message: "the server gave up waiting" };
  assert.deepEqual(conversation.take(), [
    { kind: "stop", id: 1 },
    { type: "error", seq: 1, id: 1, params: error },
  ]);
  conversation.do(conversation.session.answer(1, DONE));
  conversation.receive({ type: "cancel", seq: 3, params: { id: 1 } });
  assert.deepEqual(conversation.take(), []);
});

test("an id beside the params of a cancel is an unknown field (WIRE-14)", () => {
  const conversation = Conversation.connected();
  conversation.receive({ type: "cancel", seq: 1, id: "no id", params: { id: 1 } });
  assert.deepEqual(conversation.take(), []);
});

test("a result larger than the server takes is answered by too_large (WIRE-24)", () => {
  const conversation = Conversation.connected();
  conversation.receive(runJs(1));
  conversation.take();
  conversation.do(
    conversation.session.answer(1, { result: JSON.stringify({ value: "x".repeat(65_536) }) }),
  );
  const [error, ...rest] = conversation.take();
  assert.equal(error?.["params"].code, "too_large");
  assert.deepEqual(rest, []);
});

/** @param {number} count of the values of the whole message */
function resultOf(count) {
  // The message, its type, seq, id, params and value, and the array's items.
  return JSON.stringify({ value: Array(count - 6).fill(0) });
}

test("a result with as many values as the server accepts is sent (WIRE-27)", () => {
  const conversation = Conversation.connected();
  conversation.receive(runJs(1));
  conversation.take();
  conversation.do(conversation.session.answer(1, { result: resultOf(1000) }));
  const [result, ...rest] = conversation.take();
  assert.equal(result?.["params"].value.length, 994);
  assert.deepEqual(rest, []);
});

test("a result with more values than the server accepts is answered by too_large (WIRE-28)", () => {
  const conversation = Conversation.connected();
  conversation.receive(runJs(1));
  conversation.take();
  conversation.do(conversation.session.answer(1, { result: resultOf(1001) }));
  const message = "the reply has more than 1000 values, the most that the server accepts";
  const [error, ...rest] = conversation.take();
  assert.deepEqual(error?.["params"], { code: "too_large", message });
  assert.deepEqual(rest, []);
});

test("an error with more values than the server accepts loses its data (WIRE-27)", () => {
  const conversation = Conversation.connected();
  conversation.receive(runJs(1));
  conversation.take();
  const data = Array(1000).fill(0);
  conversation.do(
    conversation.session.answer(1, { error: { code: "x:failed", message: "m", data } }),
  );
  assert.deepEqual(conversation.take()[0]?.["params"], { code: "x:failed", message: "m" });
});

test("an error larger than the server takes loses its stack and most of its message (WIRE-24)", () => {
  const conversation = Conversation.connected();
  conversation.receive(runJs(1));
  conversation.take();
  const exception = { name: "Error", message: "m".repeat(80_000), stack: "s" };
  conversation.do(
    conversation.session.answer(1, {
      error: { code: "exception", message: exception.message, exception },
    }),
  );
  const [error] = conversation.take();
  const message = "m".repeat(1024);
  const expected = { code: "exception", message, exception: { name: "Error", message } };
  assert.deepEqual(error?.["params"], expected);
});

test("a stream is acknowledged by the quarter and at its end (STREAM-4)", () => {
  const conversation = Conversation.connected();
  conversation.receive(streamed(1));
  conversation.take();
  conversation.receiveChunk(chunk(1, 0, 16_000));
  conversation.receiveChunk(chunk(1, 16_000, 1000));
  conversation.receiveChunk(chunk(1, 17_000, 0));
  assert.deepEqual(
    conversation.take().map(({ kind, params }) => kind ?? params),
    ["append", "append", { id: 1, offset: 17_000 }, { id: 1, offset: 17_000 }, "finish"],
  );
});

test("an end that comes again is ignored, a byte after it is not", () => {
  const conversation = Conversation.connected();
  conversation.receive(streamed(1));
  conversation.receiveChunk(chunk(1, 0, 0));
  conversation.take();
  conversation.receiveChunk(chunk(1, 0, 0));
  assert.deepEqual(conversation.take(), []);
  conversation.receiveChunk(chunk(1, 0, 1));
  conversation.assertFailed("invalid_message", 4400);
});

for (const [name, frame] of /** @type {const} */ ([
  ["another offset", chunk(1, 1, 1)],
  ["more than a quarter of the window", chunk(1, 0, 16_385)],
  ["a frame under 16 bytes", new ArrayBuffer(15)],
])) {
  test(`${name} breaks the protocol (STREAM-5, WIRE-22)`, () => {
    const conversation = Conversation.connected();
    conversation.receive(streamed(1));
    conversation.receiveChunk(frame);
    conversation.assertFailed("invalid_message", 4400);
  });
}

for (const [name, chunks] of /** @type {const} */ ([
  ["ends below", [chunk(1, 0, 9), chunk(1, 9, 0)]],
  ["goes beyond", [chunk(1, 0, 11)]],
])) {
  test(`a stream that ${name} its size fails, and what still comes of it is ignored (STREAM-7, STREAM-6)`, () => {
    const conversation = Conversation.connected();
    conversation.receive(streamed(1, 10));
    conversation.take();
    for (const frame of chunks) conversation.receiveChunk(frame);
    const [stop, error] = conversation.take().slice(-2);
    assert.deepEqual(stop, { kind: "stop", id: 1 });
    assert.equal(error?.["params"].code, "stream_failed");
    conversation.receiveChunk(chunk(1, 99, 1));
    assert.deepEqual(conversation.take(), []);
  });
}

test("chunks of what is no stream are ignored (STREAM-6)", () => {
  const conversation = Conversation.connected();
  conversation.receive(runJs(1));
  conversation.take();
  for (const id of [1, 2, 2 ** 60]) conversation.receiveChunk(chunk(id, 5, 1));
  assert.deepEqual(conversation.take(), []);
});
