/** @file Sizes and times as people read them, in few characters. */

const UNITS = ["B", "kB", "MB", "GB"];
const STEP = 1000;

/**
 * @param {number} bytes
 * @returns {string} such as `98 B` or `1.2 kB`
 */
export function bytesText(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= STEP - 0.5 && unit < UNITS.length - 1) {
    value /= STEP;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

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
