/** A provider's usage block as disjoint parts that add up to its totals: one reader for each convention. */

import { isObject, type Json, type JsonObject } from "../platform/json.ts";
import { readAnthropic } from "./usage/anthropic.ts";
import { readBedrock } from "./usage/bedrock.ts";
import { readCohere, readRerank } from "./usage/cohere.ts";
import { present, type Counted, type Reader } from "./usage/counted.ts";
import { readGemini } from "./usage/gemini.ts";
import {
  readChat,
  readEmbeddings,
  readImages,
  readResponses,
  readSpeech,
  readTranscription,
} from "./usage/openai.ts";
import { statedCost } from "./usage/stated-cost.ts";

const READERS = {
  openai_chat: readChat,
  openai_responses: readResponses,
  openai_embeddings: readEmbeddings,
  openai_images: readImages,
  openai_transcription: readTranscription,
  openai_speech: readSpeech,
  anthropic: readAnthropic,
  gemini: readGemini,
  bedrock: readBedrock,
  cohere: readCohere,
  rerank: readRerank,
} satisfies Readonly<Record<string, Reader>>;

export type Convention = keyof typeof READERS;

/** An answer and what is needed to understand it. */
export interface Told {
  readonly convention: Convention;
  readonly provider: string;
  /** The whole answer, what `heard` collected of a stream, or the usage block alone. */
  readonly answer: Json | undefined;
  /** The body that was sent: a few providers leave out what it says already. */
  readonly request: JsonObject;
}

/** Undefined where the answer holds no usage, or a broken block; an explicit zero is believed. */
export function usageOf({
  convention,
  provider,
  answer: given,
  request,
}: Told): Counted | undefined {
  // Speech is bytes: all that is known of it is what was to be said.
  const answer = given === undefined && convention === "openai_speech" ? {} : given;
  if (!isObject(answer)) return undefined;
  const whole = tellsUsage(answer) ? answer : around(answer);
  const reading = READERS[convention](whole, request);
  if (reading === undefined) return undefined;
  return {
    final: true,
    serviceTier: null,
    statedCost: statedCost(provider, whole["usage"]),
    ...reading,
    usage: present(reading.usage),
  };
}

/** Whether it holds a block of usage, in whichever convention. */
export function tellsUsage(answer: JsonObject): boolean {
  return BLOCKS.some((name) => isObject(answer[name]));
}

/**
 * What a stream has told so far, with one more of its events; give the result to `usageOf` when it ends. Only events
 * that hold `"usage` need to come here. Later numbers replace earlier ones, as providers count on from event to event.
 */
export function heard(earlier: JsonObject | null, event: JsonObject): JsonObject {
  const told = unwrapped(event);
  const kept: Record<string, Json | undefined> = { ...earlier };
  for (const field of KEPT) if (isTold(told[field])) kept[field] = told[field];
  for (const block of BLOCKS) {
    if (isObject(told[block])) kept[block] = { ...blockOf(earlier, block), ...said(told[block]) };
  }
  return kept;
}

const BLOCKS = ["usage", "usageMetadata", "meta"];

/** What besides the usage block has a price. */
const KEPT = ["model", "modelVersion", "service_tier", "serviceTier", "output", "candidates"];

/** The Responses API, Anthropic and Cohere wrap what they tell into the event that tells it. */
function unwrapped(event: JsonObject): JsonObject {
  const { response, message, delta } = event;
  if (isObject(response)) return response;
  if (isObject(message)) return begun(message);
  return isObject(delta) && isObject(delta["usage"]) ? delta : event;
}

/** Anthropic's first event counts an output of one token or so, which is not what the answer will be. */
function begun(message: JsonObject): JsonObject {
  const { usage } = message;
  return isObject(usage) ? { ...message, usage: { ...usage, output_tokens: null } } : message;
}

function blockOf(answer: JsonObject | null, name: string): JsonObject {
  const block = answer?.[name];
  return isObject(block) ? block : {};
}

/** A null says nothing, and must not hide what was said before. */
function said(block: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(block).filter(([, value]) => value !== null));
}

/** An event whose candidates only speak must not hide the grounding that an earlier one told of. */
function isTold(value: Json | undefined): boolean {
  if (value === undefined || value === null) return false;
  if (!Array.isArray(value)) return true;
  return value.some((item) => isObject(item) && TELLING.some((name) => name in item));
}

/** Items of `output` have a type; candidates matter for what they searched. */
const TELLING = ["type", "groundingMetadata"];

/** The block alone was given. */
function around(block: JsonObject): JsonObject {
  return { ...block, usage: block, usageMetadata: block, meta: block };
}
