/** @file One conversation with a server, over any number of connections: takes what happens, returns what to do. */

import { check } from "../protocol/checks.js";
import { readChunk } from "../protocol/chunk.js";
import { CLIENT_BYES, CLOSE_SILENT, endOfClose } from "../protocol/codes.js";
import { utf8Size } from "../protocol/json_text.js";
import { Delivery, sendControl } from "./delivery.js";
import { helloParams, VERSIONS } from "./hello.js";
import { Link } from "./link.js";

/** @import {AckMessage, ByeMessage, PingMessage, WelcomeMessage} from "../generated/messages.js" */
/** @import {Accept, Progress, Verdict} from "../protocol/checks.js" */
/** @import {End} from "../protocol/codes.js" */
/** @import {Action, SessionState} from "./actions.js" */
/** @import {Backoff} from "./backoff.js" */
/** @import {Introduction} from "./hello.js" */
/** @import {Reply} from "./replies.js" */

const LONGEST_REASON = 1024;
const ENDING_BYES = new Set(["invalid_message", "too_large"]);

/**
 * Times are in ms on any one clock. Each method returns actions that the caller carries out, in order and in the same
 * task; after each, it sees to it that `tick` is called at `deadline`.
 */
export class Session {
  #introduction;
  #vendorCommands;
  #link;
  #delivery = new Delivery();
  #wasWelcomed = false;
  #helloCount = 0;
  /** @type {End | null} */
  #end = null;

  /**
   * @param {object} options
   * @param {Introduction} options.introduction
   * @param {Iterable<string>} [options.vendorCommands] types of commands that the capabilities bring in
   * @param {Backoff} options.backoff outlives the session where a new instance follows it
   * @param {() => number} options.random from 0 to 1
   */
  constructor({ introduction, vendorCommands = [], backoff, random }) {
    this.#introduction = introduction;
    this.#vendorCommands = new Set(vendorCommands);
    this.#link = new Link(backoff, random);
  }

  // --- What the caller can ask ---

