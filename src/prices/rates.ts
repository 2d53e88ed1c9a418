/** Rates that remember where they came from, and the rules that fill the gaps between them. */

import { picoUsd, type PicoUsd } from "../money/amount.ts";
import type { GivenRates, RateName, Rates } from "../money/price.ts";
import { isCountedUnit } from "../money/usage.ts";

export interface SourcedRate {
  readonly rate: PicoUsd;
  /** For people: `list`, `list × 0.85`, `operator`, `as input`. */
  readonly origin: string;
}

export type SourcedRates = Readonly<Partial<Record<RateName, SourcedRate>>>;

/** In ascending order. */
export interface SourcedTier {
  readonly aboveInputTokens: number;
  readonly rates: SourcedRates;
}

export interface SourcedCard {
  readonly base: SourcedRates;
  readonly tiers: readonly SourcedTier[];
}

/** A factor as two integers, because 5/3 is no decimal. */
export interface Fraction {
  readonly over: bigint;
  readonly under: bigint;
}

export function sourced(rates: GivenRates, origin: string): SourcedRates {
  return mapRates(rates, (rate) => ({ rate, origin }));
}

/** To the nearest pico-dollar; `names` says which rates. */
export function scaled(
  rates: SourcedRates,
  { over, under }: Fraction,
  origin: (before: string) => string,
  scales: (name: RateName) => boolean = () => true,
): SourcedRates {
  return mapRates(rates, (each, name) => {
    if (!scales(name)) return each;
    const rate = picoUsd((each.rate * over * 2n + under) / (under * 2n));
    return { rate, origin: origin(each.origin) };
  });
}

export function mapCard(
  { base, tiers }: SourcedCard,
  change: (rates: SourcedRates) => SourcedRates,
): SourcedCard {
  return {
    base: change(base),
    tiers: tiers.map((tier) => ({ ...tier, rates: change(tier.rates) })),
  };
}

/** What the second card names stands in place of what the first does, in every tier that is not the second's own. */
export function overlaid(under: SourcedCard, over: SourcedCard): SourcedCard {
  const starts = [...under.tiers, ...over.tiers].map((tier) => tier.aboveInputTokens);
  const thresholds = [...new Set(starts)].toSorted((a, b) => a - b);
  return {
    base: { ...under.base, ...over.base },
    tiers: thresholds.map((aboveInputTokens) => ({
      aboveInputTokens,
      rates: {
        ...at(under, aboveInputTokens),
        ...over.base,
        ...at({ base: {}, tiers: over.tiers }, aboveInputTokens),
      },
    })),
  };
}

function at({ base, tiers }: SourcedCard, threshold: number): SourcedRates {
  return tiers.findLast((tier) => tier.aboveInputTokens <= threshold)?.rates ?? base;
}

/** The gaps filled by what the missing part is a kind of. A part that is a kind of nothing stays without a rate. */
export function completed(listed: SourcedRates): SourcedRates {
  const rates: Partial<Record<RateName, SourcedRate>> = { ...listed };
  for (const [name, like] of KIND_OF) {
    const source = rates[name] === undefined ? rates[like] : undefined;
    if (source === undefined) continue;
    const isHour = name === "cacheWrite1h" && listed.cacheWrite5m !== undefined;
    const rate = isHour ? anHourOf(source.rate) : source.rate;
    rates[name] = { rate, origin: isHour ? "1.6 × cacheWrite5m" : `as ${like}` };
  }
  return { ...rates, request: rates.request ?? { rate: picoUsd(0n), origin: "none listed" } };
}

/**
 * Where no discount for reading from the cache is listed, none is assumed; who lists no rate for writing to it, for
 * audio, images or reasoning bills them as what they are a kind of.
 */
const KIND_OF: readonly (readonly [RateName, RateName])[] = [
  ["cacheRead", "input"],
  ["cacheReadAudio", "inputAudio"],
  ["cacheReadAudio", "cacheRead"],
  ["cacheWrite5m", "input"],
  ["cacheWrite1h", "cacheWrite5m"],
  ["inputAudio", "input"],
  ["inputImage", "input"],
  ["reasoning", "output"],
  ["outputAudio", "output"],
  ["outputImage", "output"],
];

/** Anthropic, who alone sells both, asks 1.25 times the input rate for five minutes and twice for an hour. */
function anHourOf(fiveMinutes: PicoUsd): PicoUsd {
  return picoUsd((fiveMinutes * 8n + 4n) / 5n);
}

export function bare(rates: SourcedRates): Rates {
  return mapRates(rates, ({ rate }) => rate) as Rates;
}

function mapRates<A, B>(
  rates: Readonly<Partial<Record<RateName, A>>>,
  change: (value: A, name: RateName) => B,
): Readonly<Partial<Record<RateName, B>>> {
  const entries = Object.entries(rates) as [RateName, A][];
  const changed = entries.map(([name, value]) => [name, change(value, name)]);
  return Object.fromEntries(changed) as Partial<Record<RateName, B>>;
}

/** Not of units that are counted otherwise, and not of the call itself. */
export function isTokenRate(name: RateName): boolean {
  return name !== "request" && !isCountedUnit(name);
}

/** A provider's multiples are of its own list of tokens, and not of the operator's prices; `why` is for people. */
export function atMultiple(rates: SourcedRates, multiple: Fraction, why: string): SourcedRates {
  const isListedToken = (name: RateName): boolean =>
    isTokenRate(name) && rates[name]?.origin.startsWith("list") === true;
  return scaled(rates, multiple, (before) => `${before}, ${why}`, isListedToken);
}
