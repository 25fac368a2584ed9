/** @file The wire log: the last messages of a client, each command paired with its reply. */

import { noteEntry, readEntry } from "./wire_entry.js";
import { kindOf } from "./wire_kinds.js";

/** @import {Direction, WireEntry} from "./wire_entry.js" */

/** How many entries are kept. */
export const MAX_ENTRIES = 1000;

/** How many characters of messages are kept. */
export const MAX_CHARACTERS = 8_000_000;

export class WireLog {
  /** The oldest first. @type {WireEntry[]} */
  entries = [];
  /** Of all messages ever added. */
  totals = { sent: 0, received: 0, sentBytes: 0, receivedBytes: 0 };
  #count = 0;
  #characters = 0;
  /** The commands that await a reply. @type {Map<number, WireEntry>} */
  #awaiting = new Map();
  #lastSeq = { sent: 0, received: 0 };

  /**
   * @param {Direction} direction
   * @param {string | ArrayBuffer} frame
   * @param {{ at: number, connection: number }} when `at` in ms
   * @returns {{ entry: WireEntry, answered: WireEntry | undefined }} the command that it answers, if it is a reply
   */
  add(direction, frame, when) {
    const entry = readEntry(direction, frame, { ...when, number: this.#nextNumber() });
    if (entry.type === "hello" && !entry.text.includes('"resume":')) this.#begin();
    this.#total(direction, entry.bytes);
    entry.isRepeated = this.#isRepeated(direction, entry.seq);
    const answered = entry.isRepeated ? undefined : this.#pair(entry);
    this.#keep(entry);
    return { entry, answered };
  }

  /**
   * @param {string} text what happened, beside the messages
   * @param {{ at: number, connection: number }} when
   */
  note(text, when) {
    this.#keep(noteEntry(text, { ...when, number: this.#nextNumber() }));
  }

  /** Forgets the entries; what awaits a reply is still paired with it. */
  clear() {
    this.entries = [];
    this.#characters = 0;
  }

  #nextNumber() {
    this.#count += 1;
    return this.#count;
  }

  /** A new session counts from the start. */
  #begin() {
    this.#awaiting.clear();
    this.#lastSeq = { sent: 0, received: 0 };
  }

  /**
   * @param {Direction} direction
   * @param {number} bytes
   */
  #total(direction, bytes) {
    this.totals[direction] += 1;
    this.totals[`${direction}Bytes`] += bytes;
  }

  /**
   * @param {Direction} direction
   * @param {number | null} seq
   */
  #isRepeated(direction, seq) {
    if (seq === null) return false;
    const isRepeated = seq <= this.#lastSeq[direction];
    this.#lastSeq[direction] = Math.max(seq, this.#lastSeq[direction]);
    return isRepeated;
  }

  /** @param {WireEntry} entry */
  #pair(entry) {
    const { id, type } = entry;
    if (id === null || type === "cancel") return undefined;
    if (kindOf(type) === "commands") this.#awaiting.set(id, entry);
    if (kindOf(type) !== "replies") return undefined;
    const command = this.#awaiting.get(id);
    this.#awaiting.delete(id);
    if (command !== undefined)
      command.answeredInMs = entry.answeredInMs = Math.max(0, entry.at - command.at);
    return command;
  }

  /** @param {WireEntry} entry */
  #keep(entry) {
    this.entries.push(entry);
    this.#characters += entry.text.length;
    while (this.entries.length > MAX_ENTRIES || this.#characters > MAX_CHARACTERS) {
      this.#characters -= this.entries.shift()?.text.length ?? 0;
    }
  }
}
