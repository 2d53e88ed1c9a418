/** Every key that names a price: LiteLLM's, which are dollars per unit, and Purser's own below `prices`. */

import type { PicoUsd } from "../money/amount.ts";
import type { RateName } from "../money/price.ts";
import type { ServiceTier } from "../money/usage.ts";
import type { Key } from "./key.ts";
import { parseSearchPrice, parseThousandPrice } from "./search-price.ts";
import { parseAmount, parseDay, parseFraction, parseMultiplier } from "./settings.ts";
import {
  oneOf,
  parseList,
  parseMapping,
  parseText,
  parseUnitPrice,
  wholeNumber,
  type Parse,
} from "./value.ts";

/** What one of LiteLLM's keys is the price of. */
export interface FlatPrice {
  readonly rate: RateName;
  readonly about: string;
  readonly aboveInputTokens?: number;
  readonly service?: ServiceTier;
  /** Where the value is no number of dollars per unit. */
  readonly parse?: Parse<PicoUsd>;
}

const TOKENS = {
  input_cost_per_token: { rate: "input", about: "Dollars per input token." },
  output_cost_per_token: { rate: "output", about: "Dollars per output token." },
  cache_read_input_token_cost: {
    rate: "cacheRead",
    about: "Dollars per input token that the provider read from its cache.",
  },
  cache_creation_input_token_cost: {
    rate: "cacheWrite5m",
    about: "Dollars per input token that the provider wrote to its cache.",
  },
} as const satisfies Readonly<Record<string, FlatPrice>>;

const OTHERS = {
  cache_creation_input_token_cost_above_1hr: {
    rate: "cacheWrite1h",
    about: "The same for an hour.",
  },
  cache_creation_input_token_cost_above_1hr_above_200k_tokens: {
    rate: "cacheWrite1h",
    about: "The same of a call with a longer input.",
    aboveInputTokens: 200_000,
  },
  cache_read_input_audio_token_cost: {
    rate: "cacheReadAudio",
    about: "Dollars per input token of audio that the provider read from its cache.",
  },
  input_cost_per_audio_token: { rate: "inputAudio", about: "Dollars per input token of audio." },
  output_cost_per_audio_token: { rate: "outputAudio", about: "Dollars per output token of audio." },
  input_cost_per_image_token: { rate: "inputImage", about: "Dollars per input token of an image." },
  output_cost_per_image_token: {
    rate: "outputImage",
    about: "Dollars per output token of an image.",
  },
  output_cost_per_reasoning_token: {
    rate: "reasoning",
    about: "Dollars per output token of reasoning.",
  },
  output_cost_per_image: { rate: "images", about: "Dollars per image made." },
  input_cost_per_image: {
    rate: "images",
    about: "The same; only with `mode` `image_generation` or `image_edit`.",
  },
  input_cost_per_second: { rate: "seconds", about: "Dollars per second of audio heard." },
  output_cost_per_second: {
    rate: "seconds",
    about: "The same, and before it; only with `mode` `audio_transcription`.",
  },
  input_cost_per_character: { rate: "characters", about: "Dollars per character spoken." },
  input_cost_per_query: { rate: "searches", about: "Dollars per search of a rerank." },
  search_context_cost_per_query: {
    rate: "searches",
    about: "Dollars per search of the web, which must be the same for every size.",
    parse: parseSearchPrice,
  },
  file_search_cost_per_1k_calls: {
    rate: "fileSearches",
    about: "Dollars per thousand searches of stored files.",
    parse: parseThousandPrice,
  },
  ocr_cost_per_page: { rate: "pages", about: "Dollars per page read." },
  input_cost_per_request: { rate: "request", about: "Dollars per call, besides its tokens." },
} as const satisfies Readonly<Record<string, FlatPrice>>;

/** In thousands of tokens: the lengths at which LiteLLM knows prices to change. */
const THRESHOLDS = [128, 200, 256, 272, 512] as const;
const SERVICES = ["flex", "priority"] as const;

type TokenKey = keyof typeof TOKENS;
type LongKey = `${TokenKey}_above_${(typeof THRESHOLDS)[number]}k_tokens`;
type ServiceKey = `${TokenKey | LongKey}_${(typeof SERVICES)[number]}`;
type FlatKey = TokenKey | keyof typeof OTHERS | LongKey | ServiceKey;

/** By LiteLLM's key. */
export const FLAT_PRICES = { ...TOKENS, ...OTHERS, ...long(), ...served() } as Readonly<
  Record<FlatKey, FlatPrice>
>;

/** As keys of `litellm_params` and of `model_info`. */
export const PRICE_KEYS = Object.fromEntries(
  Object.entries<FlatPrice>(FLAT_PRICES).map(([name, { about, parse = parseUnitPrice }]) => [
    name,
    { parse, about },
  ]),
) as Readonly<Record<FlatKey, Key<PicoUsd>>>;

