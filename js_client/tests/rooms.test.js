/** @file Which room may import which, and that the core stays without IO, clocks and chance (as import-linter does in Python). */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";

const SRC = new URL("../src/", import.meta.url);

/** By room; a room may import itself. `client`, `index`, `notices` and `urls` are the modules at the top. @type {Record<string, string[]>} */
const MAY_IMPORT = {
  protocol: [],
  core: ["protocol"],
  transports: [],
  commands: ["core", "protocol"],
  urls: [],
  notices: ["core"],
  client: ["commands", "core", "transports", "urls"],
  node: ["client", "commands", "core", "notices", "protocol"],
  page: ["client", "commands", "core", "index", "notices", "protocol", "urls"],
  index: ["client", "commands", "core", "page", "protocol"],
  demo: ["client", "page", "protocol"],
};

/** What reaches out of a function's arguments. */
const IO =
  /\b(setTimeout|setInterval|queueMicrotask|performance|Date|Math\.random|crypto|fetch|WebSocket|document|window|globalThis|console|process)\b|"node:/;

/** The modules of all rooms, with their texts. */
const MODULES = readdirSync(SRC, { recursive: true })
  .map((path) => String(path).replaceAll("\\", "/"))
  .filter((path) => path.endsWith(".js") && !path.includes("generated/"))
  .map((path) => ({ path, text: readFileSync(new URL(path, SRC), "utf8") }));

/** @param {string} path below `src` */
function roomOf(path) {
  return (path.split("/")[0] ?? "").replace(/\.js$/, "");
}

/** The rooms that a module imports from, values and types. @param {{ path: string, text: string }} module */
function importedRooms({ path, text }) {
  return [...text.matchAll(/(?:from|import\() ?"(\.[^"]+)"/g)].map(([, target = ""]) =>
    roomOf(new URL(target, new URL(path, SRC)).href.slice(SRC.href.length)),
  );
}

/** @param {string} text */
function withoutComments(text) {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
}

test("every room is in the table", () => {
  assert.deepEqual(
    new Set(MODULES.map(({ path }) => roomOf(path))),
    new Set(Object.keys(MAY_IMPORT)),
  );
});

for (const [room, allowed] of Object.entries(MAY_IMPORT)) {
  test(`${room} imports ${allowed.join(", ") || "no other room"}`, () => {
    for (const module of MODULES.filter(({ path }) => roomOf(path) === room)) {
      const foreign = importedRooms(module).filter((other) => other !== room);
      assert.deepEqual(
        foreign.filter((other) => !allowed.includes(other)),
        [],
        module.path,
      );
    }
  });
}

for (const room of ["core", "protocol"]) {
  test(`${room} has no IO, no clock and no chance of its own`, () => {
    for (const { path, text } of MODULES.filter((module) => roomOf(module.path) === room)) {
      assert.doesNotMatch(withoutComments(text), IO, path);
    }
  });
}

test("a module has at most 400 lines", () => {
  const long = MODULES.filter(({ text }) => text.split("\n").length > 401);
  assert.deepEqual(
    long.map(({ path }) => path),
    [],
  );
});
