/** From what a call costs the operator to what the customer is charged for it, and back. */

import { nanoUsd, ZERO_USD, type NanoUsd } from "./amount.ts";

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

/** What a markup takes off a cost, and what it puts on; neither is below 0. */
interface MarkedUp {
  readonly discount: NanoUsd;
  readonly margin: NanoUsd;
}

/** The fraction is rounded up to a whole nano-dollar. A call that costs nothing is charged nothing. */
export function markedUp(cost: NanoUsd, markup: Markup | null): MarkedUp {
  if (markup === null || cost === 0n) return { discount: ZERO_USD, margin: ZERO_USD };
  const { ppm, fixed } = markup;
  if (ppm < 0n) return { discount: nanoUsd((cost * -ppm) / MILLION), margin: fixed };
  return { discount: ZERO_USD, margin: nanoUsd((cost * ppm + MILLION - 1n) / MILLION + fixed) };
}

export function chargeOf(cost: NanoUsd, markup: Markup | null): NanoUsd {
  const { discount, margin } = markedUp(cost, markup);
  return nanoUsd(cost - discount + margin);
}

/** The most that a call may cost so that its charge is within this much; below 0 where nothing is. */
export function costWithin(charge: bigint, markup: Markup | null): bigint {
  if (markup === null) return charge;
  const { ppm, fixed } = markup;
  const left = charge - fixed;
  if (left < 0n) return -1n;
  return ppm === -MILLION ? EVERYTHING : (left * MILLION) / (MILLION + ppm);
}

/** The most that a call can have cost that was charged this much; 0 where a charge says nothing of the cost. */
export function costBehind(charge: NanoUsd, markup: Markup | null): NanoUsd {
  const cost = markup?.ppm === -MILLION ? 0n : costWithin(charge, markup);
  return nanoUsd(cost > 0n ? cost : 0n);
}
