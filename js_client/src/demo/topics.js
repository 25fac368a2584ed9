/** @file What an app of the demo tells the page of itself, and what came of a step. */

/**
 * @typedef {object} Step
 * @property {string} name of its Python function
 * @property {string} label
 * @property {[kind: string, text: string][]} source
 * @property {"step" | "task"} event that runs it
 * @property {boolean} keepsOutput whether what is in the output area stays when it runs
 * @property {"" | "settings"} form that gives it its arguments
 *
 * @typedef {object} Topic
 * @property {string} name
 * @property {string} title
 * @property {string} summary
 * @property {Step[]} steps
 *
 * @typedef {object} Report
 * @property {string} name of the step
 * @property {"returned" | "raised" | "running"} outcome
 * @property {string} text
 * @property {number} ms
 */

/** @param {(topics: Topic[]) => void} listener */
export function onTopics(listener) {
  window.addEventListener("demo:topics", (event) => {
    listener(/** @type {CustomEvent<Topic[]>} */ (event).detail);
  });
}

/** @param {(report: Report) => void} listener */
export function onReport(listener) {
  window.addEventListener("demo:done", (event) => {
    listener(/** @type {CustomEvent<Report>} */ (event).detail);
  });
}
