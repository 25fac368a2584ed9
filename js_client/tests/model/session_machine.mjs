/**
 * @file The client's session as a machine of numbered states, for the model checker in reference_server/tests/model.
 *
 *     node session_machine.mjs FOLDER     FOLDER holds a copy of src whose private fields are `$name`, not `#name`
 *
 * One line of JSON in is `[state, event]`, one line out `[state, outputs, running]`: the number of the state that
 * follows, what the session asks of its shell, and the ids of the commands that run; or `null`, where the event can't
 * happen. State 0 has not started. A state that was seen before has its number again.
 */

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [, , folder = ""] = process.argv;
const { Session } = await import(`${pathToFileURL(folder)}/core/session.js`);
const { Backoff } = await import(`${pathToFileURL(folder)}/core/reconnecting.js`);

/**
 * @typedef {{ running: number[], files: Record<number, string>, emitted: number }} Program what a page would show
 * @typedef {{ session: any, program: Program }} State
 * @typedef {any[]} Output
 */

const HELLO = {
  client: { name: "model", version: "1" },
  instance: "the-instance-of-the-model",
  app: "index",
  capabilities: { streams: {} },
  page: {},
  maxMessageBytes: 65_536,
};
const ACK_DELAY_MS = 1000;

// --- Time is no part of a state: each timer may go off whenever it is armed, and the resume window never passes. ---

/** What the fields that hold times become after each step. @type {Record<string, (time: number | null) => number | null>} */
const TIMELESS = {
  $retryAt: () => 0,
  $triedAt: () => 0,
  $heardAt: () => 0,
  $hearingUntil: () => null,
  $lostAt: (time) => (time === null ? null : 0),
  $ackDueAt: (time) => (time === null ? null : ACK_DELAY_MS),
  $failures: () => 0,
  $factor: () => 1,
};

/** @param {any} value */
function forgetTimes(value) {
  for (const [key, item] of Object.entries(value)) {
    const timeless = TIMELESS[key];
    if (timeless !== undefined) value[key] = timeless(item);
    else if (isOfClass(item)) forgetTimes(item);
  }
}

/** @param {unknown} value */
function isOfClass(value) {
  return value instanceof Object && Object.getPrototypeOf(value) !== Object.prototype;
}

// --- States ---

/** @type {State[]} */
const states = [];
/** @type {Map<string, number>} */
const numbers = new Map();

/**
 * @param {State} state
 * @returns {number}
 */
function numberOf(state) {
  const text = JSON.stringify(state, (_key, value) => plain(value));
  const known = numbers.get(text);
  if (known !== undefined) return known;
  numbers.set(text, states.length);
  states.push(state);
  return states.length - 1;
}

/** @param {unknown} value */
function plain(value) {
  if (value === HELLO || typeof value === "function") return undefined;
  return value instanceof Map || value instanceof Set ? [...value].sort() : value;
}

/**
 * A copy that shares nothing that changes. What is shared within it, is shared within the copy.
 *
 * @param {any} value
 * @param {Map<unknown, unknown>} seen
 * @returns {any}
 */
function copyOf(value, seen = new Map()) {
  if (!(value instanceof Object) || value === HELLO || typeof value === "function") {
    return value;
  }
  if (seen.has(value)) return seen.get(value);
  if (value instanceof Set) return new Set(value);
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [key, copyOf(item, seen)]));
  }
  const copy = Array.isArray(value) ? [] : Object.create(Object.getPrototypeOf(value));
  seen.set(value, copy);
  for (const [key, item] of Object.entries(value)) copy[key] = copyOf(item, seen);
  return copy;
}

// --- Events: each gives the session's actions, or null where it can't happen ---

/** @type {Record<string, (state: State, argument: any) => any[] | null>} */
const EVENTS = {
  start: ({ session }) => session.start(0),
  opened: ({ session }) => session.opened(),
  text: ({ session }, text) => session.receiveText(text, 0),
  binary: ({ session }, hex) => session.receiveBinary(bufferOf(hex), 0),
  closed: ({ session }, code) => session.closed(code, 0),
  retry: ({ session }) => (session.state.retryAt === null ? null : session.tick(0)),
  ack: ({ session }) => (session.deadline === ACK_DELAY_MS ? session.tick(ACK_DELAY_MS) : null),
  silence: ({ session }) =>
    isSilenceable(session) ? session.tick(session.$connection.idleAt) : null,
  emit: ({ session, program }) => {
    program.emitted += 1;
    return session.emit("count", program.emitted);
  },
  answer: ({ session, program }, id) => {
    program.running = program.running.filter((running) => running !== id);
    return session.answer(id, { result: `{"value":${id}}` });
  },
};

/** @param {any} session */
function isSilenceable(session) {
  return session.state.end === null && session.deadline !== null && session.state.retryAt === null;
}

/** @param {string} hex */
function bufferOf(hex) {
  const bytes = Buffer.from(hex, "hex");
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
}

// --- The shell: a command runs in the step in which it starts, and is answered in a later one; a file is saved at once ---

/** @type {Record<string, (state: State, action: any) => Output[]>} */
const ACTIONS = {
  connect: () => [["connect"]],
  abandon: () => [["abandon"]],
  close: (_state, { code }) => [["close", code]],
  send: (_state, { frame }) => [["send", frame]],
  announce: (_state, { state: { end } }) => (end === null ? [] : [["ended", end.code]]),
  start: ({ program }, { command: { id, type } }) => {
    if (type === "download") program.files[id] = "";
    else program.running.push(id);
    return [["started", id]];
  },
  append: ({ program }, { id, payload }) => {
    program.files[id] += Buffer.from(payload).toString("hex");
    return [];
  },
  finish: (state, { id }) => {
    const hex = state.program.files[id] ?? "";
    delete state.program.files[id];
    const answer = state.session.answer(id, { result: `{"bytes":${hex.length / 2}}` });
    return [["saved", id, hex], ...obey(state, answer)];
  },
  stop: ({ program }, { id }) => {
    delete program.files[id]; // code goes on: it is stopped by nobody
    return [];
  },
};

/**
 * @param {State} state
 * @param {any[]} actions
 * @returns {Output[]}
 */
function obey(state, actions) {
  return actions.flatMap((action) => ACTIONS[action.kind]?.(state, action) ?? []);
}

/**
 * @param {number} number
 * @param {[string, any]} event
 */
function step(number, [name, argument]) {
  const state = copyOf(states[number]);
  const actions = EVENTS[name]?.(state, argument) ?? null;
  if (actions === null) return null;
  const outputs = obey(state, actions);
  forgetTimes(state.session);
  return [numberOf(state), outputs, state.program.running];
}

numberOf({
  session: new Session({ hello: HELLO, backoff: new Backoff(), random: () => 0 }),
  program: { running: [], files: {}, emitted: 0 },
});
for await (const line of createInterface({ input: process.stdin })) {
  const [number, event] = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(step(number, event))}\n`);
}
