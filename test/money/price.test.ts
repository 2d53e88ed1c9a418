/** Prices: what a call costs, by worked examples and by what must hold of any price list. */

import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { formatUsd, parsePrice, picoUsd } from "../../src/money/amount.ts";
import { costAt, dearestInput, ratesFor, type Price, type Rates } from "../../src/money/price.ts";
import { inputTokens, USAGE_PARTS, type Usage } from "../../src/money/usage.ts";
import { seeded } from "../support/seed.ts";

test("a call costs its tokens at their rates", () => {
  const price = flat({ input: "0.001", output: "0.002" });
  assert.equal(dollars({ input: 20, output: 20 }, price), "0.06");
  assert.equal(dollars({ input: 20 }, price), "0.02");
  assert.equal(dollars({}, price), "0");
});

test("a price per million tokens with four decimals loses nothing", () => {
  const price = flat({ input: "0.0375e-6" });
  assert.equal(dollars({ input: 1_000_000 }, price), "0.0375");
  assert.equal(dollars({ input: 2 }, price), "0.000000075");
  assert.equal(dollars({ input: 1 }, price), "0.000000038");
});

test("every part of a usage has its own rate", () => {
  const price = flat({
    input: "3e-6",
    cacheRead: "0.3e-6",
    cacheWrite5m: "3.75e-6",
    cacheWrite1h: "6e-6",
    inputAudio: "40e-6",
    output: "15e-6",
    outputAudio: "80e-6",
    request: "0.01",
  });
  const usage: Usage = {
    input: 1000,
    cacheRead: 10_000,
    cacheWrite5m: 2000,
    cacheWrite1h: 500,
    inputAudio: 100,
    output: 400,
    outputAudio: 50,
  };
  // 0.003 + 0.003 + 0.0075 + 0.003 + 0.004 + 0.006 + 0.004 + 0.01
  assert.equal(dollars(usage, price), "0.0405");
  assert.equal(dollars({}, price), "0.01");
});

test("a call is rounded up once, not once per part", () => {
  const price = flat({ input: "1e-10", cacheRead: "1e-10", output: "1e-10" });
  assert.equal(dollars({ input: 1, cacheRead: 1, output: 1 }, price), "0.000000001");
  assert.equal(dollars({ input: 10 }, price), "0.000000001");
  assert.equal(dollars({ input: 10, output: 1 }, price), "0.000000002");
});

test("a tier holds for the whole call, from the first token above its threshold", () => {
  const price = tiered("1e-6", [200_000, "2e-6"], [500_000, "4e-6"]);
  assert.equal(dollars({ input: 199_999 }, price), "0.199999");
  assert.equal(dollars({ input: 200_000 }, price), "0.2");
  assert.equal(dollars({ input: 200_001 }, price), "0.400002");
  assert.equal(dollars({ input: 500_000 }, price), "1");
  assert.equal(dollars({ input: 500_001 }, price), "2.000004");
});

test("input of every kind counts towards a tier and output does not", () => {
  const price = tiered("1e-6", [1000, "2e-6"]);
  const atThreshold: Usage = {
    input: 200,
    cacheRead: 200,
    cacheWrite5m: 200,
    cacheWrite1h: 200,
    inputAudio: 200,
  };
  assert.equal(dollars(atThreshold, price), "0.001");
  for (const part of Object.keys(atThreshold)) {
    assert.equal(dollars({ ...atThreshold, [part]: 201 }, price), "0.002002", part);
  }
  assert.equal(dollars({ ...atThreshold, output: 5000, outputAudio: 5000 }, price), "0.011");
});

test("the dearest input covers what a provider writes to its cache", () => {
  assert.equal(dearestInput(rates({ input: "3e-6", cacheWrite5m: "3.75e-6" }), false), 3_750_000n);
  assert.equal(dearestInput(rates({ input: "3e-6", cacheWrite1h: "6e-6" }), false), 6_000_000n);
  assert.equal(dearestInput(rates({ input: "3e-6", cacheRead: "0.3e-6" }), false), 3_000_000n);
});

/** One of each part, and one of the request. */
const CARD_RATES = USAGE_PARTS.length + 1;

