/**
 * @file The life of a session's connections: when one is opened, when it is given up, and when the next is tried.
 *
 * A session has at most one connection. `ConnectionState` says how far that one is, `IdleTimeout` how long it may bring
 * nothing (SPEC section 11), `Backoff` how long to wait for the next (SPEC section 9). None of them has a clock: times
 * are in ms, and come as arguments.
 */

import { ENDING_CLOSE_CODES } from "../protocol/generated/registry.js";

/** @import {WelcomeParams} from "../protocol/generated/messages.js" */
/** @import {End, SessionState} from "./actions.js" */

/**
 * `opening` until the socket is open, `greeting` until `welcome`, `waiting` between two attempts.
 *
 * @typedef {"new" | "opening" | "greeting" | "connected" | "waiting" | "ended"} Phase
 */

export class ConnectionState {
  #backoff;
  #random;
  #idleTimeout = new IdleTimeout();
  /** @type {Phase} */
  #phase = "new";
  #wasWelcomed = false;
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

  /** Whether any connection of the session has had its `welcome`. */
  get wasWelcomed() {
    return this.#wasWelcomed;
  }

  /** The phase as the user of a client sees it. @returns {SessionState["name"]} */
  get name() {
    if (this.#phase === "connected" || this.#phase === "ended") return this.#phase;
    return this.#wasWelcomed ? "reconnecting" : "connecting";
  }

  /** The time of the next attempt, or null unless one is waited for. */
  get retryAt() {
    return this.#phase === "waiting" ? this.#retryAt : null;
  }

  /** The time at which the connection has been idle for too long, or null while there is none. */
  get idleAt() {
    return this.#phase === "opening" || this.hasSocket ? this.#idleTimeout.deadline : null;
  }

  /** Whether frames can come and go. */
  get hasSocket() {
    return this.#phase === "greeting" || this.#phase === "connected";
  }

  /** @param {number} now */
  connect(now) {
    this.#phase = "opening";
    this.#triedAt = now;
    this.#idleTimeout.restart(now);
  }

  /**
   * Puts the next attempt off.
   *
   * @param {number} waitMs
   * @param {number} now
   */
  wait(waitMs, now) {
    this.#phase = "waiting";
    this.#retryAt = now + waitMs;
  }

  /** The socket is open. */
  opened() {
    this.#phase = "greeting";
  }

  /** @param {WelcomeParams} welcome */
  welcomed(welcome) {
    this.#phase = "connected";
    this.#wasWelcomed = true;
    this.#lostAt = null;
    this.#resumeWindowMs = welcome.resume_window_ms;
    this.#idleTimeout.configure(welcome.heartbeat);
  }

  /**
   * A frame came.
   *
   * @param {number} now
   * @returns {boolean} false if it must be ignored (END-2)
   */
  heard(now) {
    if (!this.hasSocket) return false;
    this.#idleTimeout.restart(now);
    return true;
  }

  /** A session message or a chunk of an open stream came: the next break is a first one (RESUME-10). */
  delivered() {
    this.#backoff.reset();
    this.#idleTimeout.shorten();
  }

  /**
   * Decides, at `idleAt`, whether the connection must be given up (BEAT-4); the next one then has twice as long (BEAT-5).
   *
   * @param {number} now
   * @returns {boolean} false if it has a little longer
   */
  isIdle(now) {
    if (this.#idleTimeout.postpone(now)) return false;
    this.#idleTimeout.lengthen();
    return true;
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

/**
 * The end that a close without `bye` means, or null where it is a break (END-5, END-9).
 *
 * @param {number} closeCode
 * @returns {End | null}
 */
export function endOfClose(closeCode) {
  const ending = ENDING_CLOSE_CODES.get(closeCode);
  if (ending === undefined) return null;
  const { code, retry } = ending;
  return { code, message: `the connection was closed with ${closeCode}`, retry };
}

// --- How long a connection may be idle (BEAT-4, BEAT-5) ---

/** The limit before the first `welcome` has told the server's heartbeat. */
const FIRST_IDLE_LIMIT_MS = 30_000;
const LARGEST_FACTOR = 8;
/** From how late on a look at the clock means that nothing could run until then. */
const LATE_MS = 50;
/** How long what came meanwhile has to be heard. */
const HEARING_MS = 500;

class IdleTimeout {
  #limit = FIRST_IDLE_LIMIT_MS;
  #factor = 1;
  #heardAt = 0;
  /** The end of the wait that `postpone` has granted. @type {number | null} */
  #hearingUntil = null;

  /** The time from which the connection counts as idle for too long. */
  get deadline() {
    return this.#hearingUntil ?? this.#heardAt + this.#limit * this.#factor;
  }

  /**
   * Postpones the deadline, once, where it passed while nothing could run, as in a page with an open `prompt()`: what
   * came meanwhile is heard first.
   *
   * @param {number} now
   * @returns {boolean} false if the connection is idle
   */
  postpone(now) {
    if (this.#hearingUntil !== null || now - this.deadline <= LATE_MS) return false;
    this.#hearingUntil = now + HEARING_MS;
    return true;
  }

  /** @param {{ interval_ms: number, timeout_ms: number }} heartbeat */
  configure(heartbeat) {
    this.#limit = heartbeat.interval_ms + heartbeat.timeout_ms;
  }

  /**
   * Something arrived, or a new connection is tried.
   *
   * @param {number} now
   */
  restart(now) {
    this.#heardAt = now;
    this.#hearingUntil = null;
  }

  /** The network is good enough for the usual limit. */
  shorten() {
    this.#factor = 1;
  }

  /** The connection was given up: the next one gets twice as long. */
  lengthen() {
    this.#factor = Math.min(this.#factor * 2, LARGEST_FACTOR);
  }
}

// --- How long a client waits before it connects again (RESUME-10) ---

const FIRST_WAIT_LIMIT_MS = 500;
const LAST_WAIT_LIMIT_MS = 15_000;

export class Backoff {
  #failures = 0;

  /** Something was delivered: the next break is a first one. */
  reset() {
    this.#failures = 0;
  }

  /**
   * The wait before the next attempt, in ms: none after the first break since the last reset.
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
    return Math.min(FIRST_WAIT_LIMIT_MS * 2 ** (this.#failures - 1), LAST_WAIT_LIMIT_MS);
  }
}
