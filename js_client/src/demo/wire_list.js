/** @file The inspector's list: draws what is new once a frame, follows the end, and moves by keys. */

import { EVERYTHING, passes } from "./wire_filter.js";
import { WireRow } from "./wire_row.js";

/** @import {WireEntry} from "./wire_entry.js" */
/** @import {WireFilter} from "./wire_filter.js" */
/** @import {WireLog} from "./wire_log.js" */

/** How near to its end the list is where it follows. */
const NEAR_PX = 24;

export class WireList {
  #log;
  #list;
  #scroller;
  /** The rows that are drawn, the oldest first. @type {Map<number, WireRow>} */
  #rows = new Map();
  #drawnTo = 0;
  /** @type {WireFilter} */
  #filter = EVERYTHING;
  /** Whether the end stays in view, whatever is added. */
  #follows = true;
  /** The row that Tab leads to. @type {WireRow | null} */
  #current = null;

  /**
   * @param {WireLog} log
   * @param {HTMLElement} scroller
   * @param {HTMLElement} list
   */
  constructor(log, scroller, list) {
    this.#log = log;
    this.#scroller = scroller;
    this.#list = list;
    scroller.addEventListener("scroll", () => this.#look(), { passive: true });
    new ResizeObserver(() => this.#follow()).observe(scroller);
    list.addEventListener("click", (event) => this.#clicked(event));
    list.addEventListener("keydown", (event) => this.#pressed(event));
    list.addEventListener("focusin", ({ target }) => this.#moveTo(this.#rowOf(target), false));
  }

  /** Whether the end is in view. */
  get isAtEnd() {
    const { scrollTop, clientHeight, scrollHeight } = this.#scroller;
    return scrollTop + clientHeight >= scrollHeight - NEAR_PX;
  }

  /** How many rows the filter lets through. */
  get shown() {
    let count = 0;
    for (const { item } of this.#rows.values()) count += item.hidden ? 0 : 1;
    return count;
  }

  /** Draws what is in the log and not yet in the list; takes away what the log has forgotten. */
  draw() {
    this.#forget();
    const fresh = this.#log.entries.filter(({ number }) => number > this.#drawnTo);
    this.#list.append(...fresh.map((entry) => this.#add(entry)));
    this.#keepTabStop();
    this.#follow();
  }

  /** @param {WireEntry} entry of which something more is known */
  refresh(entry) {
    this.#rows.get(entry.number)?.refresh();
  }

  /** @param {WireFilter} filter */
  show(filter) {
    this.#filter = filter;
    for (const { entry, item } of this.#rows.values()) item.hidden = !passes(entry, filter);
    this.#current = null;
    this.#keepTabStop();
    this.scrollToEnd();
  }

  scrollToEnd() {
    this.#follows = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #look() {
    this.#follows = this.isAtEnd;
  }

  #follow() {
    if (this.#follows) this.scrollToEnd();
  }

  /** @param {WireEntry} entry */
  #add(entry) {
    const row = new WireRow(entry);
    row.item.hidden = !passes(entry, this.#filter);
    row.item.dataset["number"] = String(entry.number);
    this.#rows.set(entry.number, row);
    this.#drawnTo = entry.number;
    return row.item;
  }

  #forget() {
    const oldest = this.#log.entries[0]?.number ?? Number.POSITIVE_INFINITY;
    for (const [number, row] of this.#rows) {
      if (number >= oldest) return;
      if (row.item.contains(document.activeElement)) this.#scroller.focus({ preventScroll: true });
      row.item.remove();
      this.#rows.delete(number);
      if (row === this.#current) this.#current = null;
    }
  }

  /** There is always one row that Tab leads to. */
  #keepTabStop() {
    if (this.#current !== null) return;
    const last = this.#visible().at(-1);
    if (last !== undefined) this.#moveTo(last, false);
  }

  #visible() {
    return [...this.#rows.values()].filter(({ item }) => !item.hidden);
  }

  /** @param {MouseEvent} event */
  #clicked({ target }) {
    if (!(target instanceof Element && target.closest(".w-line"))) return;
    const row = this.#rowOf(target);
    row?.toggle();
    row?.item.scrollIntoView({ block: "nearest" });
    this.#look();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const { key, target } = event;
    if (!(target instanceof Element && target.matches(".w-line"))) return;
    const rows = this.#visible();
    const at = rows.findIndex(({ button }) => button === target);
    const to = new Map([
      ["ArrowDown", at + 1],
      ["ArrowUp", at - 1],
      ["Home", 0],
      ["End", rows.length - 1],
    ]).get(key);
    if (to === undefined) return;
    event.preventDefault();
    this.#moveTo(rows[to], true);
  }

  /**
   * @param {WireRow | undefined} row
   * @param {boolean} focuses
   */
  #moveTo(row, focuses) {
    if (row === undefined) return;
    if (this.#current !== null) this.#current.button.tabIndex = -1;
    this.#current = row;
    row.button.tabIndex = 0;
    if (focuses) row.button.focus();
  }

  /** @param {EventTarget | null} target */
  #rowOf(target) {
    const item = target instanceof Element ? target.closest("li") : null;
    return this.#rows.get(Number(item?.dataset["number"]));
  }
}
