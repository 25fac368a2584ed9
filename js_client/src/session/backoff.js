/** @file How long a client waits before it connects again (RESUME-10). */

const FIRST_LIMIT_MS = 500;
const LAST_LIMIT_MS = 15_000;

export class Backoff {
  #failures = 0;

  /** A session message arrived: the next break is a first one. */
  reset() {
    this.#failures = 0;
  }

  /**
   * The wait before the next attempt, in ms: none after the first break since the last progress.
   *
   * @param {number} random from 0 to 1
   */
  next(random) {
    const wait = this.#failures === 0 ? 0 : random * this.#limit();
    this.#failures += 1;
    return wait;
  }

  /**
   * The wait before the next attempt where the last one counts as a failure, whatever it brought (END-3).
   *
   * @param {number} random from 0 to 1
   */
  nextAfterFailure(random) {
    this.#failures = Math.max(this.#failures, 1);
    return this.next(random);
  }

  #limit() {
    return Math.min(FIRST_LIMIT_MS * 2 ** (this.#failures - 1), LAST_LIMIT_MS);
  }
}
