/** @file The input panel: fixed to the bottom of the window or in the flow of the page, and the focus of what it shows. */

const FIELD = [
  "input:not([type=hidden], :disabled)",
  "select:not(:disabled)",
  "textarea:not(:disabled)",
  "[contenteditable]:not([contenteditable=false])",
].join();

export class InputPanel {
  #root;
  #isFixed = true;
  #focuses = true;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    root.classList.add("pagewire-fixed");
    new MutationObserver((records) => this.#changed(records)).observe(root, { childList: true });
    new ResizeObserver(() => this.#makeRoom()).observe(root, { box: "border-box" });
  }

  /**
   * @param {string} setting
   * @param {unknown} value
   * @returns {boolean} whether it has an effect
   */
  set(setting, value) {
    switch (setting) {
      case "input_auto_focus":
        this.#focuses = value === true;
        return true;
      case "input_panel_fixed":
        this.#isFixed = value === true;
        this.#root.classList.toggle("pagewire-fixed", this.#isFixed);
        this.#makeRoom(); // ENV-1; what has the same size in both places is not observed
        return true;
      case "input_panel_min_height":
        return this.#setHeight("--pagewire-input-min-height", value);
      case "input_panel_init_height":
        return this.#setHeight("--pagewire-input-init-height", value);
      default:
        return false;
    }
  }

  /**
   * @param {string} property
   * @param {unknown} pixels
   */
  #setHeight(property, pixels) {
    if (this.#isFixed) this.#root.style.setProperty(property, `${pixels}px`);
    return this.#isFixed; // ENV-2
  }

  /** @param {MutationRecord[]} records */
  #changed(records) {
    if (!this.#focuses || records.every(({ addedNodes }) => addedNodes.length === 0)) return;
    const field = this.#root.querySelector(FIELD);
    if (field instanceof HTMLElement) field.focus();
  }

  /** A fixed panel covers nothing: the page ends above it, and who was at its end stays there. */
  #makeRoom() {
    const page = document.documentElement;
    const wasAtEnd = window.scrollY + window.innerHeight >= page.scrollHeight - 1;
    const height = this.#isFixed ? this.#root.offsetHeight : 0;
    page.style.setProperty("--pagewire-input-height", `${height}px`);
    if (wasAtEnd) window.scrollTo({ top: page.scrollHeight });
  }
}
