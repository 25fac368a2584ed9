/** @file What has been received of the server's session messages, and when that is acknowledged (SPEC section 8). */

const MESSAGES_BEFORE_ACK = 32;
const BYTES_BEFORE_ACK = 262_144;

/** Half of what DELIVERY-6 allows: a hidden page's timers are up to a second late. */
const ACK_DELAY_MS = 1000;

export class Inbox {
  /** The `seq` of the last session message received, or 0. */
  lastSeq = 0;
  /** The highest `id` of a command received, or 0. */
  lastId = 0;
  #messages = 0;
  #bytes = 0;
  /** @type {number | null} */
  #ackDueAt = null;

  /** The time by which an `ack` must be sent, or null while there is nothing to acknowledge. */
  get ackDueAt() {
    return this.#ackDueAt;
  }

  /** Whether so much has come that an `ack` must be sent now (DELIVERY-5). */
  get ackIsDue() {
    return this.#messages >= MESSAGES_BEFORE_ACK || this.#bytes >= BYTES_BEFORE_ACK;
  }

  /**
   * Records a session message that the checks have let through.
   *
   * @param {number} seq
   * @param {number} bytes
   * @param {number} now
   */
  receive(seq, bytes, now) {
    this.lastSeq = seq;
    this.#messages += 1;
    this.#bytes += bytes;
    this.#ackDueAt ??= now + ACK_DELAY_MS;
  }

  /** `lastSeq` has been told to the server, by `ack` or by `resume`. */
  acknowledged() {
    this.#messages = 0;
    this.#bytes = 0;
    this.#ackDueAt = null;
  }
}
