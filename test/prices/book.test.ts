/** Prices of deployments, worked out by hand from the providers' price lists. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_CLOUD } from "../../src/config/cloud.ts";
import type { DeploymentConfig, PriceOverride } from "../../src/config/config.ts";
import { parsePrice, picoUsd, type PicoUsd } from "../../src/money/amount.ts";
import { costAt, ratesFor, type GivenRates, type RateName } from "../../src/money/price.ts";
import type { BookPrice } from "../../src/money/pricing.ts";
import { inputTokens, type Usage } from "../../src/money/usage.ts";
import { createPriceBook } from "../../src/prices/book.ts";
import { readSchedule, valueAt } from "../../src/prices/schedule.ts";
import { deploymentOf } from "../providers/deployment.ts";

const NOW = Date.parse("2026-11-23T12:00:00Z");

test("Claude on Vertex AI costs a tenth more in one region, since the models of 4.5", () => {
  const rows: readonly (readonly [model: string, region: string, dollars: number])[] = [
    ["claude-sonnet-4-5@20250929", "global", 3],
    ["claude-sonnet-4-5@20250929", "us-east5", 3.3],
    ["claude-haiku-4-5@20251001", "europe-west1", 1.1],
    ["claude-opus-4-1@20250805", "us-east5", 15],
    ["claude-sonnet-4@20250514", "us-east5", 3],
  ];
  for (const [model, region, dollars] of rows) {
    const deployment = deploymentOf({
      provider: "vertex_ai",
      model,
      cloud: { ...NO_CLOUD, region },
    });
    const rates = createPriceBook([deployment]).priceOf(deployment, NOW)?.base;
    assert.equal(rates?.input, BigInt(Math.round(dollars * 1e6)), `${model} in ${region}`);
  }
});

test("calls cost what the price lists say, to the nano-dollar", () => {
  const calls: readonly (readonly [string, Usage, bigint])[] = [
    // $2.50, $1.25 cached and $10 per million: 2,500,000 + 625,000 + 2,000,000.
    ["openai/gpt-4o", { input: 1000, cacheRead: 500, output: 200 }, 5_125_000n],
    // $0.15 and $0.60 per million: 150 + 600.
    ["openai/gpt-4o-mini", { input: 1, output: 1 }, 750n],
    // $0.0375 per million cached: 37.5, rounded up once for the call, not once a part.
    ["groq/openai/gpt-oss-20b", { cacheRead: 1 }, 38n],
    ["groq/openai/gpt-oss-20b", { cacheRead: 1, input: 1, output: 1 }, 413n],
    // $1 per million, and $12 per thousand requests: 12,000,000 + 10,000 + 20,000.
    ["perplexity/sonar", { input: 10, output: 20 }, 12_030_000n],
    // $32 and $64 per million of audio beside $2.50 and $10 of text.
    ["openai/gpt-audio", { input: 2, inputAudio: 3, output: 4, outputAudio: 5 }, 461_000n],
    // $2.50 per million written to the cache for five minutes; an hour costs 1.6 times as much.
    ["openai/gpt-6-sol", { cacheWrite5m: 1 }, 2500n],
    ["openai/gpt-6-sol", { cacheWrite1h: 1 }, 4000n],
    // $0.24375 per million: 243.75.
    ["openrouter/qwen/qwen3-coder-flash", { cacheWrite5m: 4 }, 975n],
    // Embeddings list an input rate only.
    ["openai/text-embedding-3-small", { input: 50 }, 1000n],
    ["mistral/mistral-large-2512", { input: 1000, output: 1000 }, 2_000_000n],
    ["together_ai/meta-llama/Llama-3-70b-chat-hf", { input: 7, output: 3 }, 9000n],
    ["azure/gpt-4.1-nano", { input: 10, cacheRead: 40, output: 10 }, 6000n],
  ];
  for (const [model, usage, nano] of calls) {
    assert.equal(cost(usage, priced(listed(model))), nano, model);
  }
});

test("a part without a listed rate is billed as the part that it is a kind of", () => {
  const { base } = priced(listed("openai/gpt-4"));
  assert.deepEqual(base, {
    input: 30_000_000n,
    cacheRead: 30_000_000n,
    cacheWrite5m: 30_000_000n,
    cacheWrite1h: 30_000_000n,
    inputAudio: 30_000_000n,
    cacheReadAudio: 30_000_000n,
    inputImage: 30_000_000n,
    output: 60_000_000n,
    reasoning: 60_000_000n,
    outputAudio: 60_000_000n,
    outputImage: 60_000_000n,
    request: 0n,
  });
  const embedding = priced(listed("openai/text-embedding-3-small")).base;
  assert.equal(embedding.output, embedding.input);
});

test("a whole call moves to the next tier with the token that exceeds it, every part at once", () => {
  const price = priced(listed("openai/gpt-6-sol"));
  const rates = (input: number) => {
    const { input: fresh, cacheRead, cacheWrite1h, output } = ratesFor(price, input);
    return [fresh, cacheRead, cacheWrite1h, output];
  };
  const low = [2_000_000n, 200_000n, 4_000_000n, 10_000_000n];
  const high = [4_000_000n, 400_000n, 8_000_000n, 15_000_000n];
  assert.deepEqual([271_999, 272_000, 272_001].map(rates), [low, low, high]);
});

test("a part that lists no tiers keeps its rate where the others change", () => {
  const price = priced(listed("openrouter/x-ai/grok-4-fast"));
  const { input, cacheRead } = ratesFor(price, 128_001);
  assert.deepEqual([input, cacheRead], [400_000n, 50_000n]);
});

test("a dated price applies from midnight UTC of its day", () => {
  assert.equal(inputAt("openai/o3", "2025-06-09T23:59:59.999Z"), 10_000_000n);
  assert.equal(inputAt("openai/o3", "2025-06-10T00:00:00.000Z"), 2_000_000n);
  assert.equal(inputAt("openai/o3", "2025-06-10T00:00:00.001Z"), 2_000_000n);
});

test("a price by the time of day holds from its first millisecond to before its last", () => {
  const times = ["00:29:59.999", "00:30:00.000", "16:29:59.999", "16:30:00.000"];
  const rates = times.map((time) => inputAt("deepseek/deepseek-chat", `2026-03-01T${time}Z`));
  assert.deepEqual(rates, [135_000n, 270_000n, 270_000n, 135_000n]);
});

test("of several prices that apply, the last one listed counts", () => {
  const rates: Record<string, bigint> = {
    "2026-08-16T00:00:00Z": 140_000n,
    "2026-08-17T00:00:00Z": 220_000n,
    "2026-08-17T03:59:59Z": 440_000n,
    "2026-08-17T04:00:00Z": 220_000n,
    "2026-08-17T06:00:00Z": 440_000n,
  };
  for (const [time, rate] of Object.entries(rates)) {
    assert.equal(inputAt("deepseek/deepseek-v4-flash", time), rate, time);
  }
});

test("a span of the day may go past midnight, in another time zone, before 1970", () => {
  const night = readSchedule([
    {
      constraint: {
        type: "time_of_date",
        start_time: "23:00:00+01:00",
        end_time: "07:00:00+01:00",
      },
      prices: { input_mtok: 1 },
    },
  ]);
  const applies = (time: string) => valueAt(night, Date.parse(time)) !== null;
  assert.deepEqual(
    ["21:59:59Z", "22:00:00Z", "00:00:00Z", "05:59:59Z", "06:00:00Z"].map((time) =>
      applies(`2026-03-01T${time}`),
    ),
    [false, true, true, true, false],
  );
  assert.equal(applies("1969-12-31T23:00:00Z"), true);
});

test("a model that bills a kind of token which is not counted apart is not priced", () => {
  assert.equal(priceOf(listed("gemini/gemini-embedding-2")), null);
  assert.equal(priceOf(listed("gemini/gemini-omni-flash-preview")), null);
});

test("a model that is priced by other units than tokens has no price of tokens", () => {
  assert.deepEqual(priced(listed("openai/whisper-1")).base, { seconds: 100_000_000n, request: 0n });
  assert.equal(priced(listed("mistral/mistral-ocr-2503")).base.pages, 1_000_000_000n);
});

test("a model that lists no price is unpriced, not free", () => {
  for (const model of [
    "openai/moderation",
    "cerebras/qwen-3-coder-480b",
    "openrouter/openai/gpt-oss-20b:free",
    "openai/nobody-knows",
    "ollama/llama3",
  ]) {
    assert.equal(priceOf(listed(model)), null, model);
  }
});

test("a deployment that is not in the book is unpriced", () => {
  const book = createPriceBook([]);
  assert.equal(book.priceOf(deploymentOf({}), NOW), null);
});

test("input and output as given need no catalogue, and the other parts follow them", () => {
  const prices = given({ input: "0.000001", output: "0.000002" });
  for (const model of ["gpt-4o", "my-own"]) {
    const { base, tiers, services } = priced(deploymentOf({ model, prices }));
    assert.deepEqual(
      { base, tiers, services },
      {
        base: {
          input: 1_000_000n,
          cacheRead: 1_000_000n,
          cacheWrite5m: 1_000_000n,
          cacheWrite1h: 1_000_000n,
          inputAudio: 1_000_000n,
          cacheReadAudio: 1_000_000n,
          inputImage: 1_000_000n,
          output: 2_000_000n,
          reasoning: 2_000_000n,
          outputAudio: 2_000_000n,
          outputImage: 2_000_000n,
          request: 0n,
        },
        tiers: [],
        services: {},
      },
    );
  }
});

test("every rate that can be given is the one that is billed", () => {
  const prices = given({
    input: "0.000001",
    output: "0.000002",
    cacheRead: "0.0000003",
    cacheWrite5m: "0.00000125",
    request: "0.01",
  });
  const { base } = priced(deploymentOf({ model: "my-own", prices }));
  assert.equal(base.cacheRead, 300_000n);
  assert.equal(base.cacheWrite5m, 1_250_000n);
  assert.equal(base.cacheWrite1h, 2_000_000n);
  assert.equal(base.request, 10_000_000_000n);
});

test("what is not given comes from the catalogue, and what is given holds in every tier", () => {
  const prices = given({ input: "0.000009" });
  const price = priced(deploymentOf({ model: "gpt-6-sol", prices }));
  for (const [tokens, output] of [
    [1, 10_000_000n],
    [272_001, 15_000_000n],
  ] as const) {
    const rates = ratesFor(price, tokens);
    assert.deepEqual([rates.input, rates.output], [9_000_000n, output]);
  }
  const chat = priced(deploymentOf({ model: "gpt-4", prices }));
  assert.equal(chat.base.cacheRead, 9_000_000n);
});

test("half a price with no catalogue to complete it is none", () => {
  for (const half of [{ input: "0.000001" }, { output: "0.000001" }, { request: "0.01" }]) {
    assert.equal(priceOf(deploymentOf({ model: "my-own", prices: given(half) })), null);
  }
});

test("a price given as 0 is a price of 0", () => {
  const free = priced(deploymentOf({ model: "gpt-4o", prices: given({ input: 0, output: 0 }) }));
  assert.equal(cost({ input: 1_000_000, output: 1_000_000 }, free), 0n);
  const half = priced(deploymentOf({ model: "gpt-4o", prices: given({ input: 0 }) }));
  assert.equal(half.base.input, 0n);
  assert.equal(half.base.output, 10_000_000n);
});

test("the same moment has the same price object, so that nothing is worked out per call", () => {
  const deployment = deploymentOf({ provider: "deepseek", model: "deepseek-chat" });
  const book = createPriceBook([deployment]);
  assert.equal(book.priceOf(deployment, NOW), book.priceOf(deployment, NOW + 1));
});

test("two deployments of one model have prices of their own", () => {
  const dear = deploymentOf({ id: "dear" });
  const cheap = deploymentOf({ id: "cheap", prices: given({ input: 0, output: 0 }) });
  const book = createPriceBook([dear, cheap]);
  assert.equal(book.priceOf(dear, NOW)?.base.input, 2_500_000n);
  assert.equal(book.priceOf(cheap, NOW)?.base.input, 0n);
});

test("the longest answer is the one that the operator names", () => {
  const book = createPriceBook([]);
  assert.equal(book.outputTokensMaxOf(deploymentOf({ outputTokensMax: 512 })), 512);
  assert.equal(book.outputTokensMaxOf(deploymentOf({})), null);
});

function listed(name: string): DeploymentConfig {
  const [provider = "", ...model] = name.split("/");
  return deploymentOf({ provider, model: model.join("/") });
}

function inputAt(model: string, time: string): bigint | undefined {
  return priced(listed(model), Date.parse(time)).base.input;
}

function priceOf(deployment: DeploymentConfig, at = NOW): BookPrice | null {
  return createPriceBook([deployment]).priceOf(deployment, at);
}

function priced(deployment: DeploymentConfig, at = NOW): BookPrice {
  const price = priceOf(deployment, at);
  assert.ok(price, deployment.model);
  return price;
}

function cost(usage: Usage, price: BookPrice): bigint {
  return costAt(ratesFor(price, inputTokens(usage)), usage);
}

function given(dollars: Partial<Record<RateName, string | number>>): readonly PriceOverride[] {
  const rates = Object.entries(dollars).map(([part, text]) => [part, pico(text)]);
  return [override({ rates: Object.fromEntries(rates) as GivenRates })];
}

function override(rest: Partial<PriceOverride>): PriceOverride {
  const empty = { from: null, multiplierPpm: null, rates: {}, tiers: [], services: {} };
  return { ...empty, label: "operator", ...rest };
}

function pico(dollars: string | number): PicoUsd {
  const price = parsePrice(dollars);
  assert.notEqual(price, undefined);
  return picoUsd(price ?? 0n);
}
