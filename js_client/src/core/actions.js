/** @file What a session asks of the shell around it; the shell does it in order, and a command's synchronous part at once. */

/** @import {ServerCommand} from "../protocol/checks.js" */

/**
 * @typedef {{ code: string, message: string, retry: "never" | "reconnect" | "resume", data?: unknown }} End
 *
 * @typedef {object} SessionState
 * @property {"connecting" | "connected" | "reconnecting" | "ended"} name
 * @property {number | null} retryAt the time of the next attempt, while one is waited for
 * @property {End | null} end why the session has ended
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
 * @typedef {Connect | Send | Close | Abandon | Start | Stop | Append | Finish | Announce} Action
 */

export {};
