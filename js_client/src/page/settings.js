/** @file The nine settings of `set_env`, and what each does to the page (SPEC section 5.5). */

import { SETTING_NAMES } from "../protocol/generated/registry.js";

/** @import {SetEnvParams, SetEnvResult} from "../protocol/generated/messages.js" */
/** @import {InputPanel} from "./input_panel.js" */
/** @import {Output} from "./output.js" */

export class PageSettings {
  #output;
  #inputPanel;

  /**
   * The settings of a part that is missing have no effect.
   *
   * @param {Output | undefined} output
   * @param {InputPanel | undefined} inputPanel
   */
  constructor(output, inputPanel) {
    this.#output = output;
    this.#inputPanel = inputPanel;
  }

  /**
   * @param {SetEnvParams} params
   * @returns {SetEnvResult}
   */
  apply(params) {
    /** @type {SetEnvResult} */
    const result = { applied: [], ignored: [] };
    for (const name of SETTING_NAMES) {
      if (params[name] === undefined) continue; // ENV-5
      result[this.#applyOne(name, params) ? "applied" : "ignored"].push(name);
    }
    return result;
  }

  /**
   * @param {keyof SetEnvParams} name
   * @param {SetEnvParams} params
   * @returns {boolean} whether it has an effect here
   */
  #applyOne(name, params) {
    if (name === "title") {
      document.title = /** @type {string} */ (params.title);
      return true;
    }
    if (name === "http_pull_interval") return false; // the session runs over a WebSocket
    const part = name.startsWith("input_") ? this.#inputPanel : this.#output;
    return part?.set(name, params[name]) ?? false;
  }
}
