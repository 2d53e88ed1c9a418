/** From what a call costs the operator to what the customer is charged for it, and back. */

import { nanoUsd, type NanoUsd } from "./amount.ts";

/** Added to a cost; below 0 it is taken off. Where there is none, the charge is the cost. */
export interface Markup {
  /** Millionths of the cost: 100,000 is 10 %. At least minus a million. */
  readonly ppm: bigint;
  /** Added to every call that costs anything. At least 0. */
  readonly fixed: NanoUsd;
}

const MILLION = 1_000_000n;

/** Far over any budget: the columns of the ledger end there. */
const EVERYTHING = nanoUsd(2n ** 62n);

/** Rounded up to a whole nano-dollar. A call that costs nothing is charged nothing. */
export function chargeOf(cost: NanoUsd, markup: Markup | null): NanoUsd {
  if (markup === null || cost === 0n) return cost;
  const { ppm, fixed } = markup;
  const scaled = cost * (MILLION + ppm);
  return nanoUsd((scaled + MILLION - 1n) / MILLION + fixed);
}

/** The most that a call may cost so that its charge is within this much; below 0 where nothing is. */
export function costWithin(charge: bigint, markup: Markup | null): bigint {
  if (markup === null) return charge;
  const { ppm, fixed } = markup;
  const left = charge - fixed;
  if (left < 0n) return -1n;
  return ppm === -MILLION ? EVERYTHING : (left * MILLION) / (MILLION + ppm);
}
