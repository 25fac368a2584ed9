/**
 * @file One conversation with a server, over any number of connections (SPEC sections 3 to 12), without sockets, timers
 * or a clock.
 *
 * What happens comes in by a method, with the time where it matters; what is to be done goes out as a list of actions
 * (`actions.js`). The session decides; its parts keep the books, and know nothing of each other:
 *
 * - `ConnectionState`: whether there is a connection, since when it is idle, when the next is tried;
 * - `Inbox`: what has come, when it is acknowledged, which commands are not answered;
 * - `Outbox`: replies and events, until the server has acknowledged them;
 * - `IncomingStreams`: the files that are on their way.
 */

import { check } from "../protocol/checks.js";
import { readChunk, utf8Size } from "../protocol/codec.js";
import { close, notify, sendControl, sendFrame, sendStreamAck } from "./actions.js";
import { helloFrame, validateWelcome } from "./handshake.js";
import { Inbox } from "./inbox.js";
import { Outbox } from "./outbox.js";
import { ConnectionState, endOfClose } from "./reconnecting.js";
import { IncomingStreams } from "./streams.js";

/** @import {Control, CoreCommand, Progress, ServerCommand, SessionVerdict} from "../protocol/checks.js" */
/** @import {ByeParams, ResumePoint, WelcomeParams} from "../protocol/generated/messages.js" */
/** @import {ClientByeCode} from "../protocol/generated/registry.js" */
/** @import {Action, End, SessionState} from "./actions.js" */
/** @import {HelloOptions} from "./handshake.js" */
/** @import {Reply} from "./outbox.js" */
/** @import {Backoff} from "./reconnecting.js" */

/** The close code of an idle connection (BEAT-4). */
const CLOSE_IDLE = 4000;
const LONGEST_REASON = 1024;
const ENDING_BYES = new Set(["invalid_message", "too_large"]);

/**
 * Times are in ms on any one clock. Each method returns actions that the caller carries out, in order and in the same
 * task; after each, it sees to it that `tick` is called at `deadline`.
 */
export class Session {
  #hello;
  #vendorCommands;
  #connection;
  #inbox = new Inbox();
  #outbox = new Outbox();
  #streams = new IncomingStreams();
  #helloCount = 0;
  /** @type {End | null} */
  #end = null;

  /**
   * @param {object} options
   * @param {HelloOptions} options.hello
   * @param {Iterable<string>} [options.vendorCommands] types of commands that the capabilities bring in
   * @param {Backoff} options.backoff outlives the session where a new instance follows it
   * @param {() => number} options.random from 0 to 1
   */
  constructor({ hello, vendorCommands = [], backoff, random }) {
    this.#hello = hello;
    this.#vendorCommands = new Set(vendorCommands);
    this.#connection = new ConnectionState(backoff, random);
  }

  // --- What the caller can ask ---

