/** Reads the catalogue's prices, which are floats per million, as whole pico-dollars per unit. */

import type { ModelPrice, TieredPrices } from "@pydantic/genai-prices";
import { parsePrice, picoUsd, type PicoUsd } from "../money/amount.ts";
import type { RateName } from "../money/price.ts";
import { sourced, type SourcedCard, type SourcedRates } from "./rates.ts";

const PER_MILLION = 1_000_000n;
const PER_THOUSAND = 1000n;
const SECONDS_PER_HOUR = 3600n;

interface Listed {
  readonly rate: RateName;
  /** How many units the listed number pays for. */
  readonly units: bigint;
}

const LISTED: Readonly<Record<string, Listed>> = {
  input_mtok: { rate: "input", units: PER_MILLION },
  cache_read_mtok: { rate: "cacheRead", units: PER_MILLION },
  cache_write_mtok: { rate: "cacheWrite5m", units: PER_MILLION },
  cache_write_5m_mtok: { rate: "cacheWrite5m", units: PER_MILLION },
  cache_write_1h_mtok: { rate: "cacheWrite1h", units: PER_MILLION },
  input_audio_mtok: { rate: "inputAudio", units: PER_MILLION },
  cache_audio_read_mtok: { rate: "cacheReadAudio", units: PER_MILLION },
  input_image_mtok: { rate: "inputImage", units: PER_MILLION },
  output_mtok: { rate: "output", units: PER_MILLION },
  output_reasoning_mtok: { rate: "reasoning", units: PER_MILLION },
  output_audio_mtok: { rate: "outputAudio", units: PER_MILLION },
  output_image_mtok: { rate: "outputImage", units: PER_MILLION },
  input_mchars: { rate: "characters", units: PER_MILLION },
  input_audio_hours: { rate: "seconds", units: SECONDS_PER_HOUR },
  input_document_kpages: { rate: "pages", units: PER_THOUSAND },
  web_searches_kcount: { rate: "searches", units: PER_THOUSAND },
  storage_searches_kcount: { rate: "fileSearches", units: PER_THOUSAND },
  requests_kcount: { rate: "request", units: PER_THOUSAND },
};

/**
 * Of uses that no served route has (cached images, whole conversations of speech, pages with annotations), and
 * citations, which are counted as output and cost less.
 */
const LEFT_OUT = new Set([
  "cache_image_read_mtok",
  "audio_hours",
  "output_citation_mtok",
  "input_annotated_document_kpages",
]);

/** A model is priced by one of these; everything else that a list may name is an addition to it. */
const BASES: readonly RateName[] = ["input", "seconds", "characters", "pages"];

/**
 * Null if the model bills something that usage does not tell apart: a price that is wrong is worse than none. An empty
 * listing names no price, not a price of 0.
 */
export function readListing(prices: ModelPrice): SourcedCard | null {
  const keys = Object.keys(prices).filter((key) => prices[key] !== undefined);
  if (!keys.every((key) => key in LISTED || LEFT_OUT.has(key))) return null;
  const base = ratesAbove(prices, null);
  if (BASES.every((name) => base[name] === undefined)) return null;
  return {
    base,
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

function ratesAbove(prices: ModelPrice, threshold: number | null): SourcedRates {
  const listed = Object.entries(LISTED).flatMap(([key, { rate, units }]) => {
    const price = prices[key];
    return price === undefined ? [] : [[rate, perUnit(priceAbove(price, threshold), units)]];
  });
  const rates = sourced(Object.fromEntries(listed), "list");
  // A model with no output rate makes embeddings; should it ever say something, that costs what input does.
  const { input } = rates;
  return input === undefined ? rates : { output: { ...input, origin: "as input" }, ...rates };
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
