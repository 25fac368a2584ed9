/** @file Base64 with padding, as RFC 4648 section 4 has it and `atob` alone does not insist on (DL-5). */

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
