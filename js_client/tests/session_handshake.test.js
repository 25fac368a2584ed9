/** @file How a session begins, and how it is taken up again (SPEC sections 4 and 9). */

import assert from "node:assert/strict";
import test from "node:test";
import { MAX_HELLO_BYTES } from "../src/core/handshake.js";
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

// --- How large a hello may be ---

const ENCODER = new TextEncoder();

/**
 * The first hello of a client, or null where it ends without connecting.
 *
 * @param {object} hello
 */
function firstHello(hello) {
  const conversation = new Conversation({ hello });
  const actions = conversation.session.start(0);
  conversation.do(actions);
  if (actions.every(({ kind }) => kind !== "connect")) return null;
  conversation.do(conversation.session.opened());
  const [, { params }] = /** @type {any} */ (conversation.take());
  return params;
}

for (const { unit, character } of [
  { unit: "ASCII", character: "x" },
  { unit: "beyond U+FFFF, two UTF-16 units", character: "\u{1d538}" },
]) {
  test(`page.url may have 8192 characters (${unit})`, () => {
    const url = character.repeat(8192);
    assert.deepEqual(firstHello({ page: { url, language: "de" } })?.page, { url, language: "de" });
  });

  test(`page.url is omitted from 8193 characters on (HELLO-22, ${unit})`, () => {
    const page = { url: character.repeat(8193), language: "de" };
    assert.deepEqual(firstHello({ page })?.page, { language: "de" });
  });
}

test("a lone surrogate in page.url is one character, and is sent as U+FFFD", () => {
  const page = firstHello({ page: { url: "\ud800".repeat(8192) } })?.page;
  assert.deepEqual(page, { url: "\ufffd".repeat(8192) });
});

/** @param {number} size of the hello, in bytes @param {object} [page] */
function authFor(size, page = {}) {
  const params = firstHello({ page, auth: "" });
  const bytes = ENCODER.encode(JSON.stringify({ type: "hello", params })).length;
  // Two bytes each, so that characters are not mistaken for bytes.
  return "\u00e9".repeat((size - bytes) >> 1) + "x".repeat((size - bytes) % 2);
}

const PAGE = { url: "http://example.org/", language: "de" };

test("a hello of 65536 bytes is sent as it is", () => {
  const auth = authFor(MAX_HELLO_BYTES, PAGE);
  assert.deepEqual(firstHello({ page: PAGE, auth })?.page, PAGE);
});

test("a hello of 65537 bytes is sent without page.url (HELLO-23)", () => {
  const auth = authFor(MAX_HELLO_BYTES + 1, PAGE);
  assert.deepEqual(firstHello({ page: PAGE, auth })?.page, { language: "de" });
});

test("a hello of 65536 bytes without page.url is sent", () => {
  const auth = authFor(MAX_HELLO_BYTES, { language: "de" });
  assert.deepEqual(firstHello({ page: PAGE, auth })?.page, { language: "de" });
});

test("a client whose hello is too large without page.url too ends, and does not connect (HELLO-24)", () => {
  const auth = authFor(MAX_HELLO_BYTES + 1, { language: "de" });
  const conversation = new Conversation({ hello: { page: PAGE, auth } });
  conversation.do(conversation.session.start(0));
  assert.deepEqual(conversation.take(), []);
  const { name, end } = conversation.session.state;
  assert.equal(name, "ended");
  assert.deepEqual(end, {
    code: "too_large",
    message: "the hello has 65537 bytes, over 65536: auth or capabilities are too large",
    retry: "never",
  });
});

test("a session whose next hello is too large ends, and does not connect again (HELLO-24)", () => {
  let auth = "";
  const conversation = new Conversation({ hello: { auth: () => auth } });
  conversation.connect();
  conversation.take();
  auth = "x".repeat(MAX_HELLO_BYTES);
  conversation.close(1006);
  conversation.tick(conversation.session.deadline ?? 0);
  assert.deepEqual(conversation.take(), []);
  assert.equal(conversation.session.state.end?.code, "too_large");
});

test("a hello that grew too large while the connection was opened is not sent, nor is a bye (END-7)", () => {
  let auth = "";
  const conversation = new Conversation({ hello: { auth: () => auth } });
  conversation.do(conversation.session.start(0));
  auth = "x".repeat(MAX_HELLO_BYTES);
  conversation.do(conversation.session.opened());
  const close = { kind: "close", code: 4413, reason: "too_large" };
  assert.deepEqual(conversation.take(), [{ kind: "connect" }, close]);
  assert.equal(conversation.session.state.end?.code, "too_large");
});

test("a 65th stream is refused, so that resume can name all that there are (STREAM-13)", () => {
  const conversation = Conversation.connected();
  for (let seq = 1; seq <= 65; seq += 1) conversation.receive(streamed(seq));
  const refusals = conversation.take().filter(({ type }) => type === "error");
  assert.deepEqual(
    refusals.map(({ id, params }) => [id, params.code]),
    [[65, "unsupported"]],
  );
  conversation.reconnect({ last_seq: 1 });
  const [, hello] = conversation.take();
  assert.equal(hello?.["params"].resume.streams.length, 64);
});
