/** @file Sizes as people read them, in few characters. */

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
