/** The wait after failures. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs } from "../../src/events/backoff.ts";

const BOUNDS = { firstMs: 1_000, maxMs: 3_600_000 };

test("the wait doubles with each failure, up to its bound, for years", () => {
  assert.deepEqual([1, 2, 3, 4, 12].map(longest), [1_000, 2_000, 4_000, 8_000, 2_048_000]);
  assert.deepEqual([13, 100, 1e6].map(longest), [3_600_000, 3_600_000, 3_600_000]);
});

test("chance takes at most half of the wait, so that nothing is tried again at once", () => {
  const waits = [0, 0.5, 1].map((chance) => backoffMs(100, BOUNDS, () => chance));
  assert.deepEqual(waits, [1_800_000, 2_700_000, 3_600_000]);
});

function longest(failures: number): number {
  return backoffMs(failures, BOUNDS, () => 1);
}
