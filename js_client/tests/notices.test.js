/** @file What a user is told of a notice. */

import assert from "node:assert/strict";
import test from "node:test";
import { noticeText } from "../src/notices.js";

/** A limit is never given too small. @type {[number | null, string][]} */
const TEXTS = [
  [null, "soon"],
  [0, "now"],
  [1, "within 1 second"],
  [1001, "within 2 seconds"],
  [30_000, "within 30 seconds"],
  [119_001, "within 120 seconds"],
  [120_000, "within 2 minutes"],
  [240_001, "within 5 minutes"],
  [7_199_999, "within 120 minutes"],
  [7_200_001, "within 3 hours"],
];

for (const [endsInMs, when] of TEXTS) {
  test(`${endsInMs} ms: ${when}`, () => {
    const text = noticeText({ code: "draining", endsInMs });
    assert.equal(text, `The server is stopping. This session ends ${when}.`);
  });
}
