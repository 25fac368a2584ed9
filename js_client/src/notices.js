/** @file What a user is told when the server is about to end the session. */

/** @import {Notice} from "./core/actions.js" */

const SECOND_MS = 1000;
/** The largest unit that fits twice is used. @type {readonly [unit: string, ms: number][]} */
const UNITS = [
  ["hour", 3600 * SECOND_MS],
  ["minute", 60 * SECOND_MS],
  ["second", SECOND_MS],
];

/**
 * A sentence that stays true, since it names no time but a limit.
 *
 * @param {Notice} notice
 * @returns {string} such as `The server is stopping. This session ends within 5 minutes.`
 */
export function noticeText({ endsInMs }) {
  const when =
    endsInMs === null ? "soon" : endsInMs === 0 ? "now" : `within ${limitText(endsInMs)}`;
  return `The server is stopping. This session ends ${when}.`;
}

/** @param {number} ms above 0 */
function limitText(ms) {
  const fitting = UNITS.find(([, unit]) => ms >= 2 * unit) ?? ["second", SECOND_MS];
  const count = Math.ceil(ms / fitting[1]);
  return `${count} ${fitting[0]}${count === 1 ? "" : "s"}`;
}
