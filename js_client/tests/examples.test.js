/** @file The published examples: the client takes the valid ones that it can receive, and none of the invalid. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import { check } from "../src/protocol/checks.js";
import { utf8Size } from "../src/protocol/codec.js";
import { MESSAGE_TYPES } from "../src/protocol/generated/registry.js";

const EXAMPLES = new URL("../../protocol/examples/1.0/", import.meta.url);
const LARGEST = Number.MAX_SAFE_INTEGER;

/**
 * @param {string} type
 * @param {string} prefix
 */
function readExamples(type, prefix) {
  const folder = new URL(`${type}/`, EXAMPLES);
  const names = readdirSync(folder).filter((name) => name.startsWith(prefix));
  assert(names.length > 0, `${folder} holds no ${prefix}*.json`);
  return names.map((name) => ({ name, text: readFileSync(new URL(name, folder), "utf8") }));
}

/**
 * As if the example were the next message, so that nothing but itself decides.
 *
 * @param {string} type
 * @param {string} text
 */
function judge(type, text) {
  const { seq, id } = JSON.parse(text);
  return check(text, utf8Size(text), {
    welcomed: type !== "welcome",
    lastSeq: Number.isSafeInteger(seq) && seq > 0 ? seq - 1 : 0,
    lastId: Number.isSafeInteger(id) && id > 0 ? id - 1 : 0,
    maxMessageBytes: LARGEST,
    vendorCommands: new Set(),
  });
}

const ACCEPTED = { control: "control", session: "cancel", command: "command", reply: "" };

for (const [type, { kind, received }] of MESSAGE_TYPES) {
  if (!received) continue;
  test(`the valid examples of ${type} are accepted`, () => {
    for (const { name, text } of readExamples(type, "valid_")) {
      assert.equal(judge(type, text).outcome, ACCEPTED[kind], name);
    }
  });
  test(`the invalid examples of ${type} are not`, () => {
    for (const { name, text } of readExamples(type, "invalid_")) {
      assert(["fail", "refuse"].includes(judge(type, text).outcome), name);
    }
  });
}
