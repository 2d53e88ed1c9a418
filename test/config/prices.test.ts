/** Prices, margins and discounts as operators write them, in LiteLLM's keys and in Purser's. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { PriceOverride } from "../../src/config/config.ts";
import { configOf, MINIMAL, mistakesOf, withParams } from "./source.ts";

const FAKE = { model: "fake/m" };

test("LiteLLM's keys for long calls and paces are tiers and services", () => {
  const [price] = pricesOf({
    input_cost_per_token: 1e-6,
    output_cost_per_token: 2e-6,
    input_cost_per_token_above_200k_tokens: 3e-6,
    output_cost_per_token_above_128k_tokens: 4e-6,
    cache_creation_input_token_cost_above_1hr: 5e-6,
    input_cost_per_token_priority: 6e-6,
    output_cost_per_token_flex: 7e-6,
    cache_read_input_token_cost_above_272k_tokens_priority: 8e-6,
  });
  assert.deepEqual(price, {
    from: null,
    label: "operator",
    multiplierPpm: null,
    rates: { input: 1_000_000n, output: 2_000_000n, cacheWrite1h: 5_000_000n },
    tiers: [
      { aboveInputTokens: 128_000, rates: { output: 4_000_000n } },
      { aboveInputTokens: 200_000, rates: { input: 3_000_000n } },
    ],
    services: {
      flex: { rates: { output: 7_000_000n }, tiers: [], multiplierPpm: null },
      priority: {
        rates: { input: 6_000_000n },
        tiers: [{ aboveInputTokens: 272_000, rates: { cacheRead: 8_000_000n } }],
        multiplierPpm: null,
      },
    },
  });
});

test("LiteLLM's keys for other units than tokens are prices of those units", () => {
  const [price] = pricesOf({
    output_cost_per_image: 0.04,
    input_cost_per_second: 0.0001,
    input_cost_per_character: 0.000015,
    ocr_cost_per_page: 0.001,
  });
  assert.deepEqual(price?.rates, {
    images: 40_000_000_000n,
    seconds: 100_000_000n,
    characters: 15_000_000n,
    pages: 1_000_000_000n,
  });
});

test("audio heard is priced by the second in either key, and the one that LiteLLM looks at first wins", () => {
  const heard = { mode: "audio_transcription", input_cost_per_second: 0 };
  const [price] = pricesOf({ ...heard, output_cost_per_second: 0.0001 });
  assert.deepEqual(price?.rates, { seconds: 100_000_000n });
  const [mistake] = mistakesOf(withParams(FAKE, { mode: "chat", output_cost_per_second: 0.1 }));
  assert.equal(mistake?.path, "model_list[0].model_info.output_cost_per_second");
});

test("a search has one price, by whatever size it is given, and files are priced by the thousand", () => {
  const [price] = pricesOf({ ...bySize(0.01, "0.010", 1e-2), file_search_cost_per_1k_calls: 2.5 });
  assert.deepEqual(price?.rates, { searches: 10_000_000_000n, fileSearches: 2_500_000_000n });
  const [plain] = pricesOf({ search_context_cost_per_query: 0.035 });
  assert.deepEqual(plain?.rates, { searches: 35_000_000_000n });
  const wrong: readonly (readonly [object, RegExp])[] = [
    [bySize(0.025, 0.0275, 0.03), /other prices for other sizes.*the dearest for all/],
    [bySize(0.01, 0.01, "x"), /not a decimal number/],
    [{ search_context_cost_per_query: { medium: 0.01 } }, /"medium".*search_context_size_low/],
    [{ search_context_cost_per_query: {} }, /empty/],
  ];
  for (const [info, message] of wrong) {
    const mistakes = mistakesOf(withParams(FAKE, info));
    const texts = mistakes.map(({ problem, cure }) => `${problem}; ${cure}`);
    assert.equal(texts.length, 1);
    assert.match(texts.join(), message);
  }
});

test("LiteLLM's keys for audio from the cache and for an hour of it in long calls are prices", () => {
  const [price] = pricesOf({
    cache_read_input_audio_token_cost: 1e-6,
    cache_creation_input_token_cost_above_1hr_above_200k_tokens: 2e-6,
  });
  assert.deepEqual(price?.rates, { cacheReadAudio: 1_000_000n });
  assert.deepEqual(price.tiers, [
    { aboveInputTokens: 200_000, rates: { cacheWrite1h: 2_000_000n } },
  ]);
});

test("every price that Purser cannot follow says what to write in its place", () => {
  const cures: Readonly<Record<string, RegExp>> = {
    tiered_pricing: /model_info\.prices\[\]\.tiers/,
    input_cost_per_pixel: /output_cost_per_image/,
    output_cost_per_pixel: /output_cost_per_image/,
    input_cost_per_audio_per_second: /input_cost_per_audio_token/,
    output_cost_per_character: /output_cost_per_token/,
    input_cost_per_video_per_second: /counted as input tokens/,
    citation_cost_per_token: /billed as output/,
    code_interpreter_cost_per_session: /input_cost_per_request/,
  };
  for (const [key, cure] of Object.entries(cures)) {
    const [mistake] = mistakesOf(withParams(FAKE, { [key]: [0.01] }));
    assert.match(mistake?.cure ?? "", cure, key);
    assert.match(mistake?.problem ?? "", /charged by other prices/);
  }
});

test("a rerank by the search has no token price, and an embedding no price of an answer", () => {
  const [rerank] = pricesOf({ mode: "rerank", input_cost_per_query: 0.002 });
  assert.deepEqual(rerank?.rates, { searches: 2_000_000_000n, input: 0n, output: 0n });
  const [embedding] = pricesOf({ mode: "embedding", input_cost_per_token: 2e-8 });
  assert.deepEqual(embedding?.rates, { input: 20_000n, output: 20_000n });
});

test("an image in a prompt has no price of its own, so its key is a mistake, and one of an image made is not", () => {
  assert.equal(mistakesOf(withParams(FAKE, { input_cost_per_image: 0.01 })).length, 1);
  const [price] = pricesOf({ mode: "image_generation", input_cost_per_image: 0.01 });
  assert.deepEqual(price?.rates, { images: 10_000_000_000n });
});

test("Purser's keys are per million unless they say otherwise, each with its day and its label", () => {
  const prices = pricesOf({
    prices: [
      { label: "list less 15 %", multiplier: 0.85 },
      {
        from: "2027-01-01",
        input: 2.2,
        output: "9",
        image: 0.04,
        tiers: [{ above_input_tokens: 200_000, input: 4.4 }],
        flex: { multiplier: 0.5, output: 4 },
      },
      { from: "2027-06-01T08:00:00Z", unit: "token", input: 0.000002, output: 0 },
    ],
  });
  assert.deepEqual(
    prices.map(({ from, label, multiplierPpm }) => [from, label, multiplierPpm]),
    [
      [null, "list less 15 %", 850_000n],
      [Date.parse("2027-01-01"), "operator", null],
      [Date.parse("2027-06-01T08:00:00Z"), "operator", null],
    ],
  );
  assert.deepEqual(prices[1]?.rates, {
    input: 2_200_000n,
    output: 9_000_000n,
    images: 40_000_000_000n,
  });
  assert.deepEqual(prices[1].tiers, [{ aboveInputTokens: 200_000, rates: { input: 4_400_000n } }]);
  const flex = { rates: { output: 4_000_000n }, tiers: [], multiplierPpm: 500_000n };
  assert.deepEqual(prices[1].services, { flex });
  assert.deepEqual(prices[2]?.rates, { input: 2_000_000n, output: 0n });
});

test("every slip in a price is a mistake with its place", () => {
  const rows: readonly (readonly [object, string])[] = [
    [{ prices: [{ inptu: 1 }] }, "prices[0].inptu"],
    [{ prices: [{ input: -1 }] }, "prices[0].input"],
    [{ prices: [{ input: 1e-7 }] }, "prices[0].input"],
    [{ prices: [{ from: "1 May" }] }, "prices[0].from"],
    [{ prices: [{ from: "2027-13-01" }] }, "prices[0].from"],
    [{ prices: [{ unit: "thousand" }] }, "prices[0].unit"],
    [{ prices: [{ multiplier: -0.1 }] }, "prices[0].multiplier"],
    [{ prices: [{ tiers: [{ input: 1 }] }] }, "prices[0].tiers[0].above_input_tokens"],
    [{ prices: [{ flex: { outptu: 1 } }] }, "prices[0].flex.outptu"],
    [{ prices: [{ input: 1 }, { input: 2 }] }, "prices[1].from"],
    [{ prices: [{ from: "2027-02-01" }, { from: "2027-01-01" }] }, "prices[1].from"],
    [{ prices: [{ input: 1 }], output_cost_per_token: 1e-6 }, "prices"],
    [{ prices: 5 }, "prices"],
  ];
  for (const [info, place] of rows) {
    const paths = mistakesOf(withParams(FAKE, info)).map(({ path }) => path);
    assert.deepEqual(paths, [`model_list[0].model_info.${place}`], JSON.stringify(info));
  }
});

test("per token where per million is meant, and the other way round, is warned of", () => {
  for (const input of [0.0000025, 25_000]) {
    const { warnings } = configOf(withParams(FAKE, { prices: [{ input, output: 10 }] }));
    assert.match(
      warnings.join(),
      input < 1 ? /looks like dollars per token/ : /per million tokens/,
    );
  }
});

test("the fallback is a price per million tokens, whole, and with other units as far as it names them", () => {
  assert.equal(configOf(MINIMAL).unpricedFallback, null);
  const { unpricedFallback } = configOf(withFallback({ input: 10, output: "30", image: 0.2 }));
  assert.deepEqual(unpricedFallback, {
    input: 10_000_000n,
    output: 30_000_000n,
    images: 200_000_000_000n,
  });
  const perToken = configOf(withFallback({ unit: "token", input: 0.00001, output: 0 }));
  assert.deepEqual(perToken.unpricedFallback, { input: 10_000_000n, output: 0n });
});

test("a fallback that is half a price, free, misspelt, of another day or of the list is a mistake", () => {
  const rows: readonly (readonly [object, string])[] = [
    [{ input: 1 }, ".output"],
    [{ output: 1 }, ".input"],
    [{ input: 0, output: 0 }, ""],
    [{ input: 1, output: 1, serach: 1 }, ".serach"],
    [{ input: 1, output: -1 }, ".output"],
    [{ input: 1, output: 1e-7 }, ".output"],
    [{ input: 1, output: 1, from: "2027-01-01" }, ".from"],
    [{ input: 1, output: 1, multiplier: 2 }, ".multiplier"],
  ];
  for (const [fallback, place] of rows) {
    const mistakes = mistakesOf(withFallback(fallback));
    const path = `general_settings.unpriced_fallback${place}`;
    assert.deepEqual(
      mistakes.map((mistake) => mistake.path),
      [path],
      JSON.stringify(fallback),
    );
  }
  for (const input of [0.0000025, 25_000]) {
    const { warnings } = configOf(withFallback({ input, output: 10 }));
    assert.match(warnings.join(), /unpriced_fallback: .* looks like dollars per/);
  }
});

test("margins are fractions, or two parts, by provider; discounts are fractions", () => {
  const { markup } = configOf(
    withLitellm({
      cost_margin_config: {
        openai: 0.1,
        global: -0.05,
        azure: { percentage: 0.08, fixed_amount: "0.0005" },
        groq: { fixed_amount: 0.01 },
      },
      cost_discount_config: { vertex_ai: 0.05 },
    }),
  );
  assert.deepEqual(markup.margins, {
    openai: { ppm: 100_000n, fixed: 0n },
    global: { ppm: -50_000n, fixed: 0n },
    azure: { ppm: 80_000n, fixed: 500_000n },
    groq: { ppm: 0n, fixed: 10_000_000n },
  });
  assert.deepEqual(markup.discountsPpm, { vertex_ai: 50_000n });
});

test("a margin in per cent, of nobody, or of a negative amount is a mistake, and so is a discount of more than all", () => {
  const rows: readonly (readonly [object, string])[] = [
    [{ cost_margin_config: { openai: 15 } }, "cost_margin_config.openai"],
    [{ cost_margin_config: { openai: -2 } }, "cost_margin_config.openai"],
    [
      { cost_margin_config: { openai: { fixed_amount: -1 } } },
      "cost_margin_config.openai.fixed_amount",
    ],
    [{ cost_margin_config: { openai: { percent: 1 } } }, "cost_margin_config.openai.percent"],
    [{ cost_discount_config: { openai: 1.5 } }, "cost_discount_config.openai"],
    [{ cost_margin_config: { opnai: 0.1 } }, "cost_margin_config.opnai"],
  ];
  for (const [settings, place] of rows) {
    const paths = mistakesOf(withLitellm(settings)).map(({ path }) => path);
    assert.deepEqual(paths, [`litellm_settings.${place}`], JSON.stringify(settings));
  }
});

function bySize(low: unknown, medium: unknown, high: unknown): object {
  return {
    search_context_cost_per_query: {
      search_context_size_low: low,
      search_context_size_medium: medium,
      search_context_size_high: high,
    },
  };
}

function withFallback(unpriced_fallback: object): object {
  return { ...MINIMAL, general_settings: { ...MINIMAL.general_settings, unpriced_fallback } };
}

function withLitellm(litellm_settings: object): object {
  return { ...MINIMAL, litellm_settings };
}

function pricesOf(info: object): readonly PriceOverride[] {
  return configOf(withParams(FAKE, info)).deployments[0]?.prices ?? [];
}
