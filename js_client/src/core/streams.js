/** @file The streams that are under way: where each stands, and when that is told to the server (SPEC section 10). */

/** @import {Chunk} from "../protocol/codec.js" */

/**
 * @typedef {{ size: number | null, received: number, acknowledged: number, ended: boolean }} Stream
 *
 * @typedef {{ outcome: "ignore" }
 *   | { outcome: "append", ack: number | null }
 *   | { outcome: "end", ack: number }
 *   | { outcome: "mismatch", message: string }
 *   | { outcome: "fail", message: string }} ChunkVerdict
 *   `ack` is the offset to be told by `stream_ack`, null if none is due; a mismatch ends the stream, a failure the session
 */

/** @type {ChunkVerdict} */
const IGNORE = { outcome: "ignore" };

/** How many streams may be unfinished at once (STREAM-13). */
const MOST_STREAMS = 64;

export class IncomingStreams {
  /** @type {Map<number, Stream>} */
  #streams = new Map();
  #quarter = 0;

  /** Whether there can be no further stream: `resume` could not name it. */
  get isFull() {
    return this.#streams.size >= MOST_STREAMS;
  }

  /** @param {number} windowBytes the server's `stream_window_bytes` */
  setWindow(windowBytes) {
    this.#quarter = Math.floor(windowBytes / 4);
  }

  /**
   * @param {number} id
   * @param {number | null} size
   */
  open(id, size) {
    this.#streams.set(id, { size, received: 0, acknowledged: 0, ended: false });
  }

  /**
   * Its command is answered: what still comes is ignored (STREAM-6).
   *
   * @param {number} id
   */
  close(id) {
    this.#streams.delete(id);
  }

  /**
   * The unfinished streams, as `resume` names them (RESUME-2); that acknowledges their bytes.
   *
   * @returns {{ id: number, offset: number }[]}
   */
  resume() {
    return [...this.#streams].map(([id, stream]) => {
      stream.acknowledged = stream.received;
      return { id, offset: stream.received };
    });
  }

  /**
   * @param {Chunk} chunk
   * @returns {ChunkVerdict}
   */
  receive({ id, offset, payload }) {
    const stream = this.#streams.get(id);
    if (stream === undefined) return IGNORE; // STREAM-6
    const bytes = payload.length;
    if (offset !== stream.received)
      return fail(id, `offset ${offset} instead of ${stream.received}`);
    if (bytes > this.#quarter) return fail(id, `${bytes} bytes in a chunk, over ${this.#quarter}`);
    if (stream.ended) return bytes === 0 ? IGNORE : fail(id, "bytes after the end");
    return bytes === 0 ? this.#end(stream) : this.#append(stream, bytes);
  }

  /**
   * @param {Stream} stream
   * @param {number} bytes
   * @returns {ChunkVerdict}
   */
  #append(stream, bytes) {
    stream.received += bytes;
    if (stream.size !== null && stream.received > stream.size) return mismatch(stream);
    const ackIsDue = stream.received - stream.acknowledged >= this.#quarter; // STREAM-4
    if (ackIsDue) stream.acknowledged = stream.received;
    return { outcome: "append", ack: ackIsDue ? stream.received : null };
  }

  /**
   * @param {Stream} stream
   * @returns {ChunkVerdict}
   */
  #end(stream) {
    if (stream.size !== null && stream.received !== stream.size) return mismatch(stream);
    stream.ended = true;
    stream.acknowledged = stream.received;
    return { outcome: "end", ack: stream.received };
  }
}

/**
 * STREAM-5.
 *
 * @param {number} id
 * @param {string} what
 * @returns {ChunkVerdict}
 */
function fail(id, what) {
  return { outcome: "fail", message: `stream ${id}: ${what}` };
}

/**
 * STREAM-7.
 *
 * @param {Stream} stream
 * @returns {ChunkVerdict}
 */
function mismatch({ received, size }) {
  return { outcome: "mismatch", message: `${received} bytes came of a file of ${size}` };
}
