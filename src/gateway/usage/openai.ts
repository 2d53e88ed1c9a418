/** OpenAI's conventions: cached, audio and image tokens are inside the input, reasoning inside the output. */

import type { ServiceTier, Usage } from "../../money/usage.ts";
import { isObject, type Json, type JsonObject } from "../../platform/json.ts";
import {
  count,
  countOrNone,
  countStarted,
  objectIn,
  objectsIn,
  split,
  type Reading,
} from "./counted.ts";

const TIERS: Readonly<Record<string, ServiceTier>> = {
  flex: "flex",
  priority: "priority",
  batch: "batch",
};

/** Chat and text completions, of OpenAI and of everybody who speaks like it. */
export function readChat(answer: JsonObject): Reading | undefined {
  const block = objectIn(answer["usage"]);
  const prompt = count(block["prompt_tokens"]);
  const stated = count(block["completion_tokens"] === undefined ? 0 : block["completion_tokens"]);
  if (prompt === undefined || stated === undefined) return undefined;
  // xAI leaves reasoning out of `completion_tokens`, but not out of the total.
  const completion = Math.max(stated, countOrNone(block["total_tokens"]) - prompt);
  const details = objectIn(block["prompt_tokens_details"]);
  // DeepSeek and Moonshot have names of their own for what was cached.
  const cached =
    details["cached_tokens"] ?? block["prompt_cache_hit_tokens"] ?? block["cached_tokens"];
  return {
    usage: {
      ...inputParts(prompt, { ...details, cached_tokens: cached }),
      ...outputParts(completion, objectIn(block["completion_tokens_details"])),
      searches: searchesOfChat(answer, block),
    },
    serviceTier: serviceTier(answer),
  };
}

export function readResponses(answer: JsonObject): Reading | undefined {
  const block = objectIn(answer["usage"]);
  const input = count(block["input_tokens"]);
  const output = count(block["output_tokens"]);
  if (input === undefined || output === undefined) return undefined;
  const items = objectsIn(answer["output"]);
  return {
    usage: {
      ...inputParts(input, objectIn(block["input_tokens_details"])),
      ...outputParts(output, objectIn(block["output_tokens_details"])),
      searches: items.filter(isSearch).length,
      fileSearches: items.filter(({ type }) => type === "file_search_call").length,
    },
    serviceTier: serviceTier(answer),
  };
}

/** Voyage and Jina tell the total only, which is the same where there is no output. */
export function readEmbeddings(answer: JsonObject): Reading | undefined {
  const block = objectIn(answer["usage"]);
  const input = count(block["prompt_tokens"] ?? block["total_tokens"]);
  return input === undefined ? undefined : { usage: { input } };
}

/** Models that bill by the image tell no tokens. */
export function readImages(answer: JsonObject): Reading | undefined {
  const images = Array.isArray(answer["data"]) ? answer["data"].length : 0;
  const block = objectIn(answer["usage"]);
  const input = count(block["input_tokens"]);
  const output = count(block["output_tokens"]);
  if (input === undefined || output === undefined) {
    return images === 0 ? undefined : { usage: { images } };
  }
  const { text_tokens: text } = objectIn(block["output_tokens_details"]);
  return {
    usage: {
      ...inputParts(input, objectIn(block["input_tokens_details"])),
      ...split(output, { output: countOrNone(text) }, "outputImage"),
      images,
    },
  };
}

/** Transcriptions and translations: by the token, or by the second, which other hosts tell only as a duration. */
export function readTranscription(answer: JsonObject): Reading | undefined {
  const block = objectIn(answer["usage"]);
  const input = count(block["input_tokens"]);
  const output = count(block["output_tokens"]);
  if (input !== undefined && output !== undefined) {
    return { usage: { ...inputParts(input, objectIn(block["input_token_details"])), output } };
  }
  const seconds = countStarted(block["seconds"] ?? answer["duration"]);
  return seconds === undefined ? undefined : { usage: { seconds } };
}

/** Speech is bytes: only a stream of events tells tokens, and else what was asked to be said is what is billed. */
export function readSpeech(answer: JsonObject, request: JsonObject): Reading | undefined {
  const { input: text } = request;
  const characters = typeof text === "string" ? Array.from(text).length : 0;
  const block = objectIn(answer["usage"]);
  const input = count(block["input_tokens"]);
  const outputAudio = count(block["output_tokens"]);
  if (input === undefined || outputAudio === undefined) return { usage: { characters } };
  return { usage: { input, outputAudio, characters } };
}

function inputParts(total: number, details: JsonObject): Usage {
  const cached = countOrNone(details["cached_tokens"]);
  const { audio_tokens: cachedAudio } = objectIn(details["cached_tokens_details"]);
  const cacheReadAudio = Math.min(countOrNone(cachedAudio), cached);
  return split(
    total,
    {
      cacheReadAudio,
      cacheRead: cached - cacheReadAudio,
      cacheWrite5m: countOrNone(details["cache_write_tokens"]),
      inputAudio: Math.max(0, countOrNone(details["audio_tokens"]) - cacheReadAudio),
      inputImage: countOrNone(details["image_tokens"]),
    },
    "input",
  );
}

function outputParts(total: number, details: JsonObject): Usage {
  return split(
    total,
    {
      outputAudio: countOrNone(details["audio_tokens"]),
      outputImage: countOrNone(details["image_tokens"]),
      reasoning: countOrNone(details["reasoning_tokens"]),
    },
    "output",
  );
}

/** Perplexity, OpenRouter and xAI count them; OpenAI's search models make one for every answer. */
function searchesOfChat(answer: JsonObject, block: JsonObject): number {
  const { web_search_requests: requests } = objectIn(block["server_tool_use"]);
  const told = block["num_search_queries"] ?? block["num_sources_used"] ?? requests;
  if (told !== undefined) return countOrNone(told);
  const { model } = answer;
  return typeof model === "string" && /-search-(?:preview|api)/.test(model) ? 1 : 0;
}

/** Opening a page that was found, or looking through it, is not billed. */
function isSearch({ type, action }: JsonObject): boolean {
  if (type !== "web_search_call") return false;
  return !isObject(action) || action["type"] === undefined || action["type"] === "search";
}

function serviceTier(answer: JsonObject): ServiceTier | null {
  return tierNamed(answer["service_tier"]);
}

/** What no price list knows by name is served at standard prices. */
export function tierNamed(name: Json | undefined): ServiceTier | null {
  return typeof name === "string" ? (TIERS[name.toLowerCase()] ?? null) : null;
}
