/** @file What a session asks of the shell around it; the shell does it in order, and a command's synchronous part at once. */

import { controlFrame } from "../protocol/codec.js";
import { CLIENT_BYES } from "../protocol/generated/registry.js";

/** @import {ServerCommand} from "../protocol/checks.js" */
/** @import {ClientByeCode} from "../protocol/generated/registry.js" */
/** @import {NoticeParams} from "../protocol/generated/messages.js" */

/**
 * @typedef {{ code: string, message: string, retry: "never" | "reconnect" | "resume", data?: unknown }} End
 *
 * @typedef {object} SessionState
 * @property {"connecting" | "connected" | "reconnecting" | "ended"} name
 * @property {number | null} retryAt the time of the next attempt, while one is waited for
 * @property {End | null} end why the session has ended
 *
 * @typedef {object} Notice the server is stopping
 * @property {"draining"} code
 * @property {number | null} endsInMs when it ends the session at the latest, counted from now; null if it did not say
 *
 * @typedef {{ kind: "connect" }} Connect open a connection; any older one is ignored from now on
 * @typedef {{ kind: "send", frame: string }} Send
 * @typedef {{ kind: "close", code: number, reason: string }} Close close the connection, and ignore it from now on
 * @typedef {{ kind: "abandon" }} Abandon leave closing to the server, and ignore the connection from now on
 * @typedef {{ kind: "start", command: ServerCommand }} Start
 * @typedef {{ kind: "stop", id: number }} Stop nobody waits for the command any more
 * @typedef {{ kind: "append", id: number, payload: Uint8Array<ArrayBuffer> }} Append
 * @typedef {{ kind: "finish", id: number }} Finish the command's stream is complete
 * @typedef {{ kind: "announce", state: SessionState }} Announce
 * @typedef {{ kind: "notify", notice: Notice }} Notify
 * @typedef {Connect | Send | Close | Abandon | Start | Stop | Append | Finish | Announce | Notify} Action
 */

/** @param {ClientByeCode} code @returns {Action} */
export function close(code) {
  return { kind: "close", code: CLIENT_BYES[code], reason: code };
}

/** @param {string} frame @returns {Action} */
export function sendFrame(frame) {
  return { kind: "send", frame };
}

/** @param {string} type @param {object} params */
export function sendControl(type, params) {
  return sendFrame(controlFrame(type, params));
}

/** @param {number} id @param {number | null} offset null where none is due @returns {Action[]} */
export function sendStreamAck(id, offset) {
  return offset === null ? [] : [sendControl("stream_ack", { id, offset })];
}

/**
 * A notice is for the user alone: it changes nothing about the session (NOTICE-4, NOTICE-6).
 *
 * @param {NoticeParams} params
 * @returns {Action[]}
 */
export function notify({ code, ends_in_ms }) {
  if (code !== "draining") return []; // NOTICE-5
  return [{ kind: "notify", notice: { code, endsInMs: ends_in_ms ?? null } }];
}
