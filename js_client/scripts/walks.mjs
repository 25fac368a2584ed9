/**
 * @file How many files a reader opens to follow one call through the client: two walks, with the functions that ran.
 *
 *     node scripts/walks.mjs [--json] [--verbose]     (`make walks` shows them beside the server's)
 *
 * Counted is what V8's precise coverage reports: each function of a file in `src/`, `generated/` included, that ran in
 * the walk. `files` is in how many different files they are, `calls` how often they were called in all. V8 does not
 * tell in which order, so changes of file are not counted.
 *
 * The client is that of `connect` in `src/index.js`, over sockets that this program plays. A walk begins with what its
 * name says and goes on until nothing is left to do. Each is done several times after a warm-up; the most
 * frequent count is shown, and `varies` if there was another.
 */

import { once } from "node:events";
import { Session as Inspector } from "node:inspector/promises";
import { relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

/** @import {ConnectOptions} from "../src/index.js" */
/** @typedef {{ url: string, functions: { functionName: string, ranges: { count: number }[] }[] }} Script */
/** @typedef {[file: string, name: string, count: number]} Step */
/** @typedef {{ name: string, files: number, calls: number, varies: boolean, steps: Step[] }} Walk */

const WARM_UPS = 3;
const REPETITIONS = 5;
const SOURCES = new URL("../src/", import.meta.url);
const TARGET_FILES = 12;

/**
 * The functions below a folder that ran.
 *
 * @param {Script[]} scripts
 * @param {URL} folder
 * @returns {Step[]}
 */
export function functionsThatRan(scripts, folder) {
  return scripts
    .filter(({ url }) => url.startsWith(folder.href))
    .flatMap(({ url, functions }) =>
      functions
        .map(({ functionName, ranges }) => ({ functionName, count: ranges[0]?.count ?? 0 }))
        .filter(({ count }) => count > 0)
        .map(({ functionName, count }) => {
          const file = relative(fileURLToPath(folder), fileURLToPath(url));
          return /** @type {Step} */ ([file, functionName || "(anonymous)", count]);
        }),
    );
}

/**
 * @param {string} name
 * @param {Step[][]} runs
 * @returns {Walk}
 */
export function summarize(name, runs) {
  const counted = runs.map((steps) => ({
    files: new Set(steps.map(([file]) => file)).size,
    calls: steps.reduce((sum, [, , count]) => sum + count, 0),
    steps,
  }));
  /** @type {Map<string, typeof counted>} */
  const alike = new Map();
  for (const run of counted) {
    const key = `${run.files} ${run.calls}`;
    alike.set(key, [...(alike.get(key) ?? []), run]);
  }
  const [usual] = [...alike.values()].sort((one, other) => other.length - one.length);
  const first = usual?.[0];
  if (first === undefined) throw new Error("a walk without runs");
  return { name, ...first, varies: alike.size > 1 };
}

// --- The server's side ---

class PlayedSocket extends EventTarget {
  /** The newest one. @type {PlayedSocket} */
  static newest;
  static opened = new EventTarget();

  OPEN = 1;
  readyState = 0;
  binaryType = "blob";
  /** @type {Record<string, any>[]} */
  sent = [];

  /** @param {URL} _url @param {string} protocol */
  constructor(_url, protocol) {
    super();
    this.protocol = protocol;
    PlayedSocket.newest = this;
    PlayedSocket.opened.dispatchEvent(new Event("opened"));
  }

  /** @param {string} frame */
  send(frame) {
    this.sent.push(JSON.parse(frame));
    this.dispatchEvent(new Event("sent"));
  }

  close() {
    this.readyState = 2;
  }

  // What the server does.

  /** @param {object} params of the `welcome` */
  welcome(params) {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
    this.receive({ type: "welcome", params: { ...WELCOME, ...params } });
  }

  /** @param {object} message */
  receive(message) {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }

  break() {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event("close"), { code: 1006 }));
  }
}

