/** @file Makes elements, and finds them. */

import { element } from "../page/element.js";

export { element };

/**
 * @param {Iterable<[kind: string, text: string]>} pieces
 * @returns {DocumentFragment} with a span of class `is-<kind>` for each piece that has a kind
 */
export function coloured(pieces) {
  const fragment = document.createDocumentFragment();
  for (const [kind, text] of pieces) {
    fragment.append(
      kind === "" ? text : element("span", { className: `is-${kind}`, textContent: text }),
    );
  }
  return fragment;
}

/**
 * @template {HTMLElement} Kind
 * @param {string} selector
 * @param {new () => Kind} kind
 * @returns {Kind} the first such element of the page
 */
export function find(selector, kind) {
  const found = document.querySelector(selector);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${selector}`);
}
