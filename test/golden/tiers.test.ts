/** Long calls: every provider's threshold at one token below, at it and one above, with and without a cache. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { usageOf, type Convention } from "../../src/gateway/usage.ts";
import { priced } from "../../src/money/pricing.ts";
import { createPriceBook } from "../../src/prices/book.ts";
import type { Json } from "../../src/platform/json.ts";
import { deploymentOf } from "../providers/deployment.ts";

interface Boundary {
  readonly provider: string;
  readonly model: string;
  readonly convention: Convention;
  /** The longest input at the lower price. */
  readonly threshold: number;
  /** Nano-dollars per token: fresh input, cached input, output; below and above. */
  readonly below: readonly [bigint, bigint, bigint];
  readonly above: readonly [bigint, bigint, bigint];
  readonly block: (fresh: number, cached: number, output: number) => Json;
}

const inside = (fresh: number, cached: number, output: number): Json => ({
  prompt_tokens: fresh + cached,
  completion_tokens: output,
  prompt_tokens_details: { cached_tokens: cached },
});

const BOUNDARIES: readonly Boundary[] = [
  {
    provider: "gemini",
    model: "gemini-2.5-pro",
    convention: "gemini",
    threshold: 200_000,
    below: [1250n, 125n, 10_000n],
    above: [2500n, 250n, 15_000n],
    block: (fresh, cached, output) => ({
      promptTokenCount: fresh + cached,
      cachedContentTokenCount: cached,
      candidatesTokenCount: output,
    }),
  },
  {
    provider: "anthropic",
    model: "claude-sonnet-4-5",
    convention: "anthropic",
    threshold: 200_000,
    below: [3000n, 300n, 15_000n],
    above: [6000n, 600n, 22_500n],
    block: (fresh, cached, output) => ({
      input_tokens: fresh,
      cache_read_input_tokens: cached,
      output_tokens: output,
    }),
  },
  {
    provider: "openai",
    model: "gpt-6-sol",
    convention: "openai_chat",
    threshold: 272_000,
    below: [2000n, 200n, 10_000n],
    above: [4000n, 400n, 15_000n],
    block: inside,
  },
  {
    provider: "xai",
    model: "grok-4.3",
    convention: "openai_chat",
    threshold: 199_999,
    below: [1250n, 200n, 2500n],
    above: [2500n, 400n, 5000n],
    block: inside,
  },
];

for (const boundary of BOUNDARIES) {
  const { model, threshold } = boundary;
  test(`${model} costs more for the whole call from the token after ${threshold}, cached or not`, () => {
    for (const input of [threshold - 1, threshold, threshold + 1]) {
      const [fresh, cached, output] = input > threshold ? boundary.above : boundary.below;
      for (const fromCache of [0, 1, 150_000, input]) {
        const exact = BigInt(input - fromCache) * fresh + BigInt(fromCache) * cached + 7n * output;
        assert.equal(
          costOf(boundary, input - fromCache, fromCache),
          exact,
          `${input}, ${fromCache}`,
        );
      }
    }
  });

  test(`an answer of any length does not move ${model} to its dearer price`, () => {
    const [fresh, , output] = boundary.below;
    const { convention, provider, block } = boundary;
    const answer = block(10, 0, 2 * threshold);
    const usage = usageOf({ convention, provider, answer, request: {} })?.usage ?? {};
    const cost = priced(
      { usage, serviceTier: null, statedCost: null, at: 0 },
      priceOf(boundary),
    ).cost;
    assert.equal(cost, 10n * fresh + BigInt(2 * threshold) * output);
  });
}

function costOf(boundary: Boundary, fresh: number, cached: number): bigint {
  const { convention, provider, block } = boundary;
  const counted = usageOf({ convention, provider, answer: block(fresh, cached, 7), request: {} });
  assert.ok(counted !== undefined);
  return priced({ ...counted, at: 0 }, priceOf(boundary)).cost;
}

function priceOf({ provider, model }: Boundary) {
  const deployment = deploymentOf({ provider, model });
  return createPriceBook([deployment]).priceOf(deployment, Date.parse("2026-11-24T12:00:00Z"));
}
