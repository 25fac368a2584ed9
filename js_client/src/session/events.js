/** @file The `event` that `emit` sends (SPEC section 7). */

import { draftSize } from "../protocol/codec.js";
import { characterCount, jsonText } from "../protocol/json_text.js";

/** @import {Draft} from "../protocol/codec.js" */

const LONGEST_NAME = 128;
const MOST_UNACKNOWLEDGED = 1_048_576;

/**
 * @param {unknown} name
 * @param {unknown} data null where it has no JSON
 * @param {{ largest: number, unacknowledged: number }} room in bytes: of one message, and what the outbox holds
 * @returns {Draft}
 * @throws {TypeError} on a name that is none, or data that JSON cannot carry
 * @throws {RangeError} where the event, or what waits with it, is too large
 */
export function eventDraft(name, data, room) {
  if (typeof name !== "string" || name === "" || characterCount(name) > LONGEST_NAME) {
    throw new TypeError(`the name of an event is a string of 1 to ${LONGEST_NAME} characters`);
  }
  const params = `{"name":${jsonText(name)},"data":${jsonText(data) ?? "null"}}`;
  const draft = { type: "event", params };
  const size = draftSize(draft);
  if (size > room.largest) {
    throw new RangeError(`an event of ${size} bytes; the server takes ${room.largest}`);
  }
  if (room.unacknowledged + size > MOST_UNACKNOWLEDGED) {
    throw new RangeError("too many events wait for the server");
  }
  return draft;
}
