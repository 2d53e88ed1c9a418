/** A posting as billing systems are told of it. */

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
