/** @file Which settings a page applies, and which it ignores (SPEC section 5.5). */

import assert from "node:assert/strict";
import test from "node:test";
import { PageSettings } from "../src/page/settings.js";

/** A part of a page that notes what is set, and has a use for all of it but the heights. */
function fakePart() {
  /** @type {unknown[]} */
  const calls = [];
  const part = {
    calls,
    /** @param {string} name @param {unknown} value */
    set(name, value) {
      calls.push([name, value]);
      return !name.endsWith("_height");
    },
  };
  return /** @type {typeof part & any} */ (part);
}

test("whether the panel is fixed is settled before its heights (ENV-2)", () => {
  const panel = fakePart();
  const result = new PageSettings(undefined, panel).apply({
    input_panel_min_height: 100,
    input_panel_fixed: false,
  });
  assert.deepEqual(panel.calls, [
    ["input_panel_fixed", false],
    ["input_panel_min_height", 100],
  ]);
  assert.deepEqual(result, {
    applied: ["input_panel_fixed"],
    ignored: ["input_panel_min_height"],
  });
});

test("each setting goes to its part; those of a missing part, and of HTTP, are ignored", () => {
  const output = fakePart();
  const result = new PageSettings(output, undefined).apply({
    output_animation: false,
    input_auto_focus: false,
    http_pull_interval: 5,
  });
  assert.deepEqual(output.calls, [["output_animation", false]]);
  assert.deepEqual(result, {
    applied: ["output_animation"],
    ignored: ["http_pull_interval", "input_auto_focus"],
  });
});

test("names that are not known are in neither list, and nothing else changes (ENV-3, ENV-5)", () => {
  const output = fakePart();
  const params = /** @type {object} */ ({ unknown: 1, toString: 2 });
  const result = new PageSettings(output, undefined).apply(params);
  assert.deepEqual(output.calls, []);
  assert.deepEqual(result, { applied: [], ignored: [] });
});
