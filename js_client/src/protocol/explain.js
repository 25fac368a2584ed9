/** @file What is wrong with the params of a message: the schemas' verdict, and what schemas cannot say. */

import { validators } from "../generated/validate.js";
import { isArgumentName } from "./argument_names.js";
import { base64Size } from "./base64.js";

/** @import {DownloadMessage, EvalJsMessage, RunJsMessage} from "../generated/messages.js" */
/** @import {SchemaError} from "../generated/validate.js" */

/** @type {[string, (params: never) => string | null][]} */
const beyondSchema = [
  ["run_js", explainArguments],
  ["eval_js", explainArguments],
  ["download", explainContent],
];
const BEYOND_SCHEMA = new Map(beyondSchema);

/**
 * Says which field of a message is invalid and how, or null if none is. The types of vendors have no schema: their
 * params must be an object.
 *
 * @param {Record<string, unknown> & { type: string }} message whose envelope has been checked
 */
export function explainInvalid(message) {
  const validate = validators.get(message.type);
  if (validate === undefined) return explainVendorParams(message["params"]);
  if (!validate(message)) return describe(validate.errors ?? []);
  const explain = BEYOND_SCHEMA.get(message.type);
  return explain === undefined ? null : explain(/** @type {never} */ (message["params"]));
}

/** @param {unknown} params */
function explainVendorParams(params) {
  const isObject = typeof params === "object" && params !== null && !Array.isArray(params);
  return isObject ? null : "params: must be an object";
}

/** @param {RunJsMessage["params"] | EvalJsMessage["params"]} params */
function explainArguments({ args }) {
  const wrong = Object.keys(args).find((name) => !isArgumentName(name));
  return wrong === undefined ? null : `params.args: ${JSON.stringify(wrong)} is no name`; // ARGS-3
}

/** @param {DownloadMessage["params"]} params */
function explainContent({ content, size }) {
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
