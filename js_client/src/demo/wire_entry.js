/** @file One entry of the wire log: a frame read for people, without the session's secret. */

import { CHUNK_HEADER_BYTES, readChunk } from "../protocol/codec.js";
import { preview } from "./preview.js";

/**
 * @typedef {"sent" | "received"} Direction
 *
 * @typedef {object} WireEntry
 * @property {number} number 1 for the first of a log
 * @property {Direction | "note"} direction
 * @property {number} at in ms
 * @property {number} connection
 * @property {string} type of the message, or `chunk`, or `note`
 * @property {number | null} seq
 * @property {number | null} id of the command that it is, answers, or is about
 * @property {number} bytes of the frame
 * @property {string} preview
 * @property {string} text JSON, shortened where it is long
 * @property {Uint8Array<ArrayBuffer>} head the first bytes of a binary frame
 * @property {boolean} isRepeated whether the same `seq` was there before, on a connection that broke
 * @property {number | null} answeredInMs of a command and its reply
 *
 * @typedef {{ number: number, at: number, connection: number }} Place
 */

/** How much of a message is kept. */
const MAX_CHARACTERS = 65_536;

/** How much of a chunk is kept. */
const HEAD_BYTES = CHUNK_HEADER_BYTES + 64;

const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

/**
 * @param {Direction} direction
 * @param {string | ArrayBuffer} frame
 * @param {Place} place
 * @returns {WireEntry}
 */
export function readEntry(direction, frame, place) {
  return typeof frame === "string"
    ? readText(direction, frame, place)
    : readBinary(direction, frame, place);
}

/**
 * @param {string} text what happened, beside the messages
 * @param {Place} place
 * @returns {WireEntry}
 */
export function noteEntry(text, place) {
  return { ...emptyEntry("note", "note", place), preview: text };
}

/**
 * @param {Direction} direction
 * @param {string} frame
 * @param {Place} place
 * @returns {WireEntry}
 */
function readText(direction, frame, place) {
  const message = parse(frame);
  const type = String(message["type"] ?? "?");
  const params = /** @type {{ id?: unknown } | undefined} */ (message["params"]);
  return {
    ...emptyEntry(direction, type, place),
    seq: numberOr(message["seq"]),
    id: numberOr(message["id"] ?? params?.id),
    bytes: encoder.encode(frame).length,
    preview: preview(type, params),
    text: shorten(type === "hello" ? withoutSecrets(message) : frame),
  };
}

/**
 * @param {Direction} direction
 * @param {ArrayBuffer} frame
 * @param {Place} place
 * @returns {WireEntry}
 */
function readBinary(direction, frame, place) {
  const chunk = readChunk(frame);
  const entry = emptyEntry(direction, "chunk", place);
  const head = new Uint8Array(frame.slice(0, HEAD_BYTES));
  if (chunk === null) return { ...entry, bytes: frame.byteLength, head, preview: "too short" };
  const { id, offset, payload } = chunk;
  const what = payload.length === 0 ? `end at ${offset}` : `offset ${offset} +${payload.length}`;
  return { ...entry, id, bytes: frame.byteLength, head, preview: what };
}

/**
 * @param {WireEntry["direction"]} direction
 * @param {string} type
 * @param {Place} place
 * @returns {WireEntry}
 */
function emptyEntry(direction, type, place) {
  return {
    ...place,
    direction,
    type,
    seq: null,
    id: null,
    bytes: 0,
    preview: "",
    text: "",
    head: NOTHING,
    isRepeated: false,
    answeredInMs: null,
  };
}

/**
 * @param {string} text
 * @returns {Record<string, unknown>}
 */
function parse(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

/**
 * Whoever has a hello's `instance` has the session.
 *
 * @param {Record<string, unknown>} hello
 */
function withoutSecrets(hello) {
  const params = { .../** @type {object} */ (hello["params"]), instance: "(hidden: a secret)" };
  if ("auth" in params) params.auth = "(hidden)";
  return JSON.stringify({ ...hello, params });
}

/** @param {string} text */
function shorten(text) {
  const rest = text.length - MAX_CHARACTERS;
  return rest > 0 ? `${text.slice(0, MAX_CHARACTERS)} … ${rest} more characters` : text;
}

/** @param {unknown} value */
function numberOr(value) {
  return typeof value === "number" ? value : null;
}
