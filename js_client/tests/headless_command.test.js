/** @file The command `pagewire-headless`, as a process. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import test from "node:test";
import { fileURLToPath } from "node:url";

const COMMAND = fileURLToPath(new URL("../bin/pagewire-headless.mjs", import.meta.url));

/** @param {string[]} args */
function run(...args) {
  return spawnSync(process.execPath, [COMMAND, ...args], { encoding: "utf8" });
}

test("--help says how it is used", () => {
  const { status, stdout } = run("--help");
  assert.equal(status, 0);
  assert.match(stdout, /^Usage: pagewire-headless URL/);
});

for (const args of [[], ["a", "b"], ["nonsense"], ["http://h/"], ["ws://h/", "--more"]]) {
  test(`${JSON.stringify(args)} is bad usage`, () => {
    const { status, stderr } = run(...args);
    assert.equal(status, 2);
    assert.match(stderr, /^pagewire-headless: .+\n\nUsage/);
  });
}