  /** @returns {SessionState} */
  get state() {
    return { name: this.#stateName, retryAt: this.#link.retryAt, end: this.#end };
  }

  /** The time at which `tick` is to be called, or null. */
  get deadline() {
    const { retryAt, silentAt } = this.#link;
    const { ackDueAt } = this.#delivery;
    return silentAt === null ? retryAt : Math.min(silentAt, ackDueAt ?? silentAt);
  }

  // --- What the caller decides ---

  /** @param {number} now */
  start(now) {
    return this.#connect(now);
  }

  /**
   * As `start`, after a wait.
   *
   * @param {number} waitMs
   * @param {number} now
   */
  startAfter(waitMs, now) {
    this.#link.wait(waitMs, now);
    return [this.#announce()];
  }

  /**
   * Answers a command; without effect if it has been answered, or the session has ended.
   *
   * @param {number} id
   * @param {Reply} reply
   */
  answer(id, reply) {
    return this.#delivery.answer(id, reply);
  }

  /**
   * Sends an event.
   *
   * @param {unknown} name
   * @param {unknown} data
   * @throws {TypeError | RangeError | Error} where it cannot be sent (EVENT-3); nothing is queued then
   */
  emit(name, data) {
    if (this.#end !== null) throw new Error(`the session has ended: ${this.#end.message}`);
    return this.#delivery.emit(name, data);
  }

  /** Ends the session, because the user leaves or the process stops (END-6, END-7). */
  leave() {
    return this.#fail("client_left", "the client left");
  }

  // --- What happens ---

  /**
   * The connection is open.
   *
   * @returns {Action[]}
   */
  opened() {
    if (this.#link.phase !== "opening") return [];
    this.#link.opened();
    this.#helloCount += 1; // HELLO-19
    const resume = this.#wasWelcomed ? this.#delivery.resumePoint() : undefined; // HELLO-6
    return [sendControl("hello", helloParams(this.#introduction, this.#helloCount, resume))];
  }

  /**
   * A text frame came.
   *
   * @param {string} text
   * @param {number} now
   * @returns {Action[]}
   */
  receiveText(text, now) {
    if (!this.#link.hasSocket) return []; // END-2
    this.#link.heard(now);
    const size = utf8Size(text);
    return this.#obey(check(text, size, this.#progress), size, now);
  }

  /**
   * A binary frame came.
   *
   * @param {ArrayBuffer} frame
   * @param {number} now
   * @returns {Action[]}
   */
  receiveBinary(frame, now) {
    if (!this.#link.hasSocket) return []; // END-2
    this.#link.heard(now);
    if (this.#link.phase === "greeting")
      return this.#fail("invalid_message", "a chunk came before welcome");
    const chunk = readChunk(frame);
    if (chunk === null) return this.#fail("invalid_message", "a binary frame under 16 bytes"); // WIRE-22
    const actions = this.#delivery.receiveChunk(chunk);
    if (typeof actions === "string") return this.#fail("invalid_message", actions); // STREAM-5
    if (actions.length > 0) this.#link.streamed(); // RESUME-10
    return actions;
  }

  /**
   * The connection is closed, or could not be opened.
   *
   * @param {number} code
   * @param {number} now
   * @returns {Action[]}
   */
  closed(code, now) {
    if (this.#link.phase !== "opening" && !this.#link.hasSocket) return [];
    const end = endOfClose(code);
    return end === null ? this.#retry(now) : this.#finish(end); // END-5
  }

  /**
   * Time went by.
   *
   * @param {number} now
   * @returns {Action[]}
   */
  tick(now) {
    const { deadline } = this;
    if (deadline === null || now < deadline) return [];
    const { silentAt } = this.#link;
    if (silentAt === null) return this.#connect(now);
    if (now < silentAt) return [this.#delivery.ack()]; // DELIVERY-6
    if (this.#link.putOffSilence(now)) return []; // BEAT-4
    this.#link.silenced(); // BEAT-5
    return [{ kind: "close", code: CLOSE_SILENT, reason: "silence" }, ...this.#retry(now)]; // BEAT-4
  }

  // --- Messages ---

  /**
   * @param {Verdict} verdict
   * @param {number} size
   * @param {number} now
   * @returns {Action[]}
   */
  #obey(verdict, size, now) {
    switch (verdict.outcome) {
      case "drop":
        return [];
      case "fail":
        return this.#fail(verdict.code, verdict.message);
      case "skip":
        return this.#consume(verdict.seq, size, now, () => []);
      case "refuse":
        return this.#consume(verdict.seq, size, now, () => this.#delivery.refuse(verdict));
      case "accept":
        return this.#accept(verdict.message, size, now);
    }
  }

  /**
   * @param {Accept["message"]} message
   * @param {number} size
   * @param {number} now
   */
  #accept(message, size, now) {
    if (!("seq" in message)) return this.#receiveControl(message, now);
    return this.#consume(message.seq, size, now, () => this.#delivery.receive(message));
  }

  /**
   * @param {number} seq
   * @param {number} size
   * @param {number} now
   * @param {() => Action[]} act
   */
  #consume(seq, size, now, act) {
    this.#link.delivered();
    const ack = this.#delivery.consume(seq, size, now);
    return [...act(), ...ack];
  }

  /**
   * @param {WelcomeMessage | AckMessage | PingMessage | ByeMessage} message
   * @param {number} now
   * @returns {Action[]}
   */
  #receiveControl(message, now) {
    switch (message.type) {
      case "welcome":
        return this.#enter(message.params);
      case "bye":
        return this.#receiveBye(message.params, now);
      case "ping":
        return [this.#delivery.ack()]; // BEAT-3
      case "ack":
        if (this.#delivery.acknowledge(message.params.seq)) return [];
        return this.#fail("invalid_message", "params.seq: was never written"); // DELIVERY-7
    }
  }

  /**
   * @param {WelcomeMessage["params"]} welcome
   * @returns {Action[]}
   */
  #enter(welcome) {
    const wrong = this.#explainWelcome(welcome);
    if (wrong !== null) return this.#fail("invalid_message", wrong);
    const writes = this.#delivery.connect(welcome);
    if (writes === null) return this.#fail("invalid_message", "params.last_seq: cannot be"); // RESUME-7
    this.#wasWelcomed = true;
    this.#link.welcomed(welcome);
    return [...writes, this.#announce()];
  }

  /** @param {WelcomeMessage["params"]} welcome */
  #explainWelcome({ version, resumed }) {
    /** @type {readonly string[]} */
    const offered = VERSIONS;
    if (!offered.includes(version)) return `params.version: ${version} was not offered`; // HELLO-17
    return this.#wasWelcomed && !resumed ? "params.resumed: must be true after a resume" : null;
  }

  /**
   * @param {ByeMessage["params"]} bye
   * @param {number} now
   * @returns {Action[]}
   */
  #receiveBye(bye, now) {
    const retry = ENDING_BYES.has(bye.code) ? "never" : bye.retry; // END-9
    const after = retry === "resume" ? this.#retry(now) : this.#finish({ ...bye, retry }); // END-3, END-4
    return [{ kind: "abandon" }, ...after];
  }

  // --- Steps ---

  /**
   * @param {number} now
   * @returns {Action[]}
   */
  #connect(now) {
    this.#link.connect(now);
    return [{ kind: "connect" }, this.#announce()];
  }

  /**
   * @param {number} now
   * @returns {Action[]}
   */
  #retry(now) {
    this.#delivery.disconnect();
    if (this.#link.lost(now)) return [this.#announce()];
    const message = "the server could not be reached for too long";
    return this.#finish({ code: "session_gone", message, retry: "never" }); // RESUME-11
  }

  /**
   * Ends the session by the client's own decision (END-1).
   *
   * @param {keyof typeof CLIENT_BYES} code
   * @param {string} reason
   * @returns {Action[]}
   */
  #fail(code, reason) {
    if (this.#end !== null) return [];
    /** @type {End} */
    const bye = { code, message: reason.slice(0, LONGEST_REASON), retry: "never" }; // END-12
    return [
      ...(this.#link.hasSocket ? [sendControl("bye", bye)] : []),
      { kind: "close", code: CLIENT_BYES[code], reason: code },
      ...this.#finish(bye),
    ];
  }

  /**
   * @param {End} end
   * @returns {Action[]}
   */
  #finish(end) {
    this.#end = end;
    this.#link.end();
    this.#delivery.end();
    return [this.#announce()];
  }

  /** @returns {Action} */
  #announce() {
    return { kind: "announce", state: this.state };
  }

  /** @returns {SessionState["name"]} */
  get #stateName() {
    const { phase } = this.#link;
    if (phase === "connected" || phase === "ended") return phase;
    return this.#wasWelcomed ? "reconnecting" : "connecting";
  }

  /** @returns {Progress} */
  get #progress() {
    return {
      welcomed: this.#link.phase === "connected",
      lastSeq: this.#delivery.lastSeq,
      lastId: this.#delivery.lastId,
      maxMessageBytes: this.#introduction.maxMessageBytes,
      vendorCommands: this.#vendorCommands,
    };
  }
}
