/** @file The text frames that a client sends, from their parts. */

import { jsonText, utf8Size } from "./json_text.js";

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
 * The bytes that a draft takes at most, whatever its `seq` will be (WIRE-24).
 *
 * @param {Draft} draft
 */
export function draftSize(draft) {
  return utf8Size(sessionFrame(draft, LARGEST_SEQ));
}
