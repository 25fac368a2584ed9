/** @file The registry of `bye` codes, and what the close codes of a connection mean without a `bye`. */

/** @import {End} from "../core/actions.js" */

/** The close code of a silent link (BEAT-4). */
export const CLOSE_SILENT = 4000;

/** The codes of SPEC section 12 that a client sends, with their close codes. */
export const CLIENT_BYES = Object.freeze({
  client_left: 1000,
  invalid_message: 4400,
  too_large: 4413,
});

/** Close codes that end the session without a `bye` (END-5, END-9). @type {ReadonlyMap<number, string>} */
const ENDING_CLOSE_CODES = new Map([
  [1000, "session_ended"],
  [1007, "invalid_message"],
  [1009, "too_large"],
  [4400, "invalid_message"],
  [4401, "unauthorized"],
  [4403, "forbidden_origin"],
  [4404, "unknown_app"],
  [4406, "unsupported_version"],
  [4409, "replaced"],
  [4410, "session_gone"],
  [4413, "too_large"],
  [4500, "internal_error"],
]);

/**
 * The end that a close without `bye` means, or null where it is a break.
 *
 * @param {number} closeCode
 * @returns {End | null}
 */
export function endOfClose(closeCode) {
  const code = ENDING_CLOSE_CODES.get(closeCode);
  if (code === undefined) return null;
  return { code, message: `the connection was closed with ${closeCode}`, retry: "never" };
}
