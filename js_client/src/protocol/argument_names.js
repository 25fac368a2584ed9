/** @file Which names an argument of a script may have (ARGS-2). */

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
export function isArgumentName(name) {
  return IDENTIFIER.test(name) && !RESERVED.has(name);
}
