/** @file The tabs of the topics: chosen by click and by arrow keys, marked once a step of theirs has run. */

import { element } from "./element.js";

/** @import {Topic} from "./topics.js" */

export class TopicTabs {
  #list;
  #chosen;
  /** @type {HTMLButtonElement[]} */
  #tabs = [];

  /**
   * @param {HTMLElement} list
   * @param {(at: number) => void} chosen called when the visitor chooses
   */
  constructor(list, chosen) {
    this.#list = list;
    this.#chosen = chosen;
    list.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** @param {Topic[]} topics */
  show(topics) {
    this.#tabs = topics.map(({ name }, at) => this.#tab(name, at));
    this.#list.replaceChildren(...this.#tabs);
    this.#list.hidden = topics.length < 2;
  }

  /** @param {number} chosen */
  mark(chosen) {
    for (const [at, tab] of this.#tabs.entries()) {
      tab.ariaSelected = String(at === chosen);
      tab.tabIndex = at === chosen ? 0 : -1;
    }
    const tab = this.#tabs[chosen];
    if (tab === undefined) return;
    const { offsetLeft, offsetWidth } = tab;
    this.#list.scrollLeft = offsetLeft + offsetWidth / 2 - this.#list.clientWidth / 2;
  }

  /** @param {number} at */
  markDone(at) {
    const tab = this.#tabs[at];
    if (tab === undefined || "done" in tab.dataset) return;
    tab.dataset["done"] = "";
    tab.append(element("span", { className: "only-spoken", textContent: " (tried)" }));
  }

  /**
   * @param {string} name
   * @param {number} at
   */
  #tab(name, at) {
    const tab = element(
      "button",
      {
        type: "button",
        role: "tab",
        className: "tab",
        id: `tab-${name}`,
      },
      name,
    );
    tab.setAttribute("aria-controls", "topic");
    tab.addEventListener("click", () => this.#chosen(at));
    return tab;
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const at = this.#tabs.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    const count = this.#tabs.length;
    const to = new Map([
      ["ArrowRight", (at + 1) % count],
      ["ArrowLeft", (at + count - 1) % count],
      ["Home", 0],
      ["End", count - 1],
    ]).get(event.key);
    if (at === -1 || to === undefined) return;
    event.preventDefault();
    this.#tabs[to]?.focus({ preventScroll: true });
    this.#chosen(to);
  }
}
