/** @file A session under test and the server's side of its conversation: what the client sends is checked and kept. */

import assert from "node:assert/strict";
import { Backoff } from "../src/core/reconnecting.js";
import { Session } from "../src/core/session.js";
import { assertStrict } from "./strict_schemas.js";

/** @import {Action} from "../src/core/actions.js" */
/** @typedef {Record<string, any>} Message */

export const INSTANCE = "an-instance-of-the-tests";
export const HEARTBEAT = { interval_ms: 10_000, timeout_ms: 5000 };

/** @param {object} [changes] */
export function welcome(changes = {}) {
  const params = {
    version: "1.0",
    session: "s-1",
    resumed: false,
    last_seq: 0,
    server: { name: "tests", version: "1" },
    capabilities: {},
    heartbeat: HEARTBEAT,
    limits: { max_message_bytes: 65_536, max_values: 1000, stream_window_bytes: 65_536 },
    resume_window_ms: 60_000,
    ...changes,
  };
  return { type: "welcome", params };
}

/**
 * @param {number} seq
 * @param {object} [changes]
 */
export function runJs(seq, changes = {}) {
  return { type: "run_js", seq, id: seq, params: { code: "", args: {} }, ...changes };
}

/**
 * @param {number} seq
 * @param {number | null} [size]
 */
export function streamed(seq, size = null) {
  const params = { name: "a.bin", media_type: "a/b", size, content: { kind: "stream" } };
  return { type: "download", seq, id: seq, params };
}

/**
 * @param {number} id
 * @param {number} offset
 * @param {number} bytes
 */
export function chunk(id, offset, bytes) {
  const frame = new DataView(new ArrayBuffer(16 + bytes));
  frame.setBigUint64(0, BigInt(id));
  frame.setBigUint64(8, BigInt(offset));
  return frame.buffer;
}

export class Conversation {
  now = 0;
  /** What the session asked for since the last look. @type {Action[]} */
  #actions = [];

  /** @param {{ random?: number, maxMessageBytes?: number, vendorCommands?: string[], hello?: object }} [options] */
  constructor({ random = 0.5, maxMessageBytes = 100_000, vendorCommands = [], hello = {} } = {}) {
    this.session = new Session({
      hello: {
        client: { name: "tests", version: "1" },
        instance: INSTANCE,
        app: "index",
        capabilities: { streams: {} },
        page: {},
        maxMessageBytes,
        ...hello,
      },
      vendorCommands,
      backoff: new Backoff(),
      random: () => random,
    });
  }

  /** A conversation whose client has its `welcome`. @param {object} [changes] */
  static connected(changes) {
    const conversation = new Conversation();
    conversation.connect(welcome(changes));
    conversation.take();
    return conversation;
  }

  /** Opens the first connection, and lets the client in. @param {Message} message */
  connect(message = welcome()) {
    this.do(this.session.start(this.now));
    this.do(this.session.opened());
    this.receive(message);
  }

  /**
   * Breaks the connection, opens the next one at once, and lets the client in.
   *
   * @param {object} changes of the `welcome`
   */
  reconnect(changes) {
    this.close(1006);
    this.tick(this.session.deadline ?? 0);
    this.do(this.session.opened());
    this.receive(welcome({ resumed: true, ...changes }));
  }

  /** @param {Action[]} actions */
  do(actions) {
    for (const action of actions) {
      if (action.kind === "send") assertStrict(JSON.parse(action.frame));
      this.#actions.push(action);
    }
  }

  /** @param {Message | string} message */
  receive(message) {
    const text = typeof message === "string" ? message : JSON.stringify(message);
    this.do(this.session.receiveText(text, this.now));
  }

  /** @param {ArrayBuffer} frame */
  receiveChunk(frame) {
    this.do(this.session.receiveBinary(frame, this.now));
  }

  /** @param {number} code */
  close(code) {
    this.do(this.session.closed(code, this.now));
  }

  /** @param {number} now */
  tick(now) {
    this.now = now;
    this.do(this.session.tick(now));
  }

  /** What the session asked for since the last look, frames as messages. @returns {Message[]} */
  take() {
    const actions = this.#actions.splice(0);
    return actions
      .filter(({ kind }) => kind !== "announce")
      .map((action) => (action.kind === "send" ? JSON.parse(action.frame) : action));
  }

  /**
   * The session has ended by the client's own decision, with this code.
   *
   * @param {string} code
   * @param {number} closeCode
   * @param {RegExp} [message]
   */
  assertFailed(code, closeCode, message = /./) {
    const [bye, close, ...rest] = this.take().slice(-2);
    assert.equal(bye?.["type"], "bye");
    assert.equal(bye?.["params"].code, code);
    assert.match(bye?.["params"].message, message);
    assert.deepEqual(close, { kind: "close", code: closeCode, reason: code });
    assert.deepEqual(rest, []);
    assert.equal(this.session.state.name, "ended");
  }
}
