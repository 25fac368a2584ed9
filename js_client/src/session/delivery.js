/** @file What a session delivers in both directions, over all its connections: commands, replies, events and streams. */

import { controlFrame } from "../protocol/codec.js";
import { eventDraft } from "./events.js";
import { Inbox } from "./inbox.js";
import { IncomingStreams } from "./incoming_streams.js";
import { Outbox } from "./outbox.js";
import { replyDraft } from "./replies.js";

/** @import {CoreCommand, ServerCommand} from "../commands/commands.js" */
/** @import {CancelMessage, ResumePoint, WelcomeMessage} from "../generated/messages.js" */
/** @import {Refuse} from "../protocol/checks.js" */
/** @import {Chunk} from "../protocol/chunk.js" */
/** @import {Action} from "./actions.js" */
/** @import {Reply} from "./replies.js" */

/** What every server takes, and so the limit until `welcome` has told another. */
const SMALLEST_MESSAGE_LIMIT = 65_536;

export class Delivery {
  #inbox = new Inbox();
  #outbox = new Outbox();
  #streams = new IncomingStreams();
  /** The ids of the commands that are not answered. @type {Set<number>} */
  #pending = new Set();
  #largest = SMALLEST_MESSAGE_LIMIT;
  #isConnected = false;

  /** The `seq` of the last session message received, or 0. */
  get lastSeq() {
    return this.#inbox.lastSeq;
  }

  /** The highest `id` of a command received, or 0. */
  get lastId() {
    return this.#inbox.lastId;
  }

  /** The time by which an `ack` must be sent, or null. */
  get ackDueAt() {
    return this.#isConnected ? this.#inbox.ackDueAt : null;
  }

  // --- Connections ---

  /**
   * What `resume` says: it acknowledges all that it names.
   *
   * @returns {ResumePoint}
   */
  resumePoint() {
    this.#inbox.acknowledged();
    return { last_seq: this.#inbox.lastSeq, streams: this.#streams.resume() };
  }

  /**
   * The server has let the client in: what it lacks is sent again, then what is new (RESUME-4).
   *
   * @param {WelcomeMessage["params"]} welcome
   * @returns {Action[] | null} null if its `last_seq` cannot be (RESUME-7)
   */
  connect({ last_seq, limits }) {
    if (!this.#outbox.resume(last_seq)) return null;
    this.#largest = limits.max_message_bytes;
    this.#streams.setWindow(limits.stream_window_bytes);
    this.#isConnected = true;
    return [...this.#outbox.replay().map(sendFrame), ...this.#write()];
  }

  /** The connection is lost: what is sent from now on waits for the next. */
  disconnect() {
    this.#isConnected = false;
  }

  /** The session has ended: nothing is sent any more. */
  end() {
    this.#isConnected = false;
    this.#pending.clear();
  }

  // --- The client's own messages ---

  /**
   * Answers a command, once; nothing is sent for an id that is answered or cancelled (CANCEL-2).
   *
   * @param {number} id
   * @param {Reply} reply
   * @returns {Action[]}
   */
  answer(id, reply) {
    if (!this.#pending.delete(id)) return [];
    this.#streams.close(id);
    this.#outbox.push(replyDraft(id, reply, this.#largest));
    return this.#write();
  }

  /**
   * @param {unknown} name
   * @param {unknown} data
   * @returns {Action[]}
   * @throws {TypeError | RangeError} where it cannot be sent (EVENT-3); nothing is queued then
   */
  emit(name, data) {
    const room = { largest: this.#largest, unacknowledged: this.#outbox.bytes };
    this.#outbox.push(eventDraft(name, data, room));
    return this.#write();
  }

  /**
   * Acknowledges what came, on a connection that has its `welcome`.
   *
   * @returns {Action}
   */
  ack() {
    this.#inbox.acknowledged();
    return sendControl("ack", { seq: this.#inbox.lastSeq });
  }

  // --- The server's messages, checked ---

  /**
   * The server has received the client's messages up to `seq`.
   *
   * @param {number} seq
   * @returns {boolean} false if it was never written (DELIVERY-7)
   */
  acknowledge(seq) {
    return this.#outbox.acknowledge(seq);
  }

  /**
   * Records a session message.
   *
   * @param {number} seq
   * @param {number} size in bytes
   * @param {number} now
   * @returns {Action[]} the `ack` that is due now, to be sent once the message has acted (CMD-4)
   */
  consume(seq, size, now) {
    this.#inbox.receive(seq, size, now);
    return this.#inbox.ackIsDue ? [this.ack()] : [];
  }

  /**
   * @param {Refuse} refusal
   * @returns {Action[]}
   */
  refuse({ id, code, message }) {
    this.#expectAnswer(id);
    return this.answer(id, { error: { code, message } });
  }

  /**
   * @param {ServerCommand | CancelMessage} message
   * @returns {Action[]}
   */
  receive(message) {
    if (isCancel(message)) return this.#cancel(message.params.id);
    this.#expectAnswer(message.id);
    this.#openStream(/** @type {CoreCommand} */ (message));
    return [{ kind: "start", command: message }];
  }

  /**
   * @param {Chunk} chunk
   * @returns {Action[] | string} what is wrong, where the chunk breaks the protocol
   */
  receiveChunk(chunk) {
    const { id, payload } = chunk;
    const verdict = this.#streams.receive(chunk);
    switch (verdict.outcome) {
      case "ignore":
        return [];
      case "append":
        return [{ kind: "append", id, payload }, ...streamAck(id, verdict.ack)];
      case "end":
        return [...streamAck(id, verdict.ack), { kind: "finish", id }];
      case "mismatch":
        return this.#giveUp(id, "stream_failed", verdict.message);
      case "fail":
        return verdict.message;
    }
  }

  // --- Steps ---

  /** @param {number} id */
  #expectAnswer(id) {
    this.#inbox.lastId = id;
    this.#pending.add(id);
  }

  /** @param {CoreCommand} command */
  #openStream({ id, type, params }) {
    if (type === "download" && params.content.kind === "stream")
      this.#streams.open(id, params.size);
  }

  /**
   * @param {number} id
   * @returns {Action[]}
   */
  #cancel(id) {
    if (!this.#pending.has(id)) return []; // CANCEL-3
    return this.#giveUp(id, "cancelled", "the server gave up waiting");
  }

  /**
   * @param {number} id
   * @param {string} code
   * @param {string} message
   * @returns {Action[]}
   */
  #giveUp(id, code, message) {
    return [{ kind: "stop", id }, ...this.answer(id, { error: { code, message } })];
  }

  /** @returns {Action[]} */
  #write() {
    return this.#isConnected ? this.#outbox.write().map(sendFrame) : [];
  }
}

/**
 * By its type: an `id` beside the params of a cancel is an unknown field (SPEC section 3.1).
 *
 * @param {ServerCommand | CancelMessage} message
 * @returns {message is CancelMessage}
 */
function isCancel(message) {
  return message.type === "cancel";
}

/**
 * The action that sends a control message.
 *
 * @param {string} type
 * @param {object} params
 * @returns {Action}
 */
export function sendControl(type, params) {
  return sendFrame(controlFrame(type, params));
}

/**
 * @param {string} frame
 * @returns {Action}
 */
function sendFrame(frame) {
  return { kind: "send", frame };
}

/**
 * @param {number} id
 * @param {number | null} offset null where none is due
 * @returns {Action[]}
 */
function streamAck(id, offset) {
  return offset === null ? [] : [sendControl("stream_ack", { id, offset })];
}
