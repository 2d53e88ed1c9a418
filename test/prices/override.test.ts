/** What operators say of prices: discounts off the list, days, paces, long calls, units other than tokens. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeploymentConfig } from "../../src/config/config.ts";
import { nanoUsd, picoUsd, type NanoUsd } from "../../src/money/amount.ts";
import { ratesFor, type GivenRates } from "../../src/money/price.ts";
import { priced, type BookPrice } from "../../src/money/pricing.ts";
import type { ServiceTier, Usage } from "../../src/money/usage.ts";
import { createPriceBook } from "../../src/prices/book.ts";
import { override } from "../golden/golden.ts";
import { deploymentOf } from "../providers/deployment.ts";

const NOW = Date.parse("2026-11-23T12:00:00Z");

test("a multiplier scales everything that the list names, and says so", () => {
  const deployment = deploymentOf({ prices: [override({ multiplierPpm: 850_000n })] });
  const { base } = priceOf(deployment);
  assert.deepEqual([base.input, base.cacheRead, base.output], [2_125_000n, 1_062_500n, 8_500_000n]);
  const { standard } = explained(deployment);
  assert.equal(standard.base.input?.origin, "list × 0.85");
  assert.equal(standard.base.inputAudio?.origin, "as input");
});

test("a number that is given stands in place of the scaled one, and the others stay scaled", () => {
  const rates = { input: picoUsd(7n) };
  const deployment = deploymentOf({ prices: [override({ multiplierPpm: 500_000n, rates })] });
  const { base } = priceOf(deployment);
  assert.deepEqual([base.input, base.output], [7n, 5_000_000n]);
  assert.equal(explained(deployment).standard.base.input?.origin, "operator");
});

test("a price of tomorrow changes nothing today", () => {
  const from = Date.parse("2026-12-01");
  const later = override({ from, label: "December", rates: both(1n, 2n) });
  const deployment = deploymentOf({ prices: [later] });
  assert.equal(priceOf(deployment, from - 1).base.input, 2_500_000n);
  assert.equal(priceOf(deployment, from).base.input, 1n);
  assert.equal(explained(deployment, from - 1).label, "list");
  assert.equal(explained(deployment, from).label, "December");
});

test("each of the operator's prices ends the one before it whole", () => {
  const first = override({ rates: { ...both(10n, 20n), request: picoUsd(5n) } });
  const second = override({ from: NOW, rates: both(1n, 2n) });
  const deployment = deploymentOf({ prices: [first, second] });
  assert.equal(priceOf(deployment, NOW - 1).base.request, 5n);
  assert.equal(priceOf(deployment, NOW).base.request, 0n);
});

test("a call is priced at the pace that it was served at, and where that has no price, at the standard", () => {
  const gpt5 = priceOf(deploymentOf({ model: "gpt-5" }));
  const paces = [null, "flex", "priority", "batch"] as const;
  assert.deepEqual(
    paces.map((pace) => ratesFor(gpt5, 1, pace).input),
    [1_250_000n, 625_000n, 2_500_000n, 625_000n],
  );
  const groq = priceOf(deploymentOf({ provider: "groq", model: "openai/gpt-oss-20b" }));
  assert.deepEqual(new Set(paces.map((pace) => ratesFor(groq, 1, pace).input)).size, 1);
});

test("OpenAI's prices of priority are those of its page, to the pico-dollar", () => {
  const page: Record<string, readonly [bigint, bigint, bigint]> = {
    "gpt-5.5": [12_500_000n, 1_250_000n, 75_000_000n],
    "gpt-5.4": [5_000_000n, 500_000n, 30_000_000n],
    "gpt-5.4-mini": [1_500_000n, 150_000n, 9_000_000n],
    "gpt-5.2": [3_500_000n, 350_000n, 28_000_000n],
    "gpt-5-mini": [450_000n, 45_000n, 3_600_000n],
    "gpt-4.1": [3_500_000n, 875_000n, 14_000_000n],
    "gpt-4o": [4_250_000n, 2_125_000n, 17_000_000n],
    "gpt-4o-2024-08-06": [4_250_000n, 2_125_000n, 17_000_000n],
    "gpt-4o-mini": [250_000n, 125_000n, 1_000_000n],
    "o4-mini": [2_000_000n, 500_000n, 8_000_000n],
  };
  for (const [model, expected] of Object.entries(page)) {
    const { input, cacheRead, output } = ratesFor(priceOf(deploymentOf({ model })), 1, "priority");
    assert.deepEqual([input, cacheRead, output], expected, model);
  }
});

test("fees and what the operator gave are not multiplied with the pace of the list", () => {
  const prices = [override({ rates: { input: picoUsd(9n), searches: picoUsd(4n) } })];
  const price = priceOf(deploymentOf({ model: "gpt-5", prices }));
  const flex = ratesFor(price, 1, "flex");
  assert.deepEqual([flex.input, flex.searches, flex.output], [9n, 4n, 5_000_000n]);
});

test("the operator's own prices of a pace win, for long calls too", () => {
  const flex = {
    multiplierPpm: 500_000n,
    rates: { output: picoUsd(77n) },
    tiers: [{ aboveInputTokens: 1000, rates: { input: picoUsd(99n) } }],
  };
  const prices = [override({ rates: both(10n, 20n), services: { flex } })];
  const price = priceOf(deploymentOf({ model: "my-own", prices }));
  assert.deepEqual(inAndOut(price, 1000, "flex"), [5n, 77n]);
  assert.deepEqual(inAndOut(price, 1001, "flex"), [99n, 77n]);
  assert.deepEqual(inAndOut(price, 1001, null), [10n, 20n]);
});

test("the operator's thresholds stand beside the list's, and each price holds from its own on", () => {
  const tiers = [
    { aboveInputTokens: 100_000, rates: { input: picoUsd(3n) } },
    { aboveInputTokens: 300_000, rates: { output: picoUsd(4n) } },
  ];
  const price = priceOf(deploymentOf({ model: "gpt-6-sol", prices: [override({ tiers })] }));
  assert.deepEqual(inAndOut(price, 100_000), [2_000_000n, 10_000_000n]);
  assert.deepEqual(inAndOut(price, 100_001), [3n, 10_000_000n]);
  assert.deepEqual(inAndOut(price, 272_001), [3n, 15_000_000n]);
  assert.deepEqual(inAndOut(price, 300_001), [4_000_000n, 4n]);
});

test("who prices by the image has no token price, and tokens beside it are free", () => {
  const prices = [override({ rates: { images: picoUsd(40n) } })];
  const price = priceOf(deploymentOf({ model: "gpt-image-1", prices }));
  assert.deepEqual(figures(price, { images: 2, outputImage: 4160 }), [1n, []]);
});

test("what was used and has no price is named, and costs nothing until it has one", () => {
  const price = priceOf(deploymentOf({ provider: "gemini", model: "gemini-3-flash-preview" }));
  assert.deepEqual(figures(price, { input: 1000, searches: 2 }), [500_000n, ["searches"]]);
  const whisper = priceOf(deploymentOf({ model: "whisper-1" }));
  assert.deepEqual(figures(whisper, { seconds: 1 }), [100_000n, []]);
  assert.deepEqual(figures(whisper, { input: 5 }), [0n, ["input"]]);
  assert.deepEqual(figures(whisper, { input: 5, seconds: 1 }), [100_000n, []]);
});

test("a discount comes off everything, and both numbers show", () => {
  const deployment = deploymentOf({});
  const book = createPriceBook([deployment], {
    unpricedFallback: null,
    markup: { discountsPpm: { openai: 50_000n } },
  });
  const resolved = book.explain(deployment, NOW);
  assert.equal(resolved?.price.base.input, 2_375_000n);
  assert.equal(resolved.standard.base.input?.origin, "list × 0.95");
});

test("two prices have one version exactly if all their numbers are the same", () => {
  assert.equal(versionOf(both(1n, 2n)), versionOf({ output: picoUsd(2n), input: picoUsd(1n) }));
  assert.notEqual(versionOf(both(1n, 2n)), versionOf(both(1n, 3n)));
  assert.notEqual(versionOf(both(1n, 2n)), versionOf({ ...both(1n, 2n), searches: picoUsd(0n) }));
});

test("the operator's price comes before the provider's, and that before the list's; all are kept", () => {
  const consumed = { usage: { input: 1000 }, serviceTier: null, statedCost: usd(7n), at: NOW };
  const list = priced(consumed, priceOf(deploymentOf({})));
  assert.deepEqual(
    [list.cost, list.pricing.origin, list.pricing.bookCost],
    [7n, "provider", 2_500_000n],
  );
  const own = deploymentOf({ prices: [override({ rates: both(3_000_000n, 0n) })] });
  const operator = priced(consumed, priceOf(own));
  assert.deepEqual(
    [operator.cost, operator.pricing.origin, operator.pricing.statedCost],
    [3_000_000n, "operator", 7n],
  );
  const nobody = priced(consumed, null);
  assert.deepEqual([nobody.cost, nobody.pricing.origin, nobody.unpriced], [7n, "provider", []]);
  const unknown = priced({ ...consumed, statedCost: null }, null);
  assert.deepEqual(
    [unknown.cost, unknown.pricing.origin, unknown.unpriced],
    [0n, "none", ["input"]],
  );
});

test("the fallback comes after everybody else's price, and what it pays for stays unpriced", () => {
  const consumed = { usage: { input: 3, cacheRead: 2, output: 1 }, serviceTier: null, at: NOW };
  const rates = both(1_000_000n, 5_000_000n);
  const cost = (deployment: DeploymentConfig, statedCost: NanoUsd | null) => {
    const rules = { unpricedFallback: rates, markup: { discountsPpm: { openai: 500_000n } } };
    const price = createPriceBook([deployment], rules).priceOf(deployment, NOW);
    const { cost: nano, unpriced, pricing } = priced({ ...consumed, statedCost }, price);
    return [nano, pricing.origin, unpriced, pricing.bookCost];
  };
  const unknown = deploymentOf({ model: "my-own" });
  const used = ["input", "cacheRead", "output"];
  // No discount is off it: it is nobody's list.
  assert.deepEqual(cost(unknown, null), [10_000n, "fallback", used, 10_000n]);
  assert.deepEqual(cost(unknown, usd(7n)), [7n, "provider", [], null]);
  assert.deepEqual(cost(deploymentOf({}), usd(7n)).slice(0, 3), [7n, "provider", []]);
  assert.equal(cost(deploymentOf({}), null)[1], "list");
  const free = deploymentOf({ model: "my-own", prices: [override({ rates: both(0n, 0n) })] });
  assert.deepEqual(cost(free, null), [0n, "operator", [], 0n]);
});

test("before its first price begins a deployment has the fallback, and one that is gone has none", () => {
  const deployment = deploymentOf({
    model: "my-own",
    prices: [override({ from: NOW, rates: both(1n, 1n) })],
  });
  const rules = { unpricedFallback: both(9n, 9n), markup: { discountsPpm: {} } };
  const book = createPriceBook([deployment], rules);
  const origins = [NOW - 1, NOW].map((at) => book.priceOf(deployment, at)?.origin);
  assert.deepEqual(origins, ["fallback", "operator"]);
  assert.equal(book.priceOf({ id: "gone" }, NOW), null);
});

function usd(nano: bigint) {
  return nanoUsd(nano);
}

function versionOf(rates: GivenRates): string {
  const deployment = deploymentOf({ model: "my-own", prices: [override({ rates })] });
  return priceOf(deployment).version;
}

function both(input: bigint, output: bigint): GivenRates {
  return { input: picoUsd(input), output: picoUsd(output) };
}

function figures(price: BookPrice, usage: Usage) {
  const { cost, unpriced } = priced({ usage, serviceTier: null, statedCost: null, at: NOW }, price);
  return [cost, unpriced];
}

function inAndOut(price: BookPrice, inputTokens: number, service: ServiceTier | null = null) {
  const { input, output } = ratesFor(price, inputTokens, service);
  return [input, output];
}

function explained(deployment: DeploymentConfig, at = NOW) {
  const resolved = createPriceBook([deployment]).explain(deployment, at);
  assert.ok(resolved !== null);
  return resolved;
}

function priceOf(deployment: DeploymentConfig, at = NOW): BookPrice {
  return explained(deployment, at).price;
}
