/** Everybody else: each convention that differs from OpenAI's, and each that only seems to. */

import { NO_CLOUD } from "../../src/config/cloud.ts";
import { picoUsd } from "../../src/money/amount.ts";
import { chunk, LISTS, override, type Golden } from "./golden.ts";

const sonnet = { provider: "anthropic", model: "claude-sonnet-4-6" } as const;

const BOTH_CACHES = {
  input_tokens: 2048,
  cache_read_input_tokens: 1800,
  cache_creation_input_tokens: 248,
  cache_creation: { ephemeral_5m_input_tokens: 148, ephemeral_1h_input_tokens: 100 },
  output_tokens: 503,
  service_tier: "standard",
};
const BOTH_CACHES_PARTS = {
  input: 2048,
  cacheRead: 1800,
  cacheWrite5m: 148,
  cacheWrite1h: 100,
  output: 503,
};

const GEMINI = {
  promptTokenCount: 1000,
  cachedContentTokenCount: 400,
  candidatesTokenCount: 120,
  thoughtsTokenCount: 50,
  totalTokenCount: 1170,
  promptTokensDetails: [
    { modality: "TEXT", tokenCount: 700 },
    { modality: "AUDIO", tokenCount: 300 },
  ],
  cacheTokensDetails: [
    { modality: "TEXT", tokenCount: 300 },
    { modality: "AUDIO", tokenCount: 100 },
  ],
};

const XAI = {
  prompt_tokens: 32,
  completion_tokens: 9,
  total_tokens: 135,
  prompt_tokens_details: { text_tokens: 32, cached_tokens: 8 },
  completion_tokens_details: { reasoning_tokens: 94 },
};

