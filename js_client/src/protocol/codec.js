/**
 * @file What a client writes on the wire and reads from it: the frames of messages and chunks, the JSON in them, base64.
 *
 * JSON on the wire is well-formed Unicode, nests at most 128 levels, and has no number that overflows a double.
 */

// --- Text frames, as a client sends them ---

/**
 * A session message that has no `seq` yet. `params` is JSON text, so that the JSON of a value gets in as it is (EVAL-5).
 *
 * @typedef {{ type: string, id?: number, params: string }} Draft
 */

const LARGEST_SEQ = Number.MAX_SAFE_INTEGER;

/**
 * The frame of a control message.
 *
 * @param {string} type
 * @param {object} params
 */
export function controlFrame(type, params) {
  return /** @type {string} */ (jsonText({ type, params }));
}

/**
 * The frame of a session message.
 *
 * @param {Draft} draft
 * @param {number} seq
 */
export function sessionFrame(draft, seq) {
  const id = draft.id === undefined ? "" : `,"id":${draft.id}`;
  return `{"type":"${draft.type}","seq":${seq}${id},"params":${draft.params}}`;
}

/**
 * The longest frame that a draft may get, whatever its `seq` will be (WIRE-24).
 *
 * @param {Draft} draft
 */
export function longestFrame(draft) {
  return sessionFrame(draft, LARGEST_SEQ);
}

// --- Binary frames (SPEC section 10) ---

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

// --- JSON ---

const { parse, stringify } = JSON;

// In JSON.stringify's output a `\ud...` escape can only be a lone surrogate; `\\` is skipped as a pair.
const ESCAPE = /\\(?:(ud[89a-f][0-9a-f]{2})|.)/g;

// No number overflows with fewer than 100 digits in a row and an exponent of fewer than three digits.
const MAY_OVERFLOW = /\d{100}|[eE]\+?\d{3}/;

const DEEPEST = 128;
const [SPACE, QUOTE, COMMA, BACKSLASH, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] =
  /** @type {const} */ ([32, 34, 44, 92, 91, 93, 123, 125]);

/**
 * The JSON of a value, its lone surrogates replaced by U+FFFD (WIRE-7).
 *
 * @param {unknown} value
 * @returns {string | undefined} undefined where the value has no JSON: undefined, a function, a symbol
 * @throws what JSON.stringify throws, on a bigint, a cycle, or out of a `toJSON`
 * @throws {RangeError} on a value that nests deeper than 128 levels (WIRE-25)
 */
export function jsonText(value) {
  const text = stringify(value);
  if (text === undefined) return text;
  if (mayNestDeeper(text, DEEPEST) && depthOf(text) > DEEPEST) {
    throw new RangeError(`nested deeper than ${DEEPEST} levels`);
  }
  // Without the first test, a text of many escapes is searched as slowly as it was written.
  if (!text.includes("ud") || !text.includes("\\ud")) return text;
  return text.replace(ESCAPE, (escaped, surrogate) => (surrogate ? "\ufffd" : escaped));
}

/**
 * The value of a JSON text.
 *
 * @param {string} text
 * @returns {unknown}
 * @throws {SyntaxError} if it is no JSON, or holds a number that overflows a double (WIRE-8)
 */
export function parseJson(text) {
  const value = parse(text);
  if (MAY_OVERFLOW.test(text) && holdsInfinity(value)) {
    throw new SyntaxError("a number overflows");
  }
  return value;
}

/**
 * Whether a text contains more opening brackets than `limit`, in its strings or outside: most texts do not.
 *
 * @param {string} text
 * @param {number} limit
 */
function mayNestDeeper(text, limit) {
  // `split` searches without a step of JavaScript for each character, and stops at its limit.
  const arrays = text.split("[", limit + 2).length - 1;
  const objects = text.split("{", limit + 2).length - 1;
  return arrays + objects > limit;
}

/**
 * How deep a JSON text nests arrays and objects.
 *
 * @param {string} text
 */
function depthOf(text) {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) {
      at = endOfString(text, at);
    } else if (isOpening(character)) {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (isClosing(character)) {
      depth -= 1;
    }
  }
  return deepest;
}

/**
 * Whether a JSON text contains more than `limit` values (WIRE-27); the names of members do not count.
 *
 * Each value is the first thing in the text, follows a comma, or is the first in an array or an object.
 *
 * @param {string} text
 * @param {number} limit
 */
export function hasMoreValues(text, limit) {
  // The shortest values are `0` and `[]`, with a comma or a bracket beside them.
  if (text.length < 2 * limit) return false;
  let count = 1;
  let previous = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character > SPACE) {
      if (character === COMMA || (isOpening(previous) && !isClosing(character))) count += 1;
      if (character === QUOTE) at = endOfString(text, at);
      previous = character;
    }
  }
  return count > limit;
}

/** @param {number} character */
function isOpening(character) {
  return character === OPEN_ARRAY || character === OPEN_OBJECT;
}

/** @param {number} character */
function isClosing(character) {
  return character === CLOSE_ARRAY || character === CLOSE_OBJECT;
}

/**
 * The place of the quote that ends the string which begins at `start`.
 *
 * @param {string} text
 * @param {number} start
 */
function endOfString(text, start) {
  let at = text.indexOf('"', start + 1);
  while (isEscaped(text, at)) at = text.indexOf('"', at + 1);
  return at;
}

/**
 * Whether an odd number of backslashes stands before a place.
 *
 * @param {string} text
 * @param {number} place
 */
function isEscaped(text, place) {
  let at = place;
  while (text.charCodeAt(at - 1) === BACKSLASH) at -= 1;
  return (place - at) % 2 === 1;
}

/**
 * Loops over a stack of its own: a text may nest deeper than functions can call.
 *
 * @param {unknown} root
 */
function holdsInfinity(root) {
  const rest = [root];
  while (rest.length > 0) {
    const value = rest.pop();
    if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) return true;
    if (typeof value === "object" && value !== null) {
      for (const part of Object.values(value)) rest.push(part);
    }
  }
  return false;
}

// --- Sizes of texts ---

const encoder = new TextEncoder();

/**
 * The bytes that a text takes in UTF-8.
 *
 * @param {string} text
 */
export function utf8Size(text) {
  return encoder.encode(text).length;
}

/**
 * The length of a text in Unicode code points, as the schemas count.
 *
 * @param {string} text
 */
export function characterCount(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

// --- Base64 with padding, as RFC 4648 section 4 has it and `atob` alone does not insist on (DL-5) ---

const FOREIGN = /[^A-Za-z0-9+/]/;

/**
 * The number of bytes that a text stands for.
 *
 * @param {string} text
 * @returns {number | null} null where it is no base64
 */
export function base64Size(text) {
  if (text.length % 4 !== 0) return null;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  if (FOREIGN.test(text.slice(0, text.length - padding))) return null;
  return (text.length / 4) * 3 - padding;
}

/**
 * The bytes of a text that `base64Size` has accepted.
 *
 * @param {string} text
 */
export function base64Bytes(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
