/** Usage: disjoint parts that add up. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { inputTokens, outputTokens, USAGE_PARTS, type Usage } from "../../src/money/usage.ts";

test("an absent part counts as none", () => {
  assert.equal(inputTokens({}), 0);
  assert.equal(outputTokens({}), 0);
  assert.equal(inputTokens({ cacheRead: 7 }), 7);
  assert.equal(outputTokens({ outputAudio: 7 }), 7);
});

test("every part is either input or output and none is both", () => {
  for (const part of USAGE_PARTS) {
    const usage: Usage = { [part]: 1 };
    assert.equal(inputTokens(usage) + outputTokens(usage), 1, part);
  }
});

test("the parts add up to the provider's totals", () => {
  const usage: Usage = {
    input: 1,
    cacheRead: 20,
    cacheWrite5m: 300,
    cacheWrite1h: 4000,
    inputAudio: 50_000,
    output: 6,
    outputAudio: 70,
  };
  assert.equal(inputTokens(usage), 54_321);
  assert.equal(outputTokens(usage), 76);
});
