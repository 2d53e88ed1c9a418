/** What a call costs and how that came about, so that a posting can explain itself. */

import { ZERO_USD, type NanoUsd, type PicoUsd } from "./amount.ts";
import {
  costAt,
  ratesFor,
  unpricedParts,
  type GivenRates,
  type Price,
  type Rates,
} from "./price.ts";
import { inputTokens, USAGE_PARTS, type ServiceTier, type Usage, type UsagePart } from "./usage.ts";

/** Who set the price; `fallback` where nobody did, and the operator says what to charge until somebody does. */
export type PriceOrigin = "operator" | "list" | "fallback";

/** An entry of the price book. */
export interface BookPrice extends Price {
  /** A hash of every number in it: two postings of one version were priced alike. */
  readonly version: string;
  readonly origin: PriceOrigin;
}

/** Whose figure the cost of a posting is; `none` where nobody has one. */
export type CostOrigin = PriceOrigin | "provider" | "none";

export interface Pricing {
  /** The time whose price applies: that of the call's beginning, epoch milliseconds. */
  readonly at: number;
  readonly origin: CostOrigin;
  /** Of the price book's entry; null where there is none. */
  readonly version: string | null;
  readonly serviceTier: ServiceTier | null;
  /** What the price book makes of the usage; null where it has no price. */
  readonly bookCost: NanoUsd | null;
  /** What the provider says that the call costs; null where it says nothing. */
  readonly statedCost: NanoUsd | null;
}

export interface Priced {
  readonly cost: NanoUsd;
  /** The unit prices that were used; null where the model has none. */
  readonly rates: GivenRates | null;
  /** What was used and has no known price; every part where the model has none, a fallback notwithstanding. */
  readonly unpriced: readonly UsagePart[];
  readonly pricing: Pricing;
}

/** What an answer says that bears on its price. */
export interface Consumed {
  readonly usage: Usage;
  readonly serviceTier: ServiceTier | null;
  readonly statedCost: NanoUsd | null;
  readonly at: number;
}

type KnownPrice = BookPrice & { readonly origin: Exclude<PriceOrigin, "fallback"> };

/** Whether the price is that of the very deployment. */
export function isKnown(price: BookPrice | null): price is KnownPrice {
  return price !== null && price.origin !== "fallback";
}

/** The operator's price comes first, then what the provider says that it bills, the price list, and the fallback. */
export function priced({ usage, ...told }: Consumed, price: BookPrice | null): Priced {
  const { serviceTier, statedCost } = told;
  if (price === null || (statedCost !== null && !isKnown(price))) return withoutBook(usage, told);
  const rates = ratesFor(price, inputTokens(usage), serviceTier);
  const bookCost = costAt(rates, usage);
  const used = usedRates(rates, usage);
  const pricing = { version: price.version, bookCost, ...told };
  if (statedCost !== null && price.origin === "list") {
    return {
      cost: statedCost,
      rates: used,
      unpriced: [],
      pricing: { origin: "provider", ...pricing },
    };
  }
  // What the fallback pays for stays without a price, until somebody knows it.
  const unpriced = isKnown(price) ? unpricedParts(rates, usage) : usedParts(usage);
  return { cost: bookCost, rates: used, unpriced, pricing: { origin: price.origin, ...pricing } };
}

function withoutBook(usage: Usage, told: Omit<Consumed, "usage">): Priced {
  const { statedCost } = told;
  const isStated = statedCost !== null;
  return {
    cost: statedCost ?? ZERO_USD,
    rates: null,
    unpriced: isStated ? [] : usedParts(usage),
    pricing: { origin: isStated ? "provider" : "none", version: null, bookCost: null, ...told },
  };
}

function usedParts(usage: Usage): readonly UsagePart[] {
  return USAGE_PARTS.filter((part) => (usage[part] ?? 0) > 0);
}

/** A posting keeps the rates that made its cost, and not the fifteen others. */
function usedRates(rates: Rates, usage: Usage): GivenRates {
  const used: Partial<Record<keyof Rates, PicoUsd>> = {};
  for (const part of USAGE_PARTS) {
    const rate = rates[part];
    if (rate !== undefined && (usage[part] ?? 0) > 0) used[part] = rate;
  }
  if (rates.request > 0n) used.request = rates.request;
  return used;
}
