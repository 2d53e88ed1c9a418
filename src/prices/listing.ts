/** Reads the catalogue's prices, which are floats per million, as whole pico-dollars per token. */

import type { ModelPrice, TieredPrices } from "@pydantic/genai-prices";
import { parsePrice, picoUsd, type PicoUsd } from "../money/amount.ts";
import type { Rates } from "../money/price.ts";
import type { GivenRates, ListedPrice, ListedRates } from "./rates.ts";

interface Listed {
  readonly key: string;
  /** How many tokens or requests the listed number pays for. */
  readonly units: bigint;
}

const LISTED_AS = {
  input: { key: "input_mtok", units: 1_000_000n },
  cacheRead: { key: "cache_read_mtok", units: 1_000_000n },
  cacheWrite5m: { key: "cache_write_mtok", units: 1_000_000n },
  cacheWrite1h: { key: "cache_write_1h_mtok", units: 1_000_000n },
  inputAudio: { key: "input_audio_mtok", units: 1_000_000n },
  output: { key: "output_mtok", units: 1_000_000n },
  outputAudio: { key: "output_audio_mtok", units: 1_000_000n },
  request: { key: "requests_kcount", units: 1000n },
} satisfies Readonly<Partial<Record<keyof Rates, Listed>>>;

const PARTS = Object.keys(LISTED_AS) as readonly (keyof typeof LISTED_AS)[];

/** Usage does not tell these tokens from text, and they cost up to ten times as much. */
const NOT_COUNTED_APART = /_(?:image|video)_/;

/** Null if the model does not bill by tokens that usage counts; an empty listing names no price, not a price of 0. */
export function readListing(prices: ModelPrice): ListedPrice | null {
  if (prices["input_mtok"] === undefined) return null;
  if (Object.keys(prices).some((key) => NOT_COUNTED_APART.test(key))) return null;
  return {
    base: ratesAbove(prices, null),
    tiers: thresholds(prices).map((aboveInputTokens) => ({
      aboveInputTokens,
      rates: ratesAbove(prices, aboveInputTokens),
    })),
  };
}

/** The dollars listed for so many units, per unit, to the nearest pico-dollar. */
export function perUnit(dollars: number, units: bigint): PicoUsd {
  const price = parsePrice(dollars);
  if (price === undefined || price < 0n) throw new Error(`not a list price: ${dollars}`);
  return picoUsd((price + units / 2n) / units);
}

/** A model with no output rate makes embeddings; should it ever say something, that costs what input does. */
function ratesAbove(prices: ModelPrice, threshold: number | null): ListedRates {
  const listed = PARTS.flatMap((part) => {
    const { key, units } = LISTED_AS[part];
    const price = prices[key];
    return price === undefined ? [] : [[part, perUnit(priceAbove(price, threshold), units)]];
  });
  const rates = Object.fromEntries(listed) as GivenRates & { readonly input: PicoUsd };
  return { output: rates.input, ...rates };
}

/** Every input length above which any of the prices changes. */
function thresholds(prices: ModelPrice): readonly number[] {
  const starts = Object.values(prices).flatMap((price) =>
    isTiered(price) ? price.tiers.map((tier) => tier.start) : [],
  );
  return [...new Set(starts)].toSorted((a, b) => a - b);
}

function priceAbove(price: number | TieredPrices, threshold: number | null): number {
  if (!isTiered(price)) return price;
  if (threshold === null) return price.base;
  return price.tiers.findLast((tier) => tier.start <= threshold)?.price ?? price.base;
}

function isTiered(price: number | TieredPrices | undefined): price is TieredPrices {
  return typeof price === "object";
}
