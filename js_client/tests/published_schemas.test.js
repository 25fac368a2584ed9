/** @file The published schemas are taken, unpatched, by ajv and by json-schema-to-typescript, as frontend teams use them. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { compile } from "json-schema-to-typescript";

const PROTOCOL = new URL("../../protocol/", import.meta.url);
const SCHEMAS = new URL("schemas/1.0/", PROTOCOL);
const EXAMPLES = new URL("examples/1.0/", PROTOCOL);
const FORMS = /** @type {const} */ (["schema.json", "strict.schema.json"]);

const TYPES = readdirSync(EXAMPLES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);
const RULES = JSON.parse(readFileSync(new URL("rules.json", EXAMPLES), "utf8"));

/** @param {string} path */
function readSchema(path) {
  return JSON.parse(readFileSync(new URL(path, SCHEMAS), "utf8"));
}

/**
 * A validator by ajv in its default, strict mode, whose warnings are errors here.
 *
 * @param {string} path
 */
function validatorOf(path) {
  const warnings = /** @type {unknown[]} */ ([]);
  const note = (/** @type {unknown[]} */ ...args) => warnings.push(args);
  const ajv = new Ajv2020({ discriminator: true, logger: { log: note, warn: note, error: note } });
  const validate = ajv.compile(readSchema(path));
  assert.deepEqual(warnings, [], path);
  return validate;
}

/** @param {string} type */
function examplesOf(type) {
  const folder = new URL(`${type}/`, EXAMPLES);
  const names = readdirSync(folder);
  assert(names.length > 1, type);
  return names.map((name) => ({
    name: `${type}/${name}`,
    isValid: name.startsWith("valid_"),
    message: JSON.parse(readFileSync(new URL(name, folder), "utf8")),
  }));
}

test("every type of message has examples", () => {
  const types = readdirSync(new URL("messages/", SCHEMAS)).map((name) => name.split(".")[0]);
  assert.deepEqual(new Set(TYPES), new Set(types));
});

for (const form of FORMS) {
  const bundle = validatorOf(`pagewire.${form}`);
  for (const type of TYPES) {
    test(`ajv judges the examples of ${type} as the rules say, by ${form}`, () => {
      const inlined = validatorOf(`messages/${type}.${form}`);
      for (const { name, isValid, message } of examplesOf(type)) {
        const isKnown = form === FORMS[0] || !(name in RULES.open_only);
        const expected = (isValid && isKnown) || name in RULES.text_only;
        assert.equal(inlined(message), expected, name);
        assert.equal(bundle(message), expected, `${name}, by the bundle`);
      }
    });
  }
}

for (const form of FORMS) {
  test(`json-schema-to-typescript makes a type of each message, and of each direction, by ${form}`, async () => {
    const types = await compile(readSchema(`pagewire.${form}`), "Message");
    assert.match(types, /export type Message = ClientMessage \| ServerMessage;/);
    for (const name of ["HelloMessage", "EvalJsMessage", "ResultMessage", "ByeMessage"]) {
      assert.match(types, new RegExp(`export interface ${name} \\{[^}]*\\n {2}type: "`));
    }
    assert.doesNotMatch(types, /\w+\d+\b(?= \{| =)/, "no name was made up by counting");
  });
}

for (const type of TYPES) {
  test(`json-schema-to-typescript takes the inlined schema of ${type}`, async () => {
    const types = await compile(readSchema(`messages/${type}.schema.json`), type);
    assert.match(types, new RegExp(`type: "${type}"`));
  });
}
