/** OpenAI's routes, and those who speak like it. */

import { picoUsd } from "../../src/money/amount.ts";
import { chunk, LISTS, override, type Golden } from "./golden.ts";

const gpt4o = { provider: "openai", model: "gpt-4o" } as const;
const gpt5 = { provider: "openai", model: "gpt-5" } as const;

const CACHED = {
  prompt_tokens: 2006,
  completion_tokens: 300,
  total_tokens: 2306,
  prompt_tokens_details: { cached_tokens: 1920, audio_tokens: 0 },
  completion_tokens_details: {
    reasoning_tokens: 0,
    audio_tokens: 0,
    rejected_prediction_tokens: 0,
  },
};
const REASONED = {
  prompt_tokens: 75,
  completion_tokens: 482,
  total_tokens: 557,
  completion_tokens_details: { reasoning_tokens: 448 },
};
const REASONED_PARTS = { input: 75, reasoning: 448, output: 34 };

const RESPONSE = {
  object: "response",
  service_tier: "default",
  output: [
    { type: "web_search_call", status: "completed", action: { type: "search" } },
    { type: "web_search_call", status: "completed", action: { type: "open_page" } },
    { type: "web_search_call", status: "completed", action: { type: "search" } },
    { type: "file_search_call", status: "completed" },
    { type: "message", content: [{ type: "output_text", text: "…" }] },
  ],
  usage: {
    input_tokens: 1000,
    input_tokens_details: { cached_tokens: 400 },
    output_tokens: 200,
    output_tokens_details: { reasoning_tokens: 150 },
    total_tokens: 1200,
  },
};