const tokens = fc.nat({ max: 2_000_000 });
const usages = fc.record(Object.fromEntries(USAGE_PARTS.map((part) => [part, tokens])), {
  requiredKeys: [],
}) satisfies fc.Arbitrary<Usage>;
const rateCards = fc
  .array(fc.bigInt({ min: 0n, max: 10n ** 9n }), { minLength: CARD_RATES, maxLength: CARD_RATES })
  .map((list) => cardOf((index) => list[index] ?? 0n));

test("a call costs less than a nano-dollar more than its exact price, and never less", (t) => {
  const isTight = fc.property(usages, rateCards, (usage, base) => {
    const exact = USAGE_PARTS.reduce(
      (pico, part) => pico + BigInt(usage[part] ?? 0) * (base[part] ?? 0n),
      BigInt(base.request),
    );
    const excess = BigInt(costAt(base, usage)) * 1000n - exact;
    assert.ok(excess >= 0n && excess < 1000n, `${excess} pico-dollars`);
  });
  fc.assert(isTight, { ...seeded(t), numRuns: 1000 });
});

test("more tokens never cost less under rates that do not fall with the tier", (t) => {
  const grows = fc.property(usages, usages, rateCards, (usage, more, base) => {
    const dearer = cardOf((index) => 2n * (Object.values(base)[index] ?? 0n));
    const price: Price = {
      base,
      tiers: [{ aboveInputTokens: 1_000_000, rates: dearer }],
      services: {},
    };
    const sum = Object.fromEntries(
      USAGE_PARTS.map((part) => [part, (usage[part] ?? 0) + (more[part] ?? 0)]),
    );
    assert.ok(cost(sum, price) >= cost(usage, price));
  });
  fc.assert(grows, { ...seeded(t), numRuns: 1000 });
});

test("the tier of a call is the highest one that its input is above", (t) => {
  const thresholds = fc.uniqueArray(fc.nat({ max: 100 }), { maxLength: 5 });
  const isHighest = fc.property(thresholds, fc.nat({ max: 120 }), (list, inputTokens) => {
    const ascending = list.toSorted((a, b) => a - b);
    const tiers = ascending.map((aboveInputTokens) => ({
      aboveInputTokens,
      rates: cardOf(() => BigInt(aboveInputTokens + 1)),
    }));
    const passed = ascending.filter((threshold) => inputTokens > threshold);
    const expected = passed.length === 0 ? 0n : BigInt(Math.max(...passed) + 1);
    assert.equal(
      ratesFor({ base: cardOf(() => 0n), tiers, services: {} }, inputTokens).input,
      expected,
    );
  });
  fc.assert(isHighest, seeded(t));
});

/** Dollars per unit, as texts; what is absent is 0. */
type Card = Readonly<Partial<Record<keyof Rates, string>>>;

function cost(usage: Usage, price: Price) {
  return costAt(ratesFor(price, inputTokens(usage)), usage);
}

function dollars(usage: Usage, price: Price): string {
  return formatUsd(cost(usage, price));
}

function flat(card: Card): Price {
  return { base: rates(card), tiers: [], services: {} };
}

/** One rate for every kind of token, and another from each threshold on. */
function tiered(base: string, ...tiers: readonly (readonly [number, string])[]): Price {
  return {
    base: perToken(base),
    tiers: tiers.map(([aboveInputTokens, rate]) => ({ aboveInputTokens, rates: perToken(rate) })),
    services: {},
  };
}

function perToken(rate: string): Rates {
  return cardOf((_, part) => (part === "request" ? 0n : pico(rate)));
}

function rates(card: Card): Rates {
  return cardOf((_, part) => pico(card[part] ?? "0"));
}

function cardOf(rate: (index: number, part: keyof Rates) => bigint): Rates {
  const parts = [...USAGE_PARTS, "request"] as const;
  const entries = parts.map((part, index) => [part, picoUsd(rate(index, part))] as const);
  return Object.fromEntries(entries) as Rates;
}

function pico(dollarsPerUnit: string): bigint {
  const price = parsePrice(dollarsPerUnit);
  assert.ok(price !== undefined, dollarsPerUnit);
  return price;
}
