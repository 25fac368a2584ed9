/** @file How the demo writes quantities, previews, JSON and bytes. */

import assert from "node:assert/strict";
import test from "node:test";
import { hexDump, jsonPieces, layOut } from "../src/demo/frame_text.js";
import { preview } from "../src/demo/preview.js";
import { bytesText, durationText, momentText } from "../src/page/quantities.js";

test("quantities take few characters", () => {
  const bytes = [0, 999, 1000, 1234, 99_949, 184_000, 999_600, 12_188_897].map(bytesText);
  assert.deepEqual(bytes, [
    "0 B",
    "999 B",
    "1.0 kB",
    "1.2 kB",
    "99.9 kB",
    "184 kB",
    "1.0 MB",
    "12.2 MB",
  ]);
  assert.deepEqual([0.04, 9.96, 999.4, 1250].map(durationText), [
    "0.0 ms",
    "10 ms",
    "999 ms",
    "1.25 s",
  ]);
  assert.equal(momentText(12_345.6), "12.346");
});

test("a preview is one line, the arguments before the code", () => {
  const params = { code: "\n  const a = n;\n", args: { n: 3 } };
  assert.equal(preview("run_js", params), "n=3 · const a = n;");
  assert.equal(preview("result", { value: null }), "null");
  assert.equal(preview("result", { bytes: 4 }), '{"bytes":4}');
  assert.equal(preview("vendor:type", { a: 1 }), '{"a":1}');
  assert.equal(preview("event", null), "");
});

test("JSON in pieces is the same text, and tells names from strings", () => {
  const text = layOut('{"a":"b: \\"c\\"","n":-1.5e3,"t":true,"l":[null,"x"]}');
  const pieces = jsonPieces(text);
  assert.equal(pieces.map(([, part]) => part).join(""), text);
  assert.deepEqual(
    pieces.filter(([kind]) => kind !== ""),
    [
      ["name", '"a"'],
      ["string", '"b: \\"c\\""'],
      ["name", '"n"'],
      ["number", "-1.5e3"],
      ["name", '"t"'],
      ["word", "true"],
      ["name", '"l"'],
      ["word", "null"],
      ["string", '"x"'],
    ],
  );
});

test("JSON is laid out as JSON.stringify does, and its numbers stay as they are", () => {
  const value = { a: [], b: {}, c: [1, { d: "[,:{" }], e: [[]], f: null };
  assert.equal(layOut(JSON.stringify(value)), JSON.stringify(value, null, 2));
  assert.equal(layOut(" [ 1e3 , 12345678901234567890 ] "), "[\n  1e3,\n  12345678901234567890\n]");
});

test("what is not JSON is laid out as it is", () => {
  assert.equal(layOut("{cut … 3 more"), "{cut … 3 more");
});

test("a dump has sixteen bytes a line", () => {
  const lines = hexDump(new Uint8Array([0, 65, ...new Array(15).fill(32)])).split("\n");
  assert.equal(lines.length, 2);
  assert.ok(lines[0]?.startsWith("0000  00 41 20"));
  assert.ok(lines[0]?.endsWith(` ·A${" ".repeat(14)}`));
  assert.ok(lines[1]?.startsWith("0010  20"));
});
