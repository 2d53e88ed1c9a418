/** Usage: disjoint parts that add up. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  inputTokens,
  isCountedUnit,
  outputTokens,
  USAGE_PARTS,
  type Usage,
} from "../../src/money/usage.ts";

test("an absent part counts as none", () => {
  assert.equal(inputTokens({}), 0);
  assert.equal(outputTokens({}), 0);
  assert.equal(inputTokens({ cacheRead: 7 }), 7);
  assert.equal(outputTokens({ outputAudio: 7 }), 7);
});

test("every part is tokens of input, tokens of output or other units, and none is two of them", () => {
  for (const part of USAGE_PARTS) {
    const usage: Usage = { [part]: 1 };
    const tokens = inputTokens(usage) + outputTokens(usage);
    assert.equal(tokens + (isCountedUnit(part) ? 1 : 0), 1, part);
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
    reasoning: 800,
    images: 9,
  };
  assert.equal(inputTokens(usage), 54_321);
  assert.equal(outputTokens(usage), 876);
});
