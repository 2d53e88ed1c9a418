/** What providers ask for a call that is served at another pace, as a multiple of their standard price. */

import type { ServiceTier } from "../money/usage.ts";
import type { Fraction } from "./rates.ts";

type Multiples = Readonly<Partial<Record<ServiceTier, Fraction>>>;

const HALF: Fraction = { over: 1n, under: 2n };
const TWICE: Fraction = { over: 2n, under: 1n };

/**
 * OpenAI's page of priority prices (openai.com/api-priority-processing, read in November 2026) as multiples of the
 * standard ones, which hold for input, cached input and output alike.
 */
const OPENAI_PRIORITY: ReadonlyMap<string, Fraction> = new Map([
  ["gpt-5.5", { over: 5n, under: 2n }],
  ["gpt-5.4", TWICE],
  ["gpt-5.4-mini", TWICE],
  ["gpt-5.2", TWICE],
  ["gpt-5.1", TWICE],
  ["gpt-5.1-codex", TWICE],
  ["gpt-5", TWICE],
  ["gpt-5-codex", TWICE],
  ["gpt-5-mini", { over: 9n, under: 5n }],
  ["gpt-4.1", { over: 7n, under: 4n }],
  ["gpt-4.1-mini", { over: 7n, under: 4n }],
  ["gpt-4.1-nano", TWICE],
  ["gpt-4o", { over: 17n, under: 10n }],
  ["gpt-4o-2024-05-13", { over: 7n, under: 4n }],
  ["gpt-4o-mini", { over: 5n, under: 3n }],
  ["o3", { over: 7n, under: 4n }],
  ["o4-mini", { over: 20n, under: 11n }],
]);

/** Of newer models the dearest multiple so far is assumed: a price that is too low would be charged in silence. */
const NEWER = /^gpt-(?:[5-9]|\d\d)/;
const DEAREST: Fraction = { over: 5n, under: 2n };

/** Google's page of service tiers asks 75 to 100 % more for priority (ai.google.dev/gemini-api/docs/optimization). */
const GEMINI: Multiples = { flex: HALF, batch: HALF, priority: TWICE };

/**
 * `names` are those of the model, the most exact first. Nothing where a provider has no such price: its calls then cost
 * the standard one, whatever the provider calls them.
 */
export function serviceMultiples(provider: string, names: readonly string[]): Multiples {
  if (provider === "gemini" || provider === "vertex_ai") return GEMINI;
  if (provider !== "openai" && provider !== "azure") return {};
  const listed = names.map((name) => OPENAI_PRIORITY.get(name)).find((each) => each !== undefined);
  const priority = listed ?? (names.some((name) => NEWER.test(name)) ? DEAREST : undefined);
  return priority === undefined ? {} : { flex: HALF, batch: HALF, priority };
}
