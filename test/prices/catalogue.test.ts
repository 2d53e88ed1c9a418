/** Which entry of the catalogue a model's name stands for, and that every entry can be read. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { findProvider, type ModelPrice, type TieredPrices } from "@pydantic/genai-prices";
import { findListed } from "../../src/prices/catalogue.ts";
import { perUnit, readListing } from "../../src/prices/listing.ts";

const LISTED_PROVIDERS = [
  "anthropic",
  "avian",
  "aws",
  "azure",
  "cerebras",
  "cohere",
  "deepseek",
  "fireworks",
  "google",
  "groq",
  "huggingface_cerebras",
  "minimax",
  "mistral",
  "moonshotai",
  "novita",
  "openai",
  "openrouter",
  "ovhcloud",
  "perplexity",
  "together",
  "voyageai",
  "x-ai",
];

const NONE = undefined;

type Case = readonly [provider: string, model: string, id: string | undefined];

test("a model is found by its id or by a name that the catalogue spells out", () => {
  check([
    ["openai", "gpt-4o", "gpt-4o"],
    ["moonshot", "kimi-k2-thinking", "kimi-k2-thinking"],
    ["novita", "deepseek/deepseek-r1", "deepseek/deepseek-r1"],
    ["voyage", "voyage-3-large", "voyage-3-large"],
    ["openai", "GPT-4o", "gpt-4o"],
    ["openai", "gpt-35-turbo", "gpt-3.5-turbo"],
    ["mistral", "codestral-latest", "codestral"],
    ["groq", "openai/gpt-oss-20b", "openai/gpt-oss-20b"],
    ["xai", "grok-4", "grok-4-0709"],
    ["together_ai", "meta-llama/Llama-3-70b-chat-hf", "meta-llama/Llama-3-70b-chat-hf"],
    ["together", "META-LLAMA/llama-3-70b-chat-hf", "meta-llama/Llama-3-70b-chat-hf"],
    ["openrouter", "openai/gpt-4o", "openai/gpt-4o"],
    ["fireworks_ai", "accounts/fireworks/models/glm-5p1", "glm-5p1"],
    ["fireworks", "glm-5p1", "glm-5p1"],
    ["perplexity", "sonar-pro", "sonar-pro"],
    ["cerebras", "llama3.1-8b", "llama3.1-8b"],
    ["deepseek", "deepseek-chat", "deepseek-chat"],
  ]);
});

test("a snapshot with a price of its own is not taken for its family", () => {
  check([
    ["openai", "gpt-4o-2024-08-06", "gpt-4o"],
    ["openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"],
    ["openai", "gpt-3.5-turbo-0613", "gpt-3.5-turbo-0613"],
    ["mistral", "mistral-large-2411", "mistral-large"],
    ["mistral", "mistral-large-2512", "mistral-large-2512"],
  ]);
});

test("a snapshot that the catalogue's own patterns cover has the price of its family", () => {
  check([
    ["openai", "gpt-5-nano-2025-08-07", "gpt-5-nano"],
    ["openai", "gpt-4o-audio-preview-2024-12-17", "gpt-4o-audio-preview"],
    ["openai", "gpt-5.6-luna-2026-07-09", "gpt-5.6-luna"],
    ["xai", "grok-4.3-20260501", "grok-4.3"],
    ["mistral", "magistral-medium-2509", "magistral-medium"],
    ["vertex_ai", "claude-sonnet-4-5@20250929", "claude-sonnet-4-5"],
    ["vertex_ai", "claude-haiku-4-5@20251001", "claude-haiku-4-5"],
    ["vertex_ai", "claude-opus-4@20250514", "claude-4-opus"],
    ["vertex_ai", "claude-3-5-sonnet-v2@20241022", "claude-3-5-sonnet"],
    ["mistral", "magistral-small-latest", "magistral-small"],
  ]);
});

test("a snapshot that nothing covers is not found", () => {
  check([
    ["openai", "gpt-4o-2031-01-01", NONE],
    ["openai", "gpt-4.1-20310101", NONE],
    ["groq", "gemma-7b-it-latest", NONE],
    ["mistral", "mistral-large-3101", NONE],
  ]);
});

test("a variant that only a pattern covers is not found, as nobody knows its price", () => {
  check([
    ["openai", "gpt-5-nano-turbo", NONE],
    ["openai", "gpt-4o-audio-preview-mini", NONE],
    ["openai", "ft:gpt-4o-2024-08-06:acme::abc", NONE],
    ["openai", "omni-moderation", NONE],
    ["deepseek", "deepseek-chat-pro", NONE],
    ["deepseek", "deepseek-r1-zero", NONE],
    ["azure", "my-o4-mini", NONE],
    ["mistral", "magistral-medium-deep-2509", NONE],
    ["cerebras", "cerebras/gpt-oss-120b-fast", NONE],
  ]);
});

test("a model of another company is not found, however well its name is known", () => {
  check([
    ["openai", "mistral-large", NONE],
    ["openai", "openai/gpt-4o", NONE],
    ["openrouter", "openai/gpt-4o-imaginary", NONE],
    ["groq", "gpt-4o", NONE],
    ["ollama", "llama3.1-8b", NONE],
    ["hosted_vllm", "gpt-4o", NONE],
    ["fake", "gpt-4o", NONE],
    ["constructor", "gpt-4o", NONE],
    ["openai", "", NONE],
  ]);
});

test("Azure sells the models of others at their prices, where it lists none", () => {
  check([
    ["azure", "gpt-4o", "gpt-4o"],
    ["azure", "o3-2025-04-16", "o3-2025-04-16"],
    ["azure", "grok-4", "grok-4-0709"],
    ["azure", "production-eu", NONE],
  ]);
});

test("a base model is the only name that counts where it is given, with or without its provider", () => {
  const bases: Record<string, string | undefined> = {
    "gpt-4o": "gpt-4o",
    "azure/gpt-4o": "gpt-4o",
    "openai/gpt-4o": "gpt-4o",
    "mistral/codestral-latest": "codestral",
    "openrouter/openai/gpt-4o": "openai/gpt-4o",
    "azure/eu/gpt-4o": NONE,
    "azure/": NONE,
    "gpt-4o-imaginary": NONE,
  };
  for (const [baseModel, id] of Object.entries(bases)) {
    assert.equal(findListed({ provider: "azure", model: "gpt-4o", baseModel })?.id, id, baseModel);
  }
  const own = findListed({ provider: "hosted_vllm", model: "x", baseModel: "openai/gpt-4o" });
  assert.equal(own?.id, "gpt-4o");
});

test("every number in the catalogue is a whole count of pico-dollars, but for one artefact", () => {
  const artefacts = new Set<number>();
  for (const [key, dollars] of numbers()) {
    const units = key.endsWith("_kcount") ? 1000n : 1_000_000n;
    const [whole = "", fraction = ""] = String(dollars).split(".");
    const digits = units === 1000n ? 9 : 6;
    if (fraction.length > digits) artefacts.add(dollars);
    else assert.equal(perUnit(dollars, units), BigInt(whole + fraction.padEnd(digits, "0")), key);
  }
  // One twelfth of a dollar per million tokens, as a float: 83,333 and a third.
  assert.deepEqual([...artefacts], [0.08333333333333334]);
  assert.equal(perUnit(0.08333333333333334, 1_000_000n), 83_333n);
});

test("every kind of price in the catalogue is either read or known to be left out", () => {
  // Cached images, whole conversations, annotated pages and citations; and kinds that keep a model from being priced.
  const leftOut = [
    "audio_hours",
    "cache_image_read_mtok",
    "input_annotated_document_kpages",
    "input_text_messages_kcount",
    "input_video_mtok",
    "output_citation_mtok",
    "output_video_mtok",
  ];
  const unread = [...numbers()].map(([key]) => key).filter((key) => !isRead(key));
  assert.deepEqual([...new Set(unread)].toSorted(), leftOut);
});

test("a model that bills a kind of use that is not counted apart has no price", () => {
  for (const key of ["input_video_mtok", "output_video_mtok", "input_text_messages_kcount"]) {
    assert.equal(readListing({ input_mtok: 1, output_mtok: 2, [key]: 3 }), null, key);
  }
});

test("what is left out of a price that is read is never dearer than what stands in for it", () => {
  for (const prices of listings()) {
    const output = readListing(prices)?.base.output;
    const citation = prices["output_citation_mtok"];
    if (output === undefined || typeof citation !== "number") continue;
    assert.ok(perUnit(citation, 1_000_000n) <= output.rate);
  }
});

test("every tier in the catalogue stands in ascending order", () => {
  for (const price of [...listings()].flatMap((prices) => Object.values(prices))) {
    if (!isTiered(price)) continue;
    const starts = price.tiers.map(({ start }) => start);
    assert.deepEqual(
      starts,
      starts.toSorted((a, b) => a - b),
    );
  }
});

test("a negative price and no number at all are errors, not prices", () => {
  for (const dollars of [-1, Number.NaN, Infinity]) assert.throws(() => perUnit(dollars, 1000n));
});

/** A price of this kind alone, beside what every model has, shows in what is read. */
function isRead(key: string): boolean {
  const without = readListing({ input_mtok: 1, output_mtok: 2 })?.base ?? {};
  const listed = readListing({ input_mtok: 1, output_mtok: 2, [key]: 3 })?.base ?? {};
  return (
    Object.values(listed).filter(({ rate }) => rate > 0n).length > Object.keys(without).length ||
    key === "input_mtok" ||
    key === "output_mtok"
  );
}

function check(cases: readonly Case[]): void {
  for (const [provider, model, id] of cases) {
    const found = findListed({ provider, model, baseModel: null });
    assert.equal(found?.id, id, `${provider} ${model}`);
  }
}

function* numbers(): Generator<readonly [string, number]> {
  for (const prices of listings()) {
    for (const [key, price] of Object.entries(prices)) {
      if (typeof price === "number") yield [key, price];
      if (!isTiered(price)) continue;
      for (const dollars of [price.base, ...price.tiers.map((tier) => tier.price)]) {
        yield [key, dollars];
      }
    }
  }
}

function* listings(): Generator<ModelPrice> {
  for (const providerId of LISTED_PROVIDERS) {
    const provider = findProvider({ providerId });
    assert.equal(provider?.id, providerId);
    for (const { prices } of provider.models) {
      if (Array.isArray(prices)) yield* prices.map((dated) => dated.prices);
      else yield prices;
    }
  }
}

function isTiered(price: number | TieredPrices | undefined): price is TieredPrices {
  return typeof price === "object";
}
