/** Usage blocks as disjoint parts, and ceilings that a call cannot pass. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { quote } from "../../src/gateway/quote.ts";
import { inputTokensByBytes, inputTokensByTokenizer } from "../../src/gateway/tokens.ts";
import { estimatedOutputTokens } from "../../src/gateway/estimate.ts";
import { usageOf } from "../../src/gateway/usage.ts";
import type { Json } from "../../src/platform/json.ts";
import { nanoFromPico, picoUsd } from "../../src/money/amount.ts";
import { cost, type Price, type Rates } from "../../src/money/price.ts";
import { inputTokens, outputTokens } from "../../src/money/usage.ts";

function chat(answer: Json) {
  return usageOf({ convention: "openai_chat", provider: "openai", answer, request: {} })?.usage;
}

test("cached and audio tokens are taken out of the totals that hold them", () => {
  const usage = chat({
    prompt_tokens: 100,
    completion_tokens: 50,
    prompt_tokens_details: { cached_tokens: 60, audio_tokens: 10 },
    completion_tokens_details: { audio_tokens: 20, reasoning_tokens: 25 },
  });
  assert.deepEqual(usage, {
    input: 30,
    cacheRead: 60,
    inputAudio: 10,
    output: 5,
    reasoning: 25,
    outputAudio: 20,
  });
});

test("the parts add up to the provider's totals, whatever its details claim", () => {
  const tokens = fc.nat(1_000_000);
  fc.assert(
    fc.property(
      fc.tuple(tokens, tokens, tokens, tokens, tokens),
      ([prompt, completion, cached, audio, out]) => {
        const usage = chat({
          prompt_tokens: prompt,
          completion_tokens: completion,
          prompt_tokens_details: { cached_tokens: cached, audio_tokens: audio },
          completion_tokens_details: { audio_tokens: out },
        });
        assert.ok(usage !== undefined);
        assert.equal(inputTokens(usage), prompt);
        assert.equal(outputTokens(usage), completion);
        assert.ok(Object.values(usage).every((part) => part >= 0));
      },
    ),
  );
});

test("DeepSeek's name for cached tokens is understood", () => {
  const usage = chat({ prompt_tokens: 10, completion_tokens: 1, prompt_cache_hit_tokens: 4 });
  assert.deepEqual([usage?.input, usage?.cacheRead], [6, 4]);
});

test("reasoning that only the total counts is output", () => {
  const usage = chat({ prompt_tokens: 32, completion_tokens: 9, total_tokens: 135 });
  assert.deepEqual([usage?.input, usage?.output], [32, 103]);
  assert.equal(chat({ prompt_tokens: 32, completion_tokens: null }), undefined);
});

test("one endless word is tokenised in a blink", async () => {
  const started = performance.now();
  const body = { messages: [{ role: "user", content: "a".repeat(60_000) }] };
  assert.ok((await inputTokensByTokenizer(body)) !== null);
  assert.ok(performance.now() - started < 1500);
});

test("an explicit zero is usage, and an absent or broken block is none", () => {
  assert.equal(inputTokens(chat({ prompt_tokens: 0, completion_tokens: 0 }) ?? { input: 9 }), 0);
  for (const block of [
    undefined,
    null,
    7,
    "x",
    [],
    {},
    { prompt_tokens: -1 },
    { prompt_tokens: 0.5 },
  ]) {
    assert.equal(chat(block as never), undefined);
  }
});

test("an unmetered stream is estimated by its events or its text, whichever is more", () => {
  assert.equal(estimatedOutputTokens({ events: 0, bytes: 0, eventBytesMin: 0 }, 100), 0);
  assert.equal(estimatedOutputTokens({ events: 11, bytes: 1100, eventBytesMin: 100 }, 100), 10);
  assert.equal(estimatedOutputTokens({ events: 18, bytes: 1800, eventBytesMin: 100 }, 16), 16);
  assert.equal(estimatedOutputTokens({ events: 2, bytes: 500, eventBytesMin: 100 }, 1000), 100);
  assert.equal(estimatedOutputTokens({ events: 2, bytes: 50_000, eventBytesMin: 100 }, 64), 64);
});

const RATES: Rates = {
  input: picoUsd(1000n),
  cacheRead: picoUsd(100n),
  cacheWrite5m: picoUsd(1250n),
  cacheWrite1h: picoUsd(2000n),
  inputAudio: picoUsd(1000n),
  output: picoUsd(4000n),
  outputAudio: picoUsd(4000n),
  request: picoUsd(7n),
};
const DEARER: Rates = { ...RATES, input: picoUsd(9000n), output: picoUsd(9000n) };
const PRICE: Price = { base: RATES, tiers: [{ aboveInputTokens: 1000, rates: DEARER }] };

test("no usage within the bounds costs more than the ceiling", () => {
  const tokens = fc.nat(2000);
  fc.assert(
    fc.property(tokens, tokens, tokens, fc.nat(100), (input, cached, output, slack) => {
      const bound = input + cached + slack;
      const { price, outputTokens: most } = quote(
        { outputTokensMax: output + 1, choices: 1 },
        PRICE,
        bound,
        null,
      );
      assert.ok(price !== null);
      const ceiling = nanoFromPico(price.inputPico + BigInt(most) * price.outputRate);
      const usage = { input, cacheWrite1h: cached, output };
      assert.ok(cost(usage, PRICE) <= ceiling);
    }),
  );
});

function bound(clients: number | null, models: number | null): number {
  return quote({ outputTokensMax: clients, choices: 1 }, null, 1, models).outputTokens;
}

test("the output bound is the client's, within the model's", () => {
  assert.equal(bound(100, null), 100);
  assert.equal(bound(100, 50), 50);
  assert.equal(bound(null, 50), 50);
  assert.equal(bound(null, null), 4096);
});

test("a text is bounded by its bytes, and more closely by its tokens", async () => {
  const text = "The quick brown fox jumps over the lazy dog. ".repeat(50);
  const body = { messages: [{ role: "user", content: text }] };
  const byBytes = inputTokensByBytes(body);
  const byTokens = await inputTokensByTokenizer(body);
  assert.equal(byBytes, text.length + 16);
  assert.ok(byTokens !== null && byTokens < byBytes / 1.5 && byTokens > text.length / 5);
});

test("a greeting is bounded by 18 tokens, so that a budget of cents can pay for one", () => {
  assert.equal(inputTokensByBytes({ messages: [{ role: "user", content: "hi" }] }), 18);
});

test("every piece of a message counts, of whatever kind", () => {
  const parts = [
    { type: "text", text: "abc" },
    { type: "input_audio", input_audio: { data: "x".repeat(1000) } },
  ];
  const plain = inputTokensByBytes({ messages: [{ role: "user", content: "abc" }] });
  assert.ok(inputTokensByBytes({ messages: [{ role: "user", content: parts }] }) > plain + 1000);
  const image = [{ type: "image_url", image_url: { url: "https://example.com/a.png" } }];
  assert.ok(inputTokensByBytes({ messages: [{ role: "user", content: image }] }) > 40_000);
  const tools = [{ type: "function", function: { name: "f", description: "y".repeat(500) } }];
  assert.ok(inputTokensByBytes({ messages: [{ content: "abc" }], tools }) > plain + 500);
});

test("a text too long to tokenise keeps its byte bound", async () => {
  const body = { messages: [{ role: "user", content: "x".repeat(300_000) }] };
  assert.equal(await inputTokensByTokenizer(body), null);
});
