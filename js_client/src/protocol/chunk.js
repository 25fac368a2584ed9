/** @file A chunk of a stream, as a binary frame carries it (SPEC section 10). */

export const CHUNK_HEADER_BYTES = 16;

/**
 * @typedef {object} Chunk
 * @property {number} id the command's id; inexact, and so nobody's, beyond 2^53-1
 * @property {number} offset
 * @property {Uint8Array<ArrayBuffer>} payload a view on the frame, empty at the end of the stream
 */

/**
 * Reads a binary frame.
 *
 * @param {ArrayBuffer} frame
 * @returns {Chunk | null} null where the frame is too short to be a chunk (WIRE-22)
 */
export function readChunk(frame) {
  if (frame.byteLength < CHUNK_HEADER_BYTES) return null;
  const header = new DataView(frame, 0, CHUNK_HEADER_BYTES);
  return {
    id: Number(header.getBigUint64(0)),
    offset: Number(header.getBigUint64(8)),
    payload: new Uint8Array(frame, CHUNK_HEADER_BYTES),
  };
}
