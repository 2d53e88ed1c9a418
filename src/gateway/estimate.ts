/** What an answer most likely was, where its provider never said. */

import type { Consumed } from "../money/pricing.ts";
import type { Usage, UsageSource } from "../money/usage.ts";
import type { Produced } from "./meter.ts";

/** Bytes of text per token where the count is not known: English has four, so this leans up. */
const BYTES_PER_TOKEN = 3;

export interface MeteredUsage extends Omit<Consumed, "at"> {
  readonly source: UsageSource;
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

/**
 * Speech that comes as bytes tells no tokens. At an ordinary pace a character is 1.4 tokens of sound; where the model
 * has a price of tokens and none of characters, this leans up.
 */
export function speechInTokens(usage: Usage): Usage {
  const characters = usage.characters ?? 0;
  return { ...usage, input: characters, outputAudio: SPEECH_TOKENS_PER_CHARACTER * characters };
}

const SPEECH_TOKENS_PER_CHARACTER = 2;

export function tokensOfBytes(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}
