/** What the failed attempts of a call have cost: that much is spent, whatever becomes of the rest of the call. */

import { nanoUsd, picoFromNano, type NanoUsd } from "../money/amount.ts";
import type { CallFacts } from "./book.ts";
import type { Quote } from "./command.ts";

type Attempted = Pick<CallFacts, "attempts">;

export function spentOn({ attempts = [] }: Attempted): NanoUsd {
  return nanoUsd(attempts.reduce((total, { billed }) => total + (billed?.cost ?? 0n), 0n));
}

/** The next attempt is admitted only where there is room for it beside what is spent. */
export function withSpent<Priced extends Pick<Quote, "price">>(
  quote: Priced,
  attempted: Attempted,
): Priced {
  const { price } = quote;
  if (price === null) return quote;
  const inputPico = price.inputPico + picoFromNano(spentOn(attempted));
  return { ...quote, price: { ...price, inputPico } };
}
