/** @file Why a command failed, and what the server is told of it (SPEC section 6). */

/** @import {ErrorParams, ExceptionInfo} from "../protocol/generated/messages.js" */
/** @import {ErrorCode} from "../protocol/generated/registry.js" */

/** A command could not be carried out, and it is not the server's own code that failed. */
export class CommandError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.name = "CommandError";
    this.code = code;
  }
}

/**
 * The params of the `error` that answers a command.
 *
 * @param {unknown} thrown by the command
 * @returns {ErrorParams}
 */
export function errorParams(thrown) {
  if (thrown instanceof CommandError) return { code: thrown.code, message: thrown.message };
  const exception = exceptionInfo(thrown);
  return { code: "exception", message: `${exception.name}: ${exception.message}`, exception };
}

/**
 * REPLY-2 and REPLY-3.
 *
 * @param {unknown} thrown
 * @returns {ExceptionInfo}
 */
function exceptionInfo(thrown) {
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
