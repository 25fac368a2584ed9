/** @file A client: the session, the commands and the connections of one instance, and of those that follow it. */

import { CommandRunner } from "./commands/commands.js";
import { Downloads } from "./commands/downloads.js";
import { Backoff } from "./core/reconnecting.js";
import { Session } from "./core/session.js";
import { WebSocketConnection } from "./transports/websocket.js";
import { withQueryParameter } from "./urls.js";

/** @import {Environment} from "./commands/commands.js" */
/** @import {Action, End, Notice, SessionState} from "./core/actions.js" */
/** @import {HelloOptions} from "./core/handshake.js" */

/**
 * Where time, chance and sockets come from.
 *
 * @typedef {object} Platform
 * @property {() => number} now in ms, never going back
 * @property {() => number} random from 0 to 1
 * @property {(callback: () => void, ms: number) => unknown} setTimeout
 * @property {(timer: never) => void} clearTimeout
 * @property {typeof WebSocket} WebSocket
 *
 * @typedef {object} FrameMeta
 * @property {number} time in ms since the epoch
 * @property {number} connection 1 for the first connection of the client, 2 for the next
 *
 * @typedef {(direction: "sent" | "received", frame: string | ArrayBuffer, meta: FrameMeta) => void} FrameListener
 *
 * @typedef {object} ClientState
 * @property {SessionState["name"]} name
 * @property {number | null} retryInMs the wait before the next attempt, counted from the change of state
 * @property {End | null} end why the session has ended
 *
 * @typedef {object} ClientOptions
 * @property {URL} url of the server's WebSocket
 * @property {Omit<HelloOptions, "instance">} hello
 * @property {Environment} environment
 * @property {FrameListener} [observe] is given every frame; it must not change them
 * @property {(waitMs: number) => void} [renew] is called where a new instance is to take over, to start it; without it,
 *   the client itself becomes that instance
 * @property {Partial<Platform>} [platform]
 */

/** How long the server has to close a connection after its `bye`. */
const LINGER_MS = 1000;
const KEY_BYTES = 12;
const INSTANCE_BYTES = 32;

/** @type {Platform} */
const DEFAULT_PLATFORM = {
  now: () => performance.now(),
  random: () => Math.random(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer),
  WebSocket: globalThis.WebSocket,
};

export class Client {
  #options;
  #url;
  #platform;
  #backoff = new Backoff();
  /** @type {Session} */
  #session;
  /** @type {Downloads} */
  #downloads;
  /** @type {CommandRunner} */
  #commands;
  /** @type {WebSocketConnection | null} */
  #connection = null;
  #connectionCount = 0;
  /** @type {unknown} */
  #timer;
  /** @type {ClientState} */
  #state = { name: "connecting", retryInMs: null, end: null };
  /** @type {Set<(state: ClientState) => void>} */
  #listeners = new Set();
  /** @type {Set<(notice: Notice) => void>} */
  #noticeListeners = new Set();
  /** @type {(end: End) => void} */
  #resolveEnded = () => {};

  /** @param {ClientOptions} options */
  constructor(options) {
    this.#options = options;
    this.#platform = { ...DEFAULT_PLATFORM, ...options.platform };
    this.#url = withQueryParameter(options.url, "key", randomName(KEY_BYTES)); // WIRE-4
    /** Resolves when the session has ended for good and its connection is closed. @type {Promise<End>} */
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#session = this.#newSession();
    this.#downloads = this.#newDownloads();
    this.#commands = this.#newCommands(this.#session, this.#downloads);
  }

  /** How the client stands to its server. */
  get state() {
    return this.#state;
  }

  /**
   * Calls a function on each change of state.
   *
   * @param {(state: ClientState) => void} listener
   * @returns {() => void} ends that
   */
  onstate(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Calls a function when the server says that it will end the session. It holds until the state changes.
   *
   * @param {(notice: Notice) => void} listener
   * @returns {() => void} ends that
   */
  onnotice(listener) {
    this.#noticeListeners.add(listener);
    return () => this.#noticeListeners.delete(listener);
  }

  /** Connects for the first time. Scripts find `pagewire` from then on (RUN-4). */
  open() {
    Object.assign(globalThis, { pagewire: { emit: this.emit } });
    this.#perform(this.#session.start(this.#platform.now()));
  }

  /**
   * Sends an event to the program.
   *
   * @type {(name: string, data?: unknown) => void}
   * @throws {TypeError | RangeError | Error} where it cannot be sent (EVENT-3)
   */
  emit = (name, data) => {
    this.#perform(this.#session.emit(name, data));
  };

  /** Leaves: the session is over. */
  close() {
    this.#platform.clearTimeout(/** @type {never} */ (this.#timer));
    this.#perform(this.#session.leave());
  }

  /** Breaks the connection, as a network does; the client connects again. */
  breakConnection() {
    this.#connection?.close(4000, "break");
    this.#perform(this.#session.closed(1006, this.#platform.now()));
  }

  // --- Instances ---

  #newSession() {
    const { environment, hello } = this.#options;
    return new Session({
      hello: { ...hello, instance: randomName(INSTANCE_BYTES) }, // HELLO-4
      vendorCommands: environment.vendorCommands.keys(),
      backoff: this.#backoff,
      random: this.#platform.random,
    });
  }

