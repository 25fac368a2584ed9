/** @file What kind of message each type is, as the inspector sorts them. */

import { MESSAGE_TYPES } from "../protocol/generated/registry.js";

/** @import {MessageType} from "../protocol/generated/registry.js" */

/** @typedef {"commands" | "replies" | "events" | "streams" | "handshake" | "link" | "notes"} Kind */

/** The types of each kind. @type {Readonly<Record<Kind, readonly string[]>>} */
export const TYPES = {
  commands: [...typesOf("command"), "cancel"],
  replies: typesOf("reply"),
  events: ["event"],
  streams: ["chunk"],
  handshake: ["hello", "welcome", "bye"],
  link: ["ack", "ping", "stream_ack", "notice"],
  notes: ["note"],
};

/** @param {MessageType["kind"]} kind */
function typesOf(kind) {
  return [...MESSAGE_TYPES].filter(([, message]) => message.kind === kind).map(([type]) => type);
}

/** @type {ReadonlyMap<string, Kind>} */
const KINDS = new Map(
  Object.entries(TYPES).flatMap(([kind, types]) =>
    types.map((type) => [type, /** @type {Kind} */ (kind)]),
  ),
);

/**
 * @param {string} type
 * @returns {Kind} of a vendor's type: a command
 */
export function kindOf(type) {
  return KINDS.get(type) ?? "commands";
}
