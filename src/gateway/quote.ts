/** The most that a call can use and cost, under the price of the deployment that would answer it. */

import type { Quote, QuotedPrice } from "../ledger/command.ts";
import { picoUsd } from "../money/amount.ts";
import { dearestInput, dearestOutput } from "../money/price.ts";
import type { Card, Price, Rates } from "../money/price.ts";
import { isKnown, type BookPrice } from "../money/pricing.ts";
import { USAGE_PARTS, type ServiceTier, type Usage, type UsagePart } from "../money/usage.ts";
import { billableSearches, holdsMedia, possibleServiceTiers } from "./billable.ts";
import type { Call } from "./call.ts";

/** A model whose maximum is not known gets this much; every model that is served today accepts it. */
const OUTPUT_TOKENS_DEFAULT = 4096;

/** About a sentence: a shorter answer is cut off before it says anything, yet costs its whole input. */
const OUTPUT_TOKENS_MIN = 16;

/** What of a call bears on its ceiling. */
export type Quoted = Pick<
  Call,
  "outputTokensMax" | "choices" | "body" | "uploads" | "units" | "isUnbounded"
>;

export function quote(
  call: Quoted,
  price: BookPrice | null,
  inputTokens: number,
  modelOutputTokensMax: number | null,
): Omit<Quote, "markup"> {
  const outputTokens = Math.min(
    call.outputTokensMax ?? modelOutputTokensMax ?? OUTPUT_TOKENS_DEFAULT,
    modelOutputTokensMax ?? Number.MAX_SAFE_INTEGER,
  );
  return {
    inputTokens,
    outputTokens,
    outputTokensMin:
      call.isUnbounded === true ? outputTokens : Math.min(outputTokens, OUTPUT_TOKENS_MIN),
    choices: call.choices,
    price: price === null ? null : quotedPrice(call, price, inputTokens),
  };
}

/** Null where the call may use something that has no price. */
function quotedPrice(
  { body, uploads, units }: Quoted,
  price: BookPrice,
  inputTokens: number,
): QuotedPrice | null {
  const rates = reachable(price, inputTokens, possibleServiceTiers(body));
  const searches = billableSearches(body);
  const used = usedUnits(units ?? {}, searches);
  // How a model bills whose price nobody knows, nobody knows either: each unit has to have a price of its own.
  const alone: Usage = isKnown(price) ? searches : Object.fromEntries(used);
  if (rates.some((each) => !covers(each, used, alone))) return null;
  const hasMedia = (): boolean => uploads.length > 0 || holdsMedia(body);
  let inputPico = BigInt(inputTokens) * inputRate(rates, hasMedia);
  let feesPico = 0n;
  for (const [unit, most] of used) {
    const pico = BigInt(most) * dearest(rates, (rate) => rate[unit]);
    if (ANSWERED.has(unit)) feesPico += pico;
    else inputPico += pico;
  }
  inputPico += dearest(rates, ({ request }) => request);
  return { inputPico, feesPico, outputRate: picoUsd(dearest(rates, dearestOutput)) };
}

/** Units that come about with the answer; seconds, characters and pages are there before it. */
const ANSWERED: ReadonlySet<UsagePart> = new Set(["images", "searches", "fileSearches"]);

function usedUnits(own: Usage, searches: Usage): readonly (readonly [UsagePart, number])[] {
  return USAGE_PARTS.flatMap((part) => {
    const most = (own[part] ?? 0) + (searches[part] ?? 0);
    return most === 0 ? [] : [[part, most] as const];
  });
}

/** Every card at every tier that the input can reach: the true input may be shorter than its bound. */
function reachable(
  price: Price,
  inputTokens: number,
  serviceTiers: readonly ServiceTier[] | null,
): readonly Rates[] {
  const tiers = serviceTiers ?? (Object.keys(price.services) as ServiceTier[]);
  const others = tiers.flatMap((tier) => price.services[tier] ?? []);
  return [price, ...others].flatMap((card: Card) => [
    card.base,
    ...card.tiers.filter((tier) => tier.aboveInputTokens < inputTokens).map((tier) => tier.rates),
  ]);
}

/** Whether there is a price for all that the call may use: tokens or its own units, and what is billed `alone`. */
function covers(
  rates: Rates,
  used: readonly (readonly [UsagePart, number])[],
  alone: Usage,
): boolean {
  if (used.length === 0) return rates.input !== undefined;
  return used.every(
    ([unit]) =>
      rates[unit] !== undefined || (rates.input !== undefined && (alone[unit] ?? 0) === 0),
  );
}

/** What is more than text is looked for only where it would cost more. */
function inputRate(rates: readonly Rates[], hasMedia: () => boolean): bigint {
  const text = dearest(rates, (rate) => dearestInput(rate, false));
  const media = dearest(rates, (rate) => dearestInput(rate, true));
  return media > text && hasMedia() ? media : text;
}

function dearest(rates: readonly Rates[], of: (rates: Rates) => bigint | undefined): bigint {
  return rates.reduce((most, each) => {
    const rate = of(each) ?? 0n;
    return rate > most ? rate : most;
  }, 0n);
}
