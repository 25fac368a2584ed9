/** @file The strict schemas, to which every message that a client sends is held. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";

const MESSAGES = new URL("../../protocol/schemas/1.0/messages/", import.meta.url);
const SUFFIX = ".strict.schema.json";

const ajv = new Ajv2020({ discriminator: true });

const VALIDATORS = new Map(
  readdirSync(MESSAGES)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => {
      const schema = JSON.parse(readFileSync(new URL(name, MESSAGES), "utf8"));
      return [name.slice(0, -SUFFIX.length), ajv.compile(schema)];
    }),
);

/** @param {{ type: string }} message */
export function assertStrict(message) {
  const validate = VALIDATORS.get(message.type);
  assert(validate, `${message.type} has no strict schema`);
  assert(validate(message), `${JSON.stringify(message)}: ${ajv.errorsText(validate.errors)}`);
}
