/** @file What `make walks` counts: functions that ran, their files, and how often they were called. */

import assert from "node:assert/strict";
import test from "node:test";
import { functionsThatRan, summarize } from "../scripts/walks.mjs";

const FOLDER = new URL("file:///project/src/");

/** @param {string} functionName @param {number} count */
function covered(functionName, count) {
  return { functionName, ranges: [{ count }, { count: 0 }] };
}

test("only functions that ran, of files in the folder, are counted", () => {
  const scripts = [
    { url: "file:///project/src/a/one.js", functions: [covered("f", 2), covered("g", 0)] },
    { url: "file:///project/src/two.js", functions: [covered("", 1)] },
    { url: "file:///project/src/unused.js", functions: [covered("h", 0)] },
    { url: "file:///project/tests/three.js", functions: [covered("i", 1)] },
    { url: "node:events", functions: [covered("emit", 1)] },
  ];
  assert.deepEqual(functionsThatRan(scripts, FOLDER), [
    ["a/one.js", "f", 2],
    ["two.js", "(anonymous)", 1],
  ]);
});

test("the most frequent count of several runs is shown, and that there was another", () => {
  const usual = /** @type {[string, string, number][]} */ ([
    ["one.js", "f", 2],
    ["one.js", "g", 1],
    ["two.js", "h", 1],
  ]);
  const rare = usual.slice(0, 1);
  const steady = { name: "walk", files: 2, calls: 4, varies: false, steps: usual };
  assert.deepEqual(summarize("walk", [usual, usual]), steady);
  assert.deepEqual(summarize("walk", [rare, usual, usual]), { ...steady, varies: true });
});
