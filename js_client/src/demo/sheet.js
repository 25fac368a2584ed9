/** @file The inspector on narrow screens: a sheet at the bottom that opens and closes. */

import { find } from "./element.js";

/**
 * @param {HTMLElement} sheet
 * @param {() => void} opened
 */
export function watchSheet(sheet, opened) {
  const button = find("#wire-sheet", HTMLButtonElement);
  const set = (/** @type {boolean} */ isOpen) => {
    sheet.classList.toggle("is-open", isOpen);
    button.setAttribute("aria-expanded", String(isOpen));
    button.textContent = isOpen ? "Close" : "Open";
    if (isOpen) opened();
  };
  button.addEventListener("click", () => set(!sheet.classList.contains("is-open")));
  sheet.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !sheet.classList.contains("is-open")) return;
    set(false);
    button.focus();
  });
}
