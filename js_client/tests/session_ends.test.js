/** @file How connections break, how sessions end, and what silence does (SPEC sections 9, 11 and 12). */

import assert from "node:assert/strict";
import test from "node:test";
import { Conversation, chunk, runJs, streamed, welcome } from "./conversation.js";

/** @param {string} code @param {string} retry */
function bye(code, retry) {
  return { type: "bye", params: { code, message: "because", retry } };
}

for (const code of [1000, 1007, 1009, 4400, 4401, 4403, 4404, 4406, 4409, 4410, 4413, 4500]) {
  test(`a close with ${code} ends the session (END-5, END-9)`, () => {
    const conversation = Conversation.connected();
    conversation.close(code);
    assert.equal(conversation.session.state.name, "ended");
    assert.equal(conversation.session.deadline, null);
  });
}

for (const code of [1001, 1005, 1006, 1011, 1012, 4000, 4408, 4429, 4999]) {
  test(`a close with ${code} is a break (END-5)`, () => {
    const conversation = Conversation.connected();
    conversation.close(code);
    assert.equal(conversation.session.state.name, "reconnecting");
  });
}

test("a bye that says never ends the session (END-3)", () => {
  const conversation = Conversation.connected();
  conversation.receive(bye("session_ended", "never"));
  assert.deepEqual(conversation.take(), [{ kind: "abandon" }]);
  assert.deepEqual(conversation.session.state.end, bye("session_ended", "never").params);
});

test("nothing that comes after a bye acts (END-2)", () => {
  const conversation = Conversation.connected();
  conversation.receive(bye("session_ended", "never"));
  conversation.take();
  conversation.receive(runJs(1));
  conversation.receiveChunk(new ArrayBuffer(1));
  conversation.close(1006);
  assert.deepEqual(conversation.take(), []);
});

test("a bye of an unknown code is obeyed as well (END-4)", () => {
  const conversation = Conversation.connected();
  conversation.receive(bye("vendor:nap", "resume"));
  assert.equal(conversation.session.state.name, "reconnecting");
  conversation.tick(0);
  assert.deepEqual(conversation.take(), [{ kind: "abandon" }, { kind: "connect" }]);
});

test("leaving says client_left and closes with 1000 (END-6, END-12)", () => {
  const conversation = Conversation.connected();
  conversation.do(conversation.session.leave());
  const [message] = conversation.take();
  assert.deepEqual(message, {
    type: "bye",
    params: { code: "client_left", message: "the client left", retry: "never" },
  });
  conversation.do(conversation.session.leave());
  assert.deepEqual(conversation.take(), []);
});

test("nothing is sent after the end", () => {
  const conversation = Conversation.connected();
  conversation.receive(runJs(1));
  conversation.close(1000);
  conversation.take();
  conversation.do(conversation.session.answer(1, { result: "{}" }));
  assert.deepEqual(conversation.take(), []);
  assert.throws(() => conversation.session.emit("a", 1), /has ended/);
});

test("silence for interval and timeout closes with 4000, without bye (BEAT-4)", () => {
  const conversation = Conversation.connected();
  conversation.tick(14_999);
  assert.deepEqual(conversation.take(), []);
  conversation.tick(15_000);
  assert.deepEqual(conversation.take(), [{ kind: "close", code: 4000, reason: "silence" }]);
  assert.equal(conversation.session.state.name, "reconnecting");
});

test("what came while nothing could run is heard before the silence is judged (BEAT-4)", () => {
  const conversation = Conversation.connected();
  conversation.tick(60_000);
  assert.deepEqual(conversation.take(), []);
  conversation.receive({ type: "ping", params: {} });
  conversation.take();
  assert.equal(conversation.session.deadline, conversation.now + 15_000);
});

test("silence closes though nothing could run until it was over, if nothing came meanwhile (BEAT-4)", () => {
  const conversation = Conversation.connected();
  conversation.tick(60_000);
  conversation.tick(conversation.session.deadline ?? 0);
  assert.deepEqual(conversation.take(), [{ kind: "close", code: 4000, reason: "silence" }]);
});

test("the limit of silence doubles up to eightfold, until a session message arrives (BEAT-5)", () => {
  const conversation = Conversation.connected();
  const limits = [];
  for (let round = 0; round < 5; round += 1) {
    const silentAt = conversation.session.deadline ?? 0;
    limits.push(silentAt - conversation.now);
    conversation.tick(silentAt);
    conversation.tick(conversation.session.deadline ?? 0);
    conversation.do(conversation.session.opened());
    conversation.receive(welcomeBack());
  }
  assert.deepEqual(limits, [15_000, 30_000, 60_000, 120_000, 120_000]);
  conversation.receive(runJs(1));
  conversation.tick(conversation.session.deadline ?? 0); // the ack
  assert.equal(conversation.session.deadline, conversation.now - 1000 + 15_000);
});

