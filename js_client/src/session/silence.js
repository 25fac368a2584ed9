/** @file How long a connection may be silent before the client gives it up (BEAT-4, BEAT-5). */

/** The limit before the first `welcome` has told the server's heartbeat. */
const FIRST_LIMIT_MS = 30_000;
const LARGEST_FACTOR = 8;

export class Silence {
  #limit = FIRST_LIMIT_MS;
  #factor = 1;
  #heardAt = 0;

  /** The time from which the connection counts as silent, in ms. */
  get deadline() {
    return this.#heardAt + this.#limit * this.#factor;
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
