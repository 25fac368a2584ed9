/** @file Sockets and timers that do what a test tells them to. */

/** @typedef {Record<string, any>} Message */

export class FakeSocket extends EventTarget {
  OPEN = 1;
  readyState = 0;
  binaryType = "blob";
  /** @type {Message[]} */
  sent = [];
  /** @type {[code?: number, reason?: string] | null} */
  closedWith = null;

  /** @param {URL} url @param {string} protocol */
  constructor(url, protocol) {
    super();
    this.url = url;
    this.protocol = protocol;
  }

  /** @param {string} frame */
  send(frame) {
    this.sent.push(JSON.parse(frame));
  }

  /** @param {[code?: number, reason?: string]} reason */
  close(...reason) {
    this.readyState = 2;
    this.closedWith = reason;
  }

  // --- What the server does ---

  accept() {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }

  /** @param {Message | ArrayBuffer} frame */
  receive(frame) {
    const data = frame instanceof ArrayBuffer ? frame : JSON.stringify(frame);
    this.dispatchEvent(new MessageEvent("message", { data }));
  }

  /** @param {number} code */
  closed(code) {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }
}

export class FakeNetwork {
  now = 0;
  /** @type {FakeSocket[]} */
  sockets = [];
  /** @type {Map<number, { at: number, callback: () => void }>} */
  #timers = new Map();
  #timerCount = 0;

  /** What a client takes for its platform. */
  get platform() {
    const { sockets } = this;
    return {
      now: () => this.now,
      random: () => 0.5,
      setTimeout: (/** @type {() => void} */ callback, /** @type {number} */ ms) =>
        this.#set(callback, ms),
      clearTimeout: (/** @type {number} */ timer) => this.#timers.delete(timer),
      WebSocket: /** @type {typeof WebSocket} */ (
        /** @type {unknown} */ (
          class extends FakeSocket {
            /** @param {URL} url @param {string} protocol */
            constructor(url, protocol) {
              super(url, protocol);
              sockets.push(this);
            }
          }
        )
      ),
    };
  }

  /** The newest socket. */
  get socket() {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error("nothing has connected");
    return socket;
  }

  /** @param {number} ms */
  advance(ms) {
    this.now += ms;
    for (const [timer, { at, callback }] of [...this.#timers]) {
      if (at <= this.now && this.#timers.delete(timer)) callback();
    }
  }

  /** @param {() => void} callback @param {number} ms */
  #set(callback, ms) {
    this.#timerCount += 1;
    this.#timers.set(this.#timerCount, { at: this.now + ms, callback });
    return this.#timerCount;
  }
}