test("a chunk ends the doubling too (BEAT-5)", () => {
  const conversation = Conversation.connected();
  conversation.receive(streamed(1));
  conversation.tick(1000);
  conversation.tick(15_000);
  conversation.tick(conversation.session.deadline ?? 0);
  conversation.do(conversation.session.opened());
  conversation.receive(welcomeBack());
  conversation.receiveChunk(chunk(1, 0, 1));
  assert.equal(conversation.session.deadline, conversation.now + 15_000);
});

test("the first attempt is made at once, the next ones after longer and longer waits (RESUME-10)", () => {
  const conversation = Conversation.connected();
  const waits = [];
  for (let attempt = 0; attempt < 8; attempt += 1) {
    conversation.close(1006);
    waits.push((conversation.session.deadline ?? 0) - conversation.now);
    conversation.tick(conversation.session.deadline ?? 0);
  }
  assert.deepEqual(waits, [0, 250, 500, 1000, 2000, 4000, 7500, 7500]);
});

test("a chunk of an open stream makes the next attempt come at once again, an ignored one does not (RESUME-10)", () => {
  for (const [id, wait] of [
    [1, 0],
    [9, 250],
  ]) {
    const conversation = Conversation.connected();
    conversation.receive(streamed(1));
    conversation.close(1006);
    conversation.tick(conversation.session.deadline ?? 0);
    conversation.do(conversation.session.opened());
    conversation.receive(welcomeBack());
    conversation.receiveChunk(chunk(/** @type {number} */ (id), 0, 1));
    conversation.close(1006);
    assert.equal((conversation.session.deadline ?? 0) - conversation.now, wait);
  }
});

for (const code of ["invalid_message", "too_large"]) {
  test(`a bye ${code} ends the session, whatever its retry says (END-9)`, () => {
    const conversation = Conversation.connected();
    conversation.receive(bye(code, "resume"));
    assert.equal(conversation.session.state.name, "ended");
    assert.deepEqual(conversation.session.state.end, bye(code, "never").params);
  });
}

test("past the resume window the client tries once more, then gives up (RESUME-11)", () => {
  const conversation = Conversation.connected({ resume_window_ms: 1000 });
  conversation.close(1006);
  conversation.tick(0);
  conversation.now = 5000;
  conversation.close(1006);
  assert.equal(conversation.session.state.name, "reconnecting");
  conversation.tick(conversation.session.deadline ?? 0);
  conversation.close(1006);
  assert.equal(conversation.session.state.end?.code, "session_gone");
});

function welcomeBack() {
  return welcome({ resumed: true });
}

/** @param {object} params @param {object} [envelope] */
function notice(params, envelope = {}) {
  return { type: "notice", ...envelope, params };
}

test("a notice is told, and changes nothing (NOTICE-4, NOTICE-6)", () => {
  const conversation = Conversation.connected();
  const { deadline, state } = conversation.session;
  conversation.receive(notice({ code: "draining", ends_in_ms: 5000, more: null }));
  assert.deepEqual(conversation.take(), [
    { kind: "notify", notice: { code: "draining", endsInMs: 5000 } },
  ]);
  conversation.receive(notice({ code: "draining" }));
  assert.deepEqual(conversation.take(), [
    { kind: "notify", notice: { code: "draining", endsInMs: null } },
  ]);
  assert.deepEqual(conversation.session.state, state);
  assert.equal(conversation.session.deadline, deadline);
});

test("a notice of an unknown code is ignored (NOTICE-5)", () => {
  const conversation = Conversation.connected();
  conversation.receive(notice({ code: "moved_house", ends_in_ms: 0 }));
  conversation.receive(notice({ code: "vendor:x" }));
  assert.deepEqual(conversation.take(), []);
});

test("a notice with a seq, and an invalid one, are invalid (WIRE-14)", () => {
  for (const message of [
    notice({ code: "draining", ends_in_ms: 1 }, { seq: 1 }),
    notice({ code: "draining", ends_in_ms: -1 }),
    notice({ ends_in_ms: 1 }),
  ]) {
    const conversation = Conversation.connected();
    conversation.receive(message);
    conversation.assertFailed("invalid_message", 4400);
  }
});
