/** Unit prices of one deployment and what a usage costs under them. */

import { nanoFromPico, picoUsd, type NanoUsd, type PicoUsd } from "./amount.ts";
import { inputTokens, USAGE_PARTS, type Usage, type UsagePart } from "./usage.ts";

/** Pico-dollars per token for every part, and per request. */
export type Rates = Readonly<Record<UsagePart, PicoUsd>> & { readonly request: PicoUsd };

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
    (total, part) => total + BigInt(usage[part] ?? 0) * rates[part],
    BigInt(rates.request),
  );
  return nanoFromPico(pico);
}

/** The dearest rate a token of text input can be billed at: a provider may choose to write it to its cache. */
export function dearestInput(rates: Rates): PicoUsd {
  return [rates.input, rates.cacheWrite5m, rates.cacheWrite1h].reduce(max, picoUsd(0n));
}

function max(a: PicoUsd, b: PicoUsd): PicoUsd {
  return a > b ? a : b;
}
