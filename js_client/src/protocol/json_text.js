/** @file JSON text as the wire wants it: well-formed Unicode, no number that overflows. */

const { parse, stringify } = JSON;
const encoder = new TextEncoder();

// In JSON.stringify's output a `\ud...` escape can only be a lone surrogate; `\\` is skipped as a pair.
const ESCAPE = /\\(?:(ud[89a-f][0-9a-f]{2})|.)/g;

// No number overflows with fewer than 100 digits in a row and an exponent of fewer than three digits.
const MAY_OVERFLOW = /\d{100}|[eE]\+?\d{3}/;

const DEEPEST = 128;
const [QUOTE, BACKSLASH, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] =
  /** @type {const} */ ([34, 92, 91, 93, 123, 125]);

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
  if (text !== undefined && depthOf(text) > DEEPEST) {
    throw new RangeError(`nested deeper than ${DEEPEST} levels`);
  }
  if (text === undefined || !text.includes("\\ud")) return text;
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
    } else if (character === OPEN_ARRAY || character === OPEN_OBJECT) {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (character === CLOSE_ARRAY || character === CLOSE_OBJECT) {
      depth -= 1;
    }
  }
  return deepest;
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
