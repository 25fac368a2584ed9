/** @file JSON text as the wire wants it. */

import assert from "node:assert/strict";
import test from "node:test";
import {
  characterCount,
  hasMoreValues,
  jsonText,
  parseJson,
  utf8Size,
} from "../src/protocol/codec.js";

test("a lone surrogate is sent as U+FFFD (WIRE-7)", () => {
  assert.equal(jsonText("a\ud800b"), '"a\ufffdb"');
  assert.equal(jsonText({ "\udfff": "\ud83d" }), '{"\ufffd":"\ufffd"}');
});

test("a lone surrogate is found among escapes (WIRE-7)", () => {
  assert.equal(jsonText("\n\ud800include\n"), '"\\n\ufffdinclude\\n"');
  assert.equal(jsonText("\n\\ud\n"), '"\\n\\\\ud\\n"');
});

test("a surrogate pair, and text that looks like an escape, stay as they are", () => {
  assert.equal(jsonText("😀"), '"😀"');
  assert.equal(jsonText("\\ud800 \ud800"), '"\\\\ud800 \ufffd"');
});

test("what has no JSON has no text", () => {
  assert.equal(jsonText(undefined), undefined);
  assert.equal(
    jsonText(() => 1),
    undefined,
  );
  assert.throws(() => jsonText(1n), TypeError);
});

test("a value nests at most 128 levels (WIRE-25)", () => {
  const nested = (/** @type {number} */ depth) => JSON.parse("[".repeat(depth) + "]".repeat(depth));
  assert.equal(jsonText(nested(128))?.length, 256);
  assert.throws(() => jsonText(nested(129)), RangeError);
  assert.equal(jsonText({ '["\\': ['"[[', "]"] }), '{"[\\"\\\\":["\\"[[","]"]}');
  assert.equal(jsonText("[".repeat(500))?.length, 502);
  assert.equal(jsonText(Array(200).fill([]))?.length, 601);
  assert.equal(jsonText(["[".repeat(500), nested(127)])?.length, 759);
  assert.throws(() => jsonText(["]".repeat(500), nested(128)]), RangeError);
});

for (const text of ["1e999", "[-1e400]", `{"a":{"b":1${"0".repeat(400)}}}`]) {
  test(`${text.slice(0, 20)} overflows (WIRE-8)`, () => {
    assert.throws(() => parseJson(text), SyntaxError);
  });
}

test("digits in texts overflow nothing", () => {
  assert.deepEqual(parseJson(`["e123", "${"9".repeat(400)}"]`), ["e123", "9".repeat(400)]);
});

test("a text that nests deeper than functions can call is read", () => {
  const depth = 100_000;
  assert.doesNotThrow(() => parseJson(`[1e100,${"[".repeat(depth)}${"]".repeat(depth)}]`));
});

test("sizes are bytes of UTF-8, lengths are code points", () => {
  assert.equal(utf8Size("aä€😀"), 10);
  assert.equal(characterCount("aä€😀"), 4);
});

/** @param {string} text */
function countOf(text) {
  let count = 0;
  JSON.parse(text, () => {
    count += 1;
  });
  return count;
}

for (const value of [
  "[]",
  "{}",
  "0",
  '""',
  "[[],[ ],{}]",
  '{"a":{"b,":[1,"[]"]},"":null}',
  '["\\"",[],"\\\\"]',
  '[\n\t[ 1 , 2 ] , { "a" : [ ] } ]',
  '"[,{,]"',
]) {
  test(`the values of ${JSON.stringify(value)} are counted, names are not (WIRE-27)`, () => {
    const text = `[${Array(50).fill(value).join()},"${"x".repeat(2000)}"]`;
    const count = countOf(text);
    assert.equal(hasMoreValues(text, count), false);
    assert.equal(hasMoreValues(text, count - 1), true);
  });
}
