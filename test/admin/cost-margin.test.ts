/** A margin as administrators write it, and as it is shown. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Check } from "typebox/value";
import { CostMargin, costMargin, markupFrom } from "../../src/admin/cost-margin.ts";
import { nanoUsd } from "../../src/money/amount.ts";

const NOW = { ppm: 1n, fixed: nanoUsd(2n) };

test("a margin is a fraction, or two parts, or none of its own; an absent one stays as it is", () => {
  assert.equal(markupFrom(undefined, NOW), NOW);
  assert.equal(markupFrom(null, NOW), null);
  assert.deepEqual(markupFrom(0.3, NOW), { ppm: 300_000n, fixed: 0n });
  assert.deepEqual(markupFrom({ fixed_amount: "0.0005" }, NOW), { ppm: 0n, fixed: 500_000n });
});

test("what is shown can be written again", () => {
  for (const markup of [null, NOW, { ppm: -50_000n, fixed: nanoUsd(0n) }]) {
    const shown: unknown = JSON.parse(JSON.stringify(costMargin(markup)));
    assert.ok(Check(CostMargin, shown));
    assert.deepEqual(markupFrom(shown, NOW), markup);
  }
});

test("per cent, negative amounts and other fields are refused", () => {
  const wrong = [15, -2, "0.1", { percentage: 15 }, { fixed_amount: -1 }, { percent: 0.1 }];
  for (const given of wrong) assert.equal(Check(CostMargin, given), false, JSON.stringify(given));
  assert.throws(() => markupFrom({ fixed_amount: "-1" }, null));
  assert.throws(() => markupFrom({ fixed_amount: "much" }, null));
});
