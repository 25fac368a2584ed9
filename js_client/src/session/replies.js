/** @file Replies to commands, made small enough for the server that asked. */

import { draftSize } from "../protocol/codec.js";
import { jsonText } from "../protocol/json_text.js";

/** @import {Draft} from "../protocol/codec.js" */
/** @import {ErrorMessage} from "../generated/messages.js" */
/** @typedef {ErrorMessage["params"]} ErrorParams */
/** @typedef {{ result: string } | { error: ErrorParams }} Reply `result` is the JSON text of its params */

/** What every server takes, at six bytes of JSON a character and with room for the envelope. */
const SHORT_TEXT = 1024;

/**
 * The message that carries a reply, or what takes its place where that is larger than the server accepts (WIRE-24).
 *
 * @param {number} id
 * @param {Reply} reply
 * @param {number} maxBytes
 * @returns {Draft}
 */
export function replyDraft(id, reply, maxBytes) {
  const draft = draftOf(id, reply);
  const size = draftSize(draft);
  if (size <= maxBytes) return draft;
  if ("error" in reply) return draftOf(id, { error: shortened(reply.error) });
  const message = `the reply has ${size} bytes, the server takes ${maxBytes}`;
  return draftOf(id, { error: { code: "too_large", message } });
}

/**
 * @param {number} id
 * @param {Reply} reply
 * @returns {Draft}
 */
function draftOf(id, reply) {
  if ("result" in reply) return { type: "result", id, params: reply.result };
  return { type: "error", id, params: /** @type {string} */ (jsonText(reply.error)) };
}

/**
 * @param {ErrorParams} error
 * @returns {ErrorParams}
 */
function shortened({ code, message, exception }) {
  const short = { code, message: message.slice(0, SHORT_TEXT) };
  if (exception === undefined) return short;
  const name = exception.name.slice(0, SHORT_TEXT);
  return { ...short, exception: { name, message: exception.message.slice(0, SHORT_TEXT) } };
}
