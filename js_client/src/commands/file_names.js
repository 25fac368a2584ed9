/** @file Names under which a server's files may be saved (SPEC section 5.4.1). */

const FORBIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it replaces
  /[<>:"|?*\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const DEVICE = /^(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\.|$)/i;

/**
 * The safe name of a name that a server gave (SEC-5).
 *
 * @param {string} name
 */
export function safeFileName(name) {
  const last = name.slice(Math.max(name.lastIndexOf("/"), name.lastIndexOf("\\")) + 1);
  const trimmed = last
    .replace(FORBIDDEN, "_")
    .replace(/^ +/, "")
    .replace(/[ .]+$/, "");
  return (DEVICE.test(trimmed) ? `_${trimmed}` : trimmed) || "download";
}

/**
 * The name with a number in it, for where a file of that name exists.
 *
 * @param {string} name
 * @param {number} number
 */
export function numberedFileName(name, number) {
  const dot = name.lastIndexOf(".");
  const end = dot > 0 ? dot : name.length;
  return `${name.slice(0, end)} (${number})${name.slice(end)}`;
}
