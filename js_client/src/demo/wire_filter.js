/** @file Which entries of the wire log are shown. */

import { kindOf } from "./wire_kinds.js";

/** @import {WireEntry} from "./wire_entry.js" */

/**
 * @typedef {object} WireFilter
 * @property {string} text in any case; empty for all
 * @property {string} type of messages, or their kind; empty for all
 * @property {"" | "sent" | "received"} direction
 */

/** @type {WireFilter} */
export const EVERYTHING = { text: "", type: "", direction: "" };

/**
 * @param {WireEntry} entry
 * @param {WireFilter} filter
 * @returns {boolean} whether it is shown
 */
export function passes(entry, { text, type, direction }) {
  if (direction !== "" && entry.direction !== direction) return false;
  if (type !== "" && entry.type !== type && kindOf(entry.type) !== type) return false;
  return text === "" || holds(entry, text.toLowerCase());
}

/**
 * @param {WireEntry} entry
 * @param {string} text in lower case
 */
function holds({ type, preview, text: json }, text) {
  return [type, preview, json].some((part) => part.toLowerCase().includes(text));
}
