/** Prices as someone lists them, with gaps, and the rule that fills the gaps. */

import { picoUsd, type PicoUsd } from "../money/amount.ts";
import type { Price, Rates } from "../money/price.ts";

/** The rates that an operator names, none of them necessary. */
export type GivenRates = Partial<Rates>;

/** The rates that a price list names: everything else can follow from input and output, but not the other way. */
export type ListedRates = GivenRates & { readonly input: PicoUsd; readonly output: PicoUsd };

export interface ListedPrice {
  readonly base: ListedRates;
  /** In ascending order. */
  readonly tiers: readonly { readonly aboveInputTokens: number; readonly rates: ListedRates }[];
}

export function isListed(given: GivenRates): given is ListedRates {
  return given.input !== undefined && given.output !== undefined;
}

/** What the operator gives stands in place of what is listed, in every tier. */
export function completePrice(listed: ListedPrice, given: GivenRates): Price {
  return {
    base: completeRates({ ...listed.base, ...given }),
    tiers: listed.tiers.map(({ aboveInputTokens, rates }) => ({
      aboveInputTokens,
      rates: completeRates({ ...rates, ...given }),
    })),
  };
}

function completeRates(listed: ListedRates): Rates {
  const { input, output, cacheWrite5m } = listed;
  const hour = cacheWrite5m === undefined ? input : anHourOf(cacheWrite5m);
  return {
    input,
    output,
    // Where no discount is listed, none is assumed.
    cacheRead: listed.cacheRead ?? input,
    // Who lists no rate for writing to the cache bills it as input.
    cacheWrite5m: cacheWrite5m ?? input,
    cacheWrite1h: listed.cacheWrite1h ?? hour,
    // Who lists no rate for audio bills it as text.
    inputAudio: listed.inputAudio ?? input,
    cacheReadAudio: listed.cacheRead ?? input,
    inputImage: input,
    reasoning: output,
    outputAudio: listed.outputAudio ?? output,
    outputImage: output,
    request: listed.request ?? picoUsd(0n),
  };
}

/** Anthropic, who alone sells both, asks 1.25 times the input rate for five minutes and twice for an hour. */
function anHourOf(fiveMinutes: PicoUsd): PicoUsd {
  return picoUsd((fiveMinutes * 8n + 4n) / 5n);
}