export const OTHERS: readonly Golden[] = [
  {
    name: "Anthropic: both lifetimes of the cache, beside the input",
    convention: "anthropic",
    deployment: sonnet,
    answer: { type: "message", usage: BOTH_CACHES },
    events: [
      { type: "message_start", message: { usage: { ...BOTH_CACHES, output_tokens: 1 } } },
      { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 503 } },
    ],
    parts: BOTH_CACHES_PARTS,
    prices: `${LISTS.anthropic}: 3, read 0.30, written 3.75 and 6, output 15`,
    nano: 15_384_000n,
  },
  {
    name: "Anthropic: one number for the cache, and a request that says an hour",
    convention: "anthropic",
    deployment: sonnet,
    answer: { usage: { input_tokens: 10, cache_creation_input_tokens: 248, output_tokens: 5 } },
    request: {
      system: [{ type: "text", text: "…", cache_control: { type: "ephemeral", ttl: "1h" } }],
    },
    parts: { input: 10, cacheWrite1h: 248, output: 5 },
    prices: `${LISTS.anthropic}: 3, written 6, output 15`,
    nano: 1_593_000n,
  },
  {
    name: "Anthropic: three searches",
    convention: "anthropic",
    deployment: { provider: "anthropic", model: "claude-haiku-4-5" },
    answer: {
      usage: { input_tokens: 105, output_tokens: 60, server_tool_use: { web_search_requests: 3 } },
    },
    parts: { input: 105, output: 60, searches: 3 },
    prices: `${LISTS.anthropic}: 1, output 5; 10 per thousand searches`,
    nano: 30_405_000n,
  },
  {
    name: "Anthropic on Vertex AI, at the endpoint of one region",
    convention: "anthropic",
    deployment: {
      provider: "vertex_ai",
      model: "claude-sonnet-4-5@20250929",
      cloud: { ...NO_CLOUD, region: "us-east5" },
    },
    answer: { usage: { input_tokens: 100, cache_read_input_tokens: 50, output_tokens: 20 } },
    parts: { input: 100, cacheRead: 50, output: 20 },
    prices: "docs.claude.com/en/docs/about-claude/pricing: 3.30, read 0.33, output 16.50",
    nano: 676_500n,
  },
  {
    name: "Anthropic on Vertex AI, at the global endpoint",
    convention: "anthropic",
    deployment: {
      provider: "vertex_ai",
      model: "claude-sonnet-4-6",
      cloud: { ...NO_CLOUD, region: "global" },
    },
    answer: { usage: { input_tokens: 100, cache_read_input_tokens: 50, output_tokens: 20 } },
    parts: { input: 100, cacheRead: 50, output: 20 },
    prices: "cloud.google.com/vertex-ai/generative-ai/pricing: 3, read 0.30, output 15",
    nano: 615_000n,
  },
  {
    name: "Anthropic on Bedrock, in one region",
    convention: "bedrock",
    deployment: { provider: "bedrock", model: "eu.anthropic.claude-haiku-4-5-20251001-v1:0" },
    answer: {
      usage: {
        inputTokens: 100,
        outputTokens: 20,
        totalTokens: 420,
        cacheReadInputTokens: 50,
        cacheWriteInputTokens: 250,
        cacheDetails: [
          { ttl: "5m", inputTokens: 200 },
          { ttl: "1h", inputTokens: 50 },
        ],
      },
    },
    parts: { input: 100, cacheRead: 50, cacheWrite5m: 200, cacheWrite1h: 50, output: 20 },
    prices: `${LISTS.bedrock}: 1.10, read 0.11, written 1.375 and 2.20, output 5.50`,
    nano: 610_500n,
  },
  {
    name: "Amazon Nova",
    convention: "bedrock",
    deployment: { provider: "bedrock", model: "amazon.nova-micro-v1:0" },
    answer: { usage: { inputTokens: 7, outputTokens: 3, totalTokens: 10 } },
    parts: { input: 7, output: 3 },
    prices: `${LISTS.bedrock}: 0.035, output 0.14`,
    nano: 665n,
  },
  {
    name: "Gemini: audio, a cache of both kinds, and thoughts beside the answer",
    convention: "gemini",
    deployment: { provider: "gemini", model: "gemini-2.5-flash" },
    answer: { modelVersion: "gemini-2.5-flash", usageMetadata: GEMINI },
    events: [
      { usageMetadata: { promptTokenCount: 1000, totalTokenCount: 1000 } },
      { modelVersion: "gemini-2.5-flash", usageMetadata: GEMINI },
    ],
    parts: {
      input: 400,
      cacheRead: 300,
      cacheReadAudio: 100,
      inputAudio: 200,
      output: 120,
      reasoning: 50,
    },
    prices: `${LISTS.gemini}: 0.30, cached 0.03, audio 1 and 0.10, output 2.50`,
    nano: 764_000n,
  },
  {
    name: "Gemini: an image made",
    convention: "gemini",
    deployment: { provider: "gemini", model: "gemini-2.5-flash-image" },
    answer: {
      usageMetadata: {
        promptTokenCount: 12,
        candidatesTokenCount: 1290,
        totalTokenCount: 1302,
        candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: 1290 }],
      },
    },
    parts: { input: 12, outputImage: 1290 },
    prices: `${LISTS.gemini}: 0.30, output of images 30`,
    nano: 38_703_600n,
  },
  {
    name: "Gemini 2.5: a grounded answer is billed once, however often it searched",
    convention: "gemini",
    deployment: {
      provider: "gemini",
      model: "gemini-2.5-flash",
      prices: [override({ rates: { searches: picoUsd(35_000_000_000n) } })],
    },
    answer: {
      modelVersion: "gemini-2.5-flash",
      candidates: [{ groundingMetadata: { webSearchQueries: ["a", "b"] } }],
      usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 4, totalTokenCount: 14 },
    },
    parts: { input: 10, output: 4, searches: 1 },
    prices: `${LISTS.gemini}: 0.30, output 2.50; 35 per thousand grounded answers, by the operator`,
    nano: 35_013_000n,
  },
  {
    name: "Cohere: what is billed, not what was counted",
    convention: "cohere",
    deployment: { provider: "cohere", model: "command-a" },
    answer: {
      usage: {
        billed_units: { input_tokens: 17, output_tokens: 12 },
        tokens: { input_tokens: 215, output_tokens: 14 },
      },
    },
    events: [
      {
        type: "message-end",
        delta: { usage: { billed_units: { input_tokens: 17, output_tokens: 12 } } },
      },
    ],
    parts: { input: 17, output: 12 },
    prices: `${LISTS.cohere}: 2.50, output 10`,
    nano: 162_500n,
  },
  {
    name: "Cohere: embeddings, translated",
    convention: "openai_embeddings",
    deployment: { provider: "cohere", model: "embed-v4.0" },
    answer: { object: "list", usage: { prompt_tokens: 1000, total_tokens: 1000 } },
    parts: { input: 1000 },
    prices: `${LISTS.cohere}: 0.12`,
    nano: 120_000n,
  },
  {
    name: "Vertex AI: embeddings, translated",
    convention: "openai_embeddings",
    deployment: { provider: "vertex_ai", model: "gemini-embedding-001" },
    answer: { object: "list", usage: { prompt_tokens: 1000, total_tokens: 1000 } },
    parts: { input: 1000 },
    prices: "cloud.google.com/vertex-ai/generative-ai/pricing: 0.15",
    nano: 150_000n,
  },
  {
    name: "Bedrock: embeddings, translated",
    convention: "openai_embeddings",
    deployment: {
      provider: "bedrock",
      model: "amazon.titan-embed-text-v2:0",
      prices: [override({ rates: { input: picoUsd(20_000n), output: picoUsd(0n) } })],
    },
    answer: { object: "list", usage: { prompt_tokens: 1000, total_tokens: 1000 } },
    parts: { input: 1000 },
    prices: `${LISTS.bedrock}: 0.02, as the operator writes it`,
    nano: 20_000n,
  },
  {
    name: "Cohere: a rerank",
    convention: "rerank",
    deployment: {
      provider: "cohere",
      model: "rerank-v3.5",
      prices: [
        override({
          rates: { searches: picoUsd(2_000_000_000n), input: picoUsd(0n), output: picoUsd(0n) },
        }),
      ],
    },
    answer: { results: [], meta: { billed_units: { search_units: 2 } } },
    parts: { searches: 2 },
    prices: `${LISTS.cohere}: 2 per thousand searches, as the operator writes it`,
    nano: 4_000_000n,
  },
  {
    name: "Azure: OpenAI's convention at Azure's price",
    convention: "openai_chat",
    deployment: { provider: "azure", model: "gpt-4.1-nano" },
    answer: {
      usage: {
        prompt_tokens: 50,
        completion_tokens: 10,
        prompt_tokens_details: { cached_tokens: 40 },
      },
    },
    parts: { input: 10, cacheRead: 40, output: 10 },
    prices: `${LISTS.azure}: 0.10, cached 0.025, output 0.40`,
    nano: 6000n,
  },
  {
    name: "DeepSeek: a name of its own for cached input, and a price of the day",
    convention: "openai_chat",
    deployment: { provider: "deepseek", model: "deepseek-chat" },
    answer: {
      usage: {
        prompt_tokens: 100,
        completion_tokens: 10,
        prompt_cache_hit_tokens: 60,
        prompt_cache_miss_tokens: 40,
      },
    },
    parts: { input: 40, cacheRead: 60, output: 10 },
    prices: `${LISTS.deepseek}: 0.27, cached 0.07, output 1.10`,
    nano: 26_000n,
  },
  {
    name: "Mistral",
    convention: "openai_chat",
    deployment: { provider: "mistral", model: "mistral-large-2512" },
    answer: { usage: { prompt_tokens: 20, completion_tokens: 30, total_tokens: 50 } },
    parts: { input: 20, output: 30 },
    prices: `${LISTS.mistral}: 0.50, output 1.50`,
    nano: 55_000n,
  },
  {
    name: "xAI: reasoning beside the completion, only the total knows",
    convention: "openai_chat",
    deployment: { provider: "xai", model: "grok-4" },
    answer: { usage: XAI },
    parts: { input: 24, cacheRead: 8, output: 9, reasoning: 94 },
    prices: `${LISTS.xai}: 3, cached 0.75, output 15`,
    nano: 1_623_000n,
  },
  {
    name: "xAI: what it says that the call cost",
    convention: "openai_chat",
    deployment: { provider: "xai", model: "grok-4" },
    answer: { usage: { ...XAI, cost_in_usd_ticks: 37_756_000 } },
    parts: { input: 24, cacheRead: 8, output: 9, reasoning: 94 },
    prices: "docs.x.ai/developers/cost-tracking: ten thousand million ticks are a dollar",
    nano: 3_775_600n,
  },
  {
    name: "OpenRouter: what it says that the call cost",
    convention: "openai_chat",
    deployment: { provider: "openrouter", model: "openai/gpt-4o" },
    answer: { usage: { prompt_tokens: 194, completion_tokens: 2, cost: 0.00014 } },
    events: [chunk({ prompt_tokens: 194, completion_tokens: 2, cost: 0.00014 })],
    parts: { input: 194, output: 2 },
    prices: `${LISTS.openrouter}: as stated`,
    nano: 140_000n,
  },
  {
    name: "OpenRouter with a key of one's own: its fee, and what the maker bills",
    convention: "openai_chat",
    deployment: { provider: "openrouter", model: "openai/gpt-4o" },
    answer: {
      usage: {
        prompt_tokens: 194,
        completion_tokens: 2,
        cost: 0.00001,
        is_byok: true,
        cost_details: { upstream_inference_cost: 0.0002 },
      },
    },
    parts: { input: 194, output: 2 },
    prices: `${LISTS.openrouter}: as stated`,
    nano: 210_000n,
  },
  {
    name: "Perplexity: what it says that the call cost, its fee included",
    convention: "openai_chat",
    deployment: { provider: "perplexity", model: "sonar" },
    answer: {
      usage: {
        prompt_tokens: 8,
        completion_tokens: 439,
        total_tokens: 447,
        cost: {
          input_tokens_cost: 0,
          output_tokens_cost: 0,
          request_cost: 0.005,
          total_cost: 0.006,
        },
      },
    },
    parts: { input: 8, output: 439 },
    prices: `${LISTS.perplexity}: as stated`,
    nano: 6_000_000n,
  },
  {
    name: "Perplexity's deep research: what it read and thought is in no total",
    convention: "openai_chat",
    deployment: { provider: "perplexity", model: "sonar-deep-research" },
    answer: {
      usage: {
        prompt_tokens: 33,
        completion_tokens: 7163,
        total_tokens: 7196,
        citation_tokens: 20_016,
        num_search_queries: 18,
        reasoning_tokens: 73_997,
      },
    },
    parts: { input: 33, output: 27_179, reasoning: 73_997, searches: 18 },
    prices: `${LISTS.perplexity}: 2, output 8, reasoning 3; 5 per thousand searches; citations as output`,
    nano: 529_489_000n,
  },
];
