/** @file The wire inspector: takes every frame of the client, and shows the last of them. */

import { bytesText } from "../page/quantities.js";
import { find } from "./element.js";
import { readFilter, watchTools } from "./tools.js";
import { WireList } from "./wire_list.js";
import { WireLog } from "./wire_log.js";

/** @import {ClientState, FrameListener} from "../client.js" */

/** How much longer it rests than it draws. */
const REST = 3;

export class Inspector {
  #log = new WireLog();
  #root = find("#inspector", HTMLElement);
  #scroller = find("#wire-scroller", HTMLElement);
  #list = new WireList(this.#log, this.#scroller, find("#wire-list", HTMLElement));
  #newest = find("#wire-newest", HTMLButtonElement);
  #isPaused = false;
  #isDrawing = false;
  #drawMs = 0;
  #connection = 0;
  /** @type {ClientState["name"]} */
  #state = "connecting";

  constructor() {
    watchTools({
      filtered: () => this.#filtered(),
      cleared: () => this.#cleared(),
      paused: (isPaused) => this.#paused(isPaused),
      dimmed: (isDim) => this.#root.classList.toggle("dims-link", isDim),
    });
    watchSheet(this.#root, () => this.#list.scrollToEnd());
    this.#newest.addEventListener("click", () => this.#list.scrollToEnd());
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
  }

  /** @type {FrameListener} */
  observe = (direction, frame, { connection }) => {
    this.#connection = connection;
    const { answered } = this.#log.add(direction, frame, { at: performance.now(), connection });
    if (answered !== undefined && !this.#isPaused) this.#list.refresh(answered);
    this.#drawSoon();
  };

  /** @param {ClientState} state */
  tell = ({ name, end }) => {
    if (name === this.#state) return;
    this.#state = name;
    if (name === "reconnecting") this.#note(`connection ${this.#connection} lost, reconnecting`);
    if (name === "ended") this.#note(`session ended: ${end?.message}`);
  };

  /** @param {string} text */
  #note(text) {
    this.#log.note(text, { at: performance.now(), connection: this.#connection });
    this.#drawSoon();
  }

  /** At most once a frame, and where drawing is slow, a quarter of the time: the page is not there for its inspector. */
  #drawSoon() {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    setTimeout(() => requestAnimationFrame(() => this.#drawNow()), REST * this.#drawMs);
  }

  #drawNow() {
    const began = performance.now();
    this.#isDrawing = false;
    this.#draw();
    this.#drawMs = performance.now() - began;
  }

  #draw() {
    if (!this.#isPaused) this.#list.draw();
    this.#summarize();
    this.#scrolled();
  }

  #filtered() {
    this.#list.show(readFilter());
    this.#summarize();
  }

  #cleared() {
    this.#log.clear();
    this.#list.draw();
    this.#summarize();
  }

  /** @param {boolean} isPaused */
  #paused(isPaused) {
    this.#isPaused = isPaused;
    if (!isPaused) for (const entry of this.#log.entries) this.#list.refresh(entry);
    this.#draw();
  }

  #scrolled() {
    this.#newest.hidden = this.#list.isAtEnd;
  }

  #summarize() {
    const { sent, received, sentBytes, receivedBytes } = this.#log.totals;
    const { shown } = this.#list;
    find("#wire-totals", HTMLElement).textContent =
      `↓ ${received} · ${bytesText(receivedBytes)}  ↑ ${sent} · ${bytesText(sentBytes)}`;
    find("#wire-shown", HTMLElement).textContent = this.#isPaused
      ? `paused; ${this.#log.entries.length} kept`
      : `${shown} of ${this.#log.entries.length} shown`;
    find("#wire-empty", HTMLElement).hidden = shown > 0;
  }
}

/**
 * On narrow screens the inspector is a sheet at the bottom that opens and closes.
 *
 * @param {HTMLElement} sheet
 * @param {() => void} opened
 */
function watchSheet(sheet, opened) {
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
