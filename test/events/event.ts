/** Events with everything filled in that a test does not care about. */

import type { EventData, EventOf } from "../../src/ledger/event.ts";

/** Of the key `sk-1234`. */
export const SK_1234_HASH = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b";

const OF_KEY = { keyHash: SK_1234_HASH, keyAlias: null };

export function tracking(
  customer: string,
  charge: bigint,
  rest: Partial<EventData<"customer.spend_tracked">> = {},
): EventOf<"customer.spend_tracked"> {
  const { model, provider } = { model: "m", provider: "fake" };
  const call = { call: "c", posting: "settled", source: "provider", usage: {} } as const;
  const amounts = { charge: String(charge), cost: String(charge), maxBudget: null };
  const data = { ...call, ...amounts, model, provider, ...OF_KEY, ...rest };
  return { id: `evt_${customer}`, type: "customer.spend_tracked", at: 0, customer, data };
}

/** Of a limit of 10 dollars in January 1970. */
export const OF_LIMIT: EventData<"budget.crossed"> = {
  budget: "b",
  scope: "customer",
  meter: "usd",
  model: null,
  call: "c",
  limit: "10000000000",
  used: "10000000001",
  windowStart: 0,
  windowEnd: 2_678_400_000,
  ...OF_KEY,
};
