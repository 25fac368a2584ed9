/** @file The client's own session messages, from when they are queued until the server has acknowledged them. */

import { draftSize, sessionFrame } from "../protocol/codec.js";

/** @import {Draft} from "../protocol/codec.js" */
/** @typedef {{ frame: string, bytes: number }} Written */
/** @typedef {{ draft: Draft, bytes: number }} Queued */

export class Outbox {
  /** @type {Queued[]} */
  #queued = [];
  /** @type {Written[]} */
  #written = [];
  #lastWritten = 0;
  #bytes = 0;

  /** The bytes of all messages that are not acknowledged. */
  get bytes() {
    return this.#bytes;
  }

  /**
   * Takes a message, at any time (DELIVERY-8).
   *
   * @param {Draft} draft
   */
  push(draft) {
    const bytes = draftSize(draft);
    this.#queued.push({ draft, bytes });
    this.#bytes += bytes;
  }

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

  get #acknowledged() {
    return this.#lastWritten - this.#written.length;
  }

  /** @param {number} count */
  #forget(count) {
    for (const { bytes } of this.#written.splice(0, count)) this.#bytes -= bytes;
  }
}
