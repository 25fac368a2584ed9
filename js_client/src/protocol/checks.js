/**
 * @file What a client makes of a text frame: the order of checks of SPEC section 3.1, whose rows the functions name, and
 * the validation of params, by their schemas and by what schemas cannot say.
 */

import { base64Size, characterCount, parseJson } from "./codec.js";
import { MESSAGE_TYPES } from "./generated/registry.js";
import { validators } from "./generated/validators.js";

/** @import {AckMessage, ByeMessage, DownloadParams, EvalJsParams, NoticeMessage, PingMessage, RunJsParams, WelcomeMessage} from "./generated/messages.js" */
/** @import {Commands, MessageType} from "./generated/registry.js" */
/** @import {SchemaError} from "./generated/validators.js" */

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
 * @typedef {{ [Type in keyof Commands]: { type: Type, seq: number, id: number, params: Commands[Type]["params"] } }[keyof Commands]} CoreCommand
 * @typedef {{ type: string, seq: number, id: number, params: Record<string, unknown> }} VendorCommand
 * @typedef {CoreCommand | VendorCommand} ServerCommand
 *
 * @typedef {{ outcome: "drop" }} Drop without any effect
 * @typedef {{ outcome: "fail", code: "invalid_message" | "too_large", message: string }} Fail the session is over
 * @typedef {{ outcome: "control", message: WelcomeMessage | AckMessage | PingMessage | NoticeMessage | ByeMessage }} Control
 *
 * What is made of a session message: its `seq` is consumed in any case.
 *
 * @typedef {{ outcome: "skip", seq: number }} Skip
 * @typedef {{ outcome: "refuse", seq: number, id: number, code: "unsupported" | "invalid_command", message: string }} Refuse
 *   the `id` is consumed, the command is answered by an error
 * @typedef {{ outcome: "cancel", seq: number, id: number }} CancelCommand
 * @typedef {{ outcome: "command", seq: number, message: ServerCommand }} StartCommand
 * @typedef {Skip | Refuse | CancelCommand | StartCommand} SessionVerdict
 *
 * @typedef {Drop | Fail | Control | SessionVerdict} Verdict
 *
 * @typedef {Record<string, unknown> & { type: string }} Envelope
 */

/** A command that an announced capability brings in (EXT-1). @type {MessageType} */
const VENDOR_COMMAND = { kind: "command", received: true };

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
  const message = validateParams(envelope);
  if (message === null) return accept(envelope, known);
  if (known.kind !== "command") return invalid(message); // WIRE-20
  const { seq, id } = /** @type {VendorCommand} */ (/** @type {unknown} */ (envelope));
  return { outcome: "refuse", seq, id, code: "invalid_command", message }; // WIRE-19
}

/**
 * The verdict on a valid message, by its kind: an `id` beside the params of a cancel is an unknown field.
 *
 * @param {Envelope} envelope
 * @param {MessageType} known
 * @returns {Verdict}
 */
function accept(envelope, { kind }) {
  const message = /** @type {any} */ (envelope);
  if (kind === "control") return { outcome: "control", message };
  const { seq, params } = message;
  if (kind === "command") return { outcome: "command", seq, message };
  return { outcome: "cancel", seq, id: params.id };
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

// --- Params ---

/** @type {[string, (params: never) => string | null][]} */
const beyondSchema = [
  ["run_js", validateArguments],
  ["eval_js", validateArguments],
  ["download", validateContent],
];
const BEYOND_SCHEMA = new Map(beyondSchema);

/**
 * Says which field of a message is invalid and how, or null if none is. The types of vendors have no schema: their
 * params must be an object.
 *
 * @param {Record<string, unknown> & { type: string }} message whose envelope has been checked
 */
function validateParams(message) {
  const validate = validators.get(message.type);
  if (validate === undefined) return validateVendorParams(message["params"]);
  if (!validate(message)) return describe(validate.errors ?? []);
  const validateFurther = BEYOND_SCHEMA.get(message.type);
  return validateFurther === undefined
    ? null
    : validateFurther(/** @type {never} */ (message["params"]));
}

/** @param {unknown} params */
function validateVendorParams(params) {
  return isObject(params) ? null : "params: must be an object";
}

/** @param {RunJsParams | EvalJsParams} params */
function validateArguments({ args }) {
  const wrong = Object.keys(args).find((name) => !isArgumentName(name));
  return wrong === undefined ? null : `params.args: ${JSON.stringify(wrong)} is no name`; // ARGS-3
}

/** @param {DownloadParams} params */
function validateContent({ content, size }) {
  if (content.kind !== "inline") return null;
  const bytes = base64Size(content.base64);
  if (bytes === null) return "params.content.base64: must be base64 with padding"; // DL-5
  if (size !== null && size !== bytes)
    return `params.size: ${size}, but the content has ${bytes} bytes`; // DL-4
  return null;
}

/** @param {readonly SchemaError[]} errors */
function describe(errors) {
  const error = /** @type {SchemaError} */ (errors[0]);
  const path = error.instancePath.slice(1).split("/");
  const fields = path.map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  if (error.propertyName !== undefined)
    return `${fields.join(".")}: ${JSON.stringify(error.propertyName)} is no name`;
  const { missingProperty } = error.params;
  if (typeof missingProperty !== "string") return `${fields.join(".")}: ${error.message}`;
  return `${[...fields, missingProperty].filter(Boolean).join(".")}: is missing`;
}

// --- Names of arguments (ARGS-2) ---

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

const RESERVED = new Set(
  (
    "await break case catch class const continue debugger default delete do else enum export extends false " +
    "finally for function if import in instanceof new null return super switch this throw true try typeof " +
    "var void while with"
  ).split(" "),
);

/**
 * Whether a script can have a parameter of this name. Without this check a name could carry code: the
 * `AsyncFunction` constructor takes `a=alert()` as a parameter.
 *
 * @param {string} name
 */
function isArgumentName(name) {
  return IDENTIFIER.test(name) && !RESERVED.has(name);
}
