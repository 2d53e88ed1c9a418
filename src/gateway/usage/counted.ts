/** What every convention's reader takes and gives, and how it reads a count. */

import type { NanoUsd } from "../../money/amount.ts";
import type { ServiceTier, Usage } from "../../money/usage.ts";
import { isObject, type Json, type JsonObject } from "../../platform/json.ts";

/** What an answer says of its own price. */
export interface Counted {
  /** Fees per search and the like are units among the others. */
  readonly usage: Usage;
  /** False where a stream broke off after its provider had told the input and before it told the output. */
  readonly final: boolean;
  readonly serviceTier: ServiceTier | null;
  /** What the provider itself says that the call costs, where it says so in dollars. */
  readonly statedCost: NanoUsd | null;
}

export type Reading = Pick<Counted, "usage"> & Partial<Counted>;

/** Undefined if the answer holds no usage block, or a broken one. An explicit zero is usage. */
export type Reader = (answer: JsonObject, request: JsonObject) => Reading | undefined;

/** Beyond any context window: a larger count is a fault in the provider's block, not usage. */
const UNITS_MAX = 1_000_000_000;

/** A whole number of units; undefined where there is none. */
export function count(value: Json | undefined): number | undefined {
  const counts =
    typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= UNITS_MAX;
  return counts ? value : undefined;
}

/** The same where silence means none. */
export function countOrNone(value: Json | undefined): number {
  return count(value) ?? 0;
}

/** A started unit is a unit. */
export function countStarted(value: Json | undefined): number | undefined {
  return typeof value === "number" ? count(Math.ceil(value)) : undefined;
}

export function objectIn(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

export function objectsIn(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Takes the named parts out of a total, in order and never more than is left; `rest` gets what remains. */
export function split<Part extends string, Rest extends string>(
  total: number,
  parts: Readonly<Record<Part, number>>,
  rest: Rest,
): Record<Part | Rest, number> {
  let left = total;
  const taken: Partial<Record<Part | Rest, number>> = {};
  for (const part in parts) {
    const amount = Math.min(parts[part], left);
    taken[part] = amount;
    left -= amount;
  }
  taken[rest] = left;
  return taken as Record<Part | Rest, number>;
}

/** The parts that are more than none: a posting need not say twelve times that something did not happen. */
export function present(usage: Usage): Usage {
  return Object.fromEntries(Object.entries(usage).filter(([, units]) => units > 0));
}
