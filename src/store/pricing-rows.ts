/** Prices and markups as JSON in which amounts are strings of digits: a JSON number would lose the last of them. */

import { nanoUsd, picoUsd, type NanoUsd } from "../money/amount.ts";
import type { Markup } from "../money/markup.ts";
import type { GivenRates, RateName } from "../money/price.ts";
import type { Pricing } from "../money/pricing.ts";
import type { UsagePart } from "../money/usage.ts";

export type JsonRates = Readonly<Partial<Record<RateName, string>>>;

export interface JsonMarkup {
  readonly ppm: string;
  readonly fixed: string;
}

export type JsonPricing = Omit<Pricing, "bookCost" | "statedCost"> & {
  readonly bookCost: string | null;
  readonly statedCost: string | null;
};

export function jsonRates(rates: GivenRates): JsonRates {
  const json: Partial<Record<RateName, string>> = {};
  for (const name in rates) json[name as RateName] = String(rates[name as RateName]);
  return json;
}

export function ratesOf(json: JsonRates): GivenRates {
  const entries = Object.entries(json).map(([name, rate]) => [name, picoUsd(BigInt(rate))]);
  return Object.fromEntries(entries) as GivenRates;
}

export function jsonMarkup({ ppm, fixed }: Markup): JsonMarkup {
  return { ppm: String(ppm), fixed: String(fixed) };
}

export function markupOf({ ppm, fixed }: JsonMarkup): Markup {
  return { ppm: BigInt(ppm), fixed: nanoUsd(BigInt(fixed)) };
}

export function jsonPricing(pricing: Pricing): JsonPricing {
  const { bookCost, statedCost } = pricing;
  return { ...pricing, bookCost: textOf(bookCost), statedCost: textOf(statedCost) };
}

export function pricingOf(json: JsonPricing): Pricing {
  const { bookCost, statedCost } = json;
  return { ...json, bookCost: amountOf(bookCost), statedCost: amountOf(statedCost) };
}

/** The text of a column, or null where there is nothing to say. */
export function columnOf<T>(value: T | null, json: (value: T) => unknown): string | null {
  return value === null ? null : JSON.stringify(json(value));
}

/** The other way round. */
export function readColumn<T>(text: string | null, read: (json: never) => T): T | null {
  return text === null ? null : read(JSON.parse(text) as never);
}

/** As a list of names, so that an index can tell the postings that have any. */
export function unpricedText(parts: readonly UsagePart[]): string | null {
  return parts.length === 0 ? null : parts.join(" ");
}

export function unpricedOf(text: string | null): readonly UsagePart[] {
  return text === null ? [] : (text.split(" ") as UsagePart[]);
}

function textOf(amount: NanoUsd | null): string | null {
  return amount === null ? null : String(amount);
}

function amountOf(text: string | null): NanoUsd | null {
  return text === null ? null : nanoUsd(BigInt(text));
}
