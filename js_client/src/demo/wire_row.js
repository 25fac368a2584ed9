/** @file One row of the inspector: an entry in a line, and its whole message once it is opened. */

import { bytesText, durationText, momentText } from "../page/quantities.js";
import { element } from "./element.js";
import { wireDetail } from "./wire_detail.js";
import { kindOf } from "./wire_kinds.js";

/** @import {WireEntry} from "./wire_entry.js" */

const ARROWS = { sent: "↑", received: "↓", note: "·" };

export class WireRow {
  entry;
  /** The row in the list. */
  item;
  /** Opens and closes it; a note has nothing to open. */
  button;
  #answered = element("span", { className: "w-answered" });
  /** @type {HTMLElement | null} */
  #detail = null;

  /** @param {WireEntry} entry */
  constructor(entry) {
    this.entry = entry;
    this.button = element("button", { type: "button", className: "w-line", tabIndex: -1 });
    this.button.setAttribute("aria-expanded", "false");
    this.button.append(...cells(entry), this.#answered);
    this.item = element("li", { className: "w-row" }, this.button);
    Object.assign(this.item.dataset, { direction: entry.direction, kind: kindOf(entry.type) });
    if (entry.type === "error") this.item.dataset["failed"] = "";
    this.refresh();
  }

  /** Shows what has become known since. */
  refresh() {
    const { answeredInMs } = this.entry;
    if (answeredInMs !== null) this.#answered.textContent = durationText(answeredInMs);
  }

  /** Opens the row, or closes it. */
  toggle() {
    if (this.entry.direction === "note") return;
    const isOpen = this.#detail === null;
    this.button.setAttribute("aria-expanded", String(isOpen));
    this.#detail?.remove();
    this.#detail = isOpen ? wireDetail(this.entry) : null;
    if (this.#detail !== null) this.item.append(this.#detail);
  }
}

/** @param {WireEntry} entry */
function cells({ at, direction, type, preview, seq, id, bytes, isRepeated }) {
  const arrow = cell("arrow", ARROWS[direction]);
  if (direction !== "note") Object.assign(arrow, { role: "img", ariaLabel: direction });
  return [
    cell("at", momentText(at)),
    arrow,
    cell("type", isRepeated ? `${type} ↻` : type),
    cell("preview", preview),
    cell("seq", seq === null ? "" : String(seq)),
    cell("id", id === null ? "" : String(id)),
    cell("bytes", direction === "note" ? "" : bytesText(bytes)),
  ];
}

/**
 * @param {string} name
 * @param {string} textContent
 */
function cell(name, textContent) {
  return element("span", { className: `w-${name}`, textContent });
}
