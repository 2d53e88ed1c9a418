/** The operator's word and the price list's as one price, of which every number can say where it comes from. */

import { createHash } from "node:crypto";
import type { PriceOverride } from "../config/config.ts";
import { picoUsd } from "../money/amount.ts";
import type { Card, GivenRates, RateName } from "../money/price.ts";
import type { BookPrice, PriceOrigin } from "../money/pricing.ts";
import type { ServiceTier } from "../money/usage.ts";
import {
  atMultiple,
  bare,
  completed,
  isTokenRate,
  mapCard,
  overlaid,
  scaled,
  sourced,
  type Fraction,
  type SourcedCard,
  type SourcedRates,
} from "./rates.ts";

/** A price, and the cards that it was made from. */
export interface ResolvedPrice {
  readonly price: BookPrice;
  readonly label: string;
  readonly standard: SourcedCard;
  readonly services: Readonly<Partial<Record<ServiceTier, SourcedCard>>>;
}

export interface PriceSources {
  readonly override: PriceOverride | null;
  readonly listed: SourcedCard | null;
  /** Of the listed prices. */
  readonly multiples: Readonly<Partial<Record<ServiceTier, Fraction>>>;
  /** What the operator gets off everything, in millionths. */
  readonly discountPpm: bigint;
}

const SERVICES: readonly ServiceTier[] = ["flex", "priority", "batch"];
const MILLION = 1_000_000n;

/** Null where neither says enough: half a price is none. */
export function resolvePrice(sources: PriceSources): ResolvedPrice | null {
  const { override, discountPpm } = sources;
  const listed = isComplete(override) ? null : listedFor(sources);
  if (listed === null && !isComplete(override)) return null;
  const given = override === null ? EMPTY : givenCard(override, override.label);
  const raw = overlaid(listed ?? EMPTY, given);
  const services = servicesOf(sources, raw, listed !== null);
  const finish = (card: SourcedCard): SourcedCard =>
    mapCard(discounted(card, discountPpm), completed);
  const origin = override === null ? "list" : "operator";
  const named = { origin, label: override?.label ?? origin } as const;
  return resolved(named, finish(raw), mapServices(services, finish));
}

/** As the operator gave it: nobody's discount is off it, and it is the same at every pace. */
export function resolveFallback(rates: GivenRates): ResolvedPrice {
  const standard = { base: completed(sourced(rates, "fallback")), tiers: [] };
  return resolved({ origin: "fallback", label: "fallback" }, standard, {});
}

const EMPTY: SourcedCard = { base: {}, tiers: [] };

/** With a whole price given the list plays no part: its discounts are off other rates. */
function isComplete(override: PriceOverride | null): boolean {
  const { input, output, ...others } = override?.rates ?? {};
  const both = input !== undefined && output !== undefined;
  // Who prices by the image, second, character or page and names no token price has no token price.
  const byUnit = UNIT_BASES.some((name) => others[name] !== undefined);
  return both || (byUnit && input === undefined && output === undefined);
}

const UNIT_BASES = ["images", "seconds", "characters", "pages"] as const;

function listedFor({ override, listed }: PriceSources): SourcedCard | null {
  const ppm = override?.multiplierPpm ?? null;
  if (listed === null || ppm === null) return listed;
  return mapCard(listed, (rates) => times(rates, ppm));
}

function times(
  rates: SourcedRates,
  ppm: bigint,
  scales?: (name: RateName) => boolean,
): SourcedRates {
  const factor = String(Number(ppm) / 1e6);
  const fraction = { over: ppm, under: MILLION };
  return scaled(rates, fraction, (before) => `${before} × ${factor}`, scales);
}

function givenCard(
  { rates, tiers }: Pick<PriceOverride, "rates" | "tiers">,
  label: string,
): SourcedCard {
  const isByUnit = UNIT_BASES.some((name) => rates[name] !== undefined);
  const isTokenless = isByUnit && rates.input === undefined && rates.output === undefined;
  const free: GivenRates = isTokenless ? { input: picoUsd(0n), output: picoUsd(0n) } : {};
  return {
    base: { ...sourced(free, "priced by other units"), ...sourced(rates, label) },
    tiers: tiers.map((tier) => ({ ...tier, rates: sourced(tier.rates, label) })),
  };
}

/** A card for each pace that has a price of its own, by the provider's list or by the operator. */
function servicesOf(
  { override, multiples }: PriceSources,
  standard: SourcedCard,
  isListed: boolean,
): ResolvedPrice["services"] {
  const cards: Partial<Record<ServiceTier, SourcedCard>> = {};
  for (const service of SERVICES) {
    const multiple = isListed ? multiples[service] : undefined;
    const given = override?.services[service];
    if (multiple === undefined && given === undefined) continue;
    const ppm = given?.multiplierPpm ?? null;
    const scaledCard = mapCard(standard, (rates) => {
      if (ppm !== null) return times(rates, ppm, isTokenRate);
      return multiple === undefined ? rates : atMultiple(rates, multiple, service);
    });
    const over =
      given === undefined ? EMPTY : givenCard(given, `${override?.label ?? ""}, ${service}`);
    cards[service] = overlaid(scaledCard, over);
  }
  return cards;
}

function discounted(card: SourcedCard, discountPpm: bigint): SourcedCard {
  return discountPpm === 0n ? card : mapCard(card, (rates) => times(rates, MILLION - discountPpm));
}

function mapServices(
  services: ResolvedPrice["services"],
  change: (card: SourcedCard) => SourcedCard,
): ResolvedPrice["services"] {
  const entries = Object.entries(services).map(([service, card]) => [service, change(card)]);
  return Object.fromEntries(entries) as ResolvedPrice["services"];
}

function resolved(
  { origin, label }: { readonly origin: PriceOrigin; readonly label: string },
  standard: SourcedCard,
  services: ResolvedPrice["services"],
): ResolvedPrice {
  const cards = {
    ...bareCard(standard),
    services: Object.fromEntries(
      Object.entries(services).map(([service, card]) => [service, bareCard(card)]),
    ),
  };
  return { price: { ...cards, version: versionOf(cards), origin }, label, standard, services };
}

function bareCard({ base, tiers }: SourcedCard): Card {
  return { base: bare(base), tiers: tiers.map((tier) => ({ ...tier, rates: bare(tier.rates) })) };
}

/** Sixteen hex digits tell apart every price that an operator will ever have. */
function versionOf(cards: unknown): string {
  const text = JSON.stringify(cards, (_, value: unknown) =>
    typeof value === "bigint" ? String(value) : isRecord(value) ? sortedKeys(value) : value,
  );
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The order in which rates were put together does not make another price. */
function sortedKeys(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
