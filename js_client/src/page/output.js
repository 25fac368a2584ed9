/** @file The output area: what is appended at its root appears with an animation, and may scroll the page. */

const ENTERING = "pagewire-entering";

export class Output {
  #root;
  #isAnimated = true;
  #scrolls = false;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    root.addEventListener("animationend", ({ target }) => {
      if (target instanceof Element && target.parentNode === root)
        target.classList.remove(ENTERING);
    });
    new MutationObserver((records) => this.#appended(records)).observe(root, { childList: true });
  }

  /**
   * @param {string} setting
   * @param {unknown} value
   * @returns {boolean} whether it has an effect
   */
  set(setting, value) {
    switch (setting) {
      case "output_animation":
        this.#isAnimated = value === true;
        return true;
      case "auto_scroll_bottom":
        this.#scrolls = value === true;
        return true;
      case "output_max_width":
        this.#root.style.maxWidth = /** @type {string} */ (value);
        return true;
      default:
        return false;
    }
  }

  /** @param {MutationRecord[]} records */
  #appended(records) {
    const added = records.flatMap(({ addedNodes }) => [...addedNodes]);
    if (added.length === 0) return;
    for (const node of added) {
      if (this.#isAnimated && node instanceof Element) node.classList.add(ENTERING);
    }
    if (this.#scrolls) window.scrollTo({ top: document.documentElement.scrollHeight });
  }
}
