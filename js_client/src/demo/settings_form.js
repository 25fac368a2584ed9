/** @file The form of the nine settings: each change is one call of `set_env`. */

import { element } from "./element.js";

/** @typedef {Record<string, string | number | boolean>} Settings */

/** What a page has where nothing was set. @type {Readonly<Settings>} */
const DEFAULTS = {
  title: "Pagewire demo",
  output_max_width: "880px",
  output_animation: true,
  auto_scroll_bottom: false,
  input_panel_fixed: true,
  input_auto_focus: true,
  input_panel_min_height: 300,
  input_panel_init_height: 300,
  http_pull_interval: 1000,
};

/** The values of the form outlive it. @type {Settings} */
const current = { ...DEFAULTS };

/**
 * @param {(settings: Settings) => void} set
 * @returns {HTMLElement}
 */
export function settingsForm(set) {
  const form = element("form", { className: "settings", ariaLabel: "Settings" });
  form.append(...Object.keys(DEFAULTS).map((name) => field(name, set)));
  form.append(defaultsButton(form, set));
  form.addEventListener("submit", (event) => event.preventDefault());
  return form;
}

/** @returns {Settings} as the form has them */
export function currentSettings() {
  return { ...current };
}

/**
 * @param {string} name
 * @param {(settings: Settings) => void} set
 */
function field(name, set) {
  const input = element("input", { name });
  fill(input);
  input.addEventListener("change", () => {
    const value = inputValue(input);
    current[name] = value;
    set({ [name]: value });
  });
  return element("label", {}, element("code", { textContent: name }), input);
}

/**
 * @param {HTMLFormElement} form
 * @param {(settings: Settings) => void} set
 */
function defaultsButton(form, set) {
  const button = element("button", { type: "button", className: "small", textContent: "Defaults" });
  button.addEventListener("click", () => {
    Object.assign(current, DEFAULTS);
    for (const input of form.querySelectorAll("input")) fill(input);
    set(currentSettings());
  });
  return button;
}

/** @param {HTMLInputElement} input */
function fill(input) {
  const value = current[input.name];
  input.type =
    typeof value === "boolean" ? "checkbox" : typeof value === "number" ? "number" : "text";
  if (typeof value === "boolean") input.checked = value;
  else input.value = String(value);
}

/** @param {HTMLInputElement} input */
function inputValue({ type, checked, value }) {
  if (type === "checkbox") return checked;
  return type === "number" ? Number(value) : value;
}