function long(): Readonly<Record<string, FlatPrice>> {
  const entries = Object.entries(TOKENS).flatMap(([name, price]) =>
    THRESHOLDS.map((thousands) => {
      const about = `The same once the input is longer than ${thousands},000 tokens, for the whole call.`;
      const key = `${name}_above_${thousands}k_tokens`;
      return [key, { rate: price.rate, about, aboveInputTokens: thousands * 1000 }] as const;
    }),
  );
  return Object.fromEntries(entries);
}

function served(): Readonly<Record<string, FlatPrice>> {
  const entries = Object.entries<FlatPrice>({ ...TOKENS, ...long() }).flatMap(([name, price]) =>
    SERVICES.map((service) => {
      const about = `\`${name}\` of a call that the provider served as ${service}.`;
      return [`${name}_${service}`, { ...price, about, service }] as const;
    }),
  );
  return Object.fromEntries(entries);
}

/** By Purser's key; those of tokens and characters are per million unless `unit` says otherwise. */
export const OWN_RATES = {
  input: { rate: "input", perMillion: true, about: "Input tokens." },
  cache_read: { rate: "cacheRead", perMillion: true, about: "Input tokens read from the cache." },
  cache_write: {
    rate: "cacheWrite5m",
    perMillion: true,
    about: "Input tokens written to the cache.",
  },
  cache_write_1h: { rate: "cacheWrite1h", perMillion: true, about: "The same for an hour." },
  input_audio: { rate: "inputAudio", perMillion: true, about: "Input tokens of audio." },
  cache_read_audio: {
    rate: "cacheReadAudio",
    perMillion: true,
    about: "Input tokens of audio read from the cache.",
  },
  input_image: { rate: "inputImage", perMillion: true, about: "Input tokens of images." },
  output: { rate: "output", perMillion: true, about: "Output tokens." },
  reasoning: { rate: "reasoning", perMillion: true, about: "Output tokens of reasoning." },
  output_audio: { rate: "outputAudio", perMillion: true, about: "Output tokens of audio." },
  output_image: { rate: "outputImage", perMillion: true, about: "Output tokens of images." },
  character: { rate: "characters", perMillion: true, about: "Characters spoken." },
  image: { rate: "images", perMillion: false, about: "One image made." },
  second: { rate: "seconds", perMillion: false, about: "One second of audio heard." },
  page: { rate: "pages", perMillion: false, about: "One page read." },
  search: { rate: "searches", perMillion: false, about: "One search, of the web or of a rerank." },
  file_search: { rate: "fileSearches", perMillion: false, about: "One search of stored files." },
  request: { rate: "request", perMillion: false, about: "One call, besides what it uses." },
} as const satisfies Readonly<
  Record<string, { readonly rate: RateName; readonly perMillion: boolean; readonly about: string }>
>;

const OWN_RATE_KEYS = Object.fromEntries(
  Object.entries(OWN_RATES).map(([name, { about }]) => [name, { parse: parseUnitPrice, about }]),
) as Readonly<Record<keyof typeof OWN_RATES, Key<PicoUsd>>>;

const UNIT = {
  parse: oneOf(["million", "token"]),
  about: "How many tokens, or characters, a price is for.",
  default: "`million`",
} as const;
export const FALLBACK_CURE = "add it: the dearest that a model of yours may turn out to be";
const MULTIPLIER = { parse: parseMultiplier };
const TIERS = { parse: parseList, about: "Prices of long calls, see below." };

/** The parts of `prices`. */
export const OWN_PRICE_KEYS = {
  price: {
    from: {
      parse: parseDay,
      about: "The day from which the entry holds, in place of the one above it, or a time.",
      default: "always",
    },
    label: {
      parse: parseText,
      about: "Where the numbers come from: shown beside each of them.",
      default: "`operator`",
    },
    unit: UNIT,
    multiplier: { ...MULTIPLIER, about: "Of the list price: `0.85` is 15 % off." },
    ...OWN_RATE_KEYS,
    tiers: TIERS,
    flex: { parse: parseMapping, about: "Of calls served as flex, see below." },
    priority: { parse: parseMapping, about: "Of calls served as priority." },
    batch: { parse: parseMapping, about: "Of calls served as batch." },
  },
  price_tier: {
    above_input_tokens: {
      parse: wholeNumber({ min: 1, max: 1e9, what: "a whole number", example: 200_000 }),
      about: "The whole call has these prices once its input is longer than this.",
      required: "add the number of tokens",
    },
    ...OWN_RATE_KEYS,
  },
  price_service: {
    multiplier: { ...MULTIPLIER, about: "Of the standard price." },
    ...OWN_RATE_KEYS,
    tiers: TIERS,
  },
  price_fallback: {
    unit: UNIT,
    ...OWN_RATE_KEYS,
    input: { ...OWN_RATE_KEYS.input, required: FALLBACK_CURE },
    output: { ...OWN_RATE_KEYS.output, required: FALLBACK_CURE },
  },
} as const;

/** Of a margin that has two parts. */
export const MARGIN_KEYS = {
  percentage: { parse: parseFraction, about: "A fraction of the cost: `0.1` is 10 %." },
  fixed_amount: { parse: parseAmount, about: "Dollars per call that costs anything." },
} as const;
