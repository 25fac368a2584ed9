/** @file The life of a session's connections: when one is opened, when it is given up, and when the next is tried. */

import { Silence } from "./silence.js";

/** @import {WelcomeMessage} from "../generated/messages.js" */
/** @import {Backoff} from "./backoff.js" */

/**
 * `opening` until the socket is open, `greeting` until `welcome`, `waiting` between two attempts.
 *
 * @typedef {"new" | "opening" | "greeting" | "connected" | "waiting" | "ended"} Phase
 */

export class Link {
  #backoff;
  #random;
  #silence = new Silence();
  /** @type {Phase} */
  #phase = "new";
  #retryAt = 0;
  #triedAt = 0;
  /** When the last connection that had its `welcome` was lost. @type {number | null} */
  #lostAt = null;
  #resumeWindowMs = Number.POSITIVE_INFINITY;

  /**
   * @param {Backoff} backoff
   * @param {() => number} random from 0 to 1
   */
  constructor(backoff, random) {
    this.#backoff = backoff;
    this.#random = random;
  }

  get phase() {
    return this.#phase;
  }

  /** The time of the next attempt, or null unless one is waited for. */
  get retryAt() {
    return this.#phase === "waiting" ? this.#retryAt : null;
  }

  /** The time at which the connection counts as silent, or null while there is none. */
  get silentAt() {
    return this.#phase === "opening" || this.hasSocket ? this.#silence.deadline : null;
  }

  /** Whether frames can come and go. */
  get hasSocket() {
    return this.#phase === "greeting" || this.#phase === "connected";
  }

  /** @param {number} now */
  connect(now) {
    this.#phase = "opening";
    this.#triedAt = now;
    this.#silence.heard(now);
  }

  /**
   * Puts the first attempt off.
   *
   * @param {number} waitMs
   * @param {number} now
   */
  wait(waitMs, now) {
    this.#phase = "waiting";
    this.#retryAt = now + waitMs;
  }

  opened() {
    this.#phase = "greeting";
  }

  /** @param {WelcomeMessage["params"]} welcome */
  welcomed(welcome) {
    this.#phase = "connected";
    this.#lostAt = null;
    this.#resumeWindowMs = welcome.resume_window_ms;
    this.#silence.learn(welcome.heartbeat);
  }

  /** @param {number} now */
  heard(now) {
    this.#silence.heard(now);
  }

  /**
   * Puts the end of a silence off that could not be noticed in time.
   *
   * @param {number} now
   * @returns {boolean} false if the connection is silent
   */
  putOffSilence(now) {
    return this.#silence.putOff(now);
  }

  /** A session message arrived: the next break is a first one, and the line fast enough. */
  delivered() {
    this.#backoff.reset();
    this.#silence.progress();
  }

  /** A chunk of an open stream arrived: that counts as much. */
  streamed() {
    this.delivered();
  }

  /** The connection is given up for its silence. */
  silenced() {
    this.#silence.lengthen();
  }

  /**
   * The connection is lost, or could not be opened: waits for the next attempt.
   *
   * @param {number} now
   * @returns {boolean} false if the session must be taken for gone (RESUME-11)
   */
  lost(now) {
    if (this.#lostAt !== null && this.#triedAt - this.#lostAt > this.#resumeWindowMs) return false;
    if (this.#phase === "connected") this.#lostAt = now;
    this.wait(this.#backoff.next(this.#random()), now);
    return true;
  }

  end() {
    this.#phase = "ended";
  }
}
