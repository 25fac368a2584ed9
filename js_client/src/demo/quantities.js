/** @file Times as people read them, in few characters. */

const SECOND_MS = 1000;

/**
 * @param {number} ms
 * @returns {string} such as `0.4 ms`, `35 ms` or `1.25 s`
 */
export function durationText(ms) {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < SECOND_MS - 0.5) return `${Math.round(ms)} ms`;
  return `${(ms / SECOND_MS).toFixed(2)} s`;
}

/**
 * @param {number} ms since the page was opened
 * @returns {string} in seconds, such as `12.345`
 */
export function momentText(ms) {
  return (ms / SECOND_MS).toFixed(3);
}
