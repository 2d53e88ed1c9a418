/** Unit prices of one deployment and what a usage costs under them. */

import { nanoFromPico, picoUsd, type NanoUsd, type PicoUsd } from "./amount.ts";
import { isCountedUnit, USAGE_PARTS } from "./usage.ts";
import type { ServiceTier, Usage, UsagePart } from "./usage.ts";

/** What can have a rate: a unit of each part, and the call itself. */
export type RateName = UsagePart | "request";

/** Some rates, in pico-dollars per unit. */
export type GivenRates = Readonly<Partial<Record<RateName, PicoUsd>>>;

/** The rates that a call is billed by. A part without one has no known price, which is not the same as 0. */
export type Rates = GivenRates & { readonly request: PicoUsd };

/** Rates that hold for the whole call once its input is longer than `aboveInputTokens`: a cliff, not a slope. */
export interface Tier {
  readonly aboveInputTokens: number;
  readonly rates: Rates;
}

/** The tiers are in ascending order. */
export interface Card {
  readonly base: Rates;
  readonly tiers: readonly Tier[];
}

/** The standard card, and those of calls that were served otherwise. */
export interface Price extends Card {
  readonly services: Readonly<Partial<Record<ServiceTier, Card>>>;
}

/** The rates that apply to a call with this much input, of all kinds together, as the provider served it. */
export function ratesFor(
  price: Price,
  totalInputTokens: number,
  service: ServiceTier | null = null,
): Rates {
  const card = (service === null ? undefined : price.services[service]) ?? price;
  return (
    card.tiers.findLast((tier) => totalInputTokens > tier.aboveInputTokens)?.rates ?? card.base
  );
}

/** Rounded up once, at the end: rounding each part would add a unit per part. */
export function costAt(rates: Rates, usage: Usage): NanoUsd {
  let pico: bigint = rates.request;
  for (const part of USAGE_PARTS) {
    const units = usage[part];
    if (units !== undefined) pico += BigInt(units) * (rates[part] ?? 0n);
  }
  return nanoFromPico(pico);
}

/** What was used and has no known price. Whoever bills by the token does not bill seconds besides, nor the reverse. */
export function unpricedParts(rates: Rates, usage: Usage): readonly UsagePart[] {
  const used = USAGE_PARTS.filter((part) => (usage[part] ?? 0) > 0);
  const paid = used.filter((part) => rates[part] !== undefined);
  const byToken = paid.some((part) => !isCountedUnit(part));
  const byUnit = rates.input === undefined && paid.some((part) => BILLED_AS_TOKENS.has(part));
  return used.filter((part) => {
    if (rates[part] !== undefined) return false;
    return isCountedUnit(part) ? !byToken || !BILLED_AS_TOKENS.has(part) : !byUnit;
  });
}

/** Units that a model may bill in tokens. */

const BILLED_AS_TOKENS: ReadonlySet<UsagePart> = new Set([
  "images",
  "seconds",
  "characters",
  "pages",
]);

/** The dearest rate a token of input can be billed at: a provider may choose to write any of it to its cache. */
export function dearestInput(rates: Rates, hasMedia: boolean): PicoUsd {
  const text = [rates.input, rates.cacheRead, rates.cacheWrite5m, rates.cacheWrite1h];
  const media = [rates.inputAudio, rates.cacheReadAudio, rates.inputImage];
  return dearest(hasMedia ? [...text, ...media] : text);
}

/** The dearest rate a token of output can be billed at. */
export function dearestOutput(rates: Rates): PicoUsd {
  return dearest([rates.output, rates.reasoning, rates.outputAudio, rates.outputImage]);
}

function dearest(rates: readonly (PicoUsd | undefined)[]): PicoUsd {
  return rates.reduce<PicoUsd>((most, rate = most) => (rate > most ? rate : most), picoUsd(0n));
}
