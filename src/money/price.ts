/** Unit prices of one deployment and what a usage costs under them. */

import { nanoFromPico, picoUsd, type NanoUsd, type PicoUsd } from "./amount.ts";
import { inputTokens, USAGE_PARTS, type Usage, type UsagePart } from "./usage.ts";

/** Pico-dollars per unit of each part that has a price, and per request. */
export type Rates = Readonly<Partial<Record<UsagePart, PicoUsd>>> & { readonly request: PicoUsd };

/** Rates that hold for the whole call once its input is longer than `aboveInputTokens`: a cliff, not a slope. */
export interface Tier {
  readonly aboveInputTokens: number;
  readonly rates: Rates;
}

/** The tiers are in ascending order. */
export interface Price {
  readonly base: Rates;
  readonly tiers: readonly Tier[];
}

/** The rates that apply to a call with this much input, of all kinds together. */
export function ratesFor(price: Price, totalInputTokens: number): Rates {
  return (
    price.tiers.findLast((tier) => totalInputTokens > tier.aboveInputTokens)?.rates ?? price.base
  );
}

/** Rounded up once, at the end: rounding each part would add a unit per part. */
export function cost(usage: Usage, price: Price): NanoUsd {
  const rates = ratesFor(price, inputTokens(usage));
  const pico = USAGE_PARTS.reduce(
    (total, part) => total + BigInt(usage[part] ?? 0) * (rates[part] ?? 0n),
    BigInt(rates.request),
  );
  return nanoFromPico(pico);
}

/** The dearest rate a token of text input can be billed at: a provider may choose to write it to its cache. */
export function dearestInput(rates: Rates): PicoUsd {
  return dearest([rates.input, rates.cacheWrite5m, rates.cacheWrite1h]);
}

/** The dearest rate a token of output can be billed at. */
export function dearestOutput(rates: Rates): PicoUsd {
  return dearest([rates.output, rates.reasoning, rates.outputAudio, rates.outputImage]);
}

function dearest(rates: readonly (PicoUsd | undefined)[]): PicoUsd {
  return rates.reduce<PicoUsd>((most, rate = most) => (rate > most ? rate : most), picoUsd(0n));
}