const WELCOME = {
  version: "1.0",
  session: "s-walks",
  resumed: false,
  last_seq: 0,
  server: { name: "walks", version: "1" },
  capabilities: {},
  heartbeat: { interval_ms: 600_000, timeout_ms: 600_000 },
  limits: { max_message_bytes: 65_536, max_values: 1000, stream_window_bytes: 65_536 },
  resume_window_ms: 600_000,
};

// --- The walks ---

/** What ran since the last call. @param {Inspector} inspector */
async function takeSteps(inspector) {
  await allIsDone();
  const { result } = await inspector.post("Profiler.takePreciseCoverage");
  return functionsThatRan(result, SOURCES);
}

/** Promises of the client have settled after this. */
function allIsDone() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** @param {Inspector} inspector */
async function walkRunJs(inspector) {
  const socket = PlayedSocket.newest;
  const runs = [];
  for (let seq = 1; seq <= WARM_UPS + REPETITIONS; seq += 1) {
    await takeSteps(inspector);
    const sent = once(socket, "sent");
    const params = { code: "globalThis.number = number", args: { number: seq } };
    socket.receive({ type: "run_js", seq, id: seq, params });
    await sent;
    runs.push(await takeSteps(inspector));
  }
  return summarize("JS: run_js in -> result out", runs.slice(WARM_UPS));
}

/**
 * The replies of all commands are replayed: nothing was acknowledged.
 *
 * @param {Inspector} inspector
 */
async function walkReconnect(inspector) {
  const runs = [];
  for (let attempt = 1; attempt <= WARM_UPS + REPETITIONS; attempt += 1) {
    await takeSteps(inspector);
    const opened = once(PlayedSocket.opened, "opened");
    PlayedSocket.newest.break();
    await opened;
    const socket = PlayedSocket.newest;
    socket.welcome({ resumed: true, last_seq: WARM_UPS + REPETITIONS - 1 });
    await allIsDone();
    if (socket.sent.at(-1)?.["type"] !== "result") throw new Error("nothing was replayed");
    runs.push(await takeSteps(inspector));
  }
  return summarize("JS: close -> reconnect -> replay", runs.slice(WARM_UPS));
}

/** @returns {never} */
function unexpected() {
  throw new Error("a walk does not come here");
}

/** @returns {Promise<Walk[]>} */
async function walkAll() {
  Object.assign(globalThis, { WebSocket: PlayedSocket, window: new EventTarget() });
  const { compileAsyncFunction, connect } = await import("../src/index.js");
  const inspector = new Inspector();
  inspector.connect();
  await inspector.post("Profiler.enable");
  await inspector.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  /** @type {ConnectOptions["environment"]} */
  const environment = {
    compile: compileAsyncFunction,
    openFile: unexpected,
    takesStreams: false,
    applySettings: unexpected,
    openApp: unexpected,
    vendorCommands: new Map(),
  };
  const client = connect({ url: "ws://walks/ws", page: {}, environment });
  PlayedSocket.newest.welcome({});
  const walks = [await walkRunJs(inspector), await walkReconnect(inspector)];
  inspector.disconnect();
  client.close();
  return walks;
}

/** @param {Walk} walk */
function describe({ name, files, calls, varies }) {
  const verdict = files <= TARGET_FILES ? "ok" : "over";
  return `${name}: ${files} files (target ${TARGET_FILES}, ${verdict}), ${calls} calls${varies ? ", varies" : ""}`;
}

async function main() {
  const { values } = parseArgs({
    options: { json: { type: "boolean" }, verbose: { type: "boolean" } },
  });
  const walks = await walkAll();
  if (values.json) {
    console.log(JSON.stringify(walks));
    return;
  }
  for (const walk of walks) {
    console.log(describe(walk));
    if (!values.verbose) continue;
    for (const file of new Set(walk.steps.map(([path]) => path))) {
      const called = walk.steps.filter(([path]) => path === file);
      console.log(
        `  ${file}: ${called.map(([, name, count]) => (count > 1 ? `${name} x${count}` : name)).join(", ")}`,
      );
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await main();
  process.exit(0);
}
