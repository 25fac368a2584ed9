/** @file Random names that nobody can guess, in the characters that the wire takes. */

/**
 * @param {number} bytes of randomness
 * @returns {string} of `A-Z a-z 0-9 _ -`
 */
export function randomName(bytes) {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  const base64 = btoa(String.fromCharCode(...random));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
