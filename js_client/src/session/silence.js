/** @file How long a connection may be silent before the client gives it up (BEAT-4, BEAT-5). */

/** The limit before the first `welcome` has told the server's heartbeat. */
const FIRST_LIMIT_MS = 30_000;
const LARGEST_FACTOR = 8;
/** From how late on a look at the clock means that nothing could run until then. */
const LATE_MS = 50;
/** How long what came meanwhile has to be heard. */
const HEARING_MS = 500;

export class Silence {
  #limit = FIRST_LIMIT_MS;
  #factor = 1;
  #heardAt = 0;
  /** The end of the wait that `putOff` has granted. @type {number | null} */
  #hearingUntil = null;

  /** The time from which the connection counts as silent, in ms. */
  get deadline() {
    return this.#hearingUntil ?? this.#heardAt + this.#limit * this.#factor;
  }

  /**
   * Puts the deadline off, once, where it passed while nothing could run, as in a page with an open `prompt()`: what
   * came meanwhile is heard first.
   *
   * @param {number} now
   * @returns {boolean} false if the connection is silent
   */
  putOff(now) {
    if (this.#hearingUntil !== null || now - this.deadline <= LATE_MS) return false;
    this.#hearingUntil = now + HEARING_MS;
    return true;
  }

  /** @param {{ interval_ms: number, timeout_ms: number }} heartbeat */
  learn(heartbeat) {
    this.#limit = heartbeat.interval_ms + heartbeat.timeout_ms;
  }

  /**
   * Something arrived, or a new connection is tried.
   *
   * @param {number} now
   */
  heard(now) {
    this.#heardAt = now;
    this.#hearingUntil = null;
  }

  /** A session message or a chunk arrived: the line is good enough for the usual limit. */
  progress() {
    this.#factor = 1;
  }

  /** The connection was given up: the next one gets twice as long. */
  lengthen() {
    this.#factor = Math.min(this.#factor * 2, LARGEST_FACTOR);
  }
}
