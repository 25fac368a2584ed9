/** @file The inspector's tools: what is shown, and whether it goes on. */

import { element, find } from "./element.js";
import { TYPES } from "./wire_kinds.js";

/** @import {WireFilter} from "./wire_filter.js" */

/**
 * @typedef {object} ToolEvents
 * @property {() => void} filtered
 * @property {() => void} cleared
 * @property {(isPaused: boolean) => void} paused
 * @property {(isDim: boolean) => void} dimmed
 */

/** @param {ToolEvents} events */
export function watchTools({ filtered, cleared, paused, dimmed }) {
  offerTypes(find("#wire-type", HTMLSelectElement));
  const form = find("#wire-tools", HTMLFormElement);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", filtered);
  find("#wire-clear", HTMLButtonElement).addEventListener("click", cleared);
  watchPause(find("#wire-pause", HTMLButtonElement), paused);
  const dim = find("#wire-dim", HTMLInputElement);
  dim.addEventListener("change", () => dimmed(dim.checked));
  dimmed(dim.checked);
}

/** @returns {WireFilter} */
export function readFilter() {
  const data = new FormData(find("#wire-tools", HTMLFormElement));
  const direction = data.get("direction");
  return {
    text: String(data.get("text") ?? "").trim(),
    type: String(data.get("type") ?? ""),
    direction: direction === "sent" || direction === "received" ? direction : "",
  };
}

/**
 * @param {HTMLButtonElement} button
 * @param {ToolEvents["paused"]} paused
 */
function watchPause(button, paused) {
  button.addEventListener("click", () => {
    const isPaused = button.ariaPressed !== "true";
    button.ariaPressed = String(isPaused);
    paused(isPaused);
  });
}

/** @param {HTMLSelectElement} select */
function offerTypes(select) {
  for (const [kind, types] of Object.entries(TYPES)) {
    if (kind === "notes") continue;
    const all = element("option", { value: kind, textContent: `all ${kind}` });
    const each = types.map((type) => element("option", { value: type, textContent: type }));
    select.append(
      element("optgroup", { label: kind }, ...(types.length > 1 ? [all] : []), ...each),
    );
  }
}
