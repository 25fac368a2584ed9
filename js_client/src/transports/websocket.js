/** @file One WebSocket: what it brings, until it is given up. */

/**
 * @typedef {object} ConnectionEvents
 * @property {() => void} opened
 * @property {(text: string) => void} text
 * @property {(frame: ArrayBuffer) => void} binary
 * @property {(code: number) => void} closed it is closed, or could not be opened
 * @property {(direction: "sent" | "received", frame: string | ArrayBuffer) => void} frame is told of each frame, before
 *   it is sent or acts
 */

/** The subprotocol of version 1 (WIRE-1). */
const SUBPROTOCOL = "pagewire.v1";

/** What a socket is closed with that could not be opened. */
const CLOSE_ABNORMAL = 1006;

export class WebSocketConnection {
  #socket;
  /** @type {ConnectionEvents | null} */
  #events;

  /**
   * @param {URL} url
   * @param {typeof WebSocket} Socket
   * @param {ConnectionEvents} events
   */
  constructor(url, Socket, events) {
    this.#events = events;
    this.#socket = new Socket(url, SUBPROTOCOL);
    this.#socket.binaryType = "arraybuffer";
    /** Resolves when the socket is closed, whether or not it was given up before. @type {Promise<void>} */
    this.closed = new Promise((resolve) => this.#listen(resolve));
  }

  /**
   * Sends a frame, unless the connection has been given up (END-2).
   *
   * @param {string} frame
   */
  send(frame) {
    if (this.#events === null || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#events.frame("sent", frame);
    this.#socket.send(frame);
  }

  /**
   * Closes the connection after what was sent, and gives it up.
   *
   * @param {number} code 1000, or 3000 to 4999
   * @param {string} reason
   */
  close(code, reason) {
    if (this.#events === null) return;
    this.#events = null;
    this.#socket.close(code, reason);
  }

  /** Gives the connection up: nothing of it is told any more (RESUME-9). The other side closes it. */
  abandon() {
    this.#events = null;
  }

  /** Closes what the other side should have closed. */
  drop() {
    this.#events = null;
    this.#socket.close();
  }

  /** @param {() => void} closed */
  #listen(closed) {
    let isOver = false;
    /** @param {number} code */
    const over = (code) => {
      if (isOver) return;
      isOver = true;
      closed();
      this.#events?.closed(code);
    };
    this.#socket.addEventListener("open", () => this.#events?.opened());
    this.#socket.addEventListener("message", ({ data }) => this.#receive(data));
    this.#socket.addEventListener("close", ({ code }) => over(code));
    // Node 20 tells of a connection that could not be opened by `error` alone.
    this.#socket.addEventListener("error", () => {
      if (this.#socket.readyState !== this.#socket.OPEN) over(CLOSE_ABNORMAL);
    });
  }

  /** @param {string | ArrayBuffer} frame */
  #receive(frame) {
    const events = this.#events;
    if (events === null) return;
    events.frame("received", frame);
    if (typeof frame === "string") events.text(frame);
    else events.binary(frame);
  }
}
