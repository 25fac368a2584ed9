/** @file Bytes as a dump: where they are, what they are, and as text. */

const LINE_BYTES = 16;
const PRINTABLE = { from: 0x20, to: 0x7e };

/**
 * @param {Uint8Array} bytes
 * @returns {string} a line for every 16 bytes
 */
export function hexDump(bytes) {
  const lines = [];
  for (let start = 0; start < bytes.length; start += LINE_BYTES) {
    lines.push(dumpLine(bytes.subarray(start, start + LINE_BYTES), start));
  }
  return lines.join("\n");
}

/**
 * @param {Uint8Array} bytes
 * @param {number} start
 */
function dumpLine(bytes, start) {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const text = [...bytes].map(printable).join("");
  return `${start.toString(16).padStart(4, "0")}  ${hex.padEnd(3 * LINE_BYTES)} ${text}`;
}

/** @param {number} byte */
function printable(byte) {
  return byte >= PRINTABLE.from && byte <= PRINTABLE.to ? String.fromCharCode(byte) : "·";
}
