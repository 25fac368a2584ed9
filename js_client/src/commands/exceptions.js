/** @file What is told of something that code threw (REPLY-2, REPLY-3). */

/** @import {ExceptionInfo} from "../generated/messages.js" */

/**
 * @param {unknown} thrown
 * @returns {ExceptionInfo}
 */
export function exceptionInfo(thrown) {
  return errorInfo(thrown) ?? { name: typeof thrown, message: textOf(thrown) };
}

/**
 * An error of another realm is no instance of this one's `Error`; it shows in its name and message.
 *
 * @param {unknown} thrown
 * @returns {ExceptionInfo | null}
 */
function errorInfo(thrown) {
  if (typeof thrown !== "object" || thrown === null) return null;
  try {
    const { name, message, stack } = /** @type {Record<string, unknown>} */ (thrown);
    if (typeof name !== "string" || typeof message !== "string") return null;
    return typeof stack === "string" ? { name, message, stack } : { name, message };
  } catch {
    return null;
  }
}

/** @param {unknown} thrown */
function textOf(thrown) {
  try {
    return String(thrown);
  } catch {
    return "";
  }
}