export const OPENAI: readonly Golden[] = [
  {
    name: "chat with cached input",
    convention: "openai_chat",
    deployment: gpt4o,
    answer: { object: "chat.completion", usage: CACHED },
    events: [chunk(null), chunk(CACHED)],
    parts: { input: 86, cacheRead: 1920, output: 300 },
    prices: `${LISTS.openai}: 2.50, cached 1.25, output 10`,
    nano: 5_615_000n,
  },
  {
    name: "chat of a reasoning model: reasoning is inside the output",
    convention: "openai_chat",
    deployment: gpt5,
    answer: { usage: REASONED },
    events: [chunk(REASONED)],
    parts: REASONED_PARTS,
    prices: `${LISTS.openai}: 1.25, output 10`,
    nano: 4_913_750n,
  },
  {
    name: "chat served as priority",
    convention: "openai_chat",
    deployment: gpt5,
    answer: { service_tier: "priority", usage: REASONED },
    events: [
      chunk(null, { service_tier: "priority" }),
      chunk(REASONED, { service_tier: "priority" }),
    ],
    parts: REASONED_PARTS,
    prices: `${LISTS.priority}: 2.50, output 20`,
    nano: 9_827_500n,
  },
  {
    name: "chat served as flex",
    convention: "openai_chat",
    deployment: gpt5,
    answer: { service_tier: "flex", usage: REASONED },
    parts: REASONED_PARTS,
    prices: `${LISTS.openai}, flex: 0.625, output 5`,
    nano: 2_456_875n,
  },
  {
    name: "chat that asked for flex and was served as standard",
    convention: "openai_chat",
    deployment: gpt5,
    answer: { service_tier: "default", usage: REASONED },
    request: { service_tier: "flex" },
    parts: REASONED_PARTS,
    prices: `${LISTS.openai}: 1.25, output 10`,
    nano: 4_913_750n,
  },
  {
    name: "chat that writes to the cache",
    convention: "openai_chat",
    deployment: { provider: "openai", model: "gpt-5.6-sol" },
    answer: {
      usage: {
        prompt_tokens: 3000,
        completion_tokens: 100,
        prompt_tokens_details: { cached_tokens: 1000, cache_write_tokens: 1500 },
      },
    },
    parts: { input: 500, cacheRead: 1000, cacheWrite5m: 1500, output: 100 },
    prices: `${LISTS.openai}: 4, cached 0.40, written 5, output 20`,
    nano: 11_900_000n,
  },
  {
    name: "chat with audio in and out",
    convention: "openai_chat",
    deployment: { provider: "openai", model: "gpt-audio" },
    answer: {
      usage: {
        prompt_tokens: 100,
        completion_tokens: 150,
        prompt_tokens_details: { text_tokens: 20, audio_tokens: 80 },
        completion_tokens_details: { text_tokens: 50, audio_tokens: 100 },
      },
    },
    parts: { input: 20, inputAudio: 80, output: 50, outputAudio: 100 },
    prices: `${LISTS.openai}: 2.50, output 10, audio 32 and 64`,
    nano: 9_510_000n,
  },
  {
    name: "responses with two searches of the web, one page opened and one search of files",
    convention: "openai_responses",
    deployment: gpt5,
    answer: RESPONSE,
    events: [
      { type: "response.created", response: { ...RESPONSE, output: [], usage: null } },
      { type: "response.completed", response: RESPONSE },
    ],
    parts: { input: 600, cacheRead: 400, output: 50, reasoning: 150, searches: 2, fileSearches: 1 },
    prices: `${LISTS.openai}: 1.25, cached 0.125, output 10; 10 and 2.50 per thousand searches`,
    nano: 25_300_000n,
  },
  {
    name: "responses that were offered a search and made none",
    convention: "openai_responses",
    deployment: gpt5,
    answer: { output: [{ type: "message" }], usage: RESPONSE.usage },
    request: { tools: [{ type: "web_search" }] },
    parts: { input: 600, cacheRead: 400, output: 50, reasoning: 150 },
    prices: `${LISTS.openai}: 1.25, cached 0.125, output 10`,
    nano: 2_800_000n,
  },
  {
    name: "embeddings",
    convention: "openai_embeddings",
    deployment: { provider: "openai", model: "text-embedding-3-small" },
    answer: { object: "list", usage: { prompt_tokens: 8, total_tokens: 8 } },
    parts: { input: 8 },
    prices: `${LISTS.openai}: 0.02`,
    nano: 160n,
  },
  {
    name: "an image edited, by the token",
    convention: "openai_images",
    deployment: { provider: "openai", model: "gpt-image-1" },
    answer: {
      data: [{ b64_json: "…" }],
      usage: {
        input_tokens: 50,
        output_tokens: 4160,
        total_tokens: 4210,
        input_tokens_details: { text_tokens: 10, image_tokens: 40 },
      },
    },
    parts: { input: 10, inputImage: 40, outputImage: 4160, images: 1 },
    prices: `${LISTS.openai}: 5, image 10, output 40`,
    nano: 166_850_000n,
  },
  {
    name: "two images made, by the image",
    convention: "openai_images",
    deployment: {
      provider: "openai",
      model: "dall-e-3",
      prices: [override({ rates: { images: picoUsd(40_000_000_000n) } })],
    },
    answer: { created: 1, data: [{ url: "…" }, { url: "…" }] },
    parts: { images: 2 },
    prices: `${LISTS.openai}: 0.04 each, as the operator writes it`,
    nano: 80_000_000n,
  },
  {
    name: "a transcription by the second",
    convention: "openai_transcription",
    deployment: { provider: "openai", model: "whisper-1" },
    answer: { text: "…", usage: { type: "duration", seconds: 9 } },
    parts: { seconds: 9 },
    prices: `${LISTS.openai}: 0.006 per minute`,
    nano: 900_000n,
  },
  {
    name: "a transcription whose length is told with the text",
    convention: "openai_transcription",
    deployment: { provider: "groq", model: "whisper-large-v3" },
    answer: { task: "transcribe", duration: 9.47, text: "…" },
    parts: { seconds: 10 },
    prices: `${LISTS.groq}: 0.111 per hour`,
    nano: 308_334n,
  },
  {
    name: "a transcription by the token",
    convention: "openai_transcription",
    deployment: { provider: "openai", model: "gpt-4o-transcribe" },
    answer: {
      text: "…",
      usage: {
        type: "tokens",
        input_tokens: 14,
        input_token_details: { text_tokens: 0, audio_tokens: 14 },
        output_tokens: 45,
        total_tokens: 59,
      },
    },
    parts: { inputAudio: 14, output: 45 },
    prices: `${LISTS.openai}: audio 6, output 10`,
    nano: 534_000n,
  },
  {
    name: "speech by the character",
    convention: "openai_speech",
    deployment: {
      provider: "openai",
      model: "tts-1",
      prices: [override({ rates: { characters: picoUsd(15_000_000n) } })],
    },
    answer: {},
    request: { input: "Hello, wörld 🌍" },
    parts: { characters: 14 },
    prices: `${LISTS.openai}: 15 per million characters, as the operator writes it`,
    nano: 210_000n,
  },
];
