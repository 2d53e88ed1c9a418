/** A posting as billing systems are told of it. */

import { formatUsd } from "../money/amount.ts";
import { inputTokens, outputTokens } from "../money/usage.ts";
import type { Posting } from "../ledger/book.ts";

/** A posting that charges a customer something. */
export interface Charge extends Posting {
  readonly customer: string;
}

/** One request tells of one charge. */
export interface UsageRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function isCharge(posting: Posting): posting is Charge {
  return posting.customer !== null && posting.charge !== 0n;
}

/** What of a charge a billing system may bill by, or show. */
export function figuresOf({ charge, cost, facts, usage }: Charge) {
  return {
    charge_usd: formatUsd(charge),
    cost_usd: formatUsd(cost),
    model: facts.model,
    provider: facts.provider,
    input_tokens: inputTokens(usage),
    output_tokens: outputTokens(usage),
  };
}
