/**
 * @file The client's own session messages: replies and events, from when they are queued until the server has
 * acknowledged them (SPEC sections 6 to 9).
 *
 * A message is a draft until it is written: it gets its `seq` on a connection that has its `welcome`, and keeps it. What
 * is written and not acknowledged is written again after a break, byte for byte.
 */

import {
  characterCount,
  hasMoreValues,
  jsonText,
  longestFrame,
  sessionFrame,
  utf8Size,
} from "../protocol/codec.js";

/** @import {Draft} from "../protocol/codec.js" */
/** @import {ErrorParams} from "../protocol/generated/messages.js" */

/**
 * The answer to a command; `result` is the JSON text of its params.
 *
 * @typedef {{ result: string } | { error: ErrorParams }} Reply
 */

/** What every server accepts, and so the limits until `welcome` has told others. */
const SMALLEST_MESSAGE_LIMIT = 65_536;
const SMALLEST_VALUE_LIMIT = 1000;

/** What fits into a message of that size, at six bytes of JSON a character and with room for the envelope. */
const SHORT_TEXT = 1024;

const LONGEST_EVENT_NAME = 128;
const MOST_UNACKNOWLEDGED = 1_048_576;

/** How long a frame may be whose bytes are counted at once. */
const SHORT_FRAME = 4096;
/** Of UTF-8, for each unit of a string's length. */
const MOST_BYTES_PER_UNIT = 3;

export class Outbox {
  /** The largest message that the server accepts, in bytes. */
  maxMessageBytes = SMALLEST_MESSAGE_LIMIT;
  /** The most JSON values that the server accepts in a message. */
  maxValues = SMALLEST_VALUE_LIMIT;
  /** @type {Message[]} */
  #queued = [];
  /** @type {Message[]} */
  #written = [];
  #lastWritten = 0;
  /** Of all messages that are not acknowledged, as far as they are counted. */
  #bytes = 0;
  /** Those that are not acknowledged and not counted. @type {Set<Message>} */
  #uncounted = new Set();

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
    const event = new Message({ type: "event", params });
    if (event.isLarger(this.maxMessageBytes)) {
      throw new RangeError(
        `an event of ${event.count()} bytes; the server takes ${this.maxMessageBytes}`,
      );
    }
    // EVENT-5
    if (hasMoreValues(event.frame, this.maxValues)) {
      throw new RangeError(
        `an event of more than ${this.maxValues} values, the most that the server accepts`,
      );
    }
    if (this.#mostBytes + event.mostBytes > MOST_UNACKNOWLEDGED) this.#requireRoom(event.count());
    this.#add(event);
  }

  // --- What is sent ---

  /**
   * Gives the queued messages their `seq` (DELIVERY-1).
   *
   * @returns {string[]} their frames, to be sent in this order
   */
  write() {
    const frames = this.#queued.map((message) => {
      this.#lastWritten += 1;
      this.#written.push(message);
      return message.write(this.#lastWritten);
    });
    this.#queued = [];
    return frames;
  }

  /** The frames that were written and not acknowledged, as they were (RESUME-4). */
  replay() {
    return this.#written.map((message) => message.frame);
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

  /** @param {Message} message */
  #add(message) {
    this.#queued.push(message);
    if (message.isCounted) this.#bytes += message.mostBytes;
    else this.#uncounted.add(message);
  }

  /**
   * @param {number} id
   * @param {Reply} reply
   */
  #fitting(id, reply) {
    const message = new Message(replyDraft(id, reply));
    const refusal = this.#refusal(message);
    if (refusal === null) return message;
    const error =
      "error" in reply
        ? shortened(reply.error) // WIRE-24
        : { code: "too_large", message: refusal };
    return new Message(replyDraft(id, { error }));
  }

  /**
   * Why the server would not accept a reply, or null.
   *
   * @param {Message} reply
   */
  #refusal(reply) {
    if (reply.isLarger(this.maxMessageBytes)) {
      return `the reply has ${reply.count()} bytes, the server takes ${this.maxMessageBytes}`;
    }
    if (hasMoreValues(reply.frame, this.maxValues)) {
      return `the reply has more than ${this.maxValues} values, the most that the server accepts`;
    }
    return null;
  }

  /** What the messages that are not acknowledged take at most. */
  get #mostBytes() {
    let bytes = this.#bytes;
    for (const { mostBytes } of this.#uncounted) bytes += mostBytes;
    return bytes;
  }

  /**
   * @param {number} size of an event
   * @throws {RangeError} if it does not fit beside what is not acknowledged
   */
  #requireRoom(size) {
    for (const message of this.#uncounted) this.#bytes += message.count();
    this.#uncounted.clear();
    if (this.#bytes + size <= MOST_UNACKNOWLEDGED) return;
    const most = `${MOST_UNACKNOWLEDGED} bytes`;
    const room =
      size > MOST_UNACKNOWLEDGED
        ? `at most ${most} may wait for the server`
        : `${this.#bytes} of the ${most} that may wait for the server are in use`;
    throw new RangeError(`an event of ${size} bytes; ${room}`);
  }

  get #acknowledged() {
    return this.#lastWritten - this.#written.length;
  }

  /** @param {number} count */
  #forget(count) {
    for (const message of this.#written.splice(0, count)) {
      if (!this.#uncounted.delete(message)) this.#bytes -= message.mostBytes;
    }
  }
}

/**
 * A message until it is acknowledged.
 *
 * Its size is what it has with the longest `seq`. The bytes of a long text are counted only where a bound does not
 * decide: a browser takes longer to count them than to make the text.
 */
class Message {
  /** @type {Draft | null} null once it is written: the frame contains it */
  #draft;
  /** What it is sent as; until it is written, with the longest `seq`. */
  frame;
  #longest;
  isCounted = false;
  /** The bytes that it takes at most; once they are counted, exactly. */
  mostBytes;

  /** @param {Draft} draft */
  constructor(draft) {
    this.#draft = draft;
    this.frame = longestFrame(draft);
    this.#longest = this.frame.length;
    this.mostBytes = this.#longest * MOST_BYTES_PER_UNIT;
    if (this.#longest <= SHORT_FRAME) this.count();
  }

  /** Counts the bytes. */
  count() {
    if (!this.isCounted) {
      this.mostBytes = utf8Size(this.frame) + this.#longest - this.frame.length;
      this.isCounted = true;
    }
    return this.mostBytes;
  }

  /** @param {number} limit in bytes */
  isLarger(limit) {
    return this.mostBytes > limit && this.count() > limit;
  }

  /**
   * Writes it, once.
   *
   * @param {number} seq
   * @returns {string} the frame
   */
  write(seq) {
    if (this.#draft !== null) this.frame = sessionFrame(this.#draft, seq);
    this.#draft = null;
    return this.frame;
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
