/** What every convention has in common: the parts add up, nothing is invented, nothing is lost on the way. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { heard, usageOf, type Convention } from "../../src/gateway/usage.ts";
import { inputTokens, outputTokens, type Usage } from "../../src/money/usage.ts";
import type { Json, JsonObject } from "../../src/platform/json.ts";
import { seeded } from "../support/seed.ts";

const CONVENTIONS: readonly Convention[] = [
  "openai_chat",
  "openai_responses",
  "openai_embeddings",
  "openai_images",
  "openai_transcription",
  "anthropic",
  "gemini",
  "bedrock",
  "cohere",
  "rerank",
];

const tokens = fc.nat(1_000_000);
const details = fc.record(
  {
    cached_tokens: tokens,
    cache_write_tokens: tokens,
    audio_tokens: tokens,
    image_tokens: tokens,
    reasoning_tokens: tokens,
  },
  { requiredKeys: [] },
);

test("the parts add up to OpenAI's totals, whatever its details claim", (t) => {
  const adds = fc.property(tokens, tokens, details, details, (prompt, completion, ins, outs) => {
    const chat = usageIn("openai_chat", {
      prompt_tokens: prompt,
      completion_tokens: completion,
      prompt_tokens_details: ins,
      completion_tokens_details: outs,
    });
    sumsTo(chat, prompt, completion);
    const responses = usageIn("openai_responses", {
      input_tokens: prompt,
      output_tokens: completion,
      input_tokens_details: ins,
      output_tokens_details: outs,
    });
    sumsTo(responses, prompt, completion);
  });
  fc.assert(adds, { ...seeded(t), numRuns: 500 });
});

test("the parts add up to Anthropic's numbers, which stand beside each other", (t) => {
  const adds = fc.property(
    fc.tuple(tokens, tokens, tokens, tokens, tokens),
    ([input, read, five, hour, out]) => {
      const block = {
        input_tokens: input,
        cache_read_input_tokens: read,
        cache_creation_input_tokens: five + hour,
        cache_creation: { ephemeral_5m_input_tokens: five, ephemeral_1h_input_tokens: hour },
        output_tokens: out,
      };
      sumsTo(usageIn("anthropic", block), input + read + five + hour, out);
      const { cache_creation: _, ...flat } = block;
      sumsTo(usageIn("anthropic", flat), input + read + five + hour, out);
    },
  );
  fc.assert(adds, { ...seeded(t), numRuns: 500 });
});

test("the parts add up to Gemini's total, whatever its lists of modalities claim", (t) => {
  const modality = fc.record({
    modality: fc.constantFrom("TEXT", "AUDIO", "IMAGE", "VIDEO", "DOCUMENT"),
    tokenCount: tokens,
  });
  const list = fc.array(modality, { maxLength: 4 });
  const counts = fc.tuple(tokens, tokens, tokens, tokens, tokens);
  const adds = fc.property(
    counts,
    list,
    list,
    list,
    ([prompt, cached, tool, said, thought], ...l) => {
      const usage = usageIn("gemini", {
        promptTokenCount: prompt,
        cachedContentTokenCount: cached,
        toolUsePromptTokenCount: tool,
        candidatesTokenCount: said,
        thoughtsTokenCount: thought,
        totalTokenCount: prompt + tool + said + thought,
        promptTokensDetails: l[0],
        cacheTokensDetails: l[1],
        candidatesTokensDetails: l[2],
      });
      sumsTo(usage, prompt + tool, said + thought);
    },
  );
  fc.assert(adds, { ...seeded(t), numRuns: 500 });
});

test("an explicit zero is usage, and an absent or broken block is none", () => {
  assert.deepEqual(usageIn("openai_chat", { prompt_tokens: 0, completion_tokens: 0 }), {});
  assert.deepEqual(usageIn("anthropic", { input_tokens: 0, output_tokens: 0 }), {});
  assert.deepEqual(usageIn("gemini", { promptTokenCount: 0 }), {});
  const broken = [undefined, null, 7, "x", [], {}, { usage: null }, { usage: {} }, { usage: 3 }];
  for (const convention of CONVENTIONS) {
    for (const answer of broken) assert.equal(read(convention, answer as Json), undefined);
  }
  for (const count of [-1, 0.5, "7", 1e10, null]) {
    assert.equal(usageIn("openai_chat", { prompt_tokens: count }), undefined, String(count));
    assert.equal(usageIn("anthropic", { input_tokens: count }), undefined, String(count));
    assert.equal(usageIn("gemini", { promptTokenCount: count }), undefined, String(count));
  }
});

test("whatever an answer holds, its usage is whole numbers of units or nothing", (t) => {
  const isSound = fc.property(fc.constantFrom(...CONVENTIONS), fc.json(), (convention, json) => {
    const usage = read(convention, { usage: JSON.parse(json) as Json })?.usage ?? {};
    assert.ok(Object.values(usage).every((units) => Number.isInteger(units) && units > 0));
  });
  fc.assert(isSound, { ...seeded(t), numRuns: 1000 });
});

test("a stream that broke off before its output was told is not final", () => {
  const begun = heard(null, {
    type: "message_start",
    message: { usage: { input_tokens: 25, output_tokens: 1 } },
  });
  assert.deepEqual(read("anthropic", begun), {
    usage: { input: 25 },
    final: false,
    serviceTier: null,
    statedCost: null,
  });
  const ended = heard(begun, { type: "message_delta", usage: { output_tokens: 0 } });
  assert.equal(read("anthropic", ended)?.final, true);
});

test("later events of a stream add to what earlier ones told, and a null hides nothing", () => {
  const events: JsonObject[] = [
    { message: { usage: { input_tokens: 9, cache_read_input_tokens: 5, output_tokens: 1 } } },
    {
      usage: { input_tokens: null, output_tokens: 4, server_tool_use: { web_search_requests: 2 } },
    },
    { usage: { output_tokens: 7 } },
  ];
  const told = events.reduce<JsonObject | null>(heard, null);
  const usage = { input: 9, cacheRead: 5, output: 7, searches: 2 };
  assert.deepEqual(read("anthropic", told ?? undefined)?.usage, usage);
});

test("what an earlier event told of searches outlives the events that only speak", () => {
  const usageMetadata = { promptTokenCount: 5, candidatesTokenCount: 2, totalTokenCount: 7 };
  const events: JsonObject[] = [
    { candidates: [{ groundingMetadata: { webSearchQueries: ["a", "b", "a"] } }], usageMetadata },
    { candidates: [{ content: { parts: [{ text: "…" }] } }], usageMetadata },
  ];
  const told = events.reduce<JsonObject | null>(heard, null);
  assert.equal(read("gemini", told ?? undefined)?.usage.searches, 2);
});

test("the pace is the one that the provider says it served at", () => {
  const usage = { prompt_tokens: 1, completion_tokens: 1 };
  const tierOf = (service_tier: Json) => read("openai_chat", { usage, service_tier })?.serviceTier;
  assert.deepEqual(["flex", "priority", "batch", "default", "auto", "scale", null, 7].map(tierOf), [
    "flex",
    "priority",
    "batch",
    null,
    null,
    null,
    null,
    null,
  ]);
  assert.equal(geminiTier({ trafficType: "ON_DEMAND_PRIORITY" }), "priority");
  assert.equal(geminiTier({ trafficType: "ON_DEMAND" }), null);
  assert.equal(geminiTier({ serviceTier: "flex" }), "flex");
});

test("only those who state dollars are believed about what a call costs", () => {
  const answer = { usage: { prompt_tokens: 1, completion_tokens: 1, cost: 0.5 } };
  const stated = (provider: string) =>
    usageOf({ convention: "openai_chat", provider, answer, request: {} })?.statedCost;
  assert.equal(stated("openrouter"), 500_000_000n);
  for (const provider of ["openai", "hosted_vllm", "xai", "perplexity", "constructor"]) {
    assert.equal(stated(provider), null, provider);
  }
});

function geminiTier(block: JsonObject) {
  return read("gemini", { usageMetadata: { promptTokenCount: 1, ...block } })?.serviceTier;
}

function usageIn(convention: Convention, block: Json): Usage | undefined {
  return read(convention, block)?.usage;
}

function read(convention: Convention, answer: Json | undefined) {
  return usageOf({ convention, provider: "openai", answer, request: {} });
}

function sumsTo(usage: Usage | undefined, input: number, output: number): void {
  assert.ok(usage !== undefined);
  assert.equal(inputTokens(usage), input);
  assert.equal(outputTokens(usage), output);
  assert.ok(Object.values(usage).every((part) => part > 0));
}