  /** @returns {SessionState} */
  get state() {
    const { name, retryAt } = this.#connection;
    return { name, retryAt, end: this.#end };
  }

  /** The time at which `tick` is to be called, or null. */
  get deadline() {
    const { idleAt, phase, retryAt } = this.#connection;
    if (idleAt === null) return retryAt;
    return phase === "connected" ? Math.min(idleAt, this.#inbox.ackDueAt ?? idleAt) : idleAt;
  }

  // --- What the caller decides ---

  /**
   * @param {number} now
   * @returns {Action[]}
   */
  start(now) {
    const hello = this.#nextHello();
    if ("end" in hello) return this.#finish(hello.end); // HELLO-24
    this.#connection.connect(now);
    return [{ kind: "connect" }, this.#announce()];
  }

  /**
   * As `start`, after a wait.
   *
   * @param {number} waitMs
   * @param {number} now
   */
  startAfter(waitMs, now) {
    this.#connection.wait(waitMs, now);
    return [this.#announce()];
  }

  /**
   * Answers a command; without effect if it has been answered or cancelled (CANCEL-2), or the session has ended.
   *
   * @param {number} id
   * @param {Reply} reply
   * @returns {Action[]}
   */
  answer(id, reply) {
    if (this.#end !== null || !this.#inbox.answered(id)) return [];
    this.#streams.close(id);
    this.#outbox.addReply(id, reply);
    return this.#write();
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
    this.#outbox.addEvent(name, data);
    return this.#write();
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
    if (this.#connection.phase !== "opening") return [];
    const hello = this.#nextHello();
    if ("end" in hello) return [close("too_large"), ...this.#finish(hello.end)]; // END-7: without a bye
    this.#connection.opened();
    this.#helloCount += 1;
    return [sendFrame(hello.frame)];
  }

  /**
   * A text frame came.
   *
   * @param {string} text
   * @param {number} now
   * @returns {Action[]}
   */
  receiveText(text, now) {
    if (!this.#connection.heard(now)) return [];
    const size = utf8Size(text);
    const verdict = check(text, size, this.#progress);
    switch (verdict.outcome) {
      case "drop":
        return [];
      case "fail":
        return this.#fail(verdict.code, verdict.message);
      case "control":
        return this.#receiveControl(verdict.message, now);
      default:
        return this.#receiveSession(verdict, size, now);
    }
  }

  /**
   * A binary frame came.
   *
   * @param {ArrayBuffer} frame
   * @param {number} now
   * @returns {Action[]}
   */
  receiveBinary(frame, now) {
    if (!this.#connection.heard(now)) return [];
    if (this.#connection.phase === "greeting")
      return this.#fail("invalid_message", "a chunk came before welcome");
    const chunk = readChunk(frame);
    if (chunk === null) return this.#fail("invalid_message", "a binary frame under 16 bytes"); // WIRE-22
    const { id, payload } = chunk;
    const verdict = this.#streams.receive(chunk);
    if (verdict.outcome === "fail") return this.#fail("invalid_message", verdict.message); // STREAM-5
    if (verdict.outcome === "ignore") return []; // STREAM-6
    this.#connection.delivered();
    switch (verdict.outcome) {
      case "append":
        return [{ kind: "append", id, payload }, ...sendStreamAck(id, verdict.ack)];
      case "end":
        return [...sendStreamAck(id, verdict.ack), { kind: "finish", id }];
      case "mismatch":
        return this.#giveUp(id, "stream_failed", verdict.message); // STREAM-7
    }
  }

  /**
   * The connection is closed, or could not be opened.
   *
   * @param {number} code
   * @param {number} now
   * @returns {Action[]}
   */
  closed(code, now) {
    if (this.#connection.phase !== "opening" && !this.#connection.hasSocket) return [];
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
    const { idleAt } = this.#connection;
    if (idleAt === null) return this.start(now);
    if (now < idleAt) return [this.#sendAck()]; // DELIVERY-6
    if (!this.#connection.isIdle(now)) return [];
    return [{ kind: "close", code: CLOSE_IDLE, reason: "silence" }, ...this.#retry(now)]; // BEAT-4
  }

  // --- Messages ---

  /** @param {Control["message"]} message @param {number} now @returns {Action[]} */
  #receiveControl(message, now) {
    switch (message.type) {
      case "welcome":
        return this.#enter(message.params);
      case "bye":
        return this.#receiveBye(message.params, now);
      case "ping":
        return [this.#sendAck()]; // BEAT-3
      case "notice":
        return notify(message.params);
      case "ack":
        if (this.#outbox.acknowledge(message.params.seq)) return [];
        return this.#fail("invalid_message", "params.seq: was never written"); // DELIVERY-7
    }
  }

  /**
   * The server lets the client in: what it lacks is sent again, then what is new (RESUME-4).
   *
   * @param {WelcomeParams} welcome
   * @returns {Action[]}
   */
  #enter(welcome) {
    const error = validateWelcome(welcome, this.#connection.wasWelcomed);
    if (error !== null) return this.#fail("invalid_message", error);
    if (!this.#outbox.resume(welcome.last_seq))
      return this.#fail("invalid_message", "params.last_seq: cannot be"); // RESUME-7
    this.#outbox.maxMessageBytes = welcome.limits.max_message_bytes;
    this.#outbox.maxValues = welcome.limits.max_values;
    this.#streams.setWindow(welcome.limits.stream_window_bytes);
    this.#connection.welcomed(welcome);
    return [...this.#outbox.replay().map(sendFrame), ...this.#write(), this.#announce()];
  }

  /** @param {ByeParams} bye @param {number} now @returns {Action[]} */
  #receiveBye(bye, now) {
    const retry = ENDING_BYES.has(bye.code) ? "never" : bye.retry; // END-9
    const after = retry === "resume" ? this.#retry(now) : this.#finish({ ...bye, retry }); // END-3, END-4
    return [{ kind: "abandon" }, ...after];
  }

  // --- Session messages ---

  /**
   * Records a session message, lets it act, and only then sends the `ack` that is due (CMD-4).
   *
   * @param {SessionVerdict} verdict
   * @param {number} size
   * @param {number} now
   * @returns {Action[]}
   */
  #receiveSession(verdict, size, now) {
    this.#connection.delivered();
    this.#inbox.receive(verdict.seq, size, now);
    const ack = this.#inbox.ackIsDue ? [this.#sendAck()] : [];
    return [...this.#act(verdict), ...ack];
  }

  /** @param {SessionVerdict} verdict @returns {Action[]} */
  #act(verdict) {
    switch (verdict.outcome) {
      case "skip":
        return [];
      case "refuse":
        this.#inbox.expectAnswer(verdict.id);
        return this.answer(verdict.id, { error: { code: verdict.code, message: verdict.message } });
      case "cancel":
        if (!this.#inbox.isUnanswered(verdict.id)) return []; // CANCEL-3
        return this.#giveUp(verdict.id, "cancelled", "the server gave up waiting");
      case "command":
        return this.#startCommand(verdict.message);
    }
  }

  /** @param {ServerCommand} command @returns {Action[]} */
  #startCommand(command) {
    this.#inbox.expectAnswer(command.id);
    const { id, type, params } = /** @type {CoreCommand} */ (command);
    if (type === "download" && params.content.kind === "stream") {
      if (this.#streams.isFull)
        return this.#giveUp(id, "unsupported", "more streams at once than 1.0 allows"); // STREAM-13
      this.#streams.open(id, params.size);
    }
    return [{ kind: "start", command }];
  }

  /** @param {number} id @param {string} code @param {string} message @returns {Action[]} */
  #giveUp(id, code, message) {
    return [{ kind: "stop", id }, ...this.answer(id, { error: { code, message } })];
  }

  // --- Steps ---

  #nextHello() {
    const resume = this.#connection.wasWelcomed ? this.#resumePoint() : undefined; // HELLO-6
    return helloFrame(this.#hello, this.#helloCount + 1, resume); // HELLO-19
  }

  /** What `resume` says: it acknowledges all that it names. @returns {ResumePoint} */
  #resumePoint() {
    return { last_seq: this.#inbox.acknowledge(), streams: this.#streams.resume() };
  }

  #sendAck() {
    return sendControl("ack", { seq: this.#inbox.acknowledge() });
  }

  /** What is queued, where there is a connection for it. @returns {Action[]} */
  #write() {
    if (this.#connection.phase !== "connected") return [];
    return this.#outbox.write().map((frame) => ({ kind: "send", frame }));
  }

  /** @param {number} now @returns {Action[]} */
  #retry(now) {
    if (this.#connection.lost(now)) return [this.#announce()];
    const message = "the server could not be reached for too long";
    return this.#finish({ code: "session_gone", message, retry: "never" }); // RESUME-11
  }

  /**
   * Ends the session by the client's own decision (END-1).
   *
   * @param {ClientByeCode} code
   * @param {string} reason
   * @returns {Action[]}
   */
  #fail(code, reason) {
    if (this.#end !== null) return [];
    /** @type {End} */
    const bye = { code, message: reason.slice(0, LONGEST_REASON), retry: "never" }; // END-12
    return [
      ...(this.#connection.hasSocket ? [sendControl("bye", bye)] : []),
      close(code),
      ...this.#finish(bye),
    ];
  }

  /** @param {End} end @returns {Action[]} */
  #finish(end) {
    this.#end = end;
    this.#connection.end();
    return [this.#announce()];
  }

  /** @returns {Action} */
  #announce() {
    return { kind: "announce", state: this.state };
  }

  /** @returns {Progress} */
  get #progress() {
    return {
      welcomed: this.#connection.phase === "connected",
      lastSeq: this.#inbox.lastSeq,
      lastId: this.#inbox.lastId,
      maxMessageBytes: this.#hello.maxMessageBytes,
      vendorCommands: this.#vendorCommands,
    };
  }
}
