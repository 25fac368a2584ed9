/**
 * @file The client's own session messages: replies and events, from when they are queued until the server has
 * acknowledged them (SPEC sections 6 to 9).
 *
 * A message is a draft until it is written: it gets its `seq` on a connection that has its `welcome`, and keeps it. What
 * is written and not acknowledged is written again after a break, byte for byte.
 */

import {
  characterCount,
  draftHasMoreValues,
  draftSize,
  jsonText,
  sessionFrame,
} from "../protocol/codec.js";

/** @import {Draft} from "../protocol/codec.js" */
/** @import {ErrorParams} from "../protocol/generated/messages.js" */

/**
 * The answer to a command; `result` is the JSON text of its params.
 *
 * @typedef {{ result: string } | { error: ErrorParams }} Reply
 *
 * @typedef {{ draft: Draft, bytes: number }} Queued
 * @typedef {{ frame: string, bytes: number }} Written
 */

/** What every server accepts, and so the limits until `welcome` has told others. */
const SMALLEST_MESSAGE_LIMIT = 65_536;
const SMALLEST_VALUE_LIMIT = 1000;

/** What fits into a message of that size, at six bytes of JSON a character and with room for the envelope. */
const SHORT_TEXT = 1024;

const LONGEST_EVENT_NAME = 128;
const MOST_UNACKNOWLEDGED = 1_048_576;

export class Outbox {
  /** The largest message that the server accepts, in bytes. */
  maxMessageBytes = SMALLEST_MESSAGE_LIMIT;
  /** The most JSON values that the server accepts in a message. */
  maxValues = SMALLEST_VALUE_LIMIT;
  /** @type {Queued[]} */
  #queued = [];
  /** @type {Written[]} */
  #written = [];
  #lastWritten = 0;
  /** Of all messages that are not acknowledged. */
  #bytes = 0;

  // --- What is to be sent ---

  /**
   * Queues the reply to a command, at any time (DELIVERY-8), or what replaces it if the server does not accept a message
   * of that size (WIRE-24), or of so many values (WIRE-28).
   *
   * @param {number} id
   * @param {Reply} reply
   */
  addReply(id, reply) {
    this.#add(this.#fitting(id, reply));
  }

  /**
   * Queues an `event` (SPEC section 7).
   *
   * @param {unknown} name
   * @param {unknown} data null where it has no JSON
   * @throws {TypeError} on an invalid name, or data that JSON cannot carry (EVENT-3); nothing is queued then
   * @throws {RangeError} where the event, or what waits with it, is too large
   */
  addEvent(name, data) {
    if (typeof name !== "string" || name === "" || characterCount(name) > LONGEST_EVENT_NAME) {
      throw new TypeError(
        `the name of an event is a string of 1 to ${LONGEST_EVENT_NAME} characters`,
      );
    }
    const params = `{"name":${jsonText(name)},"data":${jsonText(data) ?? "null"}}`;
    const draft = { type: "event", params };
    const size = draftSize(draft);
    if (size > this.maxMessageBytes) {
      throw new RangeError(`an event of ${size} bytes; the server takes ${this.maxMessageBytes}`);
    }
    // EVENT-5
    if (draftHasMoreValues(draft, this.maxValues)) {
      throw new RangeError(
        `an event of more than ${this.maxValues} values, the most that the server accepts`,
      );
    }
    if (this.#bytes + size > MOST_UNACKNOWLEDGED) {
      const most = `${MOST_UNACKNOWLEDGED} bytes`;
      const room =
        size > MOST_UNACKNOWLEDGED
          ? `at most ${most} may wait for the server`
          : `${this.#bytes} of the ${most} that may wait for the server are in use`;
      throw new RangeError(`an event of ${size} bytes; ${room}`);
    }
    this.#add(draft, size);
  }

  // --- What is sent ---

  /**
   * Gives the queued messages their `seq` (DELIVERY-1).
   *
   * @returns {string[]} their frames, to be sent in this order
   */
  write() {
    const frames = this.#queued.map(({ draft, bytes }) => {
      this.#lastWritten += 1;
      const frame = sessionFrame(draft, this.#lastWritten);
      this.#written.push({ frame, bytes });
      return frame;
    });
    this.#queued = [];
    return frames;
  }

  /** The frames that were written and not acknowledged, as they were (RESUME-4). */
  replay() {
    return this.#written.map(({ frame }) => frame);
  }

  // --- What has arrived ---

  /**
   * Forgets the messages up to `seq`; a lower one than before changes nothing (DELIVERY-7).
   *
   * @param {number} seq
   * @returns {boolean} false if it was never written
   */
  acknowledge(seq) {
    if (seq > this.#lastWritten) return false;
    const count = seq - this.#acknowledged;
    if (count > 0) this.#forget(count);
    return true;
  }

  /**
   * As `acknowledge`, for `welcome`.
   *
   * @param {number} seq
   * @returns {boolean} false if it was never written, or is below what was acknowledged (RESUME-7)
   */
  resume(seq) {
    return seq >= this.#acknowledged && this.acknowledge(seq);
  }

  // --- Steps ---

  /**
   * @param {Draft} draft
   * @param {number} bytes
   */
  #add(draft, bytes = draftSize(draft)) {
    this.#queued.push({ draft, bytes });
    this.#bytes += bytes;
  }

  /**
   * @param {number} id
   * @param {Reply} reply
   * @returns {Draft}
   */
  #fitting(id, reply) {
    const draft = replyDraft(id, reply);
    const message = this.#refusal(draft);
    if (message === null) return draft;
    if ("error" in reply) return replyDraft(id, { error: shortened(reply.error) }); // WIRE-24
    return replyDraft(id, { error: { code: "too_large", message } });
  }

  /**
   * Why the server would not accept a reply, or null.
   *
   * @param {Draft} draft
   */
  #refusal(draft) {
    const size = draftSize(draft);
    if (size > this.maxMessageBytes) {
      return `the reply has ${size} bytes, the server takes ${this.maxMessageBytes}`;
    }
    if (draftHasMoreValues(draft, this.maxValues)) {
      return `the reply has more than ${this.maxValues} values, the most that the server accepts`;
    }
    return null;
  }

  get #acknowledged() {
    return this.#lastWritten - this.#written.length;
  }

  /** @param {number} count */
  #forget(count) {
    for (const { bytes } of this.#written.splice(0, count)) this.#bytes -= bytes;
  }
}

/**
 * @param {number} id
 * @param {Reply} reply
 * @returns {Draft}
 */
function replyDraft(id, reply) {
  if ("result" in reply) return { type: "result", id, params: reply.result };
  return { type: "error", id, params: /** @type {string} */ (jsonText(reply.error)) };
}

/**
 * @param {ErrorParams} error
 * @returns {ErrorParams}
 */
function shortened({ code, message, exception }) {
  const short = { code, message: message.slice(0, SHORT_TEXT) };
  if (exception === undefined) return short;
  const name = exception.name.slice(0, SHORT_TEXT);
  return { ...short, exception: { name, message: exception.message.slice(0, SHORT_TEXT) } };
}
