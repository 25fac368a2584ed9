/** @file JSON in pieces, of which each is a name, a string, a number, a word or none of these. */

/** @typedef {[kind: "" | "name" | "string" | "number" | "word", text: string]} JsonPiece */

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
