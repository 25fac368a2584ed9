/** @file JSON laid out for people, one value a line. */

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