  #newDownloads() {
    const { openFile, showTransfer } = this.#options.environment;
    return new Downloads(openFile, showTransfer);
  }

  /** @param {Session} session @param {Downloads} downloads */
  #newCommands(session, downloads) {
    return new CommandRunner(this.#options.environment, downloads, (id, reply) => {
      this.#perform(session.answer(id, reply));
    });
  }

  /** Starts a new instance, as if the last attempt had failed (END-3). */
  #renew() {
    const wait = this.#backoff.nextAfterFailure(this.#platform.random());
    if (this.#options.renew !== undefined) {
      this.#tell({ name: "reconnecting", retryInMs: wait, end: null });
      this.#options.renew(wait);
      return;
    }
    this.#session = this.#newSession();
    this.#downloads = this.#newDownloads();
    this.#commands = this.#newCommands(this.#session, this.#downloads);
    this.#perform(this.#session.startAfter(wait, this.#platform.now()));
  }

  // --- Actions ---

  /** @param {Action[]} actions */
  #perform(actions) {
    for (const action of actions) this.#act(action);
    this.#arm();
  }

  /** @param {Action} action */
  #act(action) {
    switch (action.kind) {
      case "connect":
        return this.#connect();
      case "send":
        return this.#connection?.send(action.frame);
      case "close":
        return this.#connection?.close(action.code, action.reason);
      case "abandon":
        return this.#abandon();
      case "start":
        return this.#commands.start(action.command);
      case "append":
        return this.#downloads.append(action.id, action.payload);
      case "finish":
        return this.#downloads.finish(action.id);
      case "stop":
        return this.#downloads.discard(action.id); // CANCEL-4
      case "announce":
        return this.#announce(action.state);
      case "notify":
        return this.#notify(action.notice);
    }
  }

  #connect() {
    this.#connection?.abandon();
    this.#connectionCount += 1;
    const connection = this.#connectionCount;
    const { now, WebSocket } = this.#platform;
    this.#connection = new WebSocketConnection(this.#url, WebSocket, {
      opened: () => this.#perform(this.#session.opened()),
      text: (text) => this.#perform(this.#session.receiveText(text, now())),
      binary: (frame) => this.#perform(this.#session.receiveBinary(frame, now())),
      closed: (code) => this.#perform(this.#session.closed(code, now())),
      frame: (direction, frame) => {
        const meta = { time: Date.now(), connection };
        callListener(() => this.#options.observe?.(direction, frame, meta));
      },
    });
  }

  #abandon() {
    const connection = this.#connection;
    connection?.abandon();
    this.#platform.setTimeout(() => connection?.drop(), LINGER_MS);
  }

  /** @param {SessionState} state */
  #announce({ name, retryAt, end }) {
    if (end !== null) this.#downloads.discardAll();
    if (end?.retry === "reconnect") return this.#renew();
    const retryInMs = retryAt === null ? null : retryAt - this.#platform.now();
    this.#tell({ name, retryInMs, end });
    if (end !== null) this.#finish(end);
  }

  /** @param {Notice} notice */
  #notify(notice) {
    for (const listener of this.#noticeListeners) callListener(() => listener(notice));
  }

  /** @param {ClientState} state */
  #tell(state) {
    this.#state = state;
    for (const listener of this.#listeners) callListener(() => listener(state));
  }

  /** @param {End} end */
  #finish(end) {
    const closed = this.#connection?.closed ?? Promise.resolve();
    closed.then(() => this.#resolveEnded(end));
    this.#platform.setTimeout(() => this.#resolveEnded(end), 2 * LINGER_MS);
  }

  /** Armed anew on every occasion: a timer that a timer set is late in a hidden page (SPEC section 8). */
  #arm() {
    this.#platform.clearTimeout(/** @type {never} */ (this.#timer));
    const { deadline } = this.#session;
    if (deadline === null) return;
    const wait = Math.max(0, Math.ceil(deadline - this.#platform.now()));
    this.#timer = this.#platform.setTimeout(() => this.#tick(), wait);
  }

  #tick() {
    this.#perform(this.#session.tick(this.#platform.now()));
  }
}

/**
 * What a listener throws is logged: it must not cost the session a message.
 *
 * @param {() => void} call
 */
function callListener(call) {
  try {
    call();
  } catch (error) {
    console.error(error);
  }
}

/**
 * A name that nobody can guess, in the characters that the wire accepts.
 *
 * @param {number} bytes of randomness
 * @returns {string} of `A-Z a-z 0-9 _ -`
 */
function randomName(bytes) {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  const base64 = btoa(String.fromCharCode(...random));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
