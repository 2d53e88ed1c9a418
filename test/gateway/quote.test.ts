/** Ceilings that no call can pass, whatever its provider bills within the bounds that it was sent. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { quote, type Quoted } from "../../src/gateway/quote.ts";
import { admit } from "../../src/ledger/admit.ts";
import { nanoUsd, picoUsd, type NanoUsd } from "../../src/money/amount.ts";
import { chargeOf, type Markup } from "../../src/money/markup.ts";
import type { Card, GivenRates, Rates } from "../../src/money/price.ts";
import { priced, type BookPrice } from "../../src/money/pricing.ts";
import { USAGE_PARTS, type ServiceTier, type Usage } from "../../src/money/usage.ts";
import { seeded } from "../support/seed.ts";

const UNITS = ["images", "seconds", "characters", "pages", "searches", "fileSearches"] as const;
const INPUTS = [
  "input",
  "cacheRead",
  "cacheWrite5m",
  "cacheWrite1h",
  "inputAudio",
  "cacheReadAudio",
  "inputImage",
] as const;
const OUTPUTS = ["output", "reasoning", "outputAudio", "outputImage"] as const;

/** Few parts are used and few cost much, so that a ceiling cannot hide behind the others. */
const seldom = <T>(none: T, some: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(none) }, { weight: 1, arbitrary: some });
const rate = seldom(0n, fc.bigInt({ min: 0n, max: 10n ** 8n })).map(picoUsd);
const rates: fc.Arbitrary<Rates> = fc
  .array(rate, { minLength: USAGE_PARTS.length + 1, maxLength: USAGE_PARTS.length + 1 })
  .map((list) => {
    const names = [...USAGE_PARTS, "request"];
    return Object.fromEntries(names.map((name, index) => [name, list[index]])) as unknown as Rates;
  });
const card: fc.Arbitrary<Card> = fc
  .record({
    base: rates,
    tiers: fc.array(fc.record({ aboveInputTokens: fc.nat(3000), rates }), { maxLength: 2 }),
  })
  .map(({ base, tiers }) => ({
    base,
    tiers: tiers.toSorted((a, b) => a.aboveInputTokens - b.aboveInputTokens),
  }));
const OF_BOOK = { version: "v", origin: "list" } as const;
const price: fc.Arbitrary<BookPrice> = fc
  .tuple(card, fc.record({ flex: card, priority: card }, { requiredKeys: [] }))
  .map(([standard, services]) => ({ ...OF_BOOK, ...standard, services }));
const markup: fc.Arbitrary<Markup | null> = fc.option(
  fc.record({
    ppm: fc.bigInt({ min: -1_000_000n, max: 2_000_000n }),
    fixed: fc.bigInt({ min: 0n, max: 10n ** 7n }).map(nanoUsd),
  }),
);
const counts = (parts: readonly string[], max: number) =>
  fc.record(
    Object.fromEntries(parts.map((part) => [part, seldom(0, fc.nat(max))])),
  ) as fc.Arbitrary<Usage>;

test("no usage within the bounds is charged more than the ceiling, at any pace, tier and markup", (t) => {
  const tier = fc.constantFrom<ServiceTier | null>(null, "flex", "priority");
  const spent = fc.record({
    input: counts(INPUTS, 500),
    output: counts(OUTPUTS, 500),
    units: counts(UNITS, 20),
    slack: fc.nat(100),
    choices: fc.integer({ min: 1, max: 3 }),
  });
  const isSound = fc.property(price, markup, tier, spent, (given, above, serviceTier, drawn) => {
    const asked = askedFor(drawn);
    const usage = { ...drawn.input, ...drawn.output, ...drawn.units };
    const consumed = { usage, serviceTier, statedCost: null, at: 0 };
    const charge = chargeOf(priced(consumed, given).cost, above);
    assert.ok(charge <= ceilingOf(asked, given, above));
  });
  fc.assert(isSound, { ...seeded(t), numRuns: 2000 });
});

test("an answer as long as a budget can pay for is charged no more than is left", (t) => {
  const left = fc.bigInt({ min: 0n, max: 10n ** 9n });
  const isSound = fc.property(price, markup, left, (given, above, cap) => {
    const quoted = {
      ...quote({ ...ASKED, outputTokensMax: 100_000 }, given, 1000, null),
      markup: above,
    };
    const standing = { ...STANDING, cap };
    const admission = admit([{ standing, lastCall: false }], quoted, "m");
    if (admission.kind === "refused") return;
    assert.ok(admission.grant.ceiling <= cap);
    const usage = { cacheWrite1h: 1000, output: admission.grant.outputTokens };
    const consumed = { usage, serviceTier: null, statedCost: null, at: 0 };
    assert.ok(chargeOf(priced(consumed, given).cost, above) <= cap);
  });
  fc.assert(isSound, { ...seeded(t), numRuns: 2000 });
});

