/** A provider's usage block as disjoint parts, and an estimate where there is none. */

import type { Usage, UsageSource } from "../money/usage.ts";
import { isObject, type Json, type JsonObject } from "../platform/json.ts";
import type { Produced } from "./meter.ts";

/** Beyond any context window: a larger count is a fault in the provider's block, not usage. */
const TOKENS_MAX = 1_000_000_000;

/** Bytes of text per token where the count is not known: English has four, so this leans up. */
const BYTES_PER_TOKEN = 3;

export interface MeteredUsage {
  readonly usage: Usage;
  readonly source: UsageSource;
}

/**
 * OpenAI's convention: cached and audio tokens are inside `prompt_tokens`, reasoning and audio inside
 * `completion_tokens`. Undefined if the block is absent or not a usage block; an explicit zero is believed.
 */
export function usageOf(block: Json | undefined): Usage | undefined {
  if (!isObject(block)) return undefined;
  const prompt = count(block["prompt_tokens"]);
  const stated = count(block["completion_tokens"] === undefined ? 0 : block["completion_tokens"]);
  if (prompt === undefined || stated === undefined) return undefined;
  // xAI leaves reasoning out of `completion_tokens`, but not out of the total.
  const completion = Math.max(stated, (count(block["total_tokens"]) ?? 0) - prompt);
  const promptDetails = details(block["prompt_tokens_details"]);
  const completionDetails = details(block["completion_tokens_details"]);
  const cached = count(promptDetails["cached_tokens"] ?? block["prompt_cache_hit_tokens"] ?? 0);
  const cacheRead = Math.min(cached ?? 0, prompt);
  const inputAudio = Math.min(count(promptDetails["audio_tokens"]) ?? 0, prompt - cacheRead);
  const outputAudio = Math.min(count(completionDetails["audio_tokens"]) ?? 0, completion);
  return {
    input: prompt - cacheRead - inputAudio,
    cacheRead,
    inputAudio,
    output: completion - outputAudio,
    outputAudio,
  };
}

/**
 * What an unmetered stream most likely produced: a token per event or per three bytes of text, whichever is more, and
 * within the bound that the provider was sent.
 */
export function estimatedOutputTokens(produced: Produced, outputBound: number): number {
  if (produced.events === 0) return 0;
  const textBytes = produced.bytes - produced.events * produced.eventBytesMin;
  const likely = Math.max(produced.events - 1, tokensOfBytes(textBytes), 1);
  return Math.min(likely, outputBound);
}

export function tokensOfBytes(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}

function details(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function count(value: Json | undefined): number | undefined {
  const counts =
    typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= TOKENS_MAX;
  return counts ? value : undefined;
}
