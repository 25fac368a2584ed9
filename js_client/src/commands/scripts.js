/** @file Runs the code that a server sends, as the body of an async function (SPEC sections 5.1 to 5.3). */

import { jsonText } from "../protocol/codec.js";
import { CommandError } from "./errors.js";

/**
 * Makes an async function of its parameters' names and its body. The names have been checked (ARGS-3).
 *
 * @typedef {(names: string[], body: string) => (...values: unknown[]) => Promise<unknown>} Compile
 * @typedef {Record<string, unknown>} Arguments
 */

const AsyncFunction = /** @type {FunctionConstructor} */ (
  Object.getPrototypeOf(async () => {}).constructor
);

/** @type {Compile} */
export function compileAsyncFunction(names, body) {
  return /** @type {ReturnType<Compile>} */ (AsyncFunction(...names, body));
}

/**
 * @param {string} code
 * @param {Arguments} args
 * @param {Compile} compile
 * @returns {Promise<unknown>} what the code returns, settled; its part before the first `await` has run (RUN-5)
 */
export async function run(code, args, compile) {
  const body = compile(Object.keys(args), code);
  return body.apply(globalThis, Object.values(args));
}

/**
 * @param {string} expression
 * @param {Arguments} args
 * @param {Compile} compile
 * @returns {Promise<string>} the JSON text of the value
 */
export async function evaluate(expression, args, compile) {
  const value = await run(`return (${withoutEnd(expression)}\n)`, args, compile);
  return valueText(value);
}

/**
 * A loop from the end, since `/[\s;]+$/` takes quadratic time on long runs in the middle (EVAL-1).
 *
 * @param {string} expression
 */
function withoutEnd(expression) {
  let end = expression.length;
  while (end > 0 && /[\s;]/.test(expression.charAt(end - 1))) end -= 1;
  return expression.slice(0, end);
}

/** @param {unknown} value */
function valueText(value) {
  try {
    return jsonText(value) ?? "null"; // EVAL-6
  } catch (error) {
    throw new CommandError("not_serializable", `the value has no JSON: ${messageOf(error)}`); // EVAL-7
  }
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : typeof error;
}
