/** @file The order of checks: what a client makes of a text frame (SPEC section 3.1). */

import { explainInvalid } from "./explain.js";
import { characterCount, parseJson } from "./json_text.js";
import { MESSAGE_TYPES, VENDOR_COMMAND } from "./message_types.js";

/** @import {MessageType} from "./message_types.js" */
/** @import {ServerMessage} from "../generated/messages.js" */

/**
 * What the checks need to know of the session so far.
 *
 * @typedef {object} Progress
 * @property {boolean} welcomed whether `welcome` has come on this connection
 * @property {number} lastSeq the `seq` of the last session message received, or 0
 * @property {number} lastId the highest `id` of a command received, or 0
 * @property {number} maxMessageBytes the size announced in `hello`
 * @property {ReadonlySet<string>} vendorCommands types that announced capabilities bring in
 *
 * @typedef {{ type: string, seq: number, id: number, params: Record<string, unknown> }} VendorCommand
 *
 * @typedef {{ outcome: "drop" }} Drop without any effect
 * @typedef {{ outcome: "skip", seq: number }} Skip the `seq` is consumed, no more
 * @typedef {{ outcome: "refuse", seq: number, id: number, code: "unsupported" | "invalid_command", message: string }} Refuse
 *   `seq` and `id` are consumed, the command is answered by an error
 * @typedef {{ outcome: "fail", code: "invalid_message" | "too_large", message: string }} Fail the session is over
 * @typedef {{ outcome: "accept", message: ServerMessage | VendorCommand }} Accept
 * @typedef {Drop | Skip | Refuse | Fail | Accept} Verdict
 *
 * @typedef {Record<string, unknown> & { type: string }} Envelope
 */

/** @type {Drop} */
const DROP = { outcome: "drop" };

/**
 * Judges a text frame. The caller acts on the verdict; nothing is recorded here.
 *
 * @param {string} text
 * @param {number} size the frame's bytes in UTF-8
 * @param {Progress} progress
 * @returns {Verdict}
 */
export function check(text, size, progress) {
  // WIRE-23 (row 1)
  if (size > progress.maxMessageBytes) return tooLarge(size, progress.maxMessageBytes);
  const envelope = readEnvelope(text);
  if (typeof envelope === "string") return invalid(envelope);
  const known = typeOf(envelope.type, progress);
  return (
    checkGreeting(envelope, known, progress) ??
    checkSeq(envelope, progress) ??
    (known === undefined
      ? checkUnknown(envelope, progress)
      : (checkKnown(envelope, known, progress) ?? checkParams(envelope, known)))
  );
}

/**
 * Row 2.
 *
 * @param {string} text
 * @returns {Envelope | string} what is wrong, if it is none
 */
function readEnvelope(text) {
  let value;
  try {
    value = parseJson(text);
  } catch (error) {
    return `no JSON: ${/** @type {Error} */ (error).message}`;
  }
  if (!isObject(value)) return "no JSON object";
  const { type } = value;
  if (typeof type !== "string" || type.length === 0 || characterCount(type) > 128) {
    return "type: must be a string of 1 to 128 characters";
  }
  return /** @type {Envelope} */ (value);
}

/**
 * HELLO-17: the first message is `welcome` or `bye`; what is ignored at any time is ignored before it too.
 *
 * @param {Envelope} envelope
 * @param {MessageType | undefined} known
 * @param {Progress} progress
 */
function checkGreeting(envelope, known, progress) {
  const isFirst = envelope.type === "welcome" || envelope.type === "bye";
  if (progress.welcomed) {
    return envelope.type === "welcome" ? invalid("type: a second welcome") : null;
  }
  const ignored = known === undefined && !("seq" in envelope) && !("id" in envelope);
  return isFirst || ignored ? null : invalid(`type: ${envelope.type} came before welcome`);
}

/**
 * Rows 3 to 6.
 *
 * @param {Envelope} envelope
 * @param {Progress} progress
 */
function checkSeq(envelope, progress) {
  if (!("seq" in envelope)) {
    return "id" in envelope ? invalid("seq: is missing where id is present") : null;
  }
  const { seq } = envelope;
  if (!isPositive(seq)) return invalid("seq: must be an integer from 1 to 2^53-1");
  if (seq <= progress.lastSeq) return DROP; // DELIVERY-2
  if (seq > progress.lastSeq + 1) {
    return invalid(`seq: ${seq} came after ${progress.lastSeq}`); // DELIVERY-3
  }
  return null;
}

/**
 * Rows 7 and 8.
 *
 * @param {Envelope} envelope
 * @param {Progress} progress
 * @returns {Verdict}
 */
function checkUnknown(envelope, progress) {
  if (!("seq" in envelope)) return DROP; // WIRE-16
  const seq = /** @type {number} */ (envelope["seq"]);
  if (!("id" in envelope)) return { outcome: "skip", seq }; // WIRE-18
  const { id } = envelope;
  if (!isPositive(id) || id <= progress.lastId) return invalidId();
  const message = `type: ${envelope.type} is not known`;
  return { outcome: "refuse", seq, id, code: "unsupported", message }; // WIRE-17
}

/**
 * Rows 9 to 11; row 12 falls to row 9, since no reply is ever awaited.
 *
 * @param {Envelope} envelope
 * @param {MessageType} known
 * @param {Progress} progress
 */
function checkKnown(envelope, known, progress) {
  if (!known.received) return invalid(`type: a client receives no ${envelope.type}`);
  if (known.kind === "control") {
    return "seq" in envelope ? invalid(`seq: ${envelope.type} carries none`) : null;
  }
  if (!("seq" in envelope)) return invalid("seq: is missing");
  const { id } = envelope;
  if (known.kind === "command" && (!isPositive(id) || id <= progress.lastId)) return invalidId();
  return null;
}

/**
 * Rows 13 and 14.
 *
 * @param {Envelope} envelope
 * @param {MessageType} known
 * @returns {Verdict}
 */
function checkParams(envelope, known) {
  const message = explainInvalid(envelope);
  if (message === null) {
    return {
      outcome: "accept",
      message: /** @type {ServerMessage} */ (/** @type {unknown} */ (envelope)),
    };
  }
  if (known.kind !== "command") return invalid(message); // WIRE-20
  const { seq, id } = /** @type {VendorCommand} */ (/** @type {unknown} */ (envelope));
  return { outcome: "refuse", seq, id, code: "invalid_command", message }; // WIRE-19
}

/**
 * @param {string} type
 * @param {Progress} progress
 */
function typeOf(type, progress) {
  return (
    MESSAGE_TYPES.get(type) ?? (progress.vendorCommands.has(type) ? VENDOR_COMMAND : undefined)
  );
}

/** @returns {Fail} */
function invalidId() {
  return invalid("id: must be an integer up to 2^53-1 and greater than every earlier one");
}

/**
 * @param {string} message
 * @returns {Fail}
 */
function invalid(message) {
  return { outcome: "fail", code: "invalid_message", message };
}

/**
 * @param {number} size
 * @param {number} limit
 * @returns {Fail}
 */
function tooLarge(size, limit) {
  return {
    outcome: "fail",
    code: "too_large",
    message: `a message of ${size} bytes, over ${limit}`,
  };
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param {unknown} value
 * @returns {value is number}
 */
function isPositive(value) {
  return Number.isSafeInteger(value) && /** @type {number} */ (value) >= 1;
}
