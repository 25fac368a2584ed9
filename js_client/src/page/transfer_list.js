/** @file The files that are under way: how much of each has come, and a button that gives it up. */

import { element } from "./element.js";
import { bytesText } from "./quantities.js";

/** @import {ShownTransfer, ShowTransfer} from "../commands/downloads.js" */

/** What is done sooner is not shown: it would only flicker. */
const SHOWN_AFTER_MS = 200;

export class TransferList {
  #list;
  /** @type {Set<TransferRow>} */
  #rows = new Set();
  #isFrameAsked = false;

  /** @param {HTMLElement} list empty; filled by this object, and to be focused where its last row goes */
  constructor(list) {
    this.#list = list;
  }

  /** @type {ShowTransfer} */
  show = (transfer) => {
    const row = new TransferRow(transfer);
    this.#rows.add(row);
    this.#askForFrame();
    return {
      progress: (bytes) => {
        row.bytes = bytes;
        this.#askForFrame();
      },
      end: () => this.#takeAway(row),
    };
  };

  /** Draws when the page is painted: at most once a frame, and never while it is hidden. */
  #askForFrame() {
    if (this.#isFrameAsked) return;
    this.#isFrameAsked = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#isFrameAsked = false;
    const now = performance.now();
    for (const row of this.#rows) {
      if (now < row.dueAt) this.#askForFrame();
      else row.draw(this.#list);
    }
  }

  /**
   * Whoever is on its button by keyboard goes on from the next one.
   *
   * @param {TransferRow} row
   */
  #takeAway(row) {
    this.#rows.delete(row);
    const { root } = row;
    const hadFocus = root.contains(document.activeElement);
    const next = root.nextElementSibling ?? root.previousElementSibling;
    root.remove();
    if (hadFocus) (next?.querySelector("button") ?? this.#list).focus();
  }
}

class TransferRow {
  bytes = 0;
  dueAt = performance.now() + SHOWN_AFTER_MS;
  #size;
  #bar;
  #text = element("span", { className: "pagewire-transfer-text" });

  /** @param {ShownTransfer} transfer */
  constructor({ name, size, cancel }) {
    this.#size = size;
    this.#bar = element("progress", { ariaLabel: name });
    const button = element("button", { type: "button", textContent: "Cancel" });
    button.ariaLabel = `Cancel ${name}`;
    button.addEventListener("click", cancel);
    const title = element("span", { className: "pagewire-transfer-name", title: name });
    title.textContent = name;
    this.root = element("li", {}, title, this.#text, this.#bar, button);
  }

  /** @param {HTMLElement} list that it belongs to */
  draw(list) {
    if (!this.root.isConnected) list.append(this.root);
    this.#text.textContent = progressText(this.bytes, this.#size);
    if (this.#size === null) return;
    this.#bar.max = this.#size || 1; // a `max` of 0 counts as none
    this.#bar.value = this.bytes;
  }
}

/**
 * @param {number} bytes
 * @param {number | null} size
 * @returns {string} such as `1.2 MB of 5.0 MB`
 */
export function progressText(bytes, size) {
  return size === null ? bytesText(bytes) : `${bytesText(bytes)} of ${bytesText(size)}`;
}
