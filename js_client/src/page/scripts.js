/** @file Makes functions of a server's code under the policies of the page (REPLY-5). */

import { CommandError } from "../commands/errors.js";
import { compileAsyncFunction } from "../commands/scripts.js";

/** @import {Compile} from "../commands/scripts.js" */

/**
 * A Trusted Types policy that the page has made.
 *
 * @typedef {{ createScript: (code: string) => unknown }} ScriptPolicy
 * @typedef {{ nonce?: string, trustedTypesPolicy?: ScriptPolicy }} Permissions
 */

/** Where a script element leaves the function that it defines. */
const SLOT = "pagewire:function";

/**
 * @param {Permissions} permissions
 * @returns {Compile}
 */
export function pageCompiler({ nonce, trustedTypesPolicy }) {
  const compile =
    trustedTypesPolicy === undefined
      ? compileAsyncFunction
      : compileTrusted.bind(null, trustedTypesPolicy);
  // A page's policy is never loosened: one refusal, and the browser complains once, not of every command.
  let isEvalForbidden = false;
  return (names, body) => {
    if (!isEvalForbidden) {
      try {
        return compile(names, body);
      } catch (error) {
        if (!(error instanceof EvalError)) throw error;
        isEvalForbidden = true;
      }
    }
    return defineByElement(names, body, nonce ?? pageNonce(), trustedTypesPolicy);
  };
}

/**
 * By an indirect `eval`, since the `AsyncFunction` constructor takes no TrustedScript.
 *
 * @param {ScriptPolicy} policy
 * @param {string[]} names
 * @param {string} body
 * @returns {ReturnType<Compile>}
 */
function compileTrusted(policy, names, body) {
  // biome-ignore lint/security/noGlobalEval: running the server's code is what this client is for
  const evaluate = globalThis.eval;
  return evaluate(trusted(`(${functionText(names, body)})`, policy));
}

/**
 * Defines the function through a script element, and runs nothing.
 *
 * @param {string[]} names
 * @param {string} body
 * @param {string} nonce
 * @param {ScriptPolicy | undefined} policy
 */
function defineByElement(names, body, nonce, policy) {
  const script = document.createElement("script");
  script.nonce = nonce;
  script.text = trusted(`globalThis["${SLOT}"] = ${functionText(names, body)};`, policy);
  const syntaxError = errorWhile(() => document.head.append(script));
  script.remove();
  if (syntaxError !== null) throw syntaxError;
  return takeFunction();
}

/**
 * The names have been checked: they hold no code (ARGS-3).
 *
 * @param {string[]} names
 * @param {string} body
 */
function functionText(names, body) {
  return `async function anonymous(${names}\n) {\n${body}\n}`;
}

/** @returns {ReturnType<Compile>} */
function takeFunction() {
  const defined = Reflect.get(globalThis, SLOT);
  Reflect.deleteProperty(globalThis, SLOT);
  if (typeof defined === "function") return defined;
  throw new CommandError(
    "blocked_by_csp",
    "the page's Content-Security-Policy forbids running code",
  );
}

/**
 * What does not parse throws nothing where it is inserted; the window hears of it.
 *
 * @param {() => void} insert
 * @returns {unknown} the error, or null
 */
function errorWhile(insert) {
  /** @type {unknown} */
  let found = null;
  /** @param {ErrorEvent} event */
  const listen = (event) => {
    found = event.error;
    event.preventDefault();
  };
  window.addEventListener("error", listen);
  insert();
  window.removeEventListener("error", listen);
  return found;
}

/**
 * @param {string} code
 * @param {ScriptPolicy | undefined} policy
 */
function trusted(code, policy) {
  return /** @type {string} */ (policy === undefined ? code : policy.createScript(code));
}

/** The nonce of the page's own scripts, empty if there is none. */
function pageNonce() {
  const script = document.querySelector("script[nonce]");
  return script instanceof HTMLScriptElement ? script.nonce : "";
}
