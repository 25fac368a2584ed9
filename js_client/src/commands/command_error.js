/** @file Why a command cannot be carried out, where it is not the server's own code that failed (SPEC section 6). */

/**
 * @typedef {"not_serializable" | "blocked_by_csp" | "popup_blocked" | "cancelled" | "unsupported" | "save_failed"} CommandErrorCode
 */

export class CommandError extends Error {
  /**
   * @param {CommandErrorCode} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.name = "CommandError";
    this.code = code;
  }
}
