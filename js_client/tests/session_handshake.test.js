/** @file How a session begins, and how it is taken up again (SPEC sections 4 and 9). */

import assert from "node:assert/strict";
import test from "node:test";
import { Conversation, chunk, INSTANCE, runJs, streamed, welcome } from "./conversation.js";

const DONE = { result: "{}" };

/** @param {number} seq @param {number} id */
function result(seq, id) {
  return { type: "result", seq, id, params: {} };
}

test("the first message is hello, without resume (HELLO-1, HELLO-6)", () => {
  const conversation = new Conversation();
  conversation.do(conversation.session.start(0));
  conversation.do(conversation.session.opened());
  const params = {
    versions: ["1.0"],
    client: { name: "tests", version: "1" },
    instance: INSTANCE,
    attempt: 1,
    app: "index",
    capabilities: { streams: {} },
    page: {},
    limits: { max_message_bytes: 100_000 },
  };
  assert.deepEqual(conversation.take(), [{ kind: "connect" }, { type: "hello", params }]);
});

test("attempt grows with each hello, welcomed or not (HELLO-19)", () => {
  const conversation = new Conversation();
  conversation.connect();
  conversation.close(1006);
  conversation.tick(conversation.session.deadline ?? 0);
  conversation.do(conversation.session.opened());
  conversation.reconnect({});
  const hellos = conversation.take().filter(({ type }) => type === "hello");
  const attempts = hellos.map(({ params }) => params.attempt);
  assert.deepEqual(attempts, [1, 2, 3]);
});

test("events wait for welcome (HELLO-2)", () => {
  const conversation = new Conversation();
  conversation.do(conversation.session.start(0));
  conversation.do(conversation.session.opened());
  conversation.take();
  conversation.do(conversation.session.emit("early", 1));
  assert.deepEqual(conversation.take(), []);
  conversation.receive(welcome());
  const event = { type: "event", seq: 1, params: { name: "early", data: 1 } };
  assert.deepEqual(conversation.take(), [event]);
});

test("a lost welcome is asked for by a hello without resume", () => {
  const conversation = new Conversation();
  conversation.do(conversation.session.start(0));
  conversation.do(conversation.session.opened());
  conversation.take();
  conversation.reconnect({ resumed: true });
  const [, hello] = conversation.take();
  assert.equal(hello?.["params"].resume, undefined);
  assert.equal(conversation.session.state.name, "connected");
});

test("a version that was not offered breaks the protocol (HELLO-17)", () => {
  const conversation = new Conversation();
  conversation.connect(welcome({ version: "1.1" }));
  conversation.assertFailed("invalid_message", 4400, /params\.version/);
});

test("a chunk before welcome breaks the protocol", () => {
  const conversation = new Conversation();
  conversation.do(conversation.session.start(0));
  conversation.do(conversation.session.opened());
  conversation.receiveChunk(chunk(1, 0, 1));
  conversation.assertFailed("invalid_message", 4400);
});

test("resume names what was received (RESUME-2)", () => {
  const conversation = Conversation.connected();
  conversation.receive(streamed(1));
  conversation.receiveChunk(chunk(1, 0, 100));
  conversation.take();
  conversation.reconnect({});
  const [connect, hello] = conversation.take();
  assert.deepEqual(connect, { kind: "connect" });
  assert.deepEqual(hello?.["params"].resume, { last_seq: 1, streams: [{ id: 1, offset: 100 }] });
});

test("what the server lacks is sent again as it was, and only then what is new (RESUME-4)", () => {
  const conversation = Conversation.connected();
  for (const seq of [1, 2, 3]) conversation.receive(runJs(seq));
  conversation.do(conversation.session.answer(1, DONE));
  conversation.do(conversation.session.answer(3, DONE));
  conversation.close(1006);
  conversation.do(conversation.session.answer(2, DONE));
  conversation.take();
  conversation.reconnect({ last_seq: 1 });
  assert.deepEqual(conversation.take().slice(2), [result(2, 3), result(3, 2)]);
});

test("a command that is sent again does not run again (DELIVERY-2, CMD-5)", () => {
  const conversation = Conversation.connected();
  conversation.receive(runJs(1));
  conversation.reconnect({});
  conversation.take();
  conversation.receive(runJs(1));
  assert.deepEqual(conversation.take(), []);
});

for (const last_seq of [0, 3]) {
  test(`a welcome of last_seq ${last_seq}, where 1 was acknowledged and 2 written, cannot be (RESUME-7)`, () => {
    const conversation = Conversation.connected();
    conversation.do(conversation.session.emit("a", 1));
    conversation.do(conversation.session.emit("b", 2));
    conversation.receive({ type: "ack", params: { seq: 1 } });
    conversation.reconnect({ last_seq });
    conversation.assertFailed("invalid_message", 4400, /last_seq/);
  });
}

test("a new session in the place of the old breaks the protocol", () => {
  const conversation = Conversation.connected();
  conversation.reconnect({ resumed: false });
  conversation.assertFailed("invalid_message", 4400, /resumed/);
});
