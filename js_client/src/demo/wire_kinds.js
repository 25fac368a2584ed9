/** @file What kind of message each type is, as the inspector sorts them. */

/** @typedef {"commands" | "replies" | "events" | "streams" | "handshake" | "link" | "notes"} Kind */

/** The types of each kind. @type {Readonly<Record<Kind, readonly string[]>>} */
export const TYPES = {
  commands: ["run_js", "eval_js", "download", "set_env", "go_app", "cancel"],
  replies: ["result", "error"],
  events: ["event"],
  streams: ["chunk"],
  handshake: ["hello", "welcome", "bye"],
  link: ["ack", "ping", "stream_ack"],
  notes: ["note"],
};

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