test("a ceiling stands at the tier of the bound: the dearer one from the first token above", () => {
  const low = flat({ input: picoUsd(1_000_000n) });
  const high = flat({ input: picoUsd(2_000_000n) });
  const tiered = { ...only(low), tiers: [{ aboveInputTokens: 1000, rates: high }] };
  const ceilings = [999, 1000, 1001].map((inputTokens) =>
    ceilingOf({ ...ASKED, inputTokens }, tiered, null),
  );
  assert.deepEqual(ceilings, [999_000n, 1_000_000n, 2_002_000n]);
});

test("a ceiling stands at the dearest pace that the provider may serve at, and at no other", () => {
  const services = {
    flex: { base: flat({ input: picoUsd(500_000n) }), tiers: [] },
    priority: { base: flat({ input: picoUsd(2_000_000n) }), tiers: [] },
  };
  const given = { ...only(flat({ input: picoUsd(1_000_000n) })), services };
  const ceilings = [{}, { service_tier: "default" }, { service_tier: "flex" }].map((body) =>
    ceilingOf({ ...ASKED, inputTokens: 10, body }, given, null),
  );
  assert.deepEqual(ceilings, [20_000n, 10_000n, 10_000n]);
});

test("audio and images count at their own rates only where the input may hold some", () => {
  const base = flat({ input: picoUsd(1000n), inputAudio: picoUsd(9000n) });
  const ceilings = [{ type: "text" }, { type: "input_audio" }].map((part) =>
    ceilingOf({ ...ASKED, inputTokens: 10, body: { content: [part] } }, only(base), null),
  );
  assert.deepEqual(ceilings, [10n, 90n]);
});

test("a call that may use what has no price is itself without one", () => {
  const text = only(flat({ input: picoUsd(1n) }));
  const offered = { tools: [{ type: "web_search" }] };
  assert.equal(quote({ ...ASKED, body: offered }, text, 1, null).price, null);
  assert.notEqual(quote(ASKED, text, 1, null).price, null);
  const bySecond = only(flat({ seconds: picoUsd(1n) }));
  assert.equal(quote(ASKED, bySecond, 1, null).price, null);
  assert.notEqual(quote({ ...ASKED, units: { seconds: 3 } }, bySecond, 1, null).price, null);
  // Priced by the token, an image, or a search that is what the call is for, needs no price of its own.
  for (const units of [{ images: 3 }, { searches: 3 }]) {
    assert.notEqual(quote({ ...ASKED, units }, text, 1, null).price, null);
  }
});

test("a fallback pays for tokens, and for other units only where it names them", () => {
  const rates = { input: picoUsd(1n), output: picoUsd(2n) };
  const fallback = { ...only(flat(rates)), origin: "fallback" } as const;
  const withImages = { ...fallback, base: flat({ ...rates, images: picoUsd(5n) }) };
  const images = { ...ASKED, units: { images: 3 } };
  assert.notEqual(quote(ASKED, fallback, 1, null).price, null);
  assert.equal(quote(images, fallback, 1, null).price, null);
  assert.equal(quote(images, withImages, 1, null).price?.feesPico, 15n);
});

test("the output bound is the client's, within the model's", () => {
  assert.deepEqual(
    [bound(100, null), bound(100, 50), bound(null, 50), bound(null, null)],
    [100, 50, 50, 4096],
  );
});

function bound(outputTokensMax: number | null, modelMax: number | null): number {
  return quote({ ...ASKED, outputTokensMax }, null, 1, modelMax).outputTokens;
}

type Asked = Quoted & { readonly inputTokens: number };

const ASKED: Asked = {
  outputTokensMax: 1,
  choices: 1,
  inputTokens: 0,
  body: {},
  uploads: [],
};

const STANDING = {
  scope: "customer",
  scopeId: "a",
  budgetId: "b",
  meter: "usd",
  model: null,
  used: 0n,
  held: 0n,
  windowStart: null,
  windowEnd: null,
} as const;

function askedFor(drawn: {
  readonly input: Usage;
  readonly output: Usage;
  readonly units: Usage;
  readonly slack: number;
  readonly choices: number;
}): Asked {
  const { input, output, units, slack, choices } = drawn;
  const outputTokensMax = Math.max(1, Math.ceil(sum(output) / choices));
  const inputTokens = sum(input) + slack;
  // Everything may come, as the request says nothing against it.
  const body = { content: [{ type: "input_audio" }] };
  return { ...ASKED, units, choices, inputTokens, outputTokensMax, body };
}

function sum(usage: Usage): number {
  return Object.values(usage).reduce((total, units) => total + units, 0);
}

function ceilingOf(asked: Asked, given: BookPrice, above: Markup | null): NanoUsd {
  const admission = admit(
    [],
    { ...quote(asked, given, asked.inputTokens, null), markup: above },
    "m",
  );
  assert.ok(admission.kind === "granted");
  return admission.grant.ceiling;
}

function only(base: Rates): BookPrice {
  return { ...OF_BOOK, base, tiers: [], services: {} };
}

function flat(given: GivenRates): Rates {
  return { request: picoUsd(0n), ...given };
}
