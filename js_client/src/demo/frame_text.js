/** @file What is in a frame, as people read it: JSON laid out and in pieces of its kinds, bytes as a dump. */

// --- JSON, one value a line ---

/** A bracket, a comma or a colon; a string; a number or a word. */
const PART = /[[\]{},:]|"(?:[^"\\]|\\.)*"|[^\s[\]{},:"]+/g;

const OPENING = new Set(["{", "["]);
const CLOSING = new Set(["}", "]"]);

/**
 * The values stay as they were written: `1e3`, and integers that JavaScript has no number for.
 *
 * @param {string} text
 * @returns {string} laid out, or `text` itself where it is not JSON
 */
export function layOut(text) {
  if (!isJson(text)) return text;
  let depth = 0;
  let previous = "";
  let laidOut = "";
  for (const part of text.match(PART) ?? []) {
    if (CLOSING.has(part)) depth -= 1;
    if (isOnNewLine(part, previous)) laidOut += `\n${"  ".repeat(depth)}`;
    laidOut += part === ":" ? ": " : part;
    if (OPENING.has(part)) depth += 1;
    previous = part;
  }
  return laidOut;
}

/**
 * @param {string} part
 * @param {string} previous
 */
function isOnNewLine(part, previous) {
  if (CLOSING.has(part)) return !OPENING.has(previous);
  return previous === "," || OPENING.has(previous);
}

/** @param {string} text */
function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

// --- JSON in pieces ---

/** A name, a string, a number, a word, or none of these. @typedef {[kind: "" | "name" | "string" | "number" | "word", text: string]} JsonPiece */

/** Names, strings, numbers, words. */
const TOKEN = /("(?:[^"\\]|\\.)*")(:)?|(-?\d[\d.eE+-]*)|\b(true|false|null)\b/g;

/**
 * @param {string} text
 * @returns {JsonPiece[]} together they are `text`
 */
export function jsonPieces(text) {
  /** @type {JsonPiece[]} */
  const pieces = [];
  let done = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [, string, colon, number] = match;
    const token = string ?? match[0];
    if (match.index > done) pieces.push(["", text.slice(done, match.index)]);
    pieces.push([kindOfToken(string, colon, number), token]);
    done = match.index + token.length;
  }
  if (done < text.length) pieces.push(["", text.slice(done)]);
  return pieces;
}

/**
 * @param {string | undefined} string
 * @param {string | undefined} colon
 * @param {string | undefined} number
 */
function kindOfToken(string, colon, number) {
  if (string !== undefined) return colon === undefined ? "string" : "name";
  return number === undefined ? "word" : "number";
}

// --- Bytes ---

const LINE_BYTES = 16;
const PRINTABLE = { from: 0x20, to: 0x7e };

/**
 * @param {Uint8Array} bytes
 * @returns {string} a line for every 16 bytes
 */
export function hexDump(bytes) {
  const lines = [];
  for (let start = 0; start < bytes.length; start += LINE_BYTES) {
    lines.push(dumpLine(bytes.subarray(start, start + LINE_BYTES), start));
  }
  return lines.join("\n");
}

/**
 * @param {Uint8Array} bytes
 * @param {number} start
 */
function dumpLine(bytes, start) {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const text = [...bytes].map(printable).join("");
  return `${start.toString(16).padStart(4, "0")}  ${hex.padEnd(3 * LINE_BYTES)} ${text}`;
}

/** @param {number} byte */
function printable(byte) {
  return byte >= PRINTABLE.from && byte <= PRINTABLE.to ? String.fromCharCode(byte) : "·";
}
