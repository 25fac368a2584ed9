/**
 * @file What has been received of the server's session messages: how far, when that is acknowledged (SPEC section 8),
 * and which commands are not answered.
 */

const MESSAGES_BEFORE_ACK = 32;
const BYTES_BEFORE_ACK = 262_144;

/** Half of what DELIVERY-6 allows: a hidden page's timers are up to a second late. */
const ACK_DELAY_MS = 1000;

export class Inbox {
  #lastSeq = 0;
  #lastId = 0;
  /** @type {Set<number>} */
  #unanswered = new Set();
  #messages = 0;
  #bytes = 0;
  /** @type {number | null} */
  #ackDueAt = null;

  /** The `seq` of the last session message received, or 0. */
  get lastSeq() {
    return this.#lastSeq;
  }

  /** The highest `id` of a command received, or 0. */
  get lastId() {
    return this.#lastId;
  }

  // --- Acknowledging ---

  /** The time by which an `ack` must be sent, or null while there is nothing to acknowledge. */
  get ackDueAt() {
    return this.#ackDueAt;
  }

  /** Whether so much has come that an `ack` must be sent now (DELIVERY-5). */
  get ackIsDue() {
    return this.#messages >= MESSAGES_BEFORE_ACK || this.#bytes >= BYTES_BEFORE_ACK;
  }

  /**
   * Records a session message that the checks have accepted.
   *
   * @param {number} seq
   * @param {number} bytes
   * @param {number} now
   */
  receive(seq, bytes, now) {
    this.#lastSeq = seq;
    this.#messages += 1;
    this.#bytes += bytes;
    this.#ackDueAt ??= now + ACK_DELAY_MS;
  }

  /**
   * Counts all that was received as acknowledged, by the `ack` or the `resume` that the caller sends now.
   *
   * @returns {number} the `seq` to be told
   */
  acknowledge() {
    this.#messages = 0;
    this.#bytes = 0;
    this.#ackDueAt = null;
    return this.#lastSeq;
  }

  // --- Commands ---

  /**
   * Records a command, which must be answered.
   *
   * @param {number} id
   */
  expectAnswer(id) {
    this.#lastId = id;
    this.#unanswered.add(id);
  }

  /** @param {number} id */
  isUnanswered(id) {
    return this.#unanswered.has(id);
  }

  /**
   * A command is answered.
   *
   * @param {number} id
   * @returns {boolean} false if it was answered before, or never came
   */
  answered(id) {
    return this.#unanswered.delete(id);
  }
}
