/** @file The types of messages that version 1.0 knows, what kind each is, and which of them a client receives. */

/**
 * @typedef {"control" | "session" | "command" | "reply"} Kind
 * @typedef {{ kind: Kind, received: boolean }} MessageType
 */

/** The table of SPEC section 3. @type {ReadonlyMap<string, MessageType>} */
export const MESSAGE_TYPES = new Map([
  ["hello", { kind: "control", received: false }],
  ["welcome", { kind: "control", received: true }],
  ["ack", { kind: "control", received: true }],
  ["ping", { kind: "control", received: true }],
  ["stream_ack", { kind: "control", received: false }],
  ["bye", { kind: "control", received: true }],
  ["cancel", { kind: "session", received: true }],
  ["event", { kind: "session", received: false }],
  ["run_js", { kind: "command", received: true }],
  ["eval_js", { kind: "command", received: true }],
  ["download", { kind: "command", received: true }],
  ["set_env", { kind: "command", received: true }],
  ["go_app", { kind: "command", received: true }],
  // A client of 1.0 sends no commands, so that it gets no replies.
  ["result", { kind: "reply", received: false }],
  ["error", { kind: "reply", received: false }],
]);

/** A command that an announced capability brings in (EXT-1). @type {MessageType} */
export const VENDOR_COMMAND = { kind: "command", received: true };
